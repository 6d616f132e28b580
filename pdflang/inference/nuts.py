"""The no-U-turn sampler (Hoffman & Gelman 2014; Betancourt 2017), by BlackJAX.

One single-chain program is compiled and called from threads: under vmap, chains would wait for each other
at every step of their trajectories. Calls make a bounded number of transitions each, so that an interrupt
is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import jax
import numpy as np

from pdflang.inference import start as starts
from pdflang.inference import transition
from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import Draws, NoFiniteStart
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import NutsOptions, chosen_seed
from pdflang.inference.platform import available_cores, double_precision
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks

_MANY_NUMBERS = 100_000
"""From so many data on, compiling a start well pays."""


def sample(
    target: Target,
    options: NutsOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
) -> Draws:
    """Draws from the target; the same for a seed whatever the number of threads.

    Ctrl-C ends the run after the piece of work in hand and what was drawn is returned, the chains cut to a
    common length; a second one does not wait. So does the `stop` of a caller that makes many runs and hears
    interrupts itself. Raises `NoFiniteStart`.
    """
    options = options or NutsOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    programs = _programs(
        target.log_density,
        target.initial,
        target.dimension,
        options.dense(target.dimension),
        options.max_tree_depth,
        sum(np.size(leaf) for leaf in jax.tree.leaves(target.arrays)) < _MANY_NUMBERS,
    )
    chains = [_ChainRun(number, target, options, programs, seed) for number in range(options.chains)]
    seconds: dict[str, float] = {}
    with nullcontext(stop) if stop else interrupts() as stop:
        monitor.start("nuts", options.chains, options.warmup + options.draws)
        try:
            begin = time.perf_counter()
            programs.compile(target, options, stop)
            seconds["compile"] = time.perf_counter() - begin
            tick = partial(_report, chains, monitor)
            run_tasks(
                [partial(chain.run, stop) for chain in chains],
                options.threads or available_cores(),
                stop,
                tick,
            )
            seconds["run"] = time.perf_counter() - begin - seconds["compile"]
        finally:
            monitor.finish()
    return _collected(chains, options, seed, seconds)


@dataclass(frozen=True)
class _Programs:
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
) -> _Programs:
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
    return _Programs(jax.jit(begin, compiler_options=quickly), jax.jit(advance), dimension, dense)


class _ChainRun:
    """One chain as its thread runs it; the main thread reads `progressed` and, when all is over, the rest."""

    def __init__(
        self, number: int, target: Target, options: NutsOptions, programs: _Programs, seed: int
    ) -> None:
        self.progressed = Progressed(number, "starting", 0, options.warmup + options.draws)
        self.rows: list[transition.Transitions] = []
        self.warmup_gradients = 0
        self.metric: np.ndarray | None = None
        self.dimension = target.dimension
        self._number = np.uint32(number)
        self._target = target
        self._options = options
        self._programs = programs
        self._seed = np.uint32(seed)

    def run(self, stop: StopRequest) -> None:
        """Start, warm up and draw, until done or asked to stop."""
        with double_precision():
            chain = self._begin()
            stages = transition.stages(self._options.warmup, self._options.draws)
            size = 1
            while self.progressed.done < self.progressed.total and not stop.requested:
                begin = time.perf_counter()
                chain, count = self._advance(chain, stages, size)
                size = next_size(count, time.perf_counter() - begin, transition.CHUNK)

    def _begin(self) -> transition.Chain:
        chain, start = self._programs.begin(self._seed, self._number, self._target.arrays)
        if not np.asarray(start.found):
            raise NoFiniteStart(np.asarray(start.last_tried))
        self.warmup_gradients = int(np.asarray(start.n_gradients))
        return chain

    def _advance(
        self, chain: transition.Chain, stages: np.ndarray, size: int
    ) -> tuple[transition.Chain, int]:
        """One call of the compiled program, which does not go beyond the end of warmup or of the run."""
        done, warmup = self.progressed.done, self._options.warmup
        count = min(size, (warmup if done < warmup else self.progressed.total) - done)
        chain, rows = self._programs.advance(
            chain,
            self._seed,
            self._number,
            np.int32(done),
            np.int32(count),
            stages[done : done + transition.CHUNK],
            np.float64(self._options.target_acceptance),
            self._target.arrays,
        )
        rows = transition.Transitions(*(np.asarray(column)[:count] for column in rows))
        self._keep(rows, done < warmup)
        if self.metric is None and done >= warmup:
            self.metric = np.asarray(chain.metric)
        return chain, count

    def _keep(self, rows: transition.Transitions, warming_up: bool) -> None:
        before = self.progressed
        divergent = int(rows.diverging.sum())
        if warming_up:
            self.warmup_gradients += int(rows.n_steps.sum())
        else:
            self.rows.append(rows)
        self.progressed = Progressed(
            chain=before.chain,
            phase="warmup" if warming_up else "sampling",
            done=before.done + len(rows.lp),
            total=before.total,
            step_size=float(rows.step_size[-1]),
            divergences=0 if warming_up else before.divergences + divergent,
        )


def _report(chains: list[_ChainRun], monitor: Monitor) -> None:
    for chain in chains:
        monitor.update(chain.progressed)


def _collected(chains: list[_ChainRun], options: NutsOptions, seed: int, seconds: dict[str, float]) -> Draws:
    """The chains' draws side by side, cut to the length that all have reached."""
    rows = [list(chain.rows) for chain in chains]
    length = min(sum(len(chunk.lp) for chunk in chunks) for chunks in rows)
    columns = {
        name: np.stack([_column(chunks, name)[:length] for chunks in rows])
        if length
        else np.zeros((len(chains), 0))
        for name in transition.Transitions._fields
    }
    z = columns.pop("z")
    dimension = chains[0].dimension
    shape = (dimension, dimension) if options.dense(dimension) else (dimension,)
    return Draws(
        z=z if length else np.zeros((len(chains), 0, dimension)),
        statistics={**columns, "n_gradients": columns["n_steps"]},
        warmup_gradients=np.array([chain.warmup_gradients for chain in chains]),
        metric=np.stack(
            [np.full(shape, np.nan) if chain.metric is None else chain.metric for chain in chains]
        ),
        seed=seed,
        options=options,
        interrupted=length < options.draws,
        seconds=seconds,
    )


def _column(chunks: list[transition.Transitions], name: str) -> np.ndarray:
    return np.concatenate([getattr(chunk, name) for chunk in chunks])
