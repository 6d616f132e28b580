"""How the terms of a log-density add up."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array


def total(*groups: Mapping[str, Array]) -> Array:
    """The sum of all entries of all terms; −∞ where a term is not a number, so that no sampler accepts it."""
    value = jnp.asarray(0.0)
    for group in groups:
        for term in group.values():
            value = value + jnp.sum(term)
    return jnp.where(jnp.isnan(value), -jnp.inf, value)
