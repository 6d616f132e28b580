"""Newton ascent of a log-density, one compiled loop that evaluates value, gradient and Hessian in one place.

The loop first draws starts until one has a finite density and gradient, then climbs by Newton's method with
Marquardt's damping, which needs no common scale of the coordinates: (A + λ D) p = g with g the gradient, A
minus the Hessian, D = |diag A| + |g| (Marquardt 1963; Nielsen 1999 for λ). It can be cut after any number
of evaluations and gone on with, so that an interrupt is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

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


class Ascent(NamedTuple):
    """State of an ascent in n dimensions. `best.value` is −inf until a finite start is found.

    `first` is the finite start, `last_tried` (n,) the point evaluated last, `step` (n,) the undamped Newton
    step at `best` and `decrement` the gain in log-density that it promises (inf where the curvature is not
    positive).
    """

    best: Evaluation
    first: Evaluation
    last_tried: Any
    damping: Any
    damping_growth: Any
    step: Any
    decrement: Any
    evaluations: Any


def evaluate(log_density: Callable[[Any], Any], z: Any) -> Evaluation:
    """Value, gradient and curvature at z. The Hessian's columns come one by one, which keeps memory small."""

    def gradient_and_value(point: Any) -> Any:
        value, gradient = jax.value_and_grad(log_density)(point)
        return gradient, value

    gradient, hessian_column, value = jax.linearize(gradient_and_value, z, has_aux=True)
    hessian = jax.lax.map(hessian_column, jnp.eye(z.shape[0]))
    return Evaluation(z, value, gradient, -0.5 * (hessian + hessian.T))


def new_ascent(dimension: int) -> Ascent:
    """The state before anything is evaluated, as NumPy arrays: making it compiles nothing."""
    zeros = np.zeros(dimension)
    nothing = Evaluation(zeros, np.array(-np.inf), zeros, np.zeros((dimension, dimension)))
    return Ascent(
        best=nothing,
        first=nothing,
        last_tried=zeros,
        damping=np.array(1e-2),
        damping_growth=np.array(2.0),
        step=zeros,
        decrement=np.array(np.inf),
        evaluations=np.array(0),
    )


def climb(
    log_density: Callable[[Any], Any],
    initial: Callable[[Any], Any],
    state: Ascent,
    key: Any,
    tolerance: Any,
    limit: Any,
) -> Ascent:
    """Go on until the ascent has finished or `limit` evaluations are done in all.

    `initial(key)` gives a start of shape (n,); `tolerance` is in units of log-density.
    """

    def keep_climbing(state: Ascent) -> Any:
        return (state.evaluations < limit) & ~finished(state, tolerance)

    def one_evaluation(state: Ascent) -> Ascent:
        searching = state.best.value == -jnp.inf
        trial = jax.lax.cond(
            searching,
            lambda: initial(jax.random.fold_in(key, state.evaluations)),
            lambda: state.best.z + _damped_step(state),
        )
        return _updated(state, evaluate(log_density, trial), searching)

    return jax.lax.while_loop(keep_climbing, one_evaluation, state)


def finished(state: Ascent, tolerance: Any) -> Any:
    """Whether the ascent has converged, runs to a bound, is stalled, or has found no start."""
    return converged(state, tolerance) | at_bound(state, tolerance) | stalled(state) | without_start(state)


def converged(state: Ascent, tolerance: Any) -> Any:
    """Whether nothing more than `tolerance`, or rounding, can be gained, and by short steps only."""
    small = state.decrement <= tolerance + _rounding(state.best.value)
    return small & jnp.all(jnp.abs(state.step) <= LONG_STEP)


def at_bound(state: Ascent, tolerance: Any) -> Any:
    """Whether nothing can be gained any more though steps stay long: the supremum is at infinity."""
    return (state.decrement <= 1e-3 * tolerance) & jnp.any(jnp.abs(state.step) > LONG_STEP)


def stalled(state: Ascent) -> Any:
    """Whether even the shortest step gains nothing."""
    return state.damping > _LARGEST_DAMPING


def without_start(state: Ascent) -> Any:
    """Whether every attempt at a start failed."""
    return (state.best.value == -jnp.inf) & (state.evaluations >= START_ATTEMPTS)


def _damped_step(state: Ascent) -> Any:
    best = state.best
    return _solve(best.curvature + jnp.diag(state.damping * _scales(best)), best.gradient)


def _scales(point: Evaluation) -> Any:
    """What the damping of each coordinate is relative to; 1 where the density does not depend on it."""
    scales = jnp.abs(jnp.diag(point.curvature)) + jnp.abs(point.gradient)
    return jnp.where(scales > 0, scales, 1.0)


def _rounding(value: Any) -> Any:
    return 4 * jnp.finfo(jnp.float64).eps * jnp.abs(jnp.where(jnp.isfinite(value), value, 0.0))


def _solve(matrix: Any, vector: Any) -> Any:
    """The solution for a positive definite matrix; NaN for any other."""
    factor = jnp.linalg.cholesky(matrix, symmetrize_input=False)
    return solve_triangular(factor, solve_triangular(factor, vector, lower=True), trans=1, lower=True)


def _updated(state: Ascent, trial: Evaluation, searching: Any) -> Ascent:
    """The state after `trial` was evaluated: a better point is taken and the damping follows its gain."""
    best = state.best
    step = trial.z - best.z
    promised = step @ best.gradient - 0.5 * step @ best.curvature @ step
    gained = trial.value - best.value
    rounding = _rounding(best.value)
    usable = jnp.isfinite(trial.value) & jnp.all(jnp.isfinite(trial.gradient))
    taken = usable & (searching | (gained >= _SUFFICIENT_GAIN * promised - rounding))
    ratio = jnp.where(jnp.abs(promised) <= rounding, 1.0, gained / promised)
    shrink = jnp.maximum(1e-1, 1.0 - (2.0 * ratio - 1.0) ** 3)
    damping = jnp.where(
        taken, state.damping * jnp.clip(shrink, max=2.0), state.damping * state.damping_growth
    )
    new_best = _select(taken, trial, best)
    regular = new_best.curvature + jnp.diag(_LEAST_DAMPING * _scales(new_best))
    newton_step = _solve(regular, new_best.gradient)
    decrement = 0.5 * newton_step @ new_best.gradient
    positive = jnp.isfinite(decrement) & (new_best.value > -jnp.inf)
    return Ascent(
        best=new_best,
        first=_select(searching & taken, trial, state.first),
        last_tried=trial.z,
        damping=jnp.where(searching, state.damping, damping),
        damping_growth=jnp.where(taken | searching, 2.0, 2.0 * state.damping_growth),
        step=jnp.where(positive, newton_step, jnp.zeros_like(newton_step)),
        decrement=jnp.where(positive, decrement, jnp.inf),
        evaluations=state.evaluations + 1,
    )


def _select(condition: Any, first: Evaluation, second: Evaluation) -> Evaluation:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), first, second)
