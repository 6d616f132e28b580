"""What the simulator draws is what the density describes."""

from __future__ import annotations

import jax
import numpy as np
from scipy import integrate, stats

import pdflang

TEXT = """
data events[N]
data counts[3]: int
param c ~ LogNormal(5, 0.3)
param a ~ Normal(0.3, 0.3) in (-0.9, inf)
nuisance s ~ Normal(1, 0.1) in (0, inf)
pdf f(x) = c * x^a * (1 - x)^3
observe events ~ PoissonProcess(s * f, over = (0.05, 0.9))
observe counts ~ Poisson(2 * s * (f |> bins([0, 0.1, 0.4, 1])))
"""
PARAMS = {"c": 900.0, "a": -0.4, "s": 1.1}
RUNS = 60


def model() -> pdflang.embedding.Model:
    return pdflang.loads(TEXT, data={"events": [0.1, 0.2, 0.5], "counts": [3, 2, 1]})


def density(x: np.ndarray | float) -> np.ndarray | float:
    return 1.1 * 900.0 * x**-0.4 * (1 - x) ** 3


def test_events_follow_the_intensity_and_counts_are_poisson() -> None:
    compiled = model()
    drawn = [compiled.simulate(seed, PARAMS) for seed in range(RUNS)]
    grid = np.linspace(0.05, 0.9, 2001)
    cumulative = integrate.cumulative_simpson(density(grid), x=grid, initial=0)
    events = np.concatenate([np.asarray(run["events"]) for run in drawn])
    assert events.min() >= 0.05 and events.max() <= 0.9
    test = stats.kstest(events, lambda x: np.interp(x, grid, cumulative / cumulative[-1]))
    assert test.pvalue > 1e-3
    numbers = np.array([len(run["events"]) for run in drawn])
    assert abs(numbers.mean() - cumulative[-1]) < 4 * np.sqrt(cumulative[-1] / RUNS)
    # The spread of Poisson counts: (n − 1) s²/μ is χ² with n − 1 degrees of freedom.
    assert 1e-3 < stats.chi2.cdf((RUNS - 1) * numbers.var(ddof=1) / cumulative[-1], RUNS - 1) < 1 - 1e-3
    expected = [2 * integrate.quad(density, *ends)[0] for ends in ((0, 0.1), (0.1, 0.4), (0.4, 1))]
    counts = np.array([np.asarray(run["counts"]) for run in drawn]).sum(0)
    assert np.all(stats.poisson.sf(counts, np.array(expected) * RUNS) > 1e-4)
    assert np.all(stats.poisson.cdf(counts, np.array(expected) * RUNS) > 1e-4)


def test_the_expected_slope_is_zero() -> None:
    """E[∇ log p(data | parameters)] = 0 where data are drawn at these parameters."""
    compiled = model()
    slopes = []
    for seed in range(RUNS):
        data = compiled.simulate(seed, PARAMS)
        other = compiled.rebind({"events": np.asarray(data["events"]), "counts": np.asarray(data["counts"])})

        def log_likelihood(params: dict[str, jax.Array], other: pdflang.embedding.Model = other) -> jax.Array:
            terms = other.functions.module.log_likelihood(params, other.arrays)
            return sum(jax.numpy.sum(term) for term in terms.values())

        with jax.enable_x64(True):
            slope = jax.grad(log_likelihood)({n: jax.numpy.asarray(v) for n, v in PARAMS.items()})
        slopes.append([float(slope[name]) for name in PARAMS])
    table = np.array(slopes)
    z = table.mean(0) / (table.std(0, ddof=1) / np.sqrt(RUNS))
    assert np.all(np.abs(z) < 4), z
