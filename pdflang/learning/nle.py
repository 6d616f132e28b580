"""Neural likelihood estimation: a flow of the data, given parameters (Papamakarios et al. 2019, arXiv:1805.07226).

Rows that are independent and alike, given the parameters, have one flow together, whose log-densities add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.flows import log_prob, spline_flow
from pdflang.learning.inputs import of_pairs
from pdflang.learning.layout import Part
from pdflang.learning.options import NleOptions
from pdflang.learning.pairs import Pairs
from pdflang.learning.scaling import (
    Scales,
    linear_scales,
    log_scale,
    rows_of,
    scales_of,
    standard_z,
    vector_of,
    whitened,
)

_VECTOR = "vector"
_ROWS_AT_ONCE = 8
"""Rows of each data set that a step of the optimiser sees: a choice of them does as well as all."""


class Network(eqx.Module):
    """A flow for all vectors together, if there are any, and one for each set."""

    flows: dict[str, Any]


def prepared(parts: Sequence[Part], pairs: Pairs, options: NleOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each of them."""
    pairs = _spread_out(parts, pairs)
    scales = scales_of(parts, pairs)
    known = np.asarray(standard_z(scales, pairs.z))
    for name, part in _flows(parts).items():
        if part is None:
            vectors = partial(_vector, tuple(parts), scales)
            scales |= linear_scales(name, of_pairs(vectors, pairs).astype(float), known)
        else:
            rows = pairs.data[part.name]
            flat = ((rows - scales[f"{name} center"]) / scales[f"{name} spread"]).reshape(-1, part.width)
            scales |= linear_scales(name, flat, np.repeat(known, rows.shape[1], axis=0))

    def of_one(z: Any, data: Any) -> Any:
        given = standard_z(scales, z)
        return {"given": given, "targets": _targets(parts, scales, given, data)}

    return scales, of_pairs(of_one, pairs)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: NleOptions) -> Network:
    """A network before training."""
    flows = {}
    for number, name in enumerate(_flows(parts)):
        width = len(scales[f"{name} triangle"])
        own = jax.random.fold_in(key, number)
        flows[name] = spline_flow(own, width, dimension, options.layers, options.width, options.knots)
    return Network(flows)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: NleOptions) -> jax.Array:
    """−log q(x | θ), averaged over a batch; of sets that of a row, by some of them."""
    total = jnp.zeros(())
    for name, target in batch["targets"].items():
        if target.ndim == 2:
            terms = jax.vmap(lambda x, z, name=name: log_prob(network.flows[name], x, z))(target, batch["given"])
        else:
            count = target.shape[1]
            places = jax.random.permutation(key, count)[: min(_ROWS_AT_ONCE, count)]
            of_rows = jax.vmap(lambda x, z, name=name: log_prob(network.flows[name], x, z), (0, None))
            terms = jax.vmap(of_rows)(target[:, places], batch["given"])
        total -= jnp.mean(terms)
    return total


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """What the flows read of a data set: all of it, in units that parameters give."""
    return data


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, data: Any) -> jax.Array:
    """The log-likelihood of unconstrained parameters z (dimension,), in units of the data."""
    given = standard_z(scales, z)
    total = jnp.zeros(())
    for name, target in _targets(parts, scales, given, data).items():
        flow, units = network.flows[name], log_scale(name, scales)
        if target.ndim == 1:
            total += log_prob(flow, target, given) - units - _log_sds(parts, scales)
        else:
            each = jax.vmap(lambda row, flow=flow: log_prob(flow, row, given))(target)
            there = jnp.arange(len(target)) < data[f"{name} count"]
            total += jnp.where(there, each - units - jnp.log(scales[f"{name} spread"]).sum(), 0.0).sum()
    return total


def _flows(parts: Sequence[Part]) -> dict[str, Part | None]:
    """The flows by name: None for that of the vectors."""
    flows: dict[str, Part | None] = {part.name: part for part in parts if part.is_set}
    return {**({_VECTOR: None} if any(not part.is_set for part in parts) else {}), **flows}


def _vector(parts: Sequence[Part], scales: Mapping[str, Any], z: Any, data: Mapping[str, Any]) -> Any:
    return vector_of(parts, scales, data)


def _targets(parts: Sequence[Part], scales: Mapping[str, Any], given: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a data set beside the linear prediction: (d,) of vectors, (rows, d) of a set."""
    found: dict[str, Any] = {}
    for name, part in _flows(parts).items():
        if part is None:
            found[name] = whitened(name, scales, vector_of(parts, scales, data), given)
        else:
            rows, _ = rows_of(part, scales, data)
            found[name] = jax.vmap(lambda row, name=name: whitened(name, scales, row, given))(rows)
    return found


def _log_sds(parts: Sequence[Part], scales: Mapping[str, Any]) -> Any:
    return sum(jnp.log(scales[f"{part.name} spread"]).sum() for part in parts if not part.is_set)


def _spread_out(parts: Sequence[Part], pairs: Pairs) -> Pairs:
    """Whole numbers spread evenly over the interval around each, on which a density stands for the probability."""
    generator = np.random.default_rng(0)
    whole = {part.name for part in parts if part.is_whole}
    data = {
        name: values + generator.uniform(-0.5, 0.5, values.shape) if name in whole else values
        for name, values in pairs.data.items()
    }
    return Pairs(pairs.z, data)
