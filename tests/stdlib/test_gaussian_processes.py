"""`std.gp`: covariances against their closed forms, latent and marginal processes against SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import pdflang

X = np.array([-1.0, 0.2, 0.2, 1.5, 4.0])
NEW = np.array([0.0, 3.0])
ALPHA, RHO = 1.7, 0.9
R = np.abs(X[:, None] - X)


def matern(nu: float) -> Callable[[Any], Any]:
    """The general form, Rasmussen and Williams (2006), eq. 4.14: 1 at r = 0."""

    def correlation(r: Any) -> Any:
        scaled = np.sqrt(2 * nu) * np.where(r == 0, 1.0, r) / RHO
        return np.where(r == 0, 1.0, 2 ** (1 - nu) / special.gamma(nu) * scaled**nu * special.kv(nu, scaled))

    return correlation


CORRELATIONS: dict[str, Callable[[Any], Any]] = {
    "squared_exponential": lambda r: np.exp(-(r**2) / (2 * RHO**2)),
    "matern12": matern(0.5),
    "matern32": matern(1.5),
    "matern52": matern(2.5),
}


@pytest.mark.parametrize("name", CORRELATIONS)
def test_covariances_are_their_formulas(name: str) -> None:
    text = f"""use std.gp: {name}
    data x[N]
    data new[M]
    param alpha ~ HalfNormal(1)
    param rho ~ Gamma(2, 1)
    output own = {name}(x, x, alpha, rho)
    output cross = {name}(new, x, alpha, rho)"""
    found = pdflang.loads(text, data={"x": X, "new": NEW}).derived({"alpha": ALPHA, "rho": RHO})
    correlation = CORRELATIONS[name]
    np.testing.assert_allclose(found["own"], ALPHA**2 * correlation(R), rtol=1e-12)
    np.testing.assert_allclose(found["cross"], ALPHA**2 * correlation(np.abs(NEW[:, None] - X)), rtol=1e-12)


def test_a_periodic_process_repeats_itself() -> None:
    text = """use std.gp: periodic
    param rho ~ Gamma(2, 1)
    output k = periodic([0, 0.5, 1, 2.5], [0], 2, rho, 1)"""
    (k,) = np.asarray(pdflang.loads(text).derived({"rho": 0.8})["k"]).T
    np.testing.assert_allclose(k, 4 * np.exp(-2 * np.array([0, 1, 0, 1]) / 0.8**2), rtol=1e-12)


MARGINAL = """use std.gp: squared_exponential
data x[N]
data y[N]
data new[M]
param mean ~ Normal(0, 1)
param alpha ~ HalfNormal(1)
param rho ~ Gamma(2, 1)
param sigma ~ HalfNormal(1)
let cov = add_diag(squared_exponential(x, x, alpha, rho), sigma^2)
observe y ~ MvNormal(mean for i in N, cov = cov)
output predicted = mean + squared_exponential(new, x, alpha, rho) @ linear_solve(cov, y - mean)"""

PARAMS = {"mean": 0.3, "alpha": ALPHA, "rho": RHO, "sigma": 0.4}
Y = np.array([0.5, 1.0, 1.3, -0.2, 0.1])
COV = ALPHA**2 * CORRELATIONS["squared_exponential"](R) + 0.16 * np.eye(5)


def test_a_marginal_process_has_the_density_of_its_normal_vector() -> None:
    """Two of the points are one: only their noise is independent."""
    model = pdflang.loads(MARGINAL, data={"x": X, "y": Y, "new": NEW})
    prior = stats.norm.logpdf(0.3) + stats.halfnorm.logpdf([ALPHA, 0.4]).sum() + stats.gamma.logpdf(RHO, 2)
    expected = prior + stats.multivariate_normal.logpdf(Y, np.full(5, 0.3), COV)
    assert float(model.log_density(PARAMS)) == pytest.approx(expected, rel=1e-11)
    cross = ALPHA**2 * CORRELATIONS["squared_exponential"](np.abs(NEW[:, None] - X))
    predicted = 0.3 + cross @ np.linalg.solve(COV, Y - 0.3)
    np.testing.assert_allclose(model.derived(PARAMS)["predicted"], predicted, rtol=1e-11)


def test_a_latent_process_has_its_covariance() -> None:
    text = """use std.gp: matern32
    data x[N]
    data n[N]: int
    param z[N] ~ Normal(0, 1)
    param rho ~ Gamma(2, 1)
    let f = cholesky(add_diag(matern32(x, x, 1.7, rho), 1e-10)) @ z
    observe n ~ Poisson(exp(f))
    output log_rate = f"""
    model = pdflang.loads(text, data={"x": X, "n": np.array([1, 0, 2, 3, 1])})
    z = np.array([0.3, -1.0, 0.5, 2.0, -0.4])
    factor = np.linalg.cholesky(ALPHA**2 * CORRELATIONS["matern32"](R) + 1e-10 * np.eye(5))
    np.testing.assert_allclose(model.derived({"z": z, "rho": RHO})["log_rate"], factor @ z, rtol=1e-6)
    expected = stats.norm.logpdf(z).sum() + stats.gamma.logpdf(RHO, 2)
    expected += stats.poisson.logpmf([1, 0, 2, 3, 1], np.exp(factor @ z)).sum()
    assert float(model.log_density({"z": z, "rho": RHO})) == pytest.approx(expected, rel=1e-6)


def test_a_diagonal_may_differ_from_entry_to_entry_and_its_length_is_asked_for() -> None:
    text = """data x[N]
    data m[N, N]
    param a ~ Normal(0, 1)
    output by_entry = add_diag(m, a*x)
    output several = add_diag(m, a*i) for i in 2
    output count = len(x) + len(m[0]) + len(x[1:]) + a"""
    matrix = np.arange(25.0).reshape(5, 5)
    found = pdflang.loads(text, data={"x": X, "m": matrix}).derived({"a": 2.0})
    np.testing.assert_array_equal(found["by_entry"], matrix + np.diag(2 * X))
    np.testing.assert_array_equal(found["several"], [matrix, matrix + 2 * np.eye(5)])
    assert float(found["count"]) == 5 + 5 + 4 + 2
