"""The compiled density as starts and optimizers see it: value, gradient and Hessian at a point, and prior draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

import jax
import numpy as np

from pdflang.inference.ascent import Evaluation, evaluate
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.target import Target
from pdflang.stored import stored

_BLOCK = 256
"""Points of which the density is computed by one call."""

STARTS = 64
"""Most draws of the prior that are made by one call."""

_AT_ONCE = 16
"""Points that densities are evaluated at side by side."""

_MANY_NUMBERS = 100_000
"""From so many data on, compiling well pays for the few evaluations that a climb needs."""

_SHORT = 150
"""Lines of a module whose Hessian is compiled well while the sampler, which takes longer, is compiled too."""


@dataclass(frozen=True)
class Surface:
    """The compiled functions of a target; data are arguments, so that other data compile nothing."""

    evaluate: Callable[[Any, Any], tuple[Any, Any, Any, Any]]
    initial: Callable[[Any, Any, Any, Any, Any], Any]
    _compiling: Lock = field(default_factory=Lock)

    def compile(self, target: Target) -> None:
        """Compile both; threads that called them together at first would all compile."""
        with self._compiling:
            self.evaluated(target, self.start(target, 0, 0, 0))

    def evaluated(self, target: Target, z: np.ndarray) -> Evaluation:
        """The density of a target at z, (n,), as NumPy arrays; without curvature where that was not wanted."""
        with double_precision():
            return Evaluation(*map(np.asarray, self.evaluate(z, target.arrays)))

    def start(self, target: Target, seed: int, stream: int, attempt: int) -> np.ndarray:
        """A draw of the prior, (n,): one of many of a stream of a seed."""
        return self.starts(target, seed, stream, attempt, 1)[0]

    def starts(self, target: Target, seed: int, stream: int, first: int, count: int) -> np.ndarray:
        """The `first` and those after it, (count, n), at most `STARTS`: a call costs more than a small prior."""
        numbers = np.uint32(seed), np.uint32(stream), np.uint32(first), np.uint32(count)
        with double_precision():
            return np.asarray(self.initial(*numbers, target.arrays))[:count]


def surface_of(target: Target, curved: bool = True, sloped: bool = True) -> Surface:
    """The functions of a target, the same for other data; with Hessians where it is `curved`, gradients if `sloped`."""
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(target.arrays))
    is_short = target.content is not None and target.content.count("\n") <= _SHORT
    quickly = numbers < _MANY_NUMBERS and not is_short
    return _surface(target.log_density, target.initial, target.content, curved and sloped, sloped, quickly)


def log_densities(target: Target, z: np.ndarray, block: int = _BLOCK) -> np.ndarray:
    """The log-density at each of many points z (n, dimension): (n,), −inf where it is not a number.

    Blocks have one size, whatever the number of points, so that none is compiled again for another.
    """
    over_points = _over_points(target.log_density)
    blocks = np.resize(z, (-(-len(z) // block), block, target.dimension))
    with double_precision():
        found = [np.asarray(over_points(block, target.arrays)) for block in blocks]
    together = np.concatenate([np.zeros(0), *found])[: len(z)]
    return np.where(np.isnan(together), -np.inf, together)


@lru_cache(maxsize=32)
def _over_points(log_density: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def of_many(z: Any, arrays: Any) -> Any:
        return jax.lax.map(lambda point: log_density(point, arrays), z, batch_size=_AT_ONCE)

    return jax.jit(of_many, compiler_options=compiler_options())


@lru_cache(maxsize=32)
def _surface(
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], content: str | None, curved: bool,
    sloped: bool, quickly: bool,
) -> Surface:  # fmt: skip
    """The functions of a target, compiled `quickly` where that matters more than the few evaluations of climbs."""

    def evaluated(z: Any, arrays: Any) -> Any:
        if curved:
            return tuple(evaluate(lambda point: log_density(point, arrays), z))
        if sloped:
            value, gradient = jax.value_and_grad(log_density)(z, arrays)
            return z, value, gradient, np.nan
        return z, log_density(z, arrays), jax.numpy.zeros_like(z), np.nan

    options = _quickly() if quickly else compiler_options()
    whole = stored(evaluated, content, "evaluated", curved, sloped)
    return Surface(jax.jit(whole, compiler_options=options), _starts_of(initial, content))


@lru_cache(maxsize=32)
def _starts_of(
    initial: Callable[[Any, Any], Any], content: str | None
) -> Callable[[Any, Any, Any, Any, Any], Any]:
    """Starts by seed, stream, first attempt and number; the same program for all surfaces of a target."""

    def starts(seed: Any, stream: Any, first: Any, count: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), stream)

        def start(number: Any) -> Any:
            return initial(jax.random.fold_in(key, first + number), arrays)

        like = jax.eval_shape(start, np.uint32(0))
        room = jax.numpy.zeros((STARTS, *like.shape), like.dtype)
        return jax.lax.fori_loop(np.uint32(0), count, lambda i, found: found.at[i].set(start(i)), room)

    return jax.jit(stored(starts, content, "starts"), compiler_options=_quickly())


def _quickly() -> dict[str, Any]:
    return {**compiler_options(), "xla_backend_optimization_level": 0}
