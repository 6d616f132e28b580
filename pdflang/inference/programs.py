"""The compiled functions of a NUTS chain, one program for all chains of a target and for all its data."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

import jax
import numpy as np

from pdflang.inference import start as starts
from pdflang.inference import transition
from pdflang.inference.calls import strongly_typed
from pdflang.inference.options import NutsOptions
from pdflang.inference.platform import available_cores, double_precision
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, run_tasks

_MANY_NUMBERS = 100_000
"""From so many data on, compiling a start well pays."""


def programs_of(target: Target, options: NutsOptions) -> Programs:
    """The functions of a target; the same ones for other data, and for options that do not shape them."""
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(target.arrays))
    return _programs(
        target.log_density,
        target.initial,
        target.dimension,
        options.dense(target.dimension),
        options.max_tree_depth,
        numbers < _MANY_NUMBERS,
    )


@dataclass(frozen=True)
class Programs:
    """The two compiled functions of a chain; data are arguments, so that other data compile nothing."""

    begin: Callable[..., Any]
    advance: Callable[..., Any]
    dimension: int
    dense: bool
    _compiled: set[Hashable] = field(default_factory=set)
    _compiling: Lock = field(default_factory=Lock)

    def compile(self, target: Target, options: NutsOptions, stop: StopRequest) -> None:
        """Compile both functions for arrays of these shapes, once, whoever else is about to need them."""
        shapes = tuple((np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(target.arrays))
        with self._compiling:
            if shapes not in self._compiled:
                run_tasks(self._warm_up(target, options), available_cores(), stop, patient=False)
                if not stop.requested:
                    self._compiled.add(shapes)

    def _warm_up(self, target: Target, options: NutsOptions) -> list[Callable[[], None]]:
        """Tasks that compile both functions at once: a start that is thrown away, and no transitions."""

        def compile_begin() -> None:
            with double_precision():
                jax.block_until_ready(self.begin(np.uint32(0), np.uint32(0), target.arrays))

        def compile_advance() -> None:
            with double_precision():
                chain = jax.eval_shape(
                    lambda: transition.first_state(starts.no_start(self.dimension), self.dense)
                )
                zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), chain)
                stages = np.zeros(transition.CHUNK, np.int32)
                target_acceptance = np.float64(options.target_acceptance)
                arguments = (np.uint32(0), np.uint32(0), np.int32(0), np.int32(0), stages, target_acceptance)
                jax.block_until_ready(self.advance(zeros, *arguments, target.arrays))

        return [compile_advance, compile_begin]


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any],
    initial: Callable[[Any, Any], Any],
    dimension: int,
    dense: bool,
    max_tree_depth: int,
    small: bool = False,
) -> Programs:
    """The functions of a target and what shapes its program; JAX keeps their compiled forms.

    A start runs once: where data are few, compiling it quickly matters more than how fast it is.
    """

    def begin(seed: Any, chain: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), 2 * chain)
        start = starts.find_start(
            lambda z: log_density(z, arrays), lambda key: initial(key, arrays), dimension, key
        )
        return strongly_typed((transition.first_state(start, dense), start))

    def advance(
        state: Any,
        seed: Any,
        chain: Any,
        first: Any,
        count: Any,
        stages: Any,
        target_acceptance: Any,
        arrays: Any,
    ) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), 2 * chain + 1)
        return strongly_typed(
            transition.advance(
                lambda z: log_density(z, arrays),
                state,
                key,
                first,
                count,
                stages,
                target_acceptance,
                max_tree_depth,
            )
        )

    quickly = {"xla_backend_optimization_level": 0} if small else None
    return Programs(jax.jit(begin, compiler_options=quickly), jax.jit(advance), dimension, dense)
