"""A flow of single events with the joint score: SCANDAL (Brehmer, Louppe, Pavez and Cranmer 2018, arXiv:1805.12244).

Beside the flow q(x | θ) the expected number ν(θ) is learned: the loss is that of a Poisson process, and the joint score
of an intensity is ∇ log q + ∇ log ν.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.learning.event_flow import EventFlow
from pdflang.learning.event_makers import Network
from pdflang.learning.event_ratios import averaged
from pdflang.learning.options import ScandalOptions
from pdflang.learning.rascal import score_errors

ASKED = "ratios and scores"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: ScandalOptions) -> jax.Array:
    """−log p of the Poisson process at θ, by events of the reference, and the squared error of its score (eq. 29)."""

    def terms(own: EventFlow, part: Any, logs: jax.Array) -> jax.Array:
        errors = score_errors(own, part["rows"], batch["z"], part["score"], key)
        return part["ratio"] * (options.score_weight * errors - logs)

    flows = network.observations.values()
    numbers = sum(jnp.mean(jnp.exp(jax.vmap(jax.vmap(own.expected))(batch["z"]))) for own in flows)
    return averaged(network, batch, terms) + numbers
