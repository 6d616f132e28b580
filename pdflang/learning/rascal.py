"""A regression of the joint ratio and the joint score: RASCAL (Brehmer et al. 2018, arXiv:1805.12244)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.learning.event_ratios import Network, averaged
from pdflang.learning.options import RascalOptions
from pdflang.learning.rolr import squared_errors

ASKED = "ratios and scores"


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: RascalOptions) -> jax.Array:
    """That of ROLR, and under θ the squared error of the score, which is the slope of log r in θ (eq. 24)."""

    def terms(own: Any, part: Any, logs: jax.Array) -> jax.Array:
        errors = score_errors(own, part["rows"], batch["z"], part["score"], key)
        return squared_errors(part["ratio"], logs) + options.score_weight * part["ratio"] * errors

    return averaged(network, batch, terms)


def score_errors(logs: Any, rows: jax.Array, z: jax.Array, score: jax.Array, key: Any) -> jax.Array:
    """Squared errors (groups, contrasts, GROUP) of ∂ logs/∂z, by one random direction each: their mean is that of all.

    `logs(rows, z)` gives (contrasts, GROUP) of rows (GROUP, width) at z (contrasts, dimension).
    """
    direction = jax.random.normal(key, z.shape)

    def of_group(rows: jax.Array, z: jax.Array, score: jax.Array, direction: jax.Array) -> jax.Array:
        slope = jax.jvp(lambda at: logs(rows, at), (z,), (direction,))[1]
        return (slope - jnp.einsum("cgd,cd->cg", score, direction)) ** 2

    return jax.vmap(of_group)(rows, z, score, direction)
