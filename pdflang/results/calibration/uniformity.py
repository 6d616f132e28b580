"""Whether ranks are uniform: the simultaneous band of their distribution function, and χ² of their histogram.

Ranks are whole numbers 0 … draws: how many of so many posterior draws lie below the value that made the data.
Where fits are calibrated, every rank is equally likely (Talts et al. 2018, arXiv:1804.06788, theorem 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special, stats

_POINTS = 100
"""At so many places, or fewer, the distribution function is looked at."""

_FEWEST_PER_BIN = 5
_MOST_BINS = 20
_TINY = 1e-9


@dataclass(frozen=True)
class Band:
    """Where the empirical distribution function of uniform ranks lies, all of it, with a given probability.

    `shares` (points,) are values of the uniform distribution function, `low` and `high` (points,) the ends
    of the band there.
    """

    shares: np.ndarray
    low: np.ndarray
    high: np.ndarray


@lru_cache(maxsize=64)
def ecdf_band(fits: int, draws: int, level: float = 0.95) -> Band:
    """The simultaneous band of `fits` ranks (Säilynoja, Bürkner & Vehtari 2022, section 2), without simulation."""
    grid = _grid(fits, draws)
    low, high = np.log(_TINY), np.log(1.0 - level)
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if grid.probability_inside(np.exp(middle)) >= level else (low, middle)
    lower, upper = grid.limits(np.exp(low))
    return Band(grid.shares, lower / fits, upper / fits)


def ecdf(ranks: np.ndarray, draws: int) -> np.ndarray:
    """The empirical distribution function of ranks at the places of their band."""
    return _counts(ranks, _places(draws)) / len(ranks)


def ecdf_p_value(ranks: np.ndarray, draws: int) -> float:
    """The probability that uniform ranks leave some simultaneous band that these only just leave."""
    grid = _grid(len(ranks), draws)
    below = _counts(ranks, _places(draws))
    pointwise = grid.tails[np.arange(len(below)), below].min()
    return float(np.clip(1.0 - grid.probability_inside(pointwise), 0.0, 1.0))


def histogram(ranks: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ranks counted in bins: edges (bins + 1,), counts (bins,) and the counts expected of uniform ranks (bins,)."""
    bins = int(np.clip(len(ranks) // _FEWEST_PER_BIN, 2, min(_MOST_BINS, draws + 1)))
    edges = np.round(np.linspace(0, draws + 1, bins + 1)).astype(int)
    counts = np.histogram(ranks, edges - 0.5)[0]
    return edges, counts, len(ranks) * np.diff(edges) / (draws + 1)


def chi2_p_value(ranks: np.ndarray, draws: int) -> float:
    """Pearson's test of the histogram."""
    _, counts, expected = histogram(ranks, draws)
    return float(stats.chisquare(counts, expected).pvalue)


@dataclass(frozen=True)
class _Grid:
    """The count R of ranks below each place: `shares` (points,), and `tails` (points, fits + 1), which are
    the two-sided probabilities of values of R as extreme as 0, 1, …, fits."""

    fits: int
    shares: np.ndarray
    tails: np.ndarray

    def limits(self, pointwise: float) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest R whose tail is above `pointwise` at each place."""
        inside = self.tails > pointwise * (1 + _TINY)
        # Where no count is likely enough the limits cross, and no path stays inside.
        none = ~inside.any(axis=1)
        lower = np.where(none, 1, inside.argmax(axis=1))
        return lower, np.where(none, 0, self.fits - inside[:, ::-1].argmax(axis=1))

    def probability_inside(self, pointwise: float) -> float:
        """The probability that R is within the limits everywhere: its increments are binomial, from place to place."""
        states, probabilities, before = np.zeros(1, int), np.ones(1), 0.0
        for share, lower, upper in zip(self.shares, *self.limits(pointwise), strict=True):
            reached = np.arange(lower, upper + 1)
            if not len(reached):
                return 0.0
            steps = _binomial(reached - states[:, None], self.fits - states[:, None], (share - before) / (1 - before))
            states, probabilities, before = reached, probabilities @ steps, share
        return float(probabilities.sum())


@lru_cache(maxsize=8)
def _grid(fits: int, draws: int) -> _Grid:
    shares = _places(draws) / (draws + 1)
    counts = np.arange(fits + 1)
    below, above = (f(c, fits, shares[:, None]) for f, c in ((stats.binom.cdf, counts), (stats.binom.sf, counts - 1)))
    return _Grid(fits, shares, np.minimum(1.0, 2 * np.minimum(below, above)))


def _places(draws: int) -> np.ndarray:
    """Ranks below which to count."""
    return np.unique(np.round(np.linspace(0, draws + 1, min(_POINTS, draws + 1) + 1)).astype(int))[1:-1]


def _counts(ranks: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(ranks), places, side="left")


def _binomial(k: np.ndarray, n: np.ndarray, p: float) -> np.ndarray:
    """Binomial probabilities; SciPy's are an order of magnitude slower, and there are millions."""
    possible = (k >= 0) & (k <= n)
    k = np.where(possible, k, 0)
    factorials = special.gammaln(np.arange(int(n.max()) + 1) + 1.0)
    logs = factorials[n] - factorials[k] - factorials[n - k] + k * np.log(p) + (n - k) * np.log1p(-p)
    return np.where(possible, np.exp(logs), 0.0)
