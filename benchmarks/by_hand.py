"""Log-densities as a physicist who knows JAX writes them by hand, Jacobians and constants included.

Each function gives the density of unconstrained z and the arrays that it takes as its second argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from proxy import BINS, LOWER, UPPER, A, B, C, gauss
from scipy.special import log_ndtr

Density = Callable[[Any, Any], Any]


def proxy(kind: str, data: dict[str, Any]) -> tuple[Density, dict[str, Any]]:
    """The proxy problem; z are the logarithms of the parameters."""
    locations, scales = (np.array([row[i] for row in (C, A, B)] * 2) for i in (0, 1))
    kept = 2 * float(sum(log_ndtr(mean / sd) for mean, sd in (A, B)))
    constant = -float(np.log(scales * np.sqrt(2 * np.pi)).sum()) - kept
    is_log = np.array([True, False, False] * 2)

    def prior(z: Any) -> Any:
        value = jnp.where(is_log, z, jnp.exp(z))
        jacobian = z[1] + z[2] + z[4] + z[5]
        return constant + jacobian - 0.5 * jnp.sum(((value - locations) / scales) ** 2)

    def densities(z: Any, logs: tuple[Any, Any]) -> tuple[Any, Any]:
        p = jnp.exp(z)
        u, d = (jnp.exp(z[i] + p[i + 1] * logs[0] + p[i + 2] * logs[1]) for i in (0, 3))
        return u, d

    def logs(x: Any) -> tuple[Any, Any]:
        return np.log(x), np.log1p(-x)

    if kind == "binned":
        x, w = gauss(np.linspace(LOWER, UPPER, BINS + 1), 8)
        counts = [np.asarray(data[name], float) for name in ("n_p", "n_n")]
        constant -= float(sum(np.sum(gammaln(n + 1)) for n in counts))

        def binned(z: Any, a: dict[str, Any]) -> Any:
            u, d = (jnp.sum(a["weights"] * f, axis=1) for f in densities(z, a["grid"]))
            p, n = 4 * u + d, u + 4 * d
            counted = jnp.sum(a["n_p"] * jnp.log(p) - p) + jnp.sum(a["n_n"] * jnp.log(n) - n)
            return prior(z) + counted

        return binned, {"grid": logs(x), "weights": data["lumi"] * w, "n_p": counts[0], "n_n": counts[1]}

    # Gauss nodes in the logit of x, where powers of x and 1 - x are smooth.
    ends = np.log(np.array([LOWER, UPPER])) - np.log1p(-np.array([LOWER, UPPER]))
    t, w = (part.ravel() for part in gauss(ends, 40))
    x = 1 / (1 + np.exp(-t))
    w = w * x * (1 - x)
    constant += (len(data["events_p"]) + len(data["events_n"])) * float(np.log(data["lumi"]))

    def unbinned(z: Any, a: dict[str, Any]) -> Any:
        u, d = densities(z, a["grid"])
        total = 5 * jnp.sum(a["weights"] * (u + d))
        (u_p, d_p), (u_n, d_n) = densities(z, a["events_p"]), densities(z, a["events_n"])
        return prior(z) + jnp.sum(jnp.log(4 * u_p + d_p)) + jnp.sum(jnp.log(u_n + 4 * d_n)) - total

    events = {name: logs(data[name]) for name in ("events_p", "events_n")}
    return unbinned, {"grid": logs(x), "weights": data["lumi"] * w, **events}


def dis(model: Any) -> tuple[Density, dict[str, Any]]:
    """The fit of examples/dis; `model` gives the data, the FK tables and the factorised covariance."""
    from jax.scipy.linalg import solve_triangular

    from pdflang.backend.runtime.special import beta

    prepared = {name: np.asarray(value) for name, value in model.bound.arrays.items()}
    x = prepared["fk1.xgrid"]
    inside = x < 1
    x, table = x[inside], prepared["fk1.table"][..., inside]
    arrays = dis_covariance(model, table, x)
    grid = np.geomspace(1e-5, 0.9, 50)
    arrays |= {"log_x": np.log(x), "log_rest": np.log1p(-x), "x2": x**2}
    arrays |= {"log_grid": np.log(grid), "log_grid_rest": np.log1p(-grid)}
    means = np.array([0.7, 3.5, 0.0, 0.7, 4.0, -0.1, 5.0, -1.0, -0.2, 7.0])
    scales = np.array([0.3, 1.0, 1.0, 0.3, 1.0, 0.3, 2.0, 1.0, 0.1, 2.0])
    ends = np.array([0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, -1.0, 0.0])
    is_log = np.isin(np.arange(10), (2, 7))
    kept = float(np.sum(log_ndtr((means - ends) / scales)[~is_log]))
    constant = -float(np.log(scales * np.sqrt(2 * np.pi)).sum()) - kept
    constant -= float(np.log(np.diag(arrays["scale_tril"])).sum()) + 0.5 * len(arrays["y"]) * np.log(
        2 * np.pi
    )

    def density(z: Any, a: dict[str, Any]) -> Any:
        p = ends + jnp.exp(z)
        prior = jnp.sum(jnp.where(is_log, 0.0, z)) - 0.5 * jnp.sum(
            (jnp.where(is_log, z, p) - means) ** 2 / scales**2
        )
        a_uv, b_uv, e_uv, a_dv, b_dv, a_g, b_g, c_s, a_s, b_s = p
        A_uv = 2 / (beta(a_uv, b_uv + 1) + e_uv * beta(a_uv + 2, b_uv + 1))
        A_dv = 1 / beta(a_dv, b_dv + 1)
        rest = A_uv * (beta(a_uv + 1, b_uv + 1) + e_uv * beta(a_uv + 3, b_uv + 1)) + A_dv * beta(
            a_dv + 1, b_dv + 1
        )
        A_g = (1 - rest - c_s * beta(a_s + 1, b_s + 1)) / beta(a_g + 1, b_g + 1)

        def power(c: Any, a_: Any, b_: Any, log_x: Any, log_rest: Any) -> Any:
            return c * jnp.exp(a_ * log_x + b_ * log_rest)

        at = a["log_x"], a["log_rest"]
        uv = power(A_uv, a_uv, b_uv, *at) * (1 + e_uv * a["x2"])
        dv, sea, gluon = power(A_dv, a_dv, b_dv, *at), power(c_s, a_s, b_s, *at), power(A_g, a_g, b_g, *at)
        rows = jnp.stack([gluon, uv + 0.2 * sea, 0.2 * sea, dv + 0.2 * sea, 0.2 * sea, 0.1 * sea, 0.1 * sea])
        white = solve_triangular(a["scale_tril"], a["y"] - jnp.tensordot(a["table"], rows), lower=True)
        negative = jnp.maximum(-power(A_g, a_g, b_g, a["log_grid"], a["log_grid_rest"]), 0.0)
        return constant + prior - 0.5 * jnp.sum(white**2) - 1e3 * jnp.sum(negative**2)

    return density, arrays


def dis_covariance(model: Any, table: np.ndarray, x: np.ndarray) -> dict[str, Any]:
    """The data and the factor of the covariance, whose multiplicative errors scale the earlier fit (t0)."""
    return {
        "y": np.asarray(model.bound.arrays["bcdms.central"]),
        "table": table,
        "scale_tril": np.linalg.cholesky(covariance_of(model)),
    }


def covariance_of(model: Any) -> np.ndarray:
    """The covariance that the model prepared, as data for the density by hand."""
    factor = next(
        array
        for array in model.arrays.values()
        if np.ndim(array) == 2 and array.shape[0] == array.shape[1] and not np.triu(array, 1).any()
    )
    return factor @ factor.T
