"""A variational auto-encoder of events, given parameters (Kingma and Welling 2014, arXiv:1312.6114).

The decoder has a head for each column: normal for reals on the whole line; for clipped numbers a spike and a log-normal
(logit-normal, where the region has an upper end); for whole numbers a normal that is rounded and truncated to the
region; a categorical for labels. The prior of the latent variables is a flow, given parameters, and learned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri

from pdflang.inference.flows import log_prob, samples, spline_flow
from pdflang.learning.columns import Column, count_cells, log_between, whole_ends
from pdflang.learning.event_makers import (
    Maker,
    Network,
    averaged_over_events,
    event_values,
    events_drawn,
    expected,
    finished,
    made_network,
    number_loss,
    number_network,
    prepared,
)
from pdflang.learning.layout import Part
from pdflang.learning.options import VaeOptions
from pdflang.learning.scaling import Scales

__all__ = ["event_values", "events_drawn", "expected", "finished", "loss", "network", "prepared"]

ASKED = "nothing"
_DEPTH = 3
_NARROWEST = 1e-3
"""Of a head, in units of the column: a density that runs away is none."""
_NARROW = 3.0
_DRAWS = 64
"""Draws of the encoder by which the density of an event is estimated."""


def head_size(column: Column) -> int:
    """How many numbers a head has."""
    return {"label": column.labels, "clipped": 3}.get(column.kind, 2)


def head_log_density(column: Column, head: jax.Array, cells: jax.Array) -> jax.Array:
    """log p of what is seen of a column (cells,): of whole numbers and labels a probability."""
    if column.kind == "label":
        return cells @ jax.nn.log_softmax(head)
    mean, width = head[-2], _width(head[-1])
    if column.kind == "whole":
        half, *_ = whole_ends(column)
        inside = log_between((cells[0] - half - mean) / width, (cells[0] + half - mean) / width)
        return inside - log_between(*_ends(column, mean, width))
    there = jax.scipy.stats.norm.logpdf(cells[-1], mean, width)
    if column.kind == "real":
        return there
    return -jnp.where(cells[0] > 0.5, jax.nn.softplus(-head[0]), jax.nn.softplus(head[0]) - there)


def head_drawn(column: Column, head: jax.Array, key: Any) -> jax.Array:
    """What is seen of a column (cells,)."""
    if column.kind == "label":
        return jax.nn.one_hot(jax.random.categorical(key, head), column.labels)
    first, second = jax.random.split(key)
    mean, width = head[-2], _width(head[-1])
    if column.kind == "whole":
        low, high = map(ndtr, _ends(column, mean, width))
        return (mean + width * ndtri(jax.random.uniform(first, minval=low, maxval=high)))[None]
    values = (mean + width * jax.random.normal(first))[None]
    if column.kind == "real":
        return values
    at_spike = jax.random.bernoulli(second, jax.nn.sigmoid(head[0])).astype(values.dtype)
    return jnp.concatenate([at_spike[None], jnp.where(at_spike > 0, 0.0, values)])


def _ends(column: Column, mean: jax.Array, width: jax.Array) -> list[jax.Array]:
    """Where the region of whole numbers ends, in standard deviations; what is at infinity has no derivative."""
    ends = whole_ends(column)[1:]
    return [(end - mean) / width if math.isfinite(end) else jnp.full_like(mean, end) for end in ends]


def _width(number: jax.Array) -> jax.Array:
    """A standard deviation. It begins narrow: where latent variables tell nothing at first, they never do."""
    return _NARROWEST + jax.nn.softplus(number - _NARROW)


class Vae(Maker):
    """Encoder, decoder and prior of an observation."""

    columns: tuple[Column, ...] = eqx.field(static=True)
    expected: eqx.nn.MLP
    encoder: eqx.nn.MLP
    decoder: eqx.nn.MLP
    prior: Any

    def __init__(self, key: Any, columns: tuple[Column, ...], dimension: int, options: VaeOptions) -> None:
        keys = jax.random.split(key, 4)
        width, latent = options.width, options.latent
        heads = sum(map(head_size, columns))
        self.columns = columns
        self.expected = number_network(keys[0], dimension, options)
        self.encoder = eqx.nn.MLP(count_cells(columns) + dimension, 2 * latent, width, _DEPTH, jax.nn.silu, key=keys[1])
        self.decoder = eqx.nn.MLP(latent + dimension, heads, width, _DEPTH, jax.nn.silu, key=keys[2])
        self.prior = spline_flow(keys[3], latent, dimension, options.layers, width, options.knots)

    def encoded(self, cells: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and standard deviation of the latent variables of an event."""
        mean, width = jnp.split(self.encoder(jnp.concatenate([cells, z])), 2)
        return mean, _width(width)

    def evidence(self, cells: jax.Array, z: jax.Array, code: tuple[jax.Array, jax.Array], key: Any) -> Any:
        """log p(x | h) and log p(h)/q(h) at a draw h of the encoder."""
        mean, width = code
        h = mean + width * jax.random.normal(key, mean.shape)
        heads, total, first, place = self.decoder(jnp.concatenate([h, z])), jnp.zeros(()), 0, 0
        for column in self.columns:
            own = heads[first : first + head_size(column)]
            total += head_log_density(column, own, cells[place : place + column.cells])
            first, place = first + head_size(column), place + column.cells
        return total, log_prob(self.prior, h, z) - jax.scipy.stats.norm.logpdf(h, mean, width).sum()

    def log_density(self, cells: jax.Array, z: jax.Array) -> jax.Array:
        """log p(x | θ) of an event (cells,), by importance (Burda et al. 2016, arXiv:1509.00519), with fixed draws."""
        code = self.encoded(cells, z)
        keys = jax.random.split(jax.random.key(0), _DRAWS)
        logs = jax.vmap(lambda key: sum(self.evidence(cells, z, code, key)))(keys)
        return jax.nn.logsumexp(logs) - jnp.log(_DRAWS)

    def drawn(self, key: Any, z: jax.Array) -> jax.Array:
        first, second = jax.random.split(key)
        heads = self.decoder(jnp.concatenate([samples(self.prior, first, z, 1)[0], z]))
        cells, place = [], 0
        for number, column in enumerate(self.columns):
            own = heads[place : place + head_size(column)]
            cells.append(head_drawn(column, own, jax.random.fold_in(second, number)))
            place += head_size(column)
        return jnp.concatenate(cells)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: VaeOptions) -> Network:
    """A network before training."""
    return made_network(key, parts, scales, lambda own, columns: Vae(own, columns, dimension, options))


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: VaeOptions) -> jax.Array:
    """Minus the evidence lower bound of events at their own parameters, and −log p of their number.

    Where weights are negative, decoder and prior go away from an event, while the encoder is to be right all the same.
    """

    def term(own: Vae, z: jax.Array, rows: jax.Array, weights: jax.Array, key: Any) -> jax.Array:
        def bound(cells: jax.Array, weight: jax.Array, key: Any) -> jax.Array:
            code = jax.tree.map(lambda value: _times(jnp.sign(weight), value), own.encoded(cells, z))
            seen, rate = own.evidence(cells, z, code, key)
            return seen + options.beta * rate

        bounds = jax.vmap(bound)(rows, weights, jax.random.split(key, len(rows)))
        return number_loss(own, z, weights) - weights * bounds

    return averaged_over_events(network, batch, key, term)


def _times(sign: jax.Array, value: jax.Array) -> jax.Array:
    """A value whose derivative is multiplied by a number."""
    return sign * value + jax.lax.stop_gradient((1 - sign) * value)
