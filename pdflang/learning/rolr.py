"""A regression of the joint ratio r of events: ROLR (Brehmer, Louppe, Pavez and Cranmer 2018, arXiv:1805.12244)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.learning.event_ratios import Network, averaged
from pdflang.learning.options import EventOptions

ASKED = "ratios"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: EventOptions) -> jax.Array:
    """The squared error of r under the reference, and of 1/r under θ (eq. 21)."""
    return averaged(network, batch, lambda _, part, logs: squared_errors(part["ratio"], logs))


def squared_errors(ratio: jax.Array, logs: jax.Array) -> jax.Array:
    """(r − r̂)² + r (1/r − 1/r̂)², of events of the reference."""
    inverse = jnp.exp(-logs)
    return (ratio - jnp.exp(logs)) ** 2 + 1 / jnp.maximum(ratio, 1e-30) - 2 * inverse + ratio * inverse**2
