"""How much too narrow, wide, high or low posteriors are, from ranks.

Of a true value, Φ⁻¹ of its place in the distribution function of its posterior is its normal score. Where fits are
calibrated, scores are standard normal; where posteriors are too narrow by a factor w and too high by b of their
own standard deviations, they are normal with mean −b and standard deviation 1/w. Ranks among finitely many draws
are binomial around the score: w and b are fitted to them by maximum likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

_REACH = 8.0
"""Beyond these scores a rank is the lowest or the highest."""

_STEP = 0.02
_LARGEST = np.array([4.0, math.log(8.0)])
"""Bounds on the mean of the scores, and on the logarithm of their standard deviation."""


@dataclass(frozen=True)
class Width:
    """The width of posteriors over what it should be, their bias in standard deviations of their own, with errors.

    `p_value` is that of width 1 and bias 0, by the likelihood ratio.
    """

    width: float
    width_error: float
    bias: float
    bias_error: float
    p_value: float


def fitted_width(ranks: np.ndarray, draws: int) -> Width:
    """The normal scores behind ranks 0 … draws, by Fisher's scoring."""
    counts = np.bincount(ranks, minlength=draws + 1)
    at = np.zeros(2)
    for _ in range(50):
        score, information = _score(at, counts, draws)
        step = np.clip(np.linalg.solve(information, score), -0.5, 0.5)
        at = np.clip(at + step, -_LARGEST, _LARGEST)
        if np.all(np.abs(step) < 1e-6):
            break
    errors = np.sqrt(np.diag(np.linalg.inv(_score(at, counts, draws)[1])))
    gain = counts @ np.log(_probabilities(at, draws) * (draws + 1))
    width = math.exp(-at[1])
    # Bartlett's correction of a normal sample's mean and width, for few fits.
    ratio = max(0.0, 2 * gain) / (1 + 11 / (12 * len(ranks)))
    p_value = float(stats.chi2.sf(ratio, 2))
    return Width(width, float(width * errors[1]), float(-at[0]), float(errors[0]), p_value)


def detectable_width(fits: int, draws: int, level: float, power: float = 0.9) -> float:
    """The relative error in width that the test of `Width.p_value` at a level finds with a probability."""
    return math.expm1(math.sqrt(_noncentrality(level, power) / fits) * _error_of_one(draws))


def fits_to_detect(error: float, draws: int, level: float, power: float = 0.9) -> int:
    """How many fits find a relative error in width with a probability: the inverse of `detectable_width`."""
    return math.ceil(_noncentrality(level, power) * (_error_of_one(draws) / math.log1p(error)) ** 2)


def _noncentrality(level: float, power: float) -> float:
    """Of a χ² of two degrees of freedom that exceeds its quantile with a probability."""
    quantile = stats.chi2.isf(level, 2)
    return float(optimize.brentq(lambda value: stats.ncx2.sf(quantile, 2, value) - power, 1e-6, 1e4))


def _error_of_one(draws: int) -> float:
    """The standard error of a logarithm of the width that one calibrated fit gives."""
    return float(np.linalg.inv(_score(np.zeros(2), np.full(draws + 1, 1 / (draws + 1)), draws)[1])[1, 1] ** 0.5)


def _score(at: np.ndarray, counts: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the log-likelihood at (mean, log sd), and the expected information (2, 2)."""
    probabilities = _probabilities(at, draws)
    steps = 1e-4 * np.eye(2)
    slopes = np.stack([_probabilities(at + s, draws) - _probabilities(at - s, draws) for s in steps]) / 2e-4
    return slopes @ (counts / probabilities), counts.sum() * (slopes / probabilities) @ slopes.T


def _probabilities(at: np.ndarray, draws: int) -> np.ndarray:
    """Of ranks 0 … draws, where scores are normal with this mean and logarithm of the standard deviation."""
    scores, binomial = _kernel(draws)
    mean, sd = at[0], math.exp(at[1])
    found = binomial @ (stats.norm.pdf(scores, mean, sd) * _STEP)
    found[0] += stats.norm.cdf(-_REACH, mean, sd)
    found[-1] += stats.norm.sf(_REACH, mean, sd)
    return np.maximum(found, 1e-300)


@lru_cache(maxsize=8)
def _kernel(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """A grid of scores, and the probabilities of ranks (draws + 1, scores) given each."""
    scores = np.arange(-_REACH + _STEP / 2, _REACH, _STEP)
    ranks = np.arange(draws + 1)[:, None]
    # On the right half the share above is known to more digits than the share below.
    below = stats.binom.pmf(ranks, draws, stats.norm.cdf(scores))
    above = stats.binom.pmf(draws - ranks, draws, stats.norm.sf(scores))
    return scores, np.where(scores < 0, below, above)
