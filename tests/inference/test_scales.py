"""Badly scaled posteriors with flat priors sample as well as tame ones, with the options that are the default."""

from __future__ import annotations

from typing import Any

import arviz_stats
import numpy as np
import pytest
from scipy.special import gammaln

import pdflang

LINE = """data x[N]
data y[N]
param a ~ Flat()
param b ~ Flat()
param sigma ~ Flat() in (0, inf)
observe y ~ Normal(a + b*x, sigma)"""

RANDOM = np.random.default_rng(6)
N = 50
NOISE = RANDOM.normal(size=N)
DESIGNS = {
    "centred": RANDOM.normal(size=N),
    "far from zero": RANDOM.uniform(100, 200, size=N),
    "years": 1990 + 0.5 * np.arange(N),
}


def sampled(x: Any, y: Any, seed: int) -> Any:
    return pdflang.loads(LINE, data={"x": x, "y": y}).sample(seed=seed)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_regression_of_large_numbers_agrees_with_its_closed_form(name: str) -> None:
    x = DESIGNS[name]
    y = 1e4 + 1.5e4 * x + 2e4 * NOISE
    fitted = sampled(x, y, seed=2)
    assert int(fitted["sample_stats"]["diverging"].sum()) == 0

    # A flat prior leaves n − 3 degrees of freedom: σ² is inverse-gamma, the coefficients are Student's t.
    design = np.stack([np.ones(N), x], axis=1)
    centre, (squares,), *_ = np.linalg.lstsq(design, y, rcond=None)
    freedom = N - 3
    spread = np.sqrt(squares / (freedom - 2) * np.diag(np.linalg.inv(design.T @ design)))
    sigma = np.sqrt(squares / 2) * np.exp(gammaln((freedom - 1) / 2) - gammaln(freedom / 2))
    spread_of_sigma = np.sqrt(squares / (freedom - 2) - sigma**2)

    rhat, error = arviz_stats.rhat(fitted), arviz_stats.mcse(fitted)
    expected = {"a": (centre[0], spread[0]), "b": (centre[1], spread[1]), "sigma": (sigma, spread_of_sigma)}
    for parameter, (mean, sd) in expected.items():
        draws = fitted["posterior"][parameter]
        assert float(rhat[parameter]) < 1.01
        assert abs(float(draws.mean()) - mean) <= 4 * float(error[parameter])
        assert float(draws.std()) == pytest.approx(sd, rel=0.08)


def test_it_costs_what_the_same_regression_of_small_numbers_costs() -> None:
    x = DESIGNS["centred"]
    y = 0.5 + 0.75 * x + NOISE
    tame, wild = (sampled(x, scale * y, seed=3)["sample_stats"] for scale in (1, 2e4))
    steps = [float(found["n_steps"].mean()) for found in (tame, wild)]
    assert steps[1] <= 1.2 * steps[0]
    assert int(wild["n_steps"].sizes["draw"]) == int(tame["n_steps"].sizes["draw"])


def test_more_dimensions_than_a_start_climbs_in_are_scaled_during_the_warmup() -> None:
    text = "data y[N, K]\nparam a[K] ~ Flat()\nobserve y ~ Normal(a, 2e4)"
    y = 1e4 + 2e4 * RANDOM.normal(size=(20, 250))
    fitted = pdflang.loads(text, data={"y": y}).sample(seed=1)
    assert int(fitted["sample_stats"]["diverging"].sum()) == 0
    assert float(arviz_stats.rhat(fitted)["a"].max()) < 1.01
    a = fitted["posterior"]["a"]
    standard = (a.mean(("chain", "draw")) - y.mean(axis=0)) / arviz_stats.mcse(fitted)["a"]
    assert float(abs(standard).max()) < 5
    np.testing.assert_allclose(a.std(("chain", "draw")), 2e4 / np.sqrt(20), rtol=0.12)
