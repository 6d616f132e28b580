"""Neural ratio estimation: a classifier that tells the parameters of a data set from others.

Its logit is log p(x | θ) / p(x), by the contrasts of Miller et al. 2022 (NRE-C, arXiv:2210.06170).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.learning.inputs import input_widths, inputs, number_of_summaries, of_pairs
from pdflang.learning.layout import Part
from pdflang.learning.networks import Summary
from pdflang.learning.options import NreOptions
from pdflang.learning.pairs import Pairs
from pdflang.learning.scaling import Scales, linear_scales, log_scale, scales_of, standard_z, whitened


class Network(eqx.Module):
    """A summary of the data, and a classifier of it and the parameters, beside a share of the normal approximation."""

    summary: Summary
    classifier: eqx.nn.MLP
    share: jax.Array

    def condition(self, given: Mapping[str, Any]) -> jax.Array:
        """What the classifier reads of a data set."""
        return self.summary(given["statistics"], given["sets"])

    def __call__(self, scales: Mapping[str, Any], z: jax.Array, statistics: Any, condition: jax.Array) -> jax.Array:
        """The log-ratio at standardised parameters z (dimension,)."""
        normal = _normal_ratio(scales, z, statistics)
        return self.share * normal + self.classifier(jnp.concatenate([z, condition]))[0]


def prepared(parts: Sequence[Part], pairs: Pairs, options: NreOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each of them."""
    scales = scales_of(parts, pairs)
    standard = np.asarray(standard_z(scales, pairs.z))
    known = of_pairs(lambda _, data: inputs(parts, scales, data)["statistics"], pairs).astype(float)
    scales |= linear_scales("z", standard, known)
    scales |= linear_scales("prior", standard, np.zeros((len(standard), 1)))

    return scales, of_pairs(lambda z, data: {"z": standard_z(scales, z), **inputs(parts, scales, data)}, pairs)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: NreOptions) -> Network:
    """A network before training."""
    first, second = jax.random.split(key)
    count, widths = input_widths(parts, scales)
    summary = Summary(first, widths, options.summaries, options.width)
    width = dimension + number_of_summaries(widths, count, options.summaries)
    classifier = eqx.nn.MLP(width, 1, options.width, options.depth, jax.nn.silu, key=second)
    last = classifier.layers[-1]
    still = eqx.tree_at(lambda layer: (layer.weight, layer.bias), last, replace_fn=jnp.zeros_like)
    return Network(summary, eqx.tree_at(lambda mlp: mlp.layers[-1], classifier, still), jnp.ones(()))


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: NreOptions) -> jax.Array:
    """The contrasts of each data set with its own parameters and those of others of the batch (eq. 9, with γ = 1)."""
    z, given = batch["z"], {name: value for name, value in batch.items() if name != "z"}
    contrasts = min(options.contrasts, len(z) - 1)
    # The batch is in random order, so that its next ones are any others.
    others = jnp.stack([jnp.roll(z, -shift, axis=0) for shift in range(contrasts + 1)], axis=1)
    conditions = jax.vmap(network.condition)(given)
    of_many = jax.vmap(network, in_axes=(None, 0, None, None))
    logits = jax.vmap(of_many, in_axes=(None, 0, 0, 0))(scales, others, given["statistics"], conditions)
    none = jnp.full((len(z), 1), jnp.log(contrasts))
    among = jax.nn.logsumexp(jnp.concatenate([none, logits[:, :-1]], axis=1), axis=1)
    apart = jax.nn.logsumexp(jnp.concatenate([none, logits[:, 1:]], axis=1), axis=1)
    return -0.5 * jnp.mean(logits[:, 0] - among + none[:, 0] - apart)


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """What the classifier reads of a data set."""
    given = inputs(parts, scales, data)
    return {"statistics": given["statistics"], "condition": network.condition(given)}


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """log p(x | θ) / p(x) at unconstrained parameters z (dimension,)."""
    return network(scales, standard_z(scales, z), read["statistics"], read["condition"])


def _normal_ratio(scales: Mapping[str, Any], z: Any, statistics: Any) -> Any:
    """log q(z | x) − log p(z) of the normal approximations, for standardised z."""
    left, alone = whitened("z", scales, z, statistics), whitened("prior", scales, z, jnp.zeros(1))
    return (alone @ alone - left @ left) / 2 + log_scale("prior", scales) - log_scale("z", scales)
