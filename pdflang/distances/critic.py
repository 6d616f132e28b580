"""Critics: networks that tell observed events from simulated ones, and learn how intensities differ.

Σ_sim w e^D − Σ_obs D, where simulated events count by the expected numbers of a data set, is least where D is the
logarithm of the observed intensity over the simulated one: it is minus the log-likelihood of the observed events under
the intensity that is simulated, times e^D, so that numbers of events are learned together with their distribution.
Observed events enter linearly: a logistic loss weighs them too, the less the farther they scatter, and widths that are
estimated are then too small. The squared slope of D at simulated events is kept small (Mescheder et al. 2018,
arXiv:1801.04406), which matters less and less where events are many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from pdflang.inference.platform import compiler_options

_WIDTH, _FEATURES = 32, 16
_STEPS, _BATCH = 200, 2048
_RATE = 5e-3
_SLOPE = 16.0
"""What a squared slope of 1 costs, in units of events."""

_STEEPEST = 5.0
"""The log-ratio of densities up to which e^D is taken as it is."""

_AVERAGED = 0.98
_LONGEST = 5.0
_ROWS = 1 << 15
"""Rows whose features are computed at once: a bound on memory."""


class Critic(eqx.Module):
    """D of an event: linear in features and 1. Slopes of D cost something, the constant nothing."""

    of_row: eqx.nn.MLP
    slopes: jax.Array

    def __init__(self, key: Any, width: int) -> None:
        self.of_row = eqx.nn.MLP(width, _FEATURES, _WIDTH, 2, jax.nn.silu, jnp.tanh, key=key)
        self.slopes = jnp.zeros(_FEATURES + 1)

    def features(self, row: jax.Array) -> jax.Array:
        """What the last layer sees of a row (width,), and 1: (features,)."""
        return jnp.append(self.of_row(row), 1.0)

    def __call__(self, row: jax.Array) -> jax.Array:
        return self.slopes @ self.features(row)


@dataclass(frozen=True)
class Sample:
    """Rows (n, width) of numbers of order 1, and how many observed events each counts for, (n,)."""

    rows: np.ndarray
    weights: np.ndarray


def new_critics(key: Any, widths: Mapping[str, int]) -> dict[str, Critic]:
    """One for each set, before training: D is 0."""
    with jax.enable_x64(False):
        return {name: Critic(jax.random.fold_in(key, number), w) for number, (name, w) in enumerate(widths.items())}


def trained(
    critics: Mapping[str, Critic], observed: Mapping[str, np.ndarray], simulated: Mapping[str, Sample], key: Any
) -> dict[str, Critic]:
    """The critics after some hundred further steps; the weights of simulated rows add up to what is expected of them.

    The same for the same key.
    """
    with jax.enable_x64(False):
        found = {}
        for number, (name, critic) in enumerate(critics.items()):
            sample = simulated[name]
            rows, weights = _padded(sample.rows), _padded(sample.weights)
            critic = _balanced(critic, observed[name], sample)
            moving, still = eqx.partition(critic, eqx.is_inexact_array)
            own = jax.random.fold_in(key, number)
            moved = _steps(still)(moving, _narrow(observed[name]), _narrow(rows), _narrow(weights), own)
            found[name] = eqx.combine(moved, still)
        return found


def read(critic: Critic, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, features) and D (n,) of rows, in 64 bits."""
    moving, still = eqx.partition(critic, eqx.is_inexact_array)
    parts = []
    with jax.enable_x64(False):
        for first in range(0, max(1, len(rows)), _ROWS):
            some = rows[first : first + _ROWS]
            parts.append(np.asarray(_features(still)(moving, _narrow(_padded(some))), float)[: len(some)])
    features = np.concatenate(parts)
    return features, features @ np.asarray(critic.slopes, float)


def _balanced(critic: Critic, observed: np.ndarray, simulated: Sample) -> Critic:
    """The critic with the best constant, which may be far away where expected numbers are."""
    of_simulated = read(critic, simulated.rows)[1]
    highest = of_simulated.max(initial=-np.inf)
    expected = float(simulated.weights @ np.exp(of_simulated - highest))
    constant = np.log(len(observed) / expected) - highest if expected > 0 else 0.0
    return eqx.tree_at(lambda one: one.slopes, critic, critic.slopes.at[-1].add(constant))


@lru_cache(maxsize=8)
def _features(still: Any) -> Any:
    return jax.jit(lambda moving, rows: jax.vmap(eqx.combine(moving, still).features)(rows))


@lru_cache(maxsize=8)
def _steps(still: Any) -> Any:
    """The compiled training of a critic."""
    optimizer = optax.chain(
        optax.clip_by_global_norm(_LONGEST), optax.adam(optax.cosine_decay_schedule(_RATE, _STEPS), b1=0.5)
    )

    def loss(moving: Any, seen: Any, made: Any, weights: Any, count: Any, level: Any) -> Any:
        critic = eqx.combine(moving, still)
        of_made, slopes = jax.vmap(jax.value_and_grad(critic))(made)
        apart = jnp.sum(weights * _exponential(of_made, level)) / count - jnp.mean(jax.vmap(critic)(seen))
        slope = jnp.sum(weights * jnp.sum(slopes**2, axis=1)) / jnp.maximum(weights.sum(), 1e-6)
        return apart + _SLOPE / 2 * slope / count

    def run(moving: Any, observed: Any, rows: Any, weights: Any, key: Any) -> Any:
        count, room = len(observed), len(rows)
        some, many = min(count, _BATCH), min(room, _BATCH)
        level = jnp.log(count / jnp.maximum(weights.sum(), 1e-6))

        def step(carried: Any, number: Any) -> tuple[Any, None]:
            moving, average, state = carried
            first, second = jax.random.split(jax.random.fold_in(key, number))
            seen = observed if some == count else observed[jax.random.randint(first, (some,), 0, count)]
            chosen = jax.random.randint(second, (many,), 0, room)
            drawn = weights[chosen] * (room / many)
            gradient = jax.grad(loss)(moving, seen, rows[chosen], drawn, float(count), level)
            change, state = optimizer.update(gradient, state, moving)
            moving = optax.apply_updates(moving, change)
            average = jax.tree.map(lambda a, w: _AVERAGED * a + (1 - _AVERAGED) * w, average, moving)
            return (moving, average, state), None

        (_, average, _), _ = jax.lax.scan(step, (moving, moving, optimizer.init(moving)), jnp.arange(_STEPS))
        return average

    return jax.jit(run, compiler_options=compiler_options())


def _exponential(values: Any, level: Any) -> Any:
    """e^D, which goes on along a straight line where D is far above a level: no step is lost on a few rows."""
    near = jnp.minimum(values, level + _STEEPEST)
    return jnp.exp(near) * (1 + values - near)


def _padded(values: np.ndarray) -> np.ndarray:
    """As many as the next power of two, zeros behind the last: few numbers are compiled for."""
    room = 1 << max(10, (max(1, len(values)) - 1).bit_length())
    return np.pad(values, [(0, room - len(values)), *[(0, 0)] * (values.ndim - 1)])


def _narrow(values: np.ndarray) -> jax.Array:
    return jnp.asarray(np.asarray(values, np.float32))
