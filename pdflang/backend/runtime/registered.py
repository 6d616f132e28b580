"""What the embedding program registered, as generated code calls it: functions, and distributions to draw from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.buffer_callback import buffer_callback

from pdflang.backend.runtime.failures import keep
from pdflang.components.handles import HANDLES, Failed, Handle


def __getattr__(name: str) -> Any:
    for prefix, meaning in (("draw_", _distribution), ("known_", _known), ("", _function)):
        if name.startswith(prefix) and name.removeprefix(prefix) in HANDLES:
            return meaning(HANDLES[name.removeprefix(prefix)])
    raise AttributeError(name)


@cache
def _known(handle: Handle) -> Callable[..., Any]:
    """A function in its NumPy form."""

    def evaluate(*arguments: Any) -> np.ndarray:
        with jax.enable_x64(True) if handle.traceable else nullcontext():
            return _values(handle, arguments)

    return evaluate


@cache
def _function(handle: Handle) -> Callable[..., Any]:
    def traced(*arguments: Any) -> Any:
        found = handle(*arguments)
        if jnp.shape(found):
            _require_shape(handle, jnp.shape(found), jnp.broadcast_shapes(*map(jnp.shape, arguments)))
        return found

    def opaque(*arguments: Any) -> Any:
        arrays = jnp.broadcast_arrays(*(jnp.asarray(argument, float) for argument in arguments))
        return _called(lambda *values: _values(handle, values), arrays[0].shape, arrays)

    return traced if handle.traceable else opaque


@cache
def _distribution(handle: Handle) -> type:
    """A class with `sample` alone: it has no density."""

    def traced(key: Any, shape: tuple[int, ...], *arguments: Any) -> Any:
        found = handle(key, *(jnp.broadcast_to(argument, shape) for argument in arguments))
        _require_shape(handle, jnp.shape(found), shape)
        return found

    def opaque(key: Any, shape: tuple[int, ...], *arguments: Any) -> Any:
        arrays = [jnp.broadcast_to(jnp.asarray(argument, float), shape) for argument in arguments]
        seed = jax.random.key_data(key)

        def drawn(*values: np.ndarray) -> Any:
            # Many events come in one call, with a seed each: together they seed the one generator.
            *numbers, seeds = values
            batch = (*seeds.shape[:-1], *shape)
            each, again = _first_of_each(seeds.reshape(-1, seeds.shape[-1]))
            numbers = [np.broadcast_to(number, batch).reshape(-1, *shape)[each] for number in numbers]
            generator = np.random.default_rng(seeds.reshape(-1, seeds.shape[-1])[each].ravel())
            return _draws(handle, generator, numbers, (len(each), *shape))[again].reshape(batch)

        return _called(drawn, shape, arrays, seed)

    return type(handle.name, (), {"discrete": False, "sample": staticmethod(traced if handle.traceable else opaque)})


def _first_of_each(seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each seed stands first, and which of these every row has: padding repeats an event, seed and all."""
    _, first, which = np.unique(seeds, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.ravel()]


def _values(handle: Handle, arguments: Sequence[Any]) -> np.ndarray:
    """The values of a function, which may be one for all. Raises Failed."""
    found = _numbers(handle, handle(*arguments))
    shape = np.broadcast_shapes(*map(np.shape, arguments))
    if found.shape:
        _require_shape(handle, found.shape, shape)
    return np.broadcast_to(found, shape)


def _draws(handle: Handle, generator: np.random.Generator, numbers: list[np.ndarray], shape: Any) -> np.ndarray:
    """The draws of a simulator, one for each event. Raises Failed."""
    found = _numbers(handle, handle(generator, *numbers))
    _require_shape(handle, found.shape, shape)
    lost = np.isnan(found) & ~np.isnan(sum(numbers, np.zeros(shape)))
    if lost.any():
        where = ", ".join(f"{number[lost][0]:.6g}" for number in numbers)
        raise handle.failed(f"returned NaN for {lost.sum()} of {found.size} events, such as that of ({where})")
    return found


def _numbers(handle: Handle, found: Any) -> np.ndarray:
    try:
        return np.asarray(found).astype(float, casting="same_kind")
    except (TypeError, ValueError):
        raise handle.failed(f"returned no array of numbers, but {type(found).__name__}: {found!r:.60}") from None


def _require_shape(handle: Handle, found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if found != shape:
        raise handle.failed(f"returned an array of shape {found} for arguments of shape {shape}")


def _called(function: Callable[..., Any], shape: tuple[int, ...], arrays: list[Any], *seeds: Any) -> Any:
    """A function of the host on arrays of 64-bit numbers, with the words of a seed behind them.

    It works on the buffers of the running program. `jax.pure_callback` would first make arrays of JAX of them: in
    32 bits, as its threads are set, and waiting for a thread that may be the one that waits. An exception would end
    the program with a message of JAX, and come up again when Python ends: it is kept for who called the program.
    """

    def host(_context: Any, out: Any, *buffers: Any) -> None:
        try:
            np.asarray(out)[...] = function(*(np.asarray(buffer).copy() for buffer in buffers))
        except Failed as failure:
            keep(failure)
            np.asarray(out)[...] = np.nan

    made = jax.ShapeDtypeStruct(shape, jnp.float64)
    return buffer_callback(host, made, vmap_method="broadcast_all")(*arrays, *seeds)
