"""The compiled functions of a chain, one program for all chains of a target and for all its data.

The state of a chain is the leaves of a tree whose types are BlackJAX's, which only what traces the functions needs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import jax
import numpy as np

from pdflang.inference.calls import strongly_typed
from pdflang.inference.chunks import chunk_of
from pdflang.inference.keeping import shape_of
from pdflang.inference.options import ChainOptions
from pdflang.inference.platform import available_cores, compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS, Start, unit_covariance
from pdflang.inference.surface import Surface, surface_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import Trajectory
from pdflang.inference.workers import StopRequest, run_tasks
from pdflang.stored import stored

State = tuple[Any, ...]


def programs_of(target: Target, options: ChainOptions, trajectory: Trajectory) -> Programs:
    """The functions of a target; the same ones for other data, and for options that do not shape them."""
    shape = options.metric_of(target.dimension)
    curved = trajectory.climbs and target.dimension <= CURVED_DIMENSIONS
    surface = surface_of(target, curved, trajectory.by_gradients)
    return _programs(target.log_density, target.content, surface, target.dimension, shape, trajectory)


@dataclass(frozen=True)
class Programs:
    """The compiled functions of a chain; data are arguments, so that other data compile nothing.

    `first_state` and `end_window` give a state and the covariance that belongs to its metric, `advance` a state, the
    columns of `Transitions`, and the step size that warmup would end with.
    """

    surface: Surface
    trajectory: Trajectory
    first_state: Callable[..., tuple[State, Any]]
    advance: Callable[..., tuple[State, tuple[Any, ...], Any]]
    end_window: Callable[..., tuple[State, Any]]
    dimension: int
    _compiled: set[Hashable] = field(default_factory=set)
    _compiling: Lock = field(default_factory=Lock)

    def begin(self, target: Target, seed: int, chain: int, mode: np.ndarray | None) -> tuple[State, Any, Start]:
        """A chain at its start, with its covariance: near the `mode` (n,), or one that it climbs to without one."""
        stream = 2 * chain
        evaluated = partial(self.surface.evaluated, target)
        initial = partial(self.surface.start, target, seed, stream) if mode is None else lambda _: mode
        noise = np.random.default_rng((seed, stream))
        start = self.trajectory.start(target, evaluated, initial, noise)
        with double_precision():
            return *self.first_state(*start[:4]), start

    @property
    def state_shape(self) -> State:
        """Shapes and types of a state."""
        like: State = shape_of(self.first_state, *self._somewhere)[0]
        return like

    @property
    def _somewhere(self) -> tuple[Any, ...]:
        point = np.zeros(self.dimension)
        return point, np.float64(0), point, unit_covariance(self.dimension)

    def compile(self, target: Target, options: ChainOptions, stop: StopRequest) -> None:
        """Compile all for arrays of these shapes, once, whoever else is about to need them."""
        shapes = tuple((np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(target.arrays))
        with self._compiling:
            if (shapes, target.device) not in self._compiled:
                tasks = [partial(self._compile_advance, target, options), partial(self.surface.compile, target)]
                run_tasks(tasks, available_cores(), stop, patient=False)
                if not stop.requested:
                    self._compiled.add((shapes, target.device))

    def _compile_advance(self, target: Target, options: ChainOptions) -> None:
        """A call that makes no transitions."""
        with target.there():
            state, _ = self.first_state(*self._somewhere)
            stages = np.zeros(chunk_of(self.dimension), np.int32)
            numbers = (np.uint32(0), np.uint32(0), np.int32(0), np.int32(0))
            target_acceptance = np.float64(options.target_acceptance)
            state, _, _ = self.advance(state, *numbers, stages, target_acceptance, target.arrays)
            jax.block_until_ready(self.end_window(state, target_acceptance))


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any], content: str | None, surface: Surface, dimension: int, shape: str,
    trajectory: Trajectory,
) -> Programs:  # fmt: skip
    """The functions of a target and what shapes its program; JAX keeps their compiled forms."""

    def first_state(z: Any, value: Any, gradient: Any, covariance: Any) -> Any:
        from pdflang.inference import transition

        return _told(transition.first_state(z, value, gradient, covariance, shape, trajectory.by_gradients))

    def advance(
        state: Any, seed: Any, chain: Any, first: Any, count: Any, stages: Any, target_acceptance: Any, arrays: Any
    ) -> Any:  # fmt: skip
        from pdflang.inference import transition
        from pdflang.inference.sums import with_quick_sums

        quick = with_quick_sums(log_density)
        key = jax.random.fold_in(jax.random.key(seed), 2 * chain + 1)
        chain_state = _chain(state, dimension, shape, trajectory.by_gradients)
        moved, rows = transition.advance(
            lambda z: quick(z, arrays), chain_state, key, first, count, stages, target_acceptance, trajectory
        )
        step_size = jax.numpy.exp(moved.step_size.log_step_size_avg)
        return _leaves(moved), tuple(strongly_typed(rows)), step_size

    def end_window(state: Any, target_acceptance: Any) -> Any:
        from pdflang.inference import transition

        return _told(transition.end_window(_chain(state, dimension, shape, trajectory.by_gradients), target_acceptance))

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        whole = stored(function, content, function.__name__, dimension, shape, trajectory)
        return jax.jit(whole, compiler_options=compiler_options())

    return Programs(surface, trajectory, compiled(first_state), compiled(advance), compiled(end_window), dimension)


def _leaves(chain: Any) -> State:
    return tuple(jax.tree.leaves(strongly_typed(chain)))


def _told(chain: Any) -> tuple[State, Any]:
    """The leaves of a chain, and the covariance of its metric."""
    return _leaves(chain), strongly_typed(chain.whitening.root.covariance)


def _chain(state: State, dimension: int, shape: str, by_gradients: bool) -> Any:
    """The chain that has these leaves."""
    from pdflang.inference import transition

    point = np.zeros(dimension)
    unit = unit_covariance(dimension)
    like = jax.eval_shape(lambda: transition.first_state(point, 0.0, point, unit, shape, by_gradients))
    return jax.tree.unflatten(jax.tree.structure(like), state)
