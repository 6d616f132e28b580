"""Functions of one event, or of places, compiled for many at once: always as many, so that they compile once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from pdflang.backend.runtime.failures import watched
from pdflang.backend.runtime.sites import DrawnEvent

LANES = 1 << 14
"""How many events compiled code treats at once."""


@partial(jax.jit, static_argnums=0)
def intensities(intensity: Callable[..., Array], places: list[Array], params: Any, arrays: Any) -> Array:
    """An intensity at `LANES` places."""
    return jnp.broadcast_to(intensity(*places, params, arrays), (LANES,))


@partial(jax.jit, static_argnums=0)
def detected(
    detect: Callable[..., dict[str, Array]], key: Array, numbers_and_places: list[Array], params: Any, arrays: Any
) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """The measured values, acceptance and sites of events, each with random numbers of its own."""

    def one(number: Array, *places: Array) -> tuple[dict[str, Array], Array, dict[str, Array]]:
        event = DrawnEvent(jax.random.fold_in(key, number))
        measured = detect(event, *places, params, arrays)
        # JAX sorts the keys of a plain dict.
        return {name: jnp.asarray(v) for name, v in measured.items()}, event.accepted, OrderedDict(event.sites)

    return jax.vmap(one)(*numbers_and_places)


def in_lanes(function: Callable[..., Any], columns: list[np.ndarray], params: Any, arrays: Any) -> Any:
    """A compiled function of columns (n,), so many rows at a time; arrays (n, …) in the shape of its result.

    Of no rows only the shape is asked for, since a function may be a costly simulator.
    """
    count = len(columns[0])
    found = []
    for start in range(0, max(1, count), LANES):
        part = [column[start : start + LANES] for column in columns]
        rows = len(part[0])
        padded = [np.pad(c, (0, LANES - rows), mode="edge" if rows else "constant") for c in part]
        # Without the rest, where a registered simulator has failed.
        with watched():
            result = (function if rows else partial(_empty, function))(padded, params, arrays)
            found.append(jax.tree.map(lambda values, rows=rows: np.asarray(values)[:rows], result))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found)


def _empty(function: Callable[..., Any], *arguments: Any) -> Any:
    return jax.tree.map(lambda made: np.empty(made.shape, made.dtype), jax.eval_shape(function, *arguments))
