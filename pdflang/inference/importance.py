"""How well draws of an approximation stand for the posterior: importance weights and their Pareto k."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pdflang.inference.draws import Evidence

_SAME = 1e-10

_FEWEST = 5
"""Weights that a tail needs to be fitted."""


class Importance(NamedTuple):
    """Log weights of draws, smoothed and normalised (n,), their Pareto k, and the evidence if they have any."""

    log_weights: np.ndarray
    pareto_k: float
    evidence: Evidence | None


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
