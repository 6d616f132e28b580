"""Neural posterior estimation: a flow of the parameters, given data (Papamakarios & Murray 2016, arXiv:1605.06376)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.flows import log_prob, samples, spline_flow
from pdflang.learning.inputs import input_widths, inputs, number_of_summaries, of_pairs
from pdflang.learning.layout import Part
from pdflang.learning.networks import Summary
from pdflang.learning.options import NpeOptions
from pdflang.learning.pairs import Pairs
from pdflang.learning.scaling import (
    Scales,
    linear_scales,
    log_scale,
    scales_of,
    standard_z,
    unwhitened,
    whitened,
)


class Network(eqx.Module):
    """A summary of the data, and a flow under its condition."""

    summary: Summary
    flow: Any

    def condition(self, given: Mapping[str, Any]) -> jax.Array:
        """What the flow reads of a data set."""
        return self.summary(given["statistics"], given["sets"])


def prepared(parts: Sequence[Part], pairs: Pairs, options: NpeOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each of them."""
    scales = scales_of(parts, pairs)
    known = of_pairs(lambda _, data: inputs(parts, scales, data)["statistics"], pairs).astype(float)
    scales |= linear_scales("z", np.asarray(standard_z(scales, pairs.z)), known)

    def of_one(z: Any, data: Any) -> Any:
        given = inputs(parts, scales, data)
        return {"target": whitened("z", scales, standard_z(scales, z), given["statistics"]), **given}

    return scales, of_pairs(of_one, pairs)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: NpeOptions) -> Network:
    """A network before training."""
    first, second = jax.random.split(key)
    count, widths = input_widths(parts, scales)
    summary = Summary(first, widths, options.summaries, options.width)
    condition = number_of_summaries(widths, count, options.summaries)
    flow = spline_flow(second, dimension, condition, options.layers, options.width, options.knots)
    return Network(summary, flow)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: NpeOptions) -> jax.Array:
    """−log q(θ | x), averaged over a batch."""
    return -jnp.mean(jax.vmap(lambda one: log_prob(network.flow, one["target"], network.condition(one)))(batch))


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """What the flow reads of a data set."""
    given = inputs(parts, scales, data)
    return {"statistics": given["statistics"], "condition": network.condition(given)}


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """The log-density of unconstrained parameters z (dimension,) given a data set, normalised."""
    left = whitened("z", scales, standard_z(scales, z), read["statistics"])
    units = log_scale("z", scales) + jnp.log(scales["z sd"]).sum()
    return log_prob(network.flow, left, read["condition"]) - units


def drawn(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], key: Any, read: Any, count: int) -> Any:
    """Draws (count, dimension) of the posterior of a data set, unconstrained."""
    left = samples(network.flow, key, read["condition"], count)
    standard = jax.vmap(lambda one: unwhitened("z", scales, one, read["statistics"]))(left)
    return standard * scales["z sd"] + scales["z mean"]
