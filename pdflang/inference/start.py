"""Where a chain starts: near the mode that it climbs to from a prior draw, with the metric of that place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from pdflang.inference.ascent import START_ATTEMPTS, Ascent, Evaluation, finished, new_ascent, one_step, root_of

CURVED_DIMENSIONS = 200
"""Up to this many dimensions the start climbs with the exact Hessian; beyond, it is the prior draw itself."""

_CLIMB_LIMIT = START_ATTEMPTS + 200
_TOLERANCE = 1e-6
_GAIN_OF_A_MODE = 0.1
_SMALLEST_SPREAD = 1e-2

_DRAWS = 64
_DEVIATION = 0.6745
"""The median deviation of a unit normal."""


class Start(NamedTuple):
    """The start of one chain in n dimensions.

    z (n,), value and gradient (n,) of the log-density there; covariance (n, n), or (n,) where it is diagonal, for
    the first metric; found: whether density and gradient are finite; n_gradients: gradients computed, a Hessian
    being n.
    """

    z: np.ndarray
    value: float
    gradient: np.ndarray
    covariance: np.ndarray
    found: bool
    n_gradients: int


def find_start(
    evaluated: Callable[[np.ndarray], Evaluation],
    initial: Callable[[int], np.ndarray],
    dimension: int,
    noise: np.random.Generator,
) -> Start:
    """A start for a chain; `initial(attempt)` gives prior draws, of shape (n,) as all points.

    A prior draw may lie far from where the posterior is, and scales may differ by orders of magnitude. So
    the start is a draw of the normal approximation at the mode reached from the prior draw. Where the climb
    ends at no mode (a funnel's density has no maximum) it is the prior draw itself, with a unit metric.
    """
    if dimension > CURVED_DIMENSIONS:
        return prior_draw(evaluated, initial, dimension)
    top = new_ascent(dimension)
    while top.evaluations < _CLIMB_LIMIT and not finished(top, _TOLERANCE):
        top = one_step(evaluated, initial, top)
    with np.errstate(all="ignore"):
        return _spread(evaluated, top, noise.standard_normal(dimension))


def unit_covariance(dimension: int) -> np.ndarray:
    """What a metric starts from where nothing is known: (n, n), or (n,) beyond what a Hessian is computed for."""
    return np.eye(dimension) if dimension <= CURVED_DIMENSIONS else np.ones(dimension)


def _spread(evaluated: Callable[[np.ndarray], Evaluation], top: Ascent, unit: np.ndarray) -> Start:
    """A draw of N(mode, covariance), drawn nearer where the density falls more than a normal's would."""
    dimension = len(unit)
    evaluations = top.evaluations
    root = _root_of_covariance(top)
    if root is None:
        place, covariance = top.first, unit_covariance(dimension)
    else:
        place, covariance, scale = top.best, root @ root.T, 1.0
        noise = root @ unit
        expected_loss = 0.5 * noise @ top.best.curvature @ noise
        while scale > _SMALLEST_SPREAD:
            trial = evaluated(top.best.z + scale * noise)
            evaluations += 1
            if trial.usable and top.best.value - trial.value <= 1.0 + 2.0 * scale**2 * expected_loss:
                place = trial
                break
            scale *= 0.5
    found = bool(top.best.value > -np.inf)
    z = place.z if found else top.last_tried
    return Start(z, place.value, place.gradient, covariance, found, evaluations * (1 + dimension))


def _root_of_covariance(top: Ascent) -> np.ndarray | None:
    """L (n, n) with L Lᵀ = curvature⁻¹; None where there is no mode or no positive curvature."""
    if not (top.decrement <= _GAIN_OF_A_MODE and np.all(np.isfinite(top.best.curvature))):
        return None
    root = solve_triangular(root_of(top.best.curvature), np.eye(len(top.best.z)), lower=True, check_finite=False).T
    return root if np.all(np.isfinite(root @ root.T)) else None


def prior_draw(
    evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray], dimension: int
) -> Start:
    """The first of the prior draws with a finite density and gradient, with a unit metric."""
    for attempt in range(START_ATTEMPTS):
        place = evaluated(initial(attempt))
        if place.usable:
            break
    return Start(place.z, place.value, place.gradient, unit_covariance(dimension), place.usable, attempt + 1)


def best_draw(
    evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray], dimension: int
) -> Start:
    """Of some prior draws the one with the largest density, which needs no gradient; their variances for a metric."""
    places = [evaluated(initial(attempt)) for attempt in range(_DRAWS)]
    usable = [place for place in places if np.isfinite(place.value)]
    best = max(usable, key=lambda place: place.value, default=places[-1])
    # Median deviations, as a prior may have no variance at all.
    z = np.stack([place.z for place in places])
    spread = np.median(np.abs(z - np.median(z, axis=0)), axis=0) / _DEVIATION
    variances = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0) ** 2
    covariance = np.diag(variances) if dimension <= CURVED_DIMENSIONS else variances
    return Start(best.z, best.value, best.gradient, covariance, bool(usable), _DRAWS)
