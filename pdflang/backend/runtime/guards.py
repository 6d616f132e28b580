"""What keeps the branch of an `if` that is not taken out of the gradient."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def where_taken(taken: ArrayLike, value: ArrayLike) -> Array:
    """The value; its gradient is zero where `taken` is false. Both broadcast."""
    return jnp.where(taken, value, jax.lax.stop_gradient(value))
