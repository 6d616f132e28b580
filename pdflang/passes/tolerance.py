"""How much an approximation may change a log-likelihood."""

from __future__ import annotations

from typing import Any

TOLERANCE = 1e-3
"""The largest change of a log-likelihood that is let pass."""

_FAR = 1e3


def allowances(log_likelihoods: Any) -> Any:
    """How often the tolerance each draw of the parameters may be off: once near the best of them, shape (draws,).

    Draws whose log-likelihood is far below the best may change by a thousandth of that: no sampler stays there.
    """
    import numpy as np

    values = np.asarray(log_likelihoods, float)
    is_known = np.isfinite(values)
    best = np.max(values, initial=-np.inf, where=is_known)
    below = np.subtract(best, values, where=is_known, out=np.zeros_like(values))
    return np.maximum(1.0, below / _FAR)
