"""Kernels whose parameters are known, in NumPy and SciPy: what `prepare` makes of a fixed resolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def density(
    reference: Callable[..., Any], y: Any, *parameters: Any, bounds: tuple[Any, Any] | None = None
) -> np.ndarray:
    """p(y | parameters), broadcast; a distribution of vectors has them on the last axis of y."""
    parameters = tuple(np.asarray(parameter, float) for parameter in parameters)
    if np.ndim(y) and reference.__name__ == "MvNormal":
        return _of_vectors(reference, np.asarray(y, float), parameters)
    frozen = reference(*parameters)
    if bounds is None:
        return np.asarray(frozen.pdf(y))
    lower, upper = bounds
    inside = (y >= lower) & (y <= upper)
    return np.where(inside, frozen.pdf(y), 0.0) / probability(reference, lower, upper, *parameters)


def probability(
    reference: Callable[..., Any], lower: Any, upper: Any, *parameters: Any, bounds: tuple[Any, Any] | None = None
) -> np.ndarray:
    """P(lower < y < upper | parameters), from the side where the interval lies."""
    frozen = reference(*(np.asarray(parameter, float) for parameter in parameters))
    if bounds is not None:
        inside = probability(reference, np.clip(lower, *bounds), np.clip(upper, *bounds), *parameters)
        return inside / probability(reference, *bounds, *parameters)
    above = frozen.sf(lower) < 0.5
    return np.where(above, frozen.sf(lower) - frozen.sf(upper), frozen.cdf(upper) - frozen.cdf(lower))


def _of_vectors(reference: Callable[..., Any], y: np.ndarray, parameters: tuple[np.ndarray, ...]) -> np.ndarray:
    """The density of normal vectors, one factorised matrix for each plate."""
    mean, scale_tril = parameters
    away = y - mean
    white = np.linalg.solve(np.broadcast_to(scale_tril, (*away.shape, away.shape[-1])), away[..., None])[..., 0]
    log_det = np.log(np.diagonal(scale_tril, axis1=-2, axis2=-1)).sum(-1)
    return np.exp(-0.5 * np.sum(white**2, -1) - log_det - 0.5 * away.shape[-1] * np.log(2 * np.pi))
