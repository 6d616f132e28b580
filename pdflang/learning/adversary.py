"""What guesses the nuisance from the output of a classifier: a mixture of normal distributions given the output."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

_DEPTH = 2
_NARROWEST = 1e-2
"""The least width of a component, in standard deviations of the nuisance."""


class Adversary(eqx.Module):
    """log r(z | s) of standardised nuisances z (dimension,) given a number s of order 1 (Bishop 1994).

    At first it does not depend on s, and is about a standard normal distribution.
    """

    network: eqx.nn.MLP
    means: jax.Array
    components: int = eqx.field(static=True)
    dimension: int = eqx.field(static=True)

    def __init__(self, key: Any, dimension: int, components: int, width: int) -> None:
        self.components, self.dimension = components, dimension
        first, second = jax.random.split(key)
        network = eqx.nn.MLP("scalar", components * (1 + 2 * dimension), width, _DEPTH, jax.nn.silu, key=first)
        last = network.layers[-1]
        weight, bias = jnp.zeros_like(last.weight), jnp.zeros_like(last.bias)
        self.network = eqx.tree_at(lambda mlp: (mlp.layers[-1].weight, mlp.layers[-1].bias), network, (weight, bias))
        # Components that are alike would learn alike.
        spots = jnp.linspace(-0.8, 0.8, components) if components > 1 else jnp.zeros(1)
        orders = [jax.random.permutation(own, components) for own in jax.random.split(second, dimension)]
        self.means = jnp.stack([spots[order] for order in orders], axis=1)

    def __call__(self, output: jax.Array, z: jax.Array) -> jax.Array:
        found = self.network(output)
        weights, rest = found[: self.components], found[self.components :].reshape(2, self.components, self.dimension)
        means = jax.lax.stop_gradient(self.means) + rest[0]
        narrow = np.sqrt(1 - np.var(np.linspace(-0.8, 0.8, self.components))) if self.components > 1 else 1.0
        widths = _NARROWEST + narrow * jax.nn.softplus(rest[1] + np.log(np.e - 1))
        logs = -(((z - means) / widths) ** 2) / 2 - jnp.log(widths) - np.log(2 * np.pi) / 2
        return jax.nn.logsumexp(jax.nn.log_softmax(weights) + logs.sum(axis=1))


def standardised(outputs: jax.Array, weights: jax.Array) -> jax.Array:
    """Outputs in units of their spread, by which they cannot hide what they tell."""
    total = jnp.maximum(weights.sum(), 1e-6)
    mean = jnp.sum(weights * outputs) / total
    variance = jnp.sum(weights * (outputs - mean) ** 2) / total
    return (outputs - mean) / jnp.sqrt(variance + 1e-6)


def log_densities(adversary: Adversary, outputs: jax.Array, z: jax.Array) -> jax.Array:
    """log r (draws, events) of outputs (draws, events) at the nuisances (draws, dimension) of their draws."""
    return jax.vmap(jax.vmap(adversary, (0, None)))(outputs, z)
