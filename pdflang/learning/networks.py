"""The networks: summaries of sets, made in whatever precision JAX is set to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


class SetSummary(eqx.Module):
    """Numbers that do not depend on the order of rows: a network of the mean of a network of each (Zaheer et al. 2017).

    arXiv:1703.06114.
    """

    of_row: eqx.nn.MLP
    of_mean: eqx.nn.MLP

    def __init__(self, key: Any, rows: int, summaries: int, width: int) -> None:
        first, second = jax.random.split(key)
        self.of_row = eqx.nn.MLP(rows, width, width, 2, jax.nn.silu, key=first)
        self.of_mean = eqx.nn.MLP(width, summaries, width, 1, jax.nn.silu, key=second)

    def __call__(self, rows: jax.Array, there: jax.Array) -> jax.Array:
        """Of rows (room, width), of which some are there (room,)."""
        each = jax.vmap(self.of_row)(rows)
        mean = jnp.where(there[:, None], each, 0.0).sum(axis=0) / jnp.maximum(there.sum(), 1)
        return self.of_mean(mean)


class Summary(eqx.Module):
    """Statistics of data, and learned ones of each set beside them."""

    sets: dict[str, SetSummary]

    def __init__(self, key: Any, widths: Mapping[str, int], summaries: int, width: int) -> None:
        keys = jax.random.split(key, max(1, len(widths)))
        self.sets = {n: SetSummary(k, w, summaries, width) for k, (n, w) in zip(keys, widths.items(), strict=False)}

    def __call__(self, statistics: jax.Array, sets: Mapping[str, tuple[jax.Array, jax.Array]]) -> jax.Array:
        """One vector."""
        return jnp.concatenate([statistics, *(network(*sets[name]) for name, network in self.sets.items())])


def in_double(network: Any) -> Any:
    """The same network with its weights in 64 bits."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, float) if eqx.is_inexact_array(leaf) else leaf, network)


def still_at_first(network: eqx.nn.MLP) -> eqx.nn.MLP:
    """A network whose output is 0 before it is trained."""
    return eqx.tree_at(lambda mlp: mlp.layers[-1], network, jax.tree.map(_zero, network.layers[-1]))


def _zero(leaf: Any) -> Any:
    return jnp.zeros_like(leaf) if eqx.is_inexact_array(leaf) else leaf


def stacked(networks: Sequence[Any]) -> Any:
    """Networks of one kind as one, whose arrays have them all in their first axis."""
    moving, still = zip(*(eqx.partition(network, eqx.is_array) for network in networks), strict=True)
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves), *moving), still[0])
