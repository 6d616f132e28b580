"""Newton ascent of a log-density whose value, gradient and Hessian are compiled, the rest being NumPy.

The loop first draws starts until one has a finite density and gradient, then climbs by Newton's method with
Marquardt's damping, which needs no common scale of the coordinates: (A + λ D) p = g with g the gradient, A
minus the Hessian, D = |diag A| + |g| (Marquardt 1963; Nielsen 1999 for λ). A compiled loop would take longer
to compile than to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

START_ATTEMPTS = 100
"""Draws of the start that are tried until density and gradient are finite."""

LONG_STEP = 0.1
"""Where so little can be gained, a coordinate whose Newton step is longer than this runs to a bound."""

_SUFFICIENT_GAIN = 1e-4
_LEAST_DAMPING = 1e-13
_LARGEST_DAMPING = 1e20


class Evaluation(NamedTuple):
    """The log-density at a point: z (n,), value (), gradient (n,), curvature (n, n): minus the Hessian."""

    z: Any
    value: Any
    gradient: Any
    curvature: Any

    @property
    def usable(self) -> bool:
        """Whether density and gradient are finite."""
        return bool(np.isfinite(self.value) and np.all(np.isfinite(self.gradient)))


class Ascent(NamedTuple):
    """State of an ascent in n dimensions. `best.value` is −inf until a finite start is found.

    `first` is the finite start, `last_tried` (n,) the point evaluated last, `step` (n,) the undamped Newton
    step at `best` and `decrement` the gain in log-density that it promises (inf where the curvature is not
    positive).
    """

    best: Evaluation
    first: Evaluation
    last_tried: np.ndarray
    damping: float
    damping_growth: float
    step: np.ndarray
    decrement: float
    evaluations: int


def evaluate(log_density: Callable[[Any], Any], z: Any) -> Evaluation:
    """Value, gradient and curvature at z. The Hessian's columns come one by one, which keeps memory small."""

    def gradient_and_value(point: Any) -> Any:
        value, gradient = jax.value_and_grad(log_density)(point)
        return gradient, value

    gradient, hessian_column, value = jax.linearize(gradient_and_value, z, has_aux=True)
    hessian = jax.lax.map(hessian_column, jnp.eye(z.shape[0]))
    return Evaluation(z, value, gradient, -0.5 * (hessian + hessian.T))


def new_ascent(dimension: int) -> Ascent:
    """The state before anything is evaluated."""
    zeros = np.zeros(dimension)
    nothing = Evaluation(zeros, -np.inf, zeros, np.zeros((dimension, dimension)))
    return Ascent(nothing, nothing, zeros, 1e-2, 2.0, zeros, np.inf, 0)


def one_step(
    evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray], state: Ascent
) -> Ascent:
    """The state after one more evaluation; `initial(attempt)` gives a start of shape (n,)."""
    searching = state.best.value == -np.inf
    with np.errstate(all="ignore"):
        if searching:
            return _updated(state, evaluated(initial(state.evaluations)), searching)
        state, step = _damped_step(state)
        return _updated(state, evaluated(state.best.z + step), searching)


def finished(state: Ascent, tolerance: float) -> bool:
    """Whether the ascent has converged, runs to a bound, is stalled, or has found no start."""
    return converged(state, tolerance) or at_bound(state, tolerance) or stalled(state) or without_start(state)


def converged(state: Ascent, tolerance: float) -> bool:
    """Whether nothing more than `tolerance`, or rounding, can be gained, and by short steps only."""
    small = state.decrement <= tolerance + _rounding(state.best.value)
    return bool(small and np.all(np.abs(state.step) <= LONG_STEP))


def at_bound(state: Ascent, tolerance: float) -> bool:
    """Whether nothing can be gained any more though steps stay long: the supremum is at infinity."""
    return bool(state.decrement <= 1e-3 * tolerance and np.any(np.abs(state.step) > LONG_STEP))


def stalled(state: Ascent) -> bool:
    """Whether even the shortest step gains nothing."""
    return state.damping > _LARGEST_DAMPING


def without_start(state: Ascent) -> bool:
    """Whether every attempt at a start failed."""
    return bool(state.best.value == -np.inf and state.evaluations >= START_ATTEMPTS)


def root_of(matrix: np.ndarray) -> np.ndarray:
    """The lower Cholesky factor (n, n); NaN where the matrix is not positive definite."""
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _damped_step(state: Ascent) -> tuple[Ascent, np.ndarray]:
    """The step (n,), and the state with as much more damping as the curvature asks for to be positive definite."""
    best = state.best
    step = np.full_like(best.gradient, np.nan)
    while not np.all(np.isfinite(step)) and not stalled(state):
        step = _solve(best.curvature + np.diag(state.damping * _scales(best)), best.gradient)
        if not np.all(np.isfinite(step)):
            state = _more_damped(state)
    return state, step


def _more_damped(state: Ascent) -> Ascent:
    growth = state.damping_growth
    return state._replace(damping=state.damping * growth, damping_growth=2.0 * growth)


def _scales(point: Evaluation) -> np.ndarray:
    """What the damping of each coordinate is relative to; 1 where the density does not depend on it."""
    scales = np.abs(np.diag(point.curvature)) + np.abs(point.gradient)
    return np.where(scales > 0, scales, 1.0)


def _rounding(value: float) -> float:
    return float(4 * np.finfo(np.float64).eps * np.abs(value)) if np.isfinite(value) else 0.0


def _solve(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The solution for a positive definite matrix; NaN for any other.

    LAPACK itself: what SciPy's functions do around it takes longer than a small density.
    """
    factor, failed = dpotrf(matrix, lower=1)
    return np.full_like(vector, np.nan) if failed else dpotrs(factor, vector, lower=1)[0]


def _updated(state: Ascent, trial: Evaluation, searching: bool) -> Ascent:
    """The state after `trial` was evaluated: a better point is taken and the damping follows its gain."""
    best = state.best
    step = trial.z - best.z
    promised = step @ best.gradient - 0.5 * step @ best.curvature @ step
    gained = trial.value - best.value
    rounding = _rounding(best.value)
    taken = trial.usable and (searching or gained >= _SUFFICIENT_GAIN * promised - rounding)
    new_best = trial if taken else best
    newton_step = _solve(new_best.curvature + np.diag(_LEAST_DAMPING * _scales(new_best)), new_best.gradient)
    decrement = 0.5 * newton_step @ new_best.gradient
    positive = np.isfinite(decrement) and new_best.value > -np.inf
    return Ascent(
        best=new_best,
        first=trial if searching and taken else state.first,
        last_tried=trial.z,
        damping=state.damping if searching else state.damping * _growth(state, taken, promised, gained, rounding),
        damping_growth=2.0 if taken or searching else 2.0 * state.damping_growth,
        step=newton_step if positive else np.zeros_like(newton_step),
        decrement=float(decrement) if positive else np.inf,
        evaluations=state.evaluations + 1,
    )


def _growth(state: Ascent, taken: bool, promised: float, gained: float, rounding: float) -> float:
    """The factor of the damping: small where a step gained what it promised (Nielsen 1999)."""
    if not taken:
        return state.damping_growth
    ratio = 1.0 if np.abs(promised) <= rounding else gained / promised
    return float(min(max(1e-1, 1.0 - (2.0 * ratio - 1.0) ** 3), 2.0))
