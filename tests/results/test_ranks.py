"""Statistics of ranks against simulation: bands, p-values, widths, coverage, power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pdflang.results.calibration import assessed, detectable_width, ecdf, ecdf_band, fits_to_detect, histogram
from pdflang.results.calibration.result import coverage
from pdflang.results.calibration.uniformity import chi2_p_value, ecdf_p_value
from pdflang.results.calibration.widths import fitted_width

DRAWS = 99


def ranks_of_scores(
    random: np.random.Generator, fits: int, width: float = 1.0, bias: float = 0.0, draws: int = DRAWS
) -> np.ndarray:
    """Ranks among draws of N(0, 1) of truths that posteriors of this width and bias do not expect."""
    truths = random.normal(-bias, 1 / width, fits)
    return np.sum(random.normal(size=(fits, draws)) < truths[:, None], axis=1)


@pytest.mark.parametrize(("fits", "draws"), [(60, 99), (200, 19), (500, 199)])
def test_the_band_holds_uniform_ranks_with_its_probability(fits: int, draws: int) -> None:
    band = ecdf_band(fits, draws, 0.9)
    all_ranks = np.random.default_rng(1).integers(0, draws + 1, (4000, fits))
    found = np.stack([ecdf(ranks, draws) for ranks in all_ranks])
    inside = np.all((found >= band.low - 1e-12) & (found <= band.high + 1e-12), axis=1).mean()
    # The probability jumps with the band's whole numbers; it is not below what it should be.
    assert 0.9 - 0.015 < inside < 0.9 + 0.04


def test_the_band_is_narrowest_in_the_pointwise_sense() -> None:
    """At each place its ends are quantiles of a binomial, of the same tail everywhere."""
    band = ecdf_band(300, DRAWS)
    outside = [
        stats.binom.cdf(np.round(band.low * 300) - 1, 300, band.shares),
        stats.binom.sf(np.round(band.high * 300), 300, band.shares),
    ]
    assert np.max(outside) < 0.01
    assert np.min(outside[0][10:-10]) > 0.1 * np.max(outside[0])


@pytest.mark.parametrize("p_value", [ecdf_p_value, chi2_p_value, lambda *of: fitted_width(*of).p_value])
def test_p_values_of_uniform_ranks_are_uniform(p_value) -> None:
    random = np.random.default_rng(2)
    found = [p_value(random.integers(0, DRAWS + 1, 200), DRAWS) for _ in range(400)]
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.035)


def test_the_p_value_and_the_band_agree() -> None:
    random = np.random.default_rng(3)
    band = ecdf_band(100, DRAWS, 0.8)
    for _ in range(200):
        ranks = random.integers(0, DRAWS + 1, 100)
        found = ecdf(ranks, DRAWS)
        leaves = np.any((found < band.low - 1e-12) | (found > band.high + 1e-12))
        p_value = ecdf_p_value(ranks, DRAWS)
        assert not leaves or p_value <= 0.2
        assert leaves or p_value > 0.15  # the band is a little wider than 80 %, being made of whole numbers


@pytest.mark.parametrize("draws", [19, 99, 399])
@pytest.mark.parametrize(("width", "bias"), [(1, 0), (0.9, 0), (1 / 1.3, 0.2), (1.5, -0.5), (0.4, 1)])
def test_width_and_bias_are_found(draws: int, width: float, bias: float) -> None:
    found = fitted_width(ranks_of_scores(np.random.default_rng(4), 4000, width, bias, draws), draws)
    assert found.width == pytest.approx(width, abs=4 * found.width_error)
    assert found.bias == pytest.approx(bias, abs=4 * found.bias_error)
    assert found.width_error < 0.03 * width
    assert (found.p_value > 1e-3) == (width == 1)


def test_errors_of_width_and_bias_are_their_scatter() -> None:
    random = np.random.default_rng(5)
    found = [fitted_width(ranks_of_scores(random, 200, 0.8, 0.3), DRAWS) for _ in range(200)]
    for name in ("width", "bias"):
        scatter = np.std([getattr(one, name) for one in found])
        assert np.mean([getattr(one, f"{name}_error") for one in found]) == pytest.approx(scatter, rel=0.2)


def test_the_power_is_what_is_said() -> None:
    """The number of fits that finds a width 10 % too narrow nine times in ten, for 24 tests at 1 % altogether."""
    level = 0.01 / 24
    fits = fits_to_detect(0.1, DRAWS, level)
    assert detectable_width(fits, DRAWS, level) == pytest.approx(0.1, rel=1e-3)
    random = np.random.default_rng(6)
    found = [fitted_width(ranks_of_scores(random, fits, 1 / 1.1), DRAWS).p_value < level for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.9, abs=0.065)


@pytest.mark.parametrize(("level", "outside"), [(0.5, 25), (0.8, 10), (0.9, 5)])
def test_coverage_counts_whole_ranks(level: float, outside: int) -> None:
    ranks = np.arange(DRAWS + 1)
    found = coverage(ranks, DRAWS, level)
    assert found.expected == pytest.approx(level)
    assert found.found == pytest.approx(level)
    assert found.error == pytest.approx(np.sqrt(level * (1 - level) / 100))
    assert coverage(np.array([outside - 1, outside, DRAWS - outside, DRAWS - outside + 1]), DRAWS, level).found == 0.5


def test_coverage_of_few_draws_says_what_it_expects() -> None:
    found = coverage(np.random.default_rng(7).integers(0, 21, 20_000), 20, 0.9)
    assert found.expected == pytest.approx(19 / 21)
    assert found.found == pytest.approx(19 / 21, abs=4 * found.error)


@pytest.mark.parametrize("fits", [1, 3, 24, 1000])
@pytest.mark.parametrize("draws", [19, 20, 99])
def test_histograms_hold_every_rank_once(fits: int, draws: int) -> None:
    edges, counts, expected = histogram(np.random.default_rng(8).integers(0, draws + 1, fits), draws)
    assert (edges[0], edges[-1]) == (0, draws + 1)
    assert counts.sum() == fits
    assert expected.sum() == pytest.approx(fits)


@pytest.mark.parametrize("ranks", [[0], [DRAWS], [0, DRAWS], [0] * 80, [50] * 300, [0] * 99 + [DRAWS] * 99])
def test_extreme_ranks_have_numbers_too(ranks: list[int]) -> None:
    found = assessed("a", "a", "param", np.array(ranks), DRAWS, 200.0)
    assert np.all(np.isfinite([found.p_value, found.width.width, found.width.width_error, found.width.bias]))
    assert len(ranks) < 5 or found.p_value < 1e-10
