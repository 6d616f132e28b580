"""Covariance of the maximum of a weighted likelihood."""

from __future__ import annotations

import numpy as np


def sandwich(covariance: np.ndarray, weighted_hessian: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """C (A − A_w + Σ_i s_i s_iᵀ) C, the sandwich of a likelihood of which a part is weighted, shape (n, n).

    `covariance` C (n, n) is the inverse of minus the Hessian A of the whole log-density. `weighted_hessian` −A_w
    (n, n) is the Hessian of its weighted part alone, whose information is not its curvature: it is that of the
    `scores` s_i (events, n), each the gradient of w_i log rate(x_i). With unit weights both agree on average.
    Rows of NaN in C stay so. Source: Langenbruch, Eur. Phys. J. C 82, 393
    (2022), after Huber (1967).
    """
    known = ~np.isnan(np.diag(covariance))
    inner = covariance[np.ix_(known, known)]
    block = np.ix_(known, known)
    information = np.linalg.inv(inner) + weighted_hessian[block] + (scores.T @ scores)[block]
    found = np.full_like(covariance, np.nan)
    found[block] = inner @ information @ inner
    return found
