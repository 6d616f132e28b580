"""Mixtures: a weighted sum of densities, along the last axis."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax, random
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.real_line import Shape


def mixture_log_prob(weights: ArrayLike, log_probs: ArrayLike) -> Array:
    """log(sum(weights * exp(log_probs))) over the last axis, -inf where nothing is left.

    The derivative in a weight is right at weight 0 also, and a component at -inf has none.
    """
    weights, log_probs = jnp.broadcast_arrays(jnp.asarray(weights, float), jnp.asarray(log_probs, float))
    possible = jnp.isfinite(log_probs)
    finite = jnp.where(possible, log_probs, 0.0)
    # The largest of the terms that count, so that a large density of weight 0 does not hide the others.
    largest = jnp.max(jnp.where(possible & (weights > 0.0), log_probs, -jnp.inf), axis=-1, keepdims=True)
    largest = lax.stop_gradient(jnp.where(jnp.isfinite(largest), largest, 0.0))
    # The cap matters for weight 0 only, where the true derivative in the weight is beyond all numbers.
    terms = jnp.where(possible, weights * jnp.exp(jnp.minimum(finite - largest, 600.0)), 0.0)
    total = jnp.sum(terms, axis=-1)
    positive = total > 0.0
    return jnp.where(positive, jnp.log(jnp.where(positive, total, 1.0)) + largest[..., 0], -jnp.inf)


def mixture_sample(key: Array, weights: ArrayLike, draws: ArrayLike) -> Array:
    """One of the components' draws[..., k], each with probability weights[..., k]."""
    weights, draws = jnp.broadcast_arrays(jnp.asarray(weights), jnp.asarray(draws))
    chosen = random.categorical(key, jnp.log(weights), axis=-1)
    return jnp.take_along_axis(draws, chosen[..., None], axis=-1)[..., 0]


class Mixture:
    """One of several components, each with its share: tuples of a distribution and its arguments."""

    def __init__(self, weights: ArrayLike, *components: tuple[Any, ...]) -> None:
        self._weights, self._components = weights, components

    def log_prob(self, y: ArrayLike) -> Array:
        """The log-density at y."""
        parts = [distribution.log_prob(y, *arguments) for distribution, *arguments in self._components]
        return mixture_log_prob(self._weights, jnp.stack(parts, axis=-1))

    def sample(self, key: Array, shape: Shape) -> Array:
        """Draws of a shape."""
        first, *keys = random.split(key, len(self._components) + 1)
        pairs = zip(keys, self._components, strict=True)
        draws = [distribution.sample(k, shape, *arguments) for k, (distribution, *arguments) in pairs]
        return mixture_sample(first, self._weights, jnp.stack(draws, axis=-1))
