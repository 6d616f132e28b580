"""Values outside a support, without a NaN in any derivative."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def where_inside(
    inside: ArrayLike,
    function: Callable[[Array], Array],
    y: ArrayLike,
    stand_in: ArrayLike,
    outside: ArrayLike = -jnp.inf,
) -> Array:
    """function(y) inside, `outside` elsewhere; there the function sees `stand_in`, a point inside.

    The second `where` keeps the derivative of a value that is not used from becoming 0 * inf = NaN.
    """
    return jnp.where(inside, function(jnp.where(inside, y, stand_in)), outside)


def is_whole(y: ArrayLike) -> Array:
    """Whether a number is finite and whole."""
    return (jnp.floor(y) == y) & (jnp.abs(y) < jnp.inf)
