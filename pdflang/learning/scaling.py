"""Parameters and data in units that networks like, without the part of their dependence that is linear.

What is left of a vector when the best linear prediction is taken away has covariance 1: a flow that changes nothing is
then the normal approximation, and learns what is beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.learning.layout import Part
from pdflang.learning.pairs import Pairs

if TYPE_CHECKING:
    import jax

Scales = dict[str, np.ndarray]
"""Means, spreads and maps by name: arrays, which functions of JAX are given as arguments."""

_JITTER = 1e-9

_FAR = 5.0
"""Spreads from where on numbers of data count as their logarithm: under heavy tails networks would see little else."""


def scales_of(parts: Sequence[Part], pairs: Pairs) -> Scales:
    """The scales of parameters and data."""
    import jax

    scales: Scales = {"z mean": pairs.z.mean(axis=0), "z sd": spread_of(pairs.z)}
    for part in parts:
        values = pairs.data[part.name]
        if part.is_set:
            values = values[_mask(pairs, part.name)]
        scales[f"{part.name} center"], scales[f"{part.name} spread"] = typical(values)
    with jax.enable_x64(True):
        raw = np.asarray(jax.jit(jax.vmap(lambda data: _statistics(parts, scales, data)))(pairs.data))
    return {**scales, "statistics mean": raw.mean(axis=0), "statistics sd": spread_of(raw)}


def standard_z(scales: Mapping[str, Any], z: Any) -> Any:
    """Parameters in units of their spread under the prior."""
    return (z - scales["z mean"]) / scales["z sd"]


def statistics(parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> jax.Array:
    """Vectors, and moments of sets, as one vector of numbers of order 1."""
    return (_statistics(parts, scales, data) - scales["statistics mean"]) / scales["statistics sd"]


def rows_of(part: Part, scales: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
    """The rows of a set in units of their spread, (room, width), and whether each is there, (room,)."""
    import jax.numpy as jnp

    rows = (data[part.name] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
    there = jnp.arange(rows.shape[0]) < data[f"{part.name} count"]
    return rows * there[:, None], there


def vector_of(parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> jax.Array:
    """All vectors of data, one after the other, in units of their spread."""
    import jax.numpy as jnp

    vectors = [(data[p.name] - scales[f"{p.name} center"]) / scales[f"{p.name} spread"] for p in parts if not p.is_set]
    return jnp.concatenate([jnp.zeros(0), *vectors])


def _statistics(parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> jax.Array:
    import jax.numpy as jnp

    found = [_moderate(vector_of(parts, scales, data))]
    for part in parts:
        if not part.is_set:
            continue
        spread, count = scales[f"{part.name} spread"], data[f"{part.name} count"]
        mean = jnp.where(count > 0, (data[f"{part.name} mean"] - scales[f"{part.name} center"]) / spread, 0.0)
        variance = data[f"{part.name} variance"] / spread**2
        found += [_moderate(mean), jnp.log(variance + 1e-3), jnp.log1p(count)[None]]
    return jnp.concatenate(found)


def linear_scales(name: str, target: np.ndarray, known: np.ndarray) -> Scales:
    """How a target (n, d) is predicted of what is known (n, k): a matrix (k, d), and a triangle (d, d) of the rest.

    The ridge is of the size of what noise puts in the place of k numbers.
    """
    width = known.shape[1]
    gram = known.T @ known + max(1.0, width) * np.eye(width)
    matrix = np.linalg.solve(gram, known.T @ target)
    rest = target - known @ matrix
    covariance = np.atleast_2d(np.cov(rest.T, bias=True))
    size = max(np.trace(covariance) / len(covariance), 1e-12)
    triangle = np.linalg.cholesky(covariance + _JITTER * size * np.eye(len(covariance)))
    return {f"{name} matrix": matrix, f"{name} triangle": triangle}


def whitened(name: str, scales: Mapping[str, Any], target: Any, known: Any) -> Any:
    """What is left of a target (d,) beside its linear prediction, with covariance 1."""
    from jax.scipy.linalg import solve_triangular

    return solve_triangular(scales[f"{name} triangle"], target - known @ scales[f"{name} matrix"], lower=True)


def unwhitened(name: str, scales: Mapping[str, Any], left: Any, known: Any) -> Any:
    """The target (d,) of what is left of it."""
    return scales[f"{name} triangle"] @ left + known @ scales[f"{name} matrix"]


def log_scale(name: str, scales: Mapping[str, Any]) -> Any:
    """The log-determinant of the triangle."""
    import jax.numpy as jnp

    return jnp.log(jnp.diagonal(scales[f"{name} triangle"])).sum()


def _mask(pairs: Pairs, name: str) -> np.ndarray:
    return np.arange(pairs.data[name].shape[1]) < pairs.data[f"{name} count"][:, None]


def spread_of(values: np.ndarray) -> np.ndarray:
    """Standard deviations, 1 where all values are the same."""
    spread = values.std(axis=0)
    return np.where(spread > 1e-12 * (1 + np.abs(values.mean(axis=0))), spread, 1.0)


def typical(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The medians and half the widths of the central 68 %; means and standard deviations where most are the same."""
    low, middle, high = np.quantile(values, (0.16, 0.5, 0.84), axis=0)
    varies = high - low > 1e-12 * (1 + np.abs(middle))
    return np.where(varies, middle, values.mean(axis=0)), np.where(varies, (high - low) / 2, spread_of(values))


def _moderate(values: Any) -> Any:
    """Far values nearer; smooth, and the same elsewhere."""
    import jax.numpy as jnp

    size = jnp.abs(values)
    far = _FAR + jnp.log1p(jnp.maximum(size - _FAR, 0.0))
    return jnp.where(size > _FAR, jnp.sign(values) * far, values)
