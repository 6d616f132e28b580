"""Finite mixtures, summed over which component each datum is of, against SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import pdflang

RANDOM = np.random.default_rng(3)
Y = 2 * RANDOM.normal(size=9)
COUNTS = RANDOM.poisson(2, size=9)
SHARES = RANDOM.dirichlet([1, 2, 1], size=9)
MU, SIGMA, THETA = np.array([-2.0, 0.5, 3.0]), np.array([0.7, 1.0, 1.6]), np.array([0.2, 0.5, 0.3])

PRIORS = "param mu[3] ~ Normal(0, 3)\nparam sigma[3] ~ HalfNormal(2)\nparam theta ~ Dirichlet([2, 2, 2])\n"
LOG_PRIOR = (
    stats.norm.logpdf(MU, 0, 3).sum() + stats.halfnorm.logpdf(SIGMA, scale=2).sum()
    + stats.dirichlet.logpdf(THETA, [2, 2, 2])
)  # fmt: skip


def summed(weights: Any, *log_probs: Any) -> float:
    with np.errstate(divide="ignore"):
        return float(np.sum(special.logsumexp(np.stack(log_probs, axis=-1) + np.log(weights), axis=-1)))


def of_normals(weights: Any) -> float:
    return summed(weights, *(stats.norm.logpdf(Y, m, s) for m, s in zip(MU, SIGMA, strict=True)))


_WRITTEN = "[Normal(mu[0], sigma[0]), Normal(mu[1], sigma[1]), Normal(mu[2], sigma[2])]"

CASES: dict[str, tuple[str, Callable[[], float]]] = {
    "weights that are parameters": (f"observe y ~ Mixture(theta, {_WRITTEN})", lambda: of_normals(THETA)),
    "weights that are data": (
        f"data w[3]\nobserve y ~ Mixture(w, {_WRITTEN})\noutput t = theta[0]", lambda: of_normals(SHARES[0]),
    ),
    "weights of each datum": (
        f"data s[N, 3]\nobserve y[i in N] ~ Mixture(s[i], {_WRITTEN})\noutput t = theta[0]",
        lambda: of_normals(SHARES),
    ),
    "weights that follow both": (
        f"data s[N, 3]\nobserve y[i in N] ~ Mixture(s[i]*theta/dot(s[i], theta), {_WRITTEN})",
        lambda: of_normals(SHARES * THETA / (SHARES @ THETA)[:, None]),
    ),
    "components over a number": (
        "observe y ~ Mixture(theta, Normal(mu[k], sigma[k]) for k in 3)", lambda: of_normals(THETA),
    ),
    "truncated components over a number": (
        "observe y ~ Mixture(theta, Normal(mu[k], sigma[k]) in (mu[k] - 9, inf) for k in 3)",
        lambda: summed(THETA, *(stats.truncnorm(-9 / SIGMA[k], np.inf, MU[k], SIGMA[k]).logpdf(Y) for k in range(3))),
    ),
    "components over an index": (
        "index kind = low, middle, high\nobserve y ~ Mixture(theta, Normal(mu[k], sigma[k]) for k in kind)",
        lambda: of_normals(THETA),
    ),
    "components over an array": (
        "observe y ~ Mixture(theta, Normal(m, sigma[0]) for m in mu)\noutput s = sigma",
        lambda: summed(THETA, *(stats.norm.logpdf(Y, m, SIGMA[0]) for m in MU)),
    ),
    "an excess of zeros": (
        "data n[N]: int\nobserve n ~ Mixture([theta[0], 1 - theta[0]], [Poisson(0), Poisson(sigma[0])])\n"
        "observe y ~ Normal(mu[0], 1)",
        lambda: summed([0.2, 0.8], stats.poisson.logpmf(COUNTS, 0), stats.poisson.logpmf(COUNTS, 0.7))
        + stats.norm.logpdf(Y, MU[0]).sum(),
    ),
    "different families, one truncated": (
        "observe y ~ Mixture(\n"
        "theta, [Normal(mu[0], 1) in (-inf, 2*sigma[2]), Cauchy(mu[1], 1), StudentT(4, 0, sigma[2])])",
        lambda: summed(
            THETA,
            np.where(Y < 3.2, stats.norm.logpdf(Y, MU[0]) - stats.norm.logcdf(3.2 - MU[0]), -np.inf),
            stats.cauchy.logpdf(Y, MU[1]),
            stats.t.logpdf(Y, 4, 0, SIGMA[2]),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_summed_over_components(name: str) -> None:
    text, expected = CASES[name]
    data = {"y": Y, "n": COUNTS, "w": SHARES[0], "s": SHARES}
    text = f"data y[N]\n{PRIORS}{text}"
    model = pdflang.loads(text, data={key: value for key, value in data.items() if f"data {key}[" in text})
    params = {"mu": MU, "sigma": SIGMA, "theta": THETA}
    assert float(model.log_density(params)) == pytest.approx(LOG_PRIOR + expected(), rel=1e-12)


def test_simulated_data_are_of_the_mixture() -> None:
    model = pdflang.loads("data y[N]\nparam w ~ Beta(1, 1)\nobserve y ~ Mixture([w, 1 - w], Normal(8*k, 1) for k in 2)",
                          data={"y": np.zeros(4000)})  # fmt: skip
    drawn = np.asarray(model.simulate(2, {"w": 0.3})["y"])
    found = stats.kstest(drawn, lambda y: 0.3 * stats.norm.cdf(y) + 0.7 * stats.norm.cdf(y, 8))
    assert found.pvalue > 1e-3
