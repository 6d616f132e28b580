"""A classifier of events at θ and at the reference, taught by their joint ratio r in place of labels.

ALICE (Stoye, Brehmer, Louppe, Pavez and Cranmer 2018, arXiv:1808.00973).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from pdflang.learning.event_ratios import Network, averaged
from pdflang.learning.options import AliceOptions

ASKED = "ratios"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: AliceOptions) -> jax.Array:
    """The cross-entropy of s = r/(1 + r), over events of which the half are of either (eq. 9)."""
    return averaged(
        network, batch, lambda _, part, logs: part["ratio"] * jax.nn.softplus(-logs) + jax.nn.softplus(logs)
    )
