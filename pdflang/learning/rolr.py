"""A regression of the joint ratio r of events: ROLR (Brehmer, Louppe, Pavez and Cranmer 2018, arXiv:1805.12244)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.learning.event_ratios import Network, event_values, finished, log_value, network, prepared, reading
from pdflang.learning.options import EventOptions

ASKED = "ratios"

__all__ = ["ASKED", "event_values", "finished", "log_value", "loss", "network", "prepared", "reading", "squared_errors"]


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: EventOptions) -> jax.Array:
    """The squared error of r under the reference, and of 1/r under θ (eq. 21)."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        part = batch[name]
        logits = jax.vmap(own)(part["rows"], batch["z"])
        total += jnp.mean(part["weight"][:, None] * squared_errors(part["ratio"], logits))
    return total


def squared_errors(ratio: jax.Array, logits: jax.Array) -> jax.Array:
    """(r − r̂)² + r (1/r − 1/r̂)², of events of the reference."""
    inverse = jnp.exp(-logits)
    return (ratio - jnp.exp(logits)) ** 2 + 1 / jnp.maximum(ratio, 1e-30) - 2 * inverse + ratio * inverse**2
