"""Densities in NumPy and SciPy: kernels of a fixed resolution in `prepare`, and models that are not compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special


def density(
    reference: Callable[..., Any], y: Any, *parameters: Any, bounds: tuple[Any, Any] | None = None
) -> np.ndarray:
    """p(y | parameters), broadcast; a distribution of vectors has them on the last axis of y."""
    return np.exp(log_density(reference, y, *parameters, bounds=bounds))


def log_density(
    reference: Callable[..., Any], y: Any, *parameters: Any, bounds: tuple[Any, Any] | None = None
) -> np.ndarray:
    """log p(y | parameters), broadcast, of a distribution that may be cut to `bounds`."""
    parameters = tuple(np.asarray(parameter, float) for parameter in parameters)
    if reference.__name__ == "MvNormal":
        return _of_vectors(np.asarray(y, float), *parameters)
    value = _log_density(reference, y, *parameters)
    if bounds is None:
        return np.asarray(value)
    lower, upper = bounds
    inside = (y >= lower) & (y <= upper)
    with np.errstate(divide="ignore"):
        return np.where(inside, value - np.log(probability(reference, lower, upper, *parameters)), -np.inf)


def _log_density(reference: Callable[..., Any], y: Any, *parameters: np.ndarray) -> Any:
    if reference.__name__ == "Normal":
        mu, sigma = parameters
        return -0.5 * ((y - mu) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    frozen = reference(*parameters)
    return frozen.logpmf(y) if hasattr(frozen.dist, "pmf") else frozen.logpdf(y)


def probability(
    reference: Callable[..., Any], lower: Any, upper: Any, *parameters: Any, bounds: tuple[Any, Any] | None = None
) -> np.ndarray:
    """P(lower < y < upper | parameters), from the side where the interval lies."""
    if bounds is not None:
        inside = probability(reference, np.clip(lower, *bounds), np.clip(upper, *bounds), *parameters)
        return inside / probability(reference, *bounds, *parameters)
    if reference.__name__ == "Normal":
        return _of_normal(lower, upper, *parameters)
    frozen = reference(*(np.asarray(parameter, float) for parameter in parameters))
    above = frozen.sf(lower) < 0.5
    return np.where(above, frozen.sf(lower) - frozen.sf(upper), frozen.cdf(upper) - frozen.cdf(lower))


def _of_normal(lower: Any, upper: Any, mu: Any, sigma: Any) -> np.ndarray:
    """What kernels mostly are, without the checks that make SciPy's distributions slow."""
    scale = -1.0 / (np.asarray(sigma, float) * np.sqrt(2.0))
    left, right = (lower - mu) * scale, (upper - mu) * scale
    side = np.where(left + right < 0.0, -1.0, 1.0)
    return 0.5 * np.abs(special.erfc(side * right) - special.erfc(side * left))


def _of_vectors(y: np.ndarray, mean: np.ndarray, scale_tril: np.ndarray) -> np.ndarray:
    """The log-density of normal vectors, one factorised matrix for each plate."""
    away = y - mean
    white = np.linalg.solve(np.broadcast_to(scale_tril, (*away.shape, away.shape[-1])), away[..., None])[..., 0]
    log_det = np.log(np.diagonal(scale_tril, axis1=-2, axis2=-1)).sum(-1)
    return -0.5 * np.sum(white**2, -1) - log_det - 0.5 * away.shape[-1] * np.log(2 * np.pi)
