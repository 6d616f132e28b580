"""R-hat and effective sample sizes against those of ArviZ."""

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats

from pdflang.results import convergence

AXES = {"chain_axis": 0, "draw_axis": 1}


def autoregressive(chains: int, draws: int, memory: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = np.zeros((chains, draws))
    noise = generator.normal(size=(chains, draws))
    for t in range(1, draws):
        values[:, t] = memory * values[:, t - 1] + noise[:, t]
    return values


def hand_made() -> list[np.ndarray]:
    generator = np.random.default_rng(4)
    return [
        generator.standard_cauchy((4, 500)),
        generator.poisson(2.0, (4, 250)).astype(float),
        generator.integers(0, 2, (3, 101)).astype(float),
        np.tile([0.0, 1.0], (2, 100)),
        generator.normal(size=(4, 300)) + np.arange(4)[:, None],
        generator.normal(size=(1, 40)),
        np.cumsum(generator.normal(size=(2, 1000)), axis=1),
        1e9 + generator.normal(size=(2, 50)),
        np.arange(20.0).reshape(2, 10),
    ]


SAMPLES = [
    *(autoregressive(c, n, m, seed) for seed, (c, n) in enumerate([(4, 1000), (2, 37), (1, 200), (4, 4), (3, 5)])
      for m in (-0.9, 0.0, 0.5, 0.99)),
    *(np.random.default_rng(seed).normal(size=(2, n)) for n in range(4, 16) for seed in range(5)),
    *hand_made(),
]  # fmt: skip


@pytest.mark.parametrize("draws", SAMPLES, ids=lambda draws: str(draws.shape))
def test_as_arviz_has_them(draws):
    def expected(name, method, **options):
        with np.errstate(invalid="ignore"):
            return float(getattr(array_stats, name)(draws, method=method, **AXES, **options))

    shares = (0.05, 0.95)
    assert convergence.ess_bulk(draws) == pytest.approx(expected("ess", "bulk"), rel=1e-9)
    assert convergence.ess_tail(draws, shares) == pytest.approx(expected("ess", "tail", prob=shares), rel=1e-9)
    assert convergence.mcse_of_mean(draws) == pytest.approx(expected("mcse", "mean"), rel=1e-9)
    squares = (draws - draws.mean()) ** 2
    of_sd = np.sqrt(np.var(squares) / expected("ess", "sd") / (4 * squares.mean()))
    assert convergence.mcse_of_sd(draws) == pytest.approx(of_sd, rel=1e-9)
    assert convergence.rhat(draws) == pytest.approx(expected("rhat", "rank"), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("draws", [np.zeros((2, 3)), np.full((2, 9), np.nan), np.array([[1.0, 2, 3, np.inf]] * 2)])
def test_too_few_or_not_finite(draws):
    assert math.isnan(convergence.rhat(draws)) and math.isnan(convergence.ess_bulk(draws))
    assert math.isnan(convergence.ess_tail(draws, (0.05, 0.95))) and math.isnan(convergence.mcse_of_mean(draws))
    assert math.isnan(convergence.mcse_of_sd(draws))
