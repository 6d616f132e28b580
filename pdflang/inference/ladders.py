"""Ladders of temperatures between prior and posterior: where their rungs lie, and the evidence (Syed et al. 2022)."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp

_LEAST = 1e-3
"""A rejection rate is taken for this at least, so that the barrier grows from rung to rung."""


def geometric(lowest: float, count: int) -> np.ndarray:
    """So many inverse temperatures: 0, and from the `lowest` by equal factors to 1."""
    return np.concatenate([[0.0], lowest ** np.linspace(1, 0, count - 1)])


def respaced(betas: np.ndarray, rejections: np.ndarray, count: int) -> np.ndarray:
    """So many inverse temperatures from 0 to 1 with equal rejection rates between neighbours.

    `rejections` (rungs - 1,) are those of swaps between neighbours of `betas` (rungs,). Their sum up to a rung
    estimates the barrier there; it is interpolated monotonically, and cut in equal parts.
    """
    barrier = np.concatenate([[0.0], np.cumsum(np.maximum(rejections, _LEAST))])
    found = PchipInterpolator(barrier, betas)(np.linspace(0.0, barrier[-1], count))
    found[0], found[-1] = 0.0, 1.0
    return np.maximum.accumulate(found)


def stepping_stones(betas: np.ndarray, log_likelihood: np.ndarray) -> float:
    """log Z by ratios from rung to rung, for log-likelihoods (draws, rungs) that belong to `betas` (rungs,).

    Source: Xie, Lewis, Fan, Kuo and Chen, Syst. Biol. 60, 150 (2011).
    """
    ratios = np.diff(betas) * log_likelihood[:, :-1]
    return float(np.sum(logsumexp(ratios, axis=0) - np.log(len(ratios))))
