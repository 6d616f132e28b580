"""How well draws of an approximation stand for the posterior: importance weights and their Pareto k."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pdflang.inference.draws import Evidence, Remark

_SAME = 1e-10

_FEWEST = 5
"""Weights that a tail needs to be fitted."""


_LARGEST_K = 0.7
"""Weights with a larger Pareto k say nothing of the posterior (Vehtari et al. 2024), and their k says so itself."""

_FAR, _WIDER = 0.25, 1.25
"""Standard deviations between means, and ratios of widths, that a posterior may be away from its approximation."""

_FEWEST_EFFECTIVE = 200
"""So many draws the weights must be worth for their means and widths to be known well enough."""

_NOT_NORMAL = "that the posterior is not the normal distribution that they are of"


class Importance(NamedTuple):
    """Log weights of draws, smoothed and normalised (n,), their Pareto k, and the evidence if they have any."""

    log_weights: np.ndarray
    pareto_k: float
    evidence: Evidence | None

    def remarks(self, z: np.ndarray, what: str = "") -> tuple[Remark, ...]:
        """What the weights of draws z (n, dimension) say against the draws themselves; nothing where k is too large.

        They tell `what` it is, if it is not that the posterior is no normal distribution.
        """
        weights = np.exp(self.log_weights - logsumexp(self.log_weights))
        if not self.pareto_k <= _LARGEST_K or not np.sum(weights**2) * _FEWEST_EFFECTIVE <= 1:
            return ()
        widths = np.std(z, axis=0)
        mean = weights @ z
        ratios = np.sqrt(weights @ (z - mean) ** 2) / widths
        far = float(np.max(np.abs(mean - np.mean(z, axis=0)) / widths))
        ratio = float(ratios[np.argmax(np.abs(np.log(ratios)))])
        if far < _FAR and 1 / _WIDER < ratio < _WIDER:
            return ()
        return (
            Remark(
                f"the weights of the draws tell {what or _NOT_NORMAL}: "
                f"means differ by up to {far:.1f} of a standard deviation, widths by up to a factor of {ratio:.2g}",
                "sample with `--method nuts`; or with `pathfinder`, which resamples by such weights",
                "warning",
            ),
        )


def importance(log_density: np.ndarray, log_approximation: np.ndarray) -> Importance:
    """Pareto-smoothed importance sampling of draws (n,) whose two log-densities are given.

    Too few draws, or impossible ones alone, say nothing for the approximation: k is infinite. Largest weights that are
    all the same, as those of an exact approximation, have no tail to be fitted: k is 0.
    """
    from arviz_stats.base import array_stats

    ratios = np.where(np.isfinite(log_density), log_density - log_approximation, -np.inf)
    count = len(ratios)
    if not np.isfinite(ratios).any():
        return Importance(np.full(count, -np.log(count)), np.inf, None)
    log_sum = logsumexp(ratios)
    weights = np.exp(ratios - log_sum)
    spread = max(0.0, count * float(np.sum(weights**2)) - 1)
    evidence = Evidence(float(log_sum - np.log(count)), float(np.sqrt(spread / count)))
    if _in_tail(count) < _FEWEST:
        return Importance(ratios - log_sum, np.inf, evidence)
    largest = np.partition(ratios, -_in_tail(count))[-_in_tail(count) :]
    if np.ptp(largest) < _SAME * max(1.0, abs(log_sum)):
        return Importance(ratios - log_sum, 0.0, evidence)
    with np.errstate(all="ignore"):
        smoothed, pareto_k = array_stats.psislw(-np.maximum(ratios, np.max(ratios) - 700))
    return Importance(smoothed, float(pareto_k), evidence)


def _in_tail(count: int) -> int:
    """How many weights are the tail (Vehtari et al. 2024, section 3)."""
    return int(max(1, min(0.2 * count, 3 * count**0.5)))


def resampled(log_weights: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Numbers (count,) of draws chosen by their weights, systematically, in a random order of the draws.

    Those that are chosen more than once stand beside each other, where effective sample sizes see it.
    """
    order = generator.permutation(len(log_weights))
    shares = np.cumsum(np.exp(log_weights[order] - logsumexp(log_weights)))
    places = (np.arange(count) + generator.random()) / count
    return order[np.minimum(np.searchsorted(shares, places), len(order) - 1)]
