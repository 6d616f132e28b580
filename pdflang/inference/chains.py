"""Chains of Hamiltonian Monte Carlo side by side, whatever their trajectories are; transitions are BlackJAX's.

One single-chain program is compiled and called from threads, or in a process for each: under vmap, chains would wait
for each other at every step of their trajectories. Calls make a bounded number of transitions each, so that an
interrupt is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import numpy as np

from pdflang.inference.chain import Chain, ChainRun, gradients_of
from pdflang.inference.chain_apart import ChainApart, Job, chains_apart
from pdflang.inference.chunks import Transitions
from pdflang.inference.draws import Draws, Unsuited
from pdflang.inference.keeping import Keeper
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.options import MORE_DRAWS, ChainOptions, chosen_seed
from pdflang.inference.platform import available_cores
from pdflang.inference.programs import programs_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import Trajectory
from pdflang.inference.turns import take_turns
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.results.checkpoints import Checkpoints

Kind = TypeVar("Kind", bound=ChainOptions)


def sample_chains(
    method: str,
    trajectory: Trajectory,
    target: Target,
    options: ChainOptions,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
    checkpoints: Checkpoints | None = None,
    mode: np.ndarray | None = None,
    least_step: float = 0.0,
) -> Draws:
    """Draws from the target; the same for a seed whatever the number of threads, and in processes.

    Where the options do not say how many, the chains go on until what they have is `enough`, or to the most that
    the options allow; without a judge there are as many as at first. Further draws are those that a longer run
    would have made. So are those of a run that goes on from `checkpoints`, which keep the chains every few seconds and
    at the end. Chains start near the `mode` (dimension,), or near the one that each climbs to. Where
    the warmup of one ends with a shorter step than `least_step` no draws are made: raises `Strained`.

    Ctrl-C ends the run after the piece of work in hand and what was drawn is returned, the chains cut to a
    common length; a second one does not wait. So does the `stop` of a caller that makes many runs and hears
    interrupts itself. Raises `NoFiniteStart`, and `Unsuited` where other processes cannot have the target.
    """
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    with _chains(method, trajectory, target, options, seed, mode) as (chains, compile):
        keeper = Keeper(method, checkpoints)
        for number, of_another in keeper.restore(chains).items():
            chains[number].spent_before = gradients_of(of_another)
        run = _Run(method, chains, options, seed, keeper, trajectory.by_gradients)
        with interrupts(stop) as stop:
            monitor.start(method, options.chains, options.warmup + options.first_draws)
            try:
                with run.timed("compile"):
                    compile(stop)
                run.warm_up(stop, monitor, least_step)
                run.go(stop, monitor, enough)
            finally:
                monitor.finish()
        return run.collected()


@contextmanager
def _chains(
    method: str, trajectory: Trajectory, target: Target, options: ChainOptions, seed: int, mode: np.ndarray | None
) -> Iterator[tuple[Sequence[Chain], Callable[[StopRequest], None]]]:
    """A scope in which there are chains, and what compiles their programs."""
    numbers = range(options.chains)
    if options.workers == "processes":
        if target.packed is None:
            raise Unsuited("other processes cannot have this density", "leave `--workers` out: chains run on threads")
        model = target.packed()
        jobs = [Job(model, method, number, options, trajectory, seed, mode) for number in numbers]
        with chains_apart(jobs, target.dimension) as apart:
            yield apart, partial(_compile_apart, apart, options)
        return
    programs = programs_of(target, options, trajectory)
    places = target.on_devices()

    def compile(stop: StopRequest) -> None:
        for place in places[: options.chains]:
            programs.compile(place, options, stop)

    yield [ChainRun(method, n, places[n % len(places)], options, programs, seed, mode) for n in numbers], compile


def _compile_apart(chains: Sequence[ChainApart], options: ChainOptions, stop: StopRequest) -> None:
    """The first chain compiles: where there is a cache, others find the programs there."""
    for some in (chains[:1], chains[1:]):
        run_tasks([chain.compile for chain in some], options.threads or available_cores(), stop, patient=False)


def sampler(
    method: str, kind: type[Kind], trajectory_of: Callable[[Target, Kind], Trajectory]
) -> Callable[..., Draws]:
    """The adapter of a method whose trajectories say all that is its own."""

    def sample(
        target: Target,
        options: Kind | None = None,
        monitor: Monitor | None = None,
        stop: StopRequest | None = None,
        enough: Callable[[Draws], bool] | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Draws:
        """Draws as `sample_chains` makes them."""
        options = options or kind()
        trajectory = trajectory_of(target, options)
        return sample_chains(method, trajectory, target, options, monitor, stop, enough, checkpoints)

    return sample


class Strained(Exception):
    """The warmup of a chain ended with a step that is too short for the method."""


class _Run:
    """The chains of one call of `sample_chains`, and what it has to say of them."""

    def __init__(
        self, method: str, chains: Sequence[Chain], options: ChainOptions, seed: int, keeper: Keeper,
        by_gradients: bool,
    ) -> None:  # fmt: skip
        self._method = method
        self._chains = chains
        self._keeper = keeper
        self._options = options
        self._seed = seed
        self._by_gradients = by_gradients
        self._seconds: dict[str, float] = {}
        self._interrupted = False
        self._sufficient: bool | None = None

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """A scope whose time is counted under a name."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - begin

    def warm_up(self, stop: StopRequest, monitor: Monitor, least_step: float) -> None:
        """Let all chains come to the end of warmup, if it is to be judged."""
        if not least_step:
            return
        for chain in self._chains:
            chain.is_held = True
        self._run(stop, monitor)
        for chain in self._chains:
            chain.is_held = False
        if min(chain.step_size for chain in self._chains) < least_step:
            raise Strained

    def go(self, stop: StopRequest, monitor: Monitor, enough: Callable[[Draws], bool] | None) -> None:
        """Let all chains run, and go on for as long as it is not enough and there may be more."""
        self._level()
        if not self._interrupted:
            self._run(stop, monitor)
        if self._options.draws is not None or enough is None:
            return
        while not self._interrupted and not self._suffices(enough) and (more := self._room()):
            for chain in self._chains:
                chain.extend(more)
            self._run(stop, monitor)

    def _suffices(self, enough: Callable[[Draws], bool]) -> bool:
        with self.timed("judge"):
            self._sufficient = enough(self.collected())
        return self._sufficient

    def _room(self) -> int:
        """How many more draws there may be at once."""
        wanted = self._chains[0].progressed.total - self._options.warmup
        return min(MORE_DRAWS, self._options.max_draws - wanted)

    def _level(self) -> None:
        """Let chains that were saved at different times go on to the same number of draws."""
        total = max(chain.progressed.total for chain in self._chains)
        for chain in self._chains:
            chain.extend(total - chain.progressed.total)

    def _run(self, stop: StopRequest, monitor: Monitor) -> None:
        with self.timed("run"):
            self._interrupted = not take_turns(self._chains, self._options.threads, stop, monitor, self._keeper)

    def collected(self) -> Draws:
        """The chains' draws side by side, cut to the length that all have reached."""
        rows = [list(chain.rows) for chain in self._chains]
        length = min(sum(len(chunk.lp) for chunk in chunks) for chunks in rows)
        columns = {
            name: np.stack([_column(chunks, name)[:length] for chunks in rows]) if length else np.zeros((len(rows), 0))
            for name in Transitions._fields
        }
        z = columns.pop("z")
        if not columns["tree_depth"].any():
            del columns["tree_depth"]  # trajectories of random length grow no trees
        dimension = self._chains[0].dimension
        shape = (dimension,) * (2 if self._options.metric_of(dimension) == "dense" else 1)
        metrics = [np.full(shape, np.nan) if chain.metric is None else chain.metric for chain in self._chains]
        spent, before = columns["n_steps"], np.array([chain.warmup_gradients for chain in self._chains])
        if not self._by_gradients:
            columns["n_evaluations"] = columns.pop("n_steps")
        return Draws(
            z=z if length else np.zeros((len(rows), 0, dimension)),
            statistics={**columns, "n_gradients": spent if self._by_gradients else np.zeros_like(spent)},
            method=self._method,
            warmup_gradients=before if self._by_gradients else None,
            warmup_evaluations=None if self._by_gradients else before,
            metric=np.stack(metrics),
            seed=self._seed,
            options=self._options,
            interrupted=self._interrupted,
            sufficient=self._sufficient,
            more=max(0, length - self._options.first_draws),
            seconds=dict(self._seconds),
        )


def _column(chunks: list[Transitions], name: str) -> np.ndarray:
    return np.concatenate([getattr(chunk, name) for chunk in chunks])
