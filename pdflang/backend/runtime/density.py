"""How the terms of a log-density add up."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array


def total(*groups: Mapping[str, Array]) -> Array:
    """The sum of all entries of all terms; −∞ where a term is not a number, so that no sampler accepts it."""
    terms = [jnp.sum(term) for group in groups for term in group.values()]
    return _never_nan(sum(terms, start=jnp.asarray(0.0)))


@jax.custom_jvp
def _never_nan(value: Array) -> Array:
    return jnp.where(jnp.isnan(value), -jnp.inf, value)


@_never_nan.defjvp
def _never_nan_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # Derivatives need not know that the value is a number: waiting for it would cost a tenth of a small model.
    return _never_nan(*primals), tangents[0]
