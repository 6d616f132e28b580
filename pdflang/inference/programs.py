"""The compiled functions of a chain, one program for all chains of a target and for all its data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import jax
import numpy as np

from pdflang.inference import transition
from pdflang.inference.calls import strongly_typed
from pdflang.inference.options import ChainOptions
from pdflang.inference.platform import available_cores, compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS, Start, find_start, unit_covariance
from pdflang.inference.surface import Surface, surface_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import Trajectory
from pdflang.inference.workers import StopRequest, run_tasks


def programs_of(target: Target, options: ChainOptions, trajectory: Trajectory) -> Programs:
    """The functions of a target; the same ones for other data, and for options that do not shape them."""
    shape = options.metric_of(target.dimension)
    surface = surface_of(target, target.dimension <= CURVED_DIMENSIONS)
    return _programs(target.log_density, surface, target.dimension, shape, trajectory)


@dataclass(frozen=True)
class Programs:
    """The compiled functions of a chain; data are arguments, so that other data compile nothing."""

    surface: Surface
    first_state: Callable[..., Any]
    advance: Callable[..., Any]
    end_window: Callable[..., Any]
    dimension: int
    _compiled: set[Hashable] = field(default_factory=set)
    _compiling: Lock = field(default_factory=Lock)

    def begin(
        self, target: Target, seed: int, chain: int, mode: np.ndarray | None
    ) -> tuple[transition.Chain, Start]:
        """The state of a chain at its start: near the `mode` (n,), or one that it climbs to where none is known."""
        stream = 2 * chain
        evaluated = partial(self.surface.evaluated, target)
        initial = partial(self.surface.start, target, seed, stream) if mode is None else lambda _: mode
        start = find_start(evaluated, initial, self.dimension, np.random.default_rng((seed, stream)))
        with double_precision():
            return self.first_state(*start[:4]), start

    def restored(self, leaves: Sequence[np.ndarray]) -> transition.Chain | None:
        """The state of a chain whose leaves were saved; None where it is that of another program."""
        point, number = np.zeros(self.dimension), np.float64(0)
        with double_precision():
            like = jax.eval_shape(self.first_state, point, number, point, unit_covariance(self.dimension))
        wanted = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(like)]
        if wanted != [(leaf.shape, leaf.dtype) for leaf in leaves]:
            return None
        chain: transition.Chain = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return chain

    def compile(self, target: Target, options: ChainOptions, stop: StopRequest) -> None:
        """Compile all for arrays of these shapes, once, whoever else is about to need them."""
        shapes = tuple((np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(target.arrays))
        with self._compiling:
            if shapes not in self._compiled:
                tasks = [partial(self._compile_advance, target, options), partial(self.surface.compile, target)]
                run_tasks(tasks, available_cores(), stop, patient=False)
                if not stop.requested:
                    self._compiled.add(shapes)

    def _compile_advance(self, target: Target, options: ChainOptions) -> None:
        """A call that makes no transitions."""
        point = np.zeros(self.dimension)
        with double_precision():
            chain = self.first_state(point, np.float64(0), point, unit_covariance(self.dimension))
            stages = np.zeros(transition.CHUNK, np.int32)
            numbers = (np.uint32(0), np.uint32(0), np.int32(0), np.int32(0))
            target_acceptance = np.float64(options.target_acceptance)
            chain, _ = self.advance(chain, *numbers, stages, target_acceptance, target.arrays)
            jax.block_until_ready(self.end_window(chain, target_acceptance))


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any], surface: Surface, dimension: int, shape: str, trajectory: Trajectory
) -> Programs:
    """The functions of a target and what shapes its program; JAX keeps their compiled forms."""

    def first_state(z: Any, value: Any, gradient: Any, covariance: Any) -> Any:
        return strongly_typed(transition.first_state(z, value, gradient, covariance, shape))

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
                trajectory,
            )
        )

    def end_window(state: Any, target_acceptance: Any) -> Any:
        return strongly_typed(transition.end_window(state, target_acceptance))

    well = compiler_options()
    return Programs(
        surface,
        jax.jit(first_state, compiler_options=well),
        jax.jit(advance, compiler_options=well),
        jax.jit(end_window, compiler_options=well),
        dimension,
    )
