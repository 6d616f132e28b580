"""A generator of events against a discriminator: a GAN (Goodfellow et al. 2014, arXiv:1406.2661), given parameters.

The discriminator D maximises V = E log D(x) + E log(1 − D(G)), whose least value over generators is −log 4, where no D
tells events apart. Events count by their weights, which may be negative: what is generated are events of their sum. The
squared gradient of D at simulated events is kept small (Mescheder et al. 2018, arXiv:1801.04406), which changes nothing
at the optimum. V does not tell which network is the best: that is judged by the energy score of held-out events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.learning.columns import Column, count_cells
from pdflang.learning.event_makers import (
    Maker,
    Network,
    averaged_over_events,
    by_group,
    events_drawn,
    expected,
    made_network,
    number_loss,
    number_network,
    prepared,
)
from pdflang.learning.event_makers import finished as finished_numbers
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.options import GanOptions
from pdflang.learning.scaling import Scales

__all__ = ["events_drawn", "expected", "finished", "loss", "network", "prepared", "remarks", "validation"]

ASKED = "nothing"
_DEPTH = 3
_SOFTNESS = 0.5
"""Of labels while they are learned (Gumbel-softmax, Jang et al. 2017, arXiv:1611.01144)."""


class Gan(Maker):
    """The generator of events and the discriminator."""

    columns: tuple[Column, ...] = eqx.field(static=True)
    expected: eqx.nn.MLP
    generator: eqx.nn.MLP
    discriminator: eqx.nn.MLP
    noise: int = eqx.field(static=True)

    def __init__(self, key: Any, columns: tuple[Column, ...], dimension: int, options: GanOptions) -> None:
        first, second, third = jax.random.split(key, 3)
        cells, width = count_cells(columns), options.width
        self.columns, self.noise = columns, options.noise
        self.expected = number_network(first, dimension, options)
        self.generator = eqx.nn.MLP(options.noise + dimension, cells, width, _DEPTH, jax.nn.silu, key=second)
        self.discriminator = eqx.nn.MLP(cells + dimension, "scalar", width, _DEPTH, jax.nn.silu, key=third)

    def drawn(self, key: Any, z: jax.Array) -> jax.Array:
        first, second = jax.random.split(key)
        made = self.generator(jnp.concatenate([jax.random.normal(first, (self.noise,)), z]))
        cells, place = [], 0
        for number, column in enumerate(self.columns):
            own = made[place : place + column.cells]
            place += column.cells
            random = jax.random.gumbel(jax.random.fold_in(second, number), own.shape)
            if column.kind == "label":
                own = _one_of(own + random)
            elif column.kind == "whole":
                steps = jnp.clip(jnp.round(own * column.spread + column.center), column.low, column.high)
                own = _in_place_of((steps - column.center) / column.spread, own)
            elif column.kind == "clipped":
                at_spike = _one_of(jnp.stack([own[0], 0.0]) + random)[:1]
                own = jnp.concatenate([at_spike, (1 - at_spike) * own[1:]])
            cells.append(own)
        return jnp.concatenate(cells)

    def logit(self, cells: jax.Array, z: jax.Array) -> jax.Array:
        """log D/(1 − D)."""
        return self.discriminator(jnp.concatenate([cells, z]))

    def blurred(self, key: Any, cells: jax.Array) -> jax.Array:
        """Events with whole numbers spread over the intervals around them: points are told apart by nothing else."""
        half = [0.5 / c.spread if c.kind == "whole" else 0.0 for c in self.columns for _ in range(c.cells)]
        return cells + jnp.asarray(half, cells.dtype) * jax.random.uniform(key, cells.shape, minval=-1.0)


def _one_of(logits: jax.Array) -> jax.Array:
    """The largest one, with the derivative of a softmax."""
    soft = jax.nn.softmax(logits / _SOFTNESS)
    return _in_place_of(jax.nn.one_hot(jnp.argmax(logits), len(logits)), soft)


def _in_place_of(value: jax.Array, smooth: jax.Array) -> jax.Array:
    """A value with the derivative of another one."""
    return smooth + jax.lax.stop_gradient(value - smooth)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: GanOptions) -> Network:
    """A network before training."""
    return made_network(key, parts, scales, lambda own, columns: Gan(own, columns, dimension, options))


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: GanOptions) -> jax.Array:
    """V, with the derivatives by which the discriminator makes it larger, and in its turns the generator log D(G).

    Without momentum a generator rests meanwhile: one that moves in each step outruns the discriminator.
    """

    turn = jax.random.bernoulli(jax.random.fold_in(key, 1), 1 / options.turns)

    def term(own: Gan, z: jax.Array, rows: jax.Array, weights: jax.Array, key: Any) -> Any:
        real, made = _pairs(own, z, rows, key)
        still = jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, own)
        judge = jax.vmap(own.logit, (0, None))
        values = -jax.nn.softplus(-judge(real, z)) - jax.nn.softplus(judge(jax.lax.stop_gradient(made), z))
        slopes = jax.vmap(jax.grad(own.logit), (0, None))(real, z)
        fooled = jax.nn.softplus(-jax.vmap(still.logit, (0, None))(made, z))
        size = jnp.abs(weights)
        steps = number_loss(own, z, weights) - weights * values
        steps += size * (turn * fooled + options.penalty / 2 * jnp.sum(slopes**2, axis=-1))
        return steps, weights * values, weights

    total, value = jnp.zeros(()), jnp.zeros(())
    for steps, values, weights in by_group(network, batch, key, term):
        total += jnp.mean(steps)
        value += values.sum() / weights.sum() / len(network.observations)
    return _in_place_of(value, total)


def validation(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: GanOptions) -> jax.Array:
    """The energy score of events, and −log p of their number: both are least for the simulator itself.

    Gneiting and Raftery (2007): E |x − Y| − ½ E |Y − Y′|, linear in the weights of events.
    """

    def term(own: Gan, z: jax.Array, rows: jax.Array, weights: jax.Array, key: Any) -> jax.Array:
        real, made = _pairs(own, z, rows, key)
        count = len(made)
        apart = jnp.where(jnp.eye(count) > 0, 0.0, _distances(made, made)).sum() / (count * (count - 1))
        return weights * (_distances(real, made).mean(axis=1) - apart / 2) + number_loss(own, z, weights)

    return averaged_over_events(network, batch, key, term)


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample) -> Scales:
    """The scales with numbers of events, and V over all of them with its statistical error, of each network."""
    found = finished_numbers(network, parts, scales, sample)
    _, arrays = prepared(parts, sample)
    told = eqx.filter_jit(eqx.filter_vmap(value_and_error, in_axes=(eqx.if_array(0), None)))(network, arrays)
    return found | {f"{part.name} value": np.asarray(told[:, place]) for place, part in enumerate(parts)}


def value_and_error(network: Network, arrays: Any) -> jax.Array:
    """V of each observation, and its statistical error, (observations, 2), over all events that `prepared` has."""

    def values(own: Gan, z: jax.Array, rows: jax.Array, weights: jax.Array, key: Any) -> Any:
        real, made = _pairs(own, z, rows, key)
        judge = jax.vmap(own.logit, (0, None))
        return -jax.nn.softplus(-judge(real, z)) - jax.nn.softplus(judge(made, z)), weights

    told = []
    for each, weights in by_group(network, arrays, jax.random.key(0), values):
        total = weights.sum()
        mean = (weights * each).sum() / total
        told.append(jnp.stack([mean, jnp.sqrt(jnp.sum((weights * (each - mean)) ** 2)) / total]))
    return jnp.stack(told)


def remarks(parts: Sequence[Part], scales: Scales) -> list[str]:
    """What is to be told of a training."""
    return [
        f"V = {value:.4f} ± {error:.4f} of the events of {part.name}, where −log 4 = {-np.log(4):.4f} is the optimum"
        for part in parts
        for value, error in np.asarray(scales[f"{part.name} value"])
    ]


def _pairs(own: Gan, z: jax.Array, rows: jax.Array, key: Any) -> tuple[jax.Array, jax.Array]:
    """Simulated events and as many that are generated, as the discriminator sees them."""
    keys = jax.random.split(key, 3)
    made = jax.vmap(own.drawn, (0, None))(jax.random.split(keys[0], len(rows)), z)
    return own.blurred(keys[1], rows), own.blurred(keys[2], made)


def _distances(first: jax.Array, second: jax.Array) -> jax.Array:
    """Euclidean ones (n, m), with derivatives nowhere needed."""
    return jnp.sqrt(jnp.sum((first[:, None] - second[None]) ** 2, axis=-1))
