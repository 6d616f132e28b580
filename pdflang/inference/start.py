"""Where a chain starts: near the mode that it climbs to from a prior draw, with the metric of that place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from pdflang.inference.ascent import START_ATTEMPTS, Ascent, Evaluation, climb, new_ascent

CURVED_DIMENSIONS = 200
"""Up to this many dimensions the start climbs with the exact Hessian; beyond, it is the prior draw itself."""

_CLIMB_LIMIT = START_ATTEMPTS + 200
_TOLERANCE = 1e-6
_GAIN_OF_A_MODE = 0.1
_SMALLEST_SPREAD = 1e-2


class Start(NamedTuple):
    """The start of one chain in n dimensions.

    z (n,), value () and gradient (n,) of the log-density there; covariance (n, n) for the first metric;
    found: whether density and gradient are finite; last_tried (n,); n_gradients: gradients computed, a
    Hessian being n.
    """

    z: Any
    value: Any
    gradient: Any
    covariance: Any
    found: Any
    last_tried: Any
    n_gradients: Any


def find_start(
    log_density: Callable[[Any], Any], initial: Callable[[Any], Any], dimension: int, key: Any
) -> Start:
    """A start for a chain, from random numbers of `key`; to be traced inside a compiled function.

    A prior draw may lie far from where the posterior is, and scales may differ by orders of magnitude. So
    the start is a draw of the normal approximation at the mode reached from the prior draw. Where the climb
    ends at no mode (a funnel's density has no maximum) it is the prior draw itself, with a unit metric.
    """
    if dimension > CURVED_DIMENSIONS:
        return _prior_draw(log_density, initial, dimension, key)
    search_key, spread_key = jax.random.split(key)
    top = climb(log_density, initial, new_ascent(dimension), search_key, _TOLERANCE, _CLIMB_LIMIT)
    return _spread(log_density, top, spread_key, dimension)


class _Spread(NamedTuple):
    start: Evaluation
    scale: Any
    done: Any
    trials: Any


def _spread(log_density: Callable[[Any], Any], top: Ascent, key: Any, dimension: int) -> Start:
    """A draw of N(mode, covariance), drawn nearer where the density falls more than a normal's would."""
    is_mode = (top.decrement <= _GAIN_OF_A_MODE) & jnp.all(jnp.isfinite(top.best.curvature))
    root, covariance = _root_and_covariance(top.best.curvature, is_mode, dimension)
    centre = jax.tree.map(lambda a, b: jnp.where(is_mode, a, b), top.best, top.first)
    noise = root @ jax.random.normal(key, (dimension,))
    expected_loss = 0.5 * noise @ top.best.curvature @ noise

    def nearer(state: _Spread) -> _Spread:
        z = centre.z + state.scale * noise
        value, gradient = jax.value_and_grad(log_density)(z)
        loss = centre.value - value
        good = jnp.all(jnp.isfinite(gradient)) & (loss <= 1.0 + 2.0 * state.scale**2 * expected_loss)
        found = Evaluation(z, value, gradient, centre.curvature)
        start = jax.tree.map(lambda a, b: jnp.where(good, a, b), found, state.start)
        return _Spread(start, 0.5 * state.scale, good, state.trials + 1)

    def keep_trying(state: _Spread) -> Any:
        return ~state.done & (state.scale > _SMALLEST_SPREAD)

    first = _Spread(centre, jnp.array(1.0), ~is_mode, jnp.array(0))
    start, _, _, trials = jax.lax.while_loop(keep_trying, nearer, first)
    found = top.best.value > -jnp.inf
    n_gradients = top.evaluations * (1 + dimension) + trials
    return Start(start.z, start.value, start.gradient, covariance, found, top.last_tried, n_gradients)


def _root_and_covariance(curvature: Any, is_mode: Any, dimension: int) -> tuple[Any, Any]:
    """L and L Lᵀ = curvature⁻¹; unit matrices where there is no mode or no positive curvature."""
    factor = jnp.linalg.cholesky(jnp.where(is_mode, curvature, jnp.eye(dimension)), symmetrize_input=False)
    root = jax.scipy.linalg.solve_triangular(factor, jnp.eye(dimension), lower=True).T
    covariance = root @ root.T
    usable = jnp.all(jnp.isfinite(covariance))
    unit = jnp.eye(dimension)
    return jnp.where(usable, root, unit), jnp.where(usable, covariance, unit)


def no_start(dimension: int) -> Start:
    """The state before anything was tried, with the unit metric."""
    zeros = jnp.zeros(dimension)
    unit = jnp.eye(dimension) if dimension <= CURVED_DIMENSIONS else jnp.ones(dimension)
    return Start(zeros, jnp.array(-jnp.inf), zeros, unit, jnp.array(False), zeros, jnp.array(0))


def _prior_draw(
    log_density: Callable[[Any], Any], initial: Callable[[Any], Any], dimension: int, key: Any
) -> Start:
    """The first of the prior draws with a finite density and gradient, with a unit metric."""

    def keep_searching(state: Start) -> Any:
        return ~state.found & (state.n_gradients < START_ATTEMPTS)

    def try_one(state: Start) -> Start:
        z = initial(jax.random.fold_in(key, state.n_gradients))
        value, gradient = jax.value_and_grad(log_density)(z)
        found = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        return Start(z, value, gradient, state.covariance, found, z, state.n_gradients + 1)

    return jax.lax.while_loop(keep_searching, try_one, no_start(dimension))
