"""The states of a recurrence, in JAX and in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike


def recurrence(step: Callable[..., Any], initial: ArrayLike, inputs: Sequence[ArrayLike], length: int) -> Array:
    """The states x_t = step(x_{t-1}, *inputs_t), (length, *shape of a state); the first step starts from `initial`.

    Each of the inputs has the steps as its first axis.
    """

    def advance(state: Array, row: Sequence[Array]) -> tuple[Array, Array]:
        after = jnp.asarray(step(state, *row), float)
        return after, after

    rows = tuple(jnp.asarray(values) for values in inputs)
    return jax.lax.scan(advance, jnp.asarray(initial, float), rows, length)[1]


def known_recurrence(step: Callable[..., Any], initial: Any, inputs: Sequence[Any], length: int) -> Any:
    """The same in NumPy, for what is known once data is bound."""
    state = np.asarray(initial, float)
    states = np.empty((length, *state.shape))
    for place in range(length):
        states[place] = state = step(state, *(values[place] for values in inputs))
    return states
