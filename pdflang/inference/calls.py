"""Calling a compiled program piece by piece."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

_SECONDS = 0.2
_FASTEST_GROWTH = 4


def next_size(count: int, seconds: float, most: int) -> int:
    """How many steps the next call makes where one of `count` took `seconds`: few where they are slow.

    Between calls an interrupt is heard and progress is shown.
    """
    wanted = count * _SECONDS / max(seconds, 1e-9)
    return int(max(1, min(wanted, _FASTEST_GROWTH * count, most)))


def strongly_typed(tree: Any) -> Any:
    """The same values with types of their own: a weak type would make the next call another program."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.result_type(leaf)), tree)
