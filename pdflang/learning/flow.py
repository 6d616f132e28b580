"""A flow of single events: their density given the parameters, learned from events alone.

Events may have signed weights: what is learned is their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from pdflang.learning.event_flow import EventFlow
from pdflang.learning.event_makers import Network, averaged_over_events, number_loss
from pdflang.learning.options import FlowOptions

ASKED = "nothing"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: FlowOptions) -> jax.Array:
    """−log p of the Poisson process of events at their own parameters."""

    def term(own: EventFlow, z: jax.Array, rows: jax.Array, weights: jax.Array, key: Any) -> jax.Array:
        logs = jax.vmap(own.log_density, (0, None))(rows, z)
        return number_loss(own, z, weights) - weights * logs

    return averaged_over_events(network, batch, key, term)
