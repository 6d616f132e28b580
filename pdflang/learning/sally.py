"""A regression of the joint score of events at one point θ₀: SALLY (Brehmer et al. 2018, arXiv:1805.12244).

The summed scores T of a data set are sufficient near θ₀. There log L(θ) = T·δ − ½ δᵀIδ with δ = θ − θ₀ on the
unconstrained scale and the information I of the learned scores; its maximum is a step of Fisher's scoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.learning.event_ratios import event_scales, events_of, mapped, of_part
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.options import SallyOptions
from pdflang.learning.scaling import Scales, spread_of

ASKED = "scores"
_DEPTH = 3


class Network(eqx.Module):
    """The scores of the events of each observation, in units of their spread."""

    observations: dict[str, eqx.nn.MLP]


def prepared(parts: Sequence[Part], sample: EventSample, options: SallyOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each group."""
    scales = event_scales(parts, sample)
    scales["point"] = sample.reference[0]
    arrays: dict[str, Any] = {}
    for part in parts:
        own = of_part(part, scales, sample)
        scores = sample.groups[f"{part.name} score"][:, 0]
        real = scores[sample.groups[f"{part.name} weight"] != 0]
        scales[f"{part.name} score mean"], scales[f"{part.name} score spread"] = real.mean(axis=0), spread_of(real)
        own["score"] = (scores - scales[f"{part.name} score mean"]) / scales[f"{part.name} score spread"]
        arrays[part.name] = own
    return scales, jax.tree.map(lambda array: np.asarray(array, np.float32), arrays)


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample) -> Scales:
    """The scales with the mean of the summed scores of a simulated data set, and their information."""
    found = dict(scales)
    for part in parts:
        rows, share = events_of(part, scales, sample)
        scores = np.asarray(jax.jit(lambda rows, part=part: _scores(network, part, scales, rows))(rows), float)
        mean = share @ scores
        spread = scores - mean if part.is_normalised else scores
        information = (spread.T * share) @ spread
        found |= {
            f"{part.name} mean": mean, f"{part.name} number": share.sum(), f"{part.name} information": information,
        }  # fmt: skip
    return found


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: SallyOptions) -> Network:
    """A network before training."""
    keys = jax.random.split(key, len(parts))
    return Network(
        {
            part.name: eqx.nn.MLP(part.width, dimension, options.width, _DEPTH, jax.nn.silu, key=own)
            for own, part in zip(keys, parts, strict=True)
        }
    )


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: SallyOptions) -> jax.Array:
    """The squared error of the score (eq. 25), whose minimum is ∇ log Λ(x | θ₀)."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        part = batch[name]
        errors = (jax.vmap(jax.vmap(own))(part["rows"]) - part["score"]) ** 2
        total += jnp.mean(part["weight"][..., None] * errors)
    return total


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """T (dimension,) and I (dimension, dimension) of a data set, all observations together."""
    dimension = len(scales["point"])
    score, information = jnp.zeros(dimension), jnp.zeros((dimension, dimension))
    for part in parts:
        weight = data[f"{part.name} weight"]
        rows = (data[part.name] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
        number = weight.sum() if part.is_normalised else 1.0
        score += weight @ _scores(network, part, scales, rows)
        score -= number * scales[f"{part.name} mean"]
        information += number * scales[f"{part.name} information"]
    return {"score": score, "information": information}


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """The log-likelihood at unconstrained parameters z (dimension,), up to a constant."""
    away = z - scales["point"]
    return read["score"] @ away - away @ read["information"] @ away / 2


def event_scores(network: Network, part: Part, scales: Mapping[str, Any], rows: Any) -> jax.Array:
    """∇ log p(x | θ₀) by unconstrained parameters, of rows (n, width) as they are in the data: (n, dimension)."""
    inner = (rows - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
    return _scores(network, part, scales, inner) - scales[f"{part.name} mean"] / scales[f"{part.name} number"]


def _scores(network: Network, part: Part, scales: Mapping[str, Any], rows: Any) -> jax.Array:
    center, spread = scales[f"{part.name} score mean"], scales[f"{part.name} score spread"]
    return mapped(network.observations[part.name], rows) * spread + center
