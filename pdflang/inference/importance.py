"""How well draws of an approximation stand for the posterior: importance weights and their Pareto k."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pdflang.inference.draws import Evidence

_SAME = 1e-10


class Importance(NamedTuple):
    """What the log weights of draws say: smoothed and normalised (n,), their Pareto k, the evidence."""

    log_weights: np.ndarray
    pareto_k: float
    evidence: Evidence


def importance(log_density: np.ndarray, log_approximation: np.ndarray) -> Importance:
    """Pareto-smoothed importance sampling of draws (n,) whose two log-densities are given.

    Largest weights that are all the same, as those of an exact approximation, have no tail to be fitted: k is 0.
    """
    from arviz_stats.base import array_stats

    ratios = np.where(np.isfinite(log_density), log_density - log_approximation, -np.inf)
    count, log_sum = len(ratios), logsumexp(ratios)
    weights = np.exp(ratios - log_sum)
    spread = max(0.0, count * float(np.sum(weights**2)) - 1)
    evidence = Evidence(float(log_sum - np.log(count)), float(np.sqrt(spread / count)))
    largest = np.partition(ratios, -_in_tail(count))[-_in_tail(count) :]
    if np.ptp(largest) < _SAME * max(1.0, abs(log_sum)):
        return Importance(ratios - log_sum, 0.0, evidence)
    with np.errstate(all="ignore"):
        smoothed, pareto_k = array_stats.psislw(-np.maximum(ratios, np.max(ratios) - 700))
    return Importance(smoothed, float(pareto_k), evidence)


def _in_tail(count: int) -> int:
    """How many weights are the tail (Vehtari et al. 2024, section 3)."""
    return int(max(1, min(0.2 * count, 3 * count**0.5)))
