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

_AT_ONCE = 16
"""Points that densities are evaluated at side by side."""

_MANY_NUMBERS = 100_000
"""From so many data on, compiling well pays for the few evaluations that a climb needs."""


@dataclass(frozen=True)
class Surface:
    """The compiled functions of a target; data are arguments, so that other data compile nothing."""

    evaluate: Callable[[Any, Any], Evaluation]
    initial: Callable[[Any, Any, Any, Any], Any]
    _compiling: Lock = field(default_factory=Lock)

    def compile(self, target: Target) -> None:
        """Compile both; threads that called them together at first would all compile."""
        with self._compiling:
            self.evaluated(target, self.start(target, 0, 0, 0))

    def evaluated(self, target: Target, z: np.ndarray) -> Evaluation:
        """The density of a target at z, (n,), as NumPy arrays; without curvature where that was not wanted."""
        with double_precision():
            return jax.tree.map(np.asarray, self.evaluate(z, target.arrays))

    def start(self, target: Target, seed: int, stream: int, attempt: int) -> np.ndarray:
        """A draw of the prior, (n,): one of many of a stream of a seed."""
        with double_precision():
            return np.asarray(self.initial(np.uint32(seed), np.uint32(stream), np.uint32(attempt), target.arrays))


def surface_of(target: Target, curved: bool = True) -> Surface:
    """The functions of a target, the same for other data; with Hessians where it is `curved`."""
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(target.arrays))
    return _surface(target.log_density, target.initial, curved, numbers < _MANY_NUMBERS)


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
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], curved: bool, small: bool
) -> Surface:
    """Where data are few, compiling quickly matters more than fast evaluations, of which there are few."""

    def evaluated(z: Any, arrays: Any) -> Any:
        if curved:
            return evaluate(lambda point: log_density(point, arrays), z)
        value, gradient = jax.value_and_grad(log_density)(z, arrays)
        return Evaluation(z, value, gradient, np.nan)

    options = _quickly() if small else compiler_options()
    return Surface(jax.jit(evaluated, compiler_options=options), _start_of(initial))


@lru_cache(maxsize=32)
def _start_of(initial: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any, Any], Any]:
    """Starts by seed, stream and attempt; the same program for all surfaces of a target."""

    def start(seed: Any, stream: Any, attempt: Any, arrays: Any) -> Any:
        return initial(jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stream), attempt), arrays)

    return jax.jit(start, compiler_options=_quickly())


def _quickly() -> dict[str, Any]:
    return {**compiler_options(), "xla_backend_optimization_level": 0}
