"""Classifiers of events of two hypotheses whose output does not depend on a nuisance.

Learning to pivot (Louppe, Kagan and Cranmer 2016, arXiv:1611.01046): the output f(x) = P(second | x) is trained against
an adversary r, a mixture of normal distributions of the nuisance given the output, by min_f max_r L_f − λ L_r. At the
best r, −L_r is what the output tells of the nuisance, but for the entropy H of its prior: what f minimises is
L_f + λ I(f; Z). There is a classifier for each λ. Which network is kept is not judged by its adversary, which may be
late, but by regressions of the nuisance and of its square on the output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.learning.adversary import Adversary, log_densities, standardised
from pdflang.learning.event_ratios import mapped
from pdflang.learning.hypotheses import LabelledEvents
from pdflang.learning.layout import Part
from pdflang.learning.options import PivotOptions
from pdflang.learning.scaling import Scales, spread_of, typical

IS_JUDGED_WHOLE = True
"""Regressions on few draws of the nuisance find what is not there."""
_DEPTH = 3
_COSINES = 4
"""Cosines of the rank of an output that the nuisance is regressed on."""


class Pivot(eqx.Module):
    """The classifier of an observation, its adversary and their λ."""

    classifier: eqx.nn.MLP
    adversary: Adversary
    penalty: jax.Array

    def __init__(self, key: Any, width: int, dimension: int, options: PivotOptions) -> None:
        first, second = jax.random.split(key)
        self.classifier = eqx.nn.MLP(width, "scalar", options.width, _DEPTH, jax.nn.silu, key=first)
        self.adversary = Adversary(second, dimension, options.components, options.width)
        self.penalty = jnp.zeros(())


class Network(eqx.Module):
    """That of each observation."""

    observations: dict[str, Pivot]


def prepared(parts: Sequence[Part], sample: LabelledEvents, options: PivotOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each draw of the nuisance."""
    z = sample.draws["z"]
    scales: Scales = {"z mean": z.mean(axis=0), "z sd": spread_of(z)}
    scales |= {f"point {name}": values for name, values in sample.points.items()}
    for part in parts:
        there = sample.draws[f"{part.name} weight"] != 0
        scales[f"{part.name} center"], scales[f"{part.name} spread"] = typical(sample.draws[f"{part.name} rows"][there])
    return scales, jax.tree.map(lambda array: np.asarray(array, np.float32), standard_draws(parts, scales, sample))


def standard_draws(parts: Sequence[Part], scales: Scales, sample: LabelledEvents) -> dict[str, Any]:
    """What losses read: nuisances and events in units of their spread, labels 0 and 1."""
    z = (sample.draws["z"] - scales["z mean"]) / scales["z sd"]
    arrays: dict[str, Any] = {"z": z, "log prior": sample.draws["log prior"] + np.log(scales["z sd"]).sum()}
    for part in parts:
        weight = sample.draws[f"{part.name} weight"]
        rows = (sample.draws[f"{part.name} rows"] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
        label = np.repeat([0.0, 1.0], weight.shape[1] // 2)
        arrays[part.name] = {
            "rows": np.where((weight != 0)[..., None], rows, 0.0), "weight": weight,
            "label": np.broadcast_to(label, weight.shape),
        }  # fmt: skip
    return arrays


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: PivotOptions) -> Network:
    """A network before training."""
    keys = jax.random.split(key, len(parts))
    nuisances = len(scales["z mean"])
    return Network(
        {part.name: Pivot(own, part.width, nuisances, options) for own, part in zip(keys, parts, strict=True)}
    )


def member(network: Network, before: Network | None, number: int, options: PivotOptions) -> Network:
    """The network of one of the penalties, before training.

    It goes on from that of the penalty before: under a large one, what tells nothing yet may never learn to.
    """
    value = jnp.asarray(options.penalty_values[number], jnp.zeros(()).dtype)
    begun = before or network
    return Network(
        {name: eqx.tree_at(lambda one: one.penalty, own, value) for name, own in begun.observations.items()}
    )


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: PivotOptions) -> jax.Array:
    """L_f + λ (H − L_r), with the derivatives by which f makes it smaller, and r L_r: both move in each step."""
    total, value = jnp.zeros(()), jnp.zeros(())
    for name, own in network.observations.items():
        part, z, penalty = batch[name], batch["z"], jax.lax.stop_gradient(own.penalty)
        logits = jax.vmap(jax.vmap(own.classifier))(part["rows"])
        outputs, still = standardised(logits, part["weight"]), _still(own.adversary)
        apart = _cross_entropy(part, logits)
        told = _averaged(part, log_densities(still, outputs, z) - batch["log prior"][:, None])
        guessed = -_averaged(part, log_densities(own.adversary, jax.lax.stop_gradient(outputs), z))
        # So that the length of gradients, which is cut, does not depend on λ.
        total += (apart + penalty * told) / (1 + penalty) + guessed
        value += apart + penalty * told
    return total + jax.lax.stop_gradient(value - total)


def validation(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: PivotOptions) -> jax.Array:
    """L_f + λ Σ −½ log(1 − R²), of regressions of each nuisance, and of its square, on the output."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        part = batch[name]
        logits = jax.vmap(jax.vmap(own.classifier))(part["rows"])
        told = _regressed(logits.ravel(), part["weight"].ravel(), jnp.repeat(batch["z"], logits.shape[1], axis=0))
        total += _cross_entropy(part, logits) + jax.lax.stop_gradient(own.penalty) * told
    return total


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: LabelledEvents) -> Scales:
    """The scales as they are: what the output tells is measured with events that nothing was learned of."""
    return scales


def event_outputs(network: Network, part: Part, scales: Mapping[str, Any], number: Any, rows: Any) -> jax.Array:
    """log f/(1 − f) of rows (n, width) as they are in the data, by the classifier of a penalty: (n,)."""
    moving, still = eqx.partition(network.observations[part.name].classifier, eqx.is_array)
    own = eqx.combine(jax.tree.map(lambda leaf: leaf[number], moving), still)
    return mapped(own, (rows - scales[f"{part.name} center"]) / scales[f"{part.name} spread"])


def _cross_entropy(part: Any, logits: jax.Array) -> jax.Array:
    """The mean of −log of the probability that events have their labels."""
    return _averaged(part, jax.nn.softplus(logits) - part["label"] * logits)


def _averaged(part: Any, values: jax.Array) -> jax.Array:
    return jnp.mean(part["weight"] * values)


def _still(module: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, module)


def _regressed(outputs: jax.Array, weights: jax.Array, z: jax.Array) -> jax.Array:
    """What regressions tell of nuisances (n, dimension) by outputs (n,), in nats, without what chance adds."""
    count = len(outputs)
    # Equal outputs have equal ranks.
    rank = jnp.searchsorted(jnp.sort(outputs), outputs) / count
    basis = jnp.stack([jnp.cos(jnp.pi * k * rank) for k in range(1, _COSINES + 1)], axis=1)
    targets = jnp.concatenate([z, z**2], axis=1)
    total = jnp.maximum(weights.sum(), 1e-6)
    basis, targets = (one - weights @ one / total for one in (basis, targets))
    gram = (basis.T * weights) @ basis / total + 1e-5 * jnp.eye(_COSINES)
    cross = (basis.T * weights) @ targets / total
    explained = jnp.sum(cross * jnp.linalg.solve(gram, cross), axis=0)
    share = explained / jnp.maximum((weights @ targets**2) / total, 1e-6)
    left = jnp.clip((1 - share) * count / (count - _COSINES), 1e-6, None)
    return -jnp.log(left).sum() / 2
