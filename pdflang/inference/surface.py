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

_STARTS, _NUMBERS_OF_STARTS = 64, 2048
"""Draws of the prior that are made by one call: so many, and not more numbers than that."""

_AT_ONCE = 16
"""Points that densities are evaluated at side by side."""

_MANY_NUMBERS = 100_000
"""From so many data on, compiling well pays for the few evaluations that a climb needs."""


@dataclass(frozen=True)
class Surface:
    """The compiled functions of a target; data are arguments, so that other data compile nothing."""

    evaluate: Callable[[Any, Any], tuple[Any, Any, Any, Any]]
    initial: Callable[[Any, Any, Any, Any], Any]
    starts_at_once: int
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
        return self.starts(target, seed, stream, attempt)[0]

    def starts(self, target: Target, seed: int, stream: int, first: int) -> np.ndarray:
        """The `first` and those after it, (starts_at_once, n): for small priors a call costs more than its draws."""
        with double_precision():
            return np.asarray(self.initial(np.uint32(seed), np.uint32(stream), np.uint32(first), target.arrays))


def surface_of(target: Target, curved: bool = True) -> Surface:
    """The functions of a target, the same for other data; with Hessians where it is `curved`."""
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(target.arrays))
    starts = max(1, min(_STARTS, _NUMBERS_OF_STARTS // max(1, target.dimension)))
    return _surface(target.log_density, target.initial, target.content, curved, numbers < _MANY_NUMBERS, starts)


def log_densities(target: Target, z: np.ndarray) -> np.ndarray:
    """The log-density at each of many points z (n, dimension): (n,), −inf where it is not a number."""
    with double_precision():
        found = np.asarray(_over_points(target.log_density)(z, target.arrays))
    return np.where(np.isnan(found), -np.inf, found)


@lru_cache(maxsize=32)
def _over_points(log_density: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def of_many(z: Any, arrays: Any) -> Any:
        return jax.lax.map(lambda point: log_density(point, arrays), z, batch_size=_AT_ONCE)

    return jax.jit(of_many, compiler_options=compiler_options())


@lru_cache(maxsize=32)
def _surface(
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], content: str | None, curved: bool,
    small: bool, starts: int,
) -> Surface:  # fmt: skip
    """Where data are few, compiling quickly matters more than fast evaluations, of which there are few."""

    def evaluated(z: Any, arrays: Any) -> Any:
        if curved:
            return tuple(evaluate(lambda point: log_density(point, arrays), z))
        value, gradient = jax.value_and_grad(log_density)(z, arrays)
        return z, value, gradient, np.nan

    options = _quickly() if small else compiler_options()
    whole = stored(evaluated, content, "evaluated", curved)
    return Surface(jax.jit(whole, compiler_options=options), _starts_of(initial, content, starts), starts)


@lru_cache(maxsize=32)
def _starts_of(
    initial: Callable[[Any, Any], Any], content: str | None, count: int
) -> Callable[[Any, Any, Any, Any], Any]:
    """So many starts by seed, stream and first attempt; the same program for all surfaces of a target."""

    def starts(seed: Any, stream: Any, first: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), stream)
        attempts = first + jax.numpy.arange(count, dtype=jax.numpy.uint32)
        return jax.lax.map(lambda attempt: initial(jax.random.fold_in(key, attempt), arrays), attempts)

    return jax.jit(stored(starts, content, "starts", count), compiler_options=_quickly())


def _quickly() -> dict[str, Any]:
    return {**compiler_options(), "xla_backend_optimization_level": 0}
