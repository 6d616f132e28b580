"""What the embedding program registered, as generated code calls it: functions, and distributions to draw from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.buffer_callback import buffer_callback

from pdflang.components.handles import HANDLES, Handle


def __getattr__(name: str) -> Any:
    for prefix, meaning in (("draw_", _distribution), ("known_", _known), ("", _function)):
        if name.startswith(prefix) and name.removeprefix(prefix) in HANDLES:
            return meaning(HANDLES[name.removeprefix(prefix)])
    raise AttributeError(name)


@cache
def _known(handle: Handle) -> Callable[..., Any]:
    """A function in its NumPy form."""
    if not handle.traceable:
        return handle.function

    def evaluate(*arguments: Any) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(handle.function(*arguments))

    return evaluate


@cache
def _function(handle: Handle) -> Callable[..., Any]:
    if handle.traceable:
        return handle.function

    def evaluate(*arguments: Any) -> Any:
        arrays = jnp.broadcast_arrays(*(jnp.asarray(argument, float) for argument in arguments))
        return _called(handle.function, arrays[0].shape, arrays)

    return evaluate


@cache
def _distribution(handle: Handle) -> type:
    """A class with `sample` alone: it has no density."""

    def traced(key: Any, shape: tuple[int, ...], *arguments: Any) -> Any:
        return handle.function(key, *(jnp.broadcast_to(argument, shape) for argument in arguments))

    def opaque(key: Any, shape: tuple[int, ...], *arguments: Any) -> Any:
        arrays = [jnp.broadcast_to(jnp.asarray(argument, float), shape) for argument in arguments]
        seed = jax.random.key_data(key)

        def drawn(*values: np.ndarray) -> Any:
            # Many events come in one call, with a seed each: together they seed the one generator.
            *numbers, seeds = values
            batch = (*seeds.shape[:-1], *shape)
            each, again = _first_of_each(seeds.reshape(-1, seeds.shape[-1]))
            numbers = [np.broadcast_to(number, batch).reshape(-1, *shape)[each] for number in numbers]
            found = handle.function(np.random.default_rng(seeds.reshape(-1, seeds.shape[-1])[each].ravel()), *numbers)
            return np.broadcast_to(found, (len(each), *shape))[again].reshape(batch)

        return _called(drawn, shape, arrays, seed)

    return type(handle.name, (), {"discrete": False, "sample": staticmethod(traced if handle.traceable else opaque)})


def _first_of_each(seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each seed stands first, and which of these every row has: padding repeats an event, seed and all."""
    _, first, which = np.unique(seeds, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.ravel()]


def _called(function: Callable[..., Any], shape: tuple[int, ...], arrays: list[Any], *seeds: Any) -> Any:
    """A function of the host on arrays of 64-bit numbers, with the words of a seed behind them.

    It works on the buffers of the running program. `jax.pure_callback` would first make arrays of JAX of them: in
    32 bits, as its threads are set, and waiting for a thread that may be the one that waits.
    """

    def host(_context: Any, out: Any, *buffers: Any) -> None:
        np.asarray(out)[...] = function(*(np.asarray(buffer).copy() for buffer in buffers))

    made = jax.ShapeDtypeStruct(shape, jnp.float64)
    return buffer_callback(host, made, vmap_method="broadcast_all")(*arrays, *seeds)
