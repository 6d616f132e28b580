"""Evidence by a bridge between draws of a posterior and of a normalised density near it (Meng & Wong 1996)."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

_STEPS = 200
_TOLERANCE = 1e-10


def log_mean(values: np.ndarray) -> float:
    """The logarithm of the mean of exponentials."""
    return float(logsumexp(values) - np.log(values.size))


def bridged(drawn: np.ndarray, proposed: np.ndarray) -> float:
    """log Z, by the best bridge (eq. 4.1), of what log-densities differ by at draws (m,) of each.

    Both are the log-density of the posterior, without 1/Z, less that of the other density.
    """
    log_z = 0.0 if not len(drawn) else float(np.median(drawn))
    shift = np.log(len(drawn) / len(proposed)) if len(drawn) and len(proposed) else 0.0
    for _ in range(_STEPS):
        above = log_mean(proposed - np.logaddexp(shift + proposed, log_z))
        below = log_mean(-np.logaddexp(shift + drawn, log_z))
        before, log_z = log_z, above - below
        if abs(log_z - before) < _TOLERANCE:
            break
    return log_z
