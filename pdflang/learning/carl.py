"""A classifier of events at θ and at the mean of all: CARL (Cranmer, Pavez and Louppe 2015, arXiv:1506.02169).

It needs no traces, and events may have signed weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.learning.event_ratios import Network
from pdflang.learning.options import CarlOptions

ASKED = "nothing"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: CarlOptions) -> jax.Array:
    """The weighted cross-entropy of events beside their own parameters, and beside those of others."""
    total = jnp.zeros(())
    z = batch["z"][:, 0]
    shifts = jax.random.randint(key, (options.contrasts,), 1, max(2, len(z)))
    others = jnp.stack([jnp.roll(z, shift, axis=0) for shift in shifts], axis=1)
    for name, own in network.observations.items():
        part = batch[name]
        ours = jax.vmap(own)(part["rows"], batch["z"])[:, 0]
        theirs = jax.vmap(own)(part["rows"], others)
        # Beside the guess of yields, events at θ count by it.
        true = jnp.exp(-part["guess"]) * jax.nn.softplus(-ours)
        total += jnp.mean(part["weight"] * (true + jax.nn.softplus(theirs).mean(axis=1)))
    return total
