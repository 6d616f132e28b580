"""The maximum of a density by damped Newton ascents from several starts, each with its Laplace covariance."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import jax
import numpy as np

from pdflang.inference import ascent
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.keeping import Keeper, leaves_of, tree_like
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.optima import Optima, Optimum, Status
from pdflang.inference.options import MapOptions, chosen_seed
from pdflang.inference.platform import available_cores
from pdflang.inference.surface import Surface, surface_of
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_SINGULAR = 1e-12

_IN_BASIN = 2.0
"""An ascent that can gain no more than this, and just that by an optimum's curvature, is on its way to it."""


def maximise(
    target: Target,
    options: MapOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    settle: bool = False,
    checkpoints: Checkpoints | None = None,
) -> Optima:
    """The optima that the starts reach. A search that fails has a status that says why; it does not raise.

    To `settle` is to take the optimum of the first search for that of another as soon as this is on its way to it.
    Searches go on from the `checkpoints` of earlier ones, and are kept there. Raises `NoFiniteStart` where no start at
    all has a finite density and gradient. Ctrl-C ends the searches after the piece of work in hand; so does the `stop`
    of a caller that hears interrupts itself.
    """
    options = options or MapOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    target, surface = target.placed(), surface_of(target)
    searches = [
        _Search(number, target, options, surface, partial(surface.start, target, seed, number))
        for number in range(options.starts)
    ]
    keeper = Keeper("map", checkpoints)
    keeper.restore(searches)
    threads = options.threads or available_cores()
    begin = time.perf_counter()
    with interrupts(stop) as stop:
        monitor.start("map", options.starts, options.max_steps)
        try:
            run_tasks([partial(surface.compile, target)], 1, stop, patient=False)
            compiled = time.perf_counter()
            tick = partial(_report, searches, monitor)
            first = searches[:1] if settle else []
            run_tasks([partial(search.run, stop, keeper) for search in first], 1, stop, tick)
            found = next((search.optimum(False) for search in first), None)
            others = searches[len(first) :]
            run_tasks([partial(search.run, stop, keeper, found) for search in others], threads, stop, tick)
            if not stop.urgent:
                keeper.end(searches)
        finally:
            monitor.finish()
    seconds = {"compile": compiled - begin, "run": time.perf_counter() - compiled}
    every = tuple(search.optimum(stop.requested) for search in searches)
    if all(optimum.status == "no finite start" for optimum in every):
        raise NoFiniteStart(every[-1].z)
    return Optima(every, seed, options, stop.requested, seconds)


def climb(target: Target, start: np.ndarray, options: MapOptions, stop: StopRequest) -> Optimum:
    """The optimum that one ascent reaches from `start`, (n,): of a target that is near another one."""
    search = _Search(0, target, options, surface_of(target), lambda attempt: start)
    search.run(stop, Keeper("map", None))
    return search.optimum(stop.requested)


class _Search:
    """The ascent from one start."""

    def __init__(
        self, number: int, target: Target, options: MapOptions, surface: Surface, initial: Callable[[int], np.ndarray]
    ) -> None:
        self.progressed = Progressed(number, "climbing", 0, options.max_steps)
        self._options = options
        self._state = ascent.new_ascent(target.dimension)
        self._evaluated = partial(surface.evaluated, target)
        self._initial = initial
        self._settled: Optimum | None = None

    def run(self, stop: StopRequest, keeper: Keeper, found: Optimum | None = None) -> None:
        """Climb until the search ends, comes into the basin of what another has found, or is asked to stop."""
        steps = self._options.max_steps
        while self._state.evaluations < steps and not self._finished and not stop.requested:
            if found is not None and _is_near(self._state.best, found):
                self._settled = found
                return
            self._state = ascent.one_step(self._evaluated, self._initial, self._state)
            self._show()
            keeper.worked(self)

    def _show(self) -> None:
        done, total = self._state.evaluations, self._options.max_steps
        self.progressed = Progressed(self.progressed.chain, "climbing", done, total)

    def checkpoint(self) -> Checkpoint:
        """The state of the ascent."""
        return Checkpoint("map", leaves_of(self._state))

    def restore(self, saved: Checkpoint) -> bool:
        """Climb on from there."""
        new = ascent.new_ascent(len(self._state.step))
        state = tree_like(jax.tree.map(np.asarray, new), saved.state)
        if state is None:
            return False
        self._state = jax.tree.map(lambda now, then: then if np.ndim(now) else then.item(), new, state)
        self._show()
        return True

    @property
    def _finished(self) -> bool:
        return ascent.finished(self._state, self._options.tolerance)

    def optimum(self, interrupted: bool) -> Optimum:
        """Where the search ended, and why."""
        if self._settled is not None:
            return replace(self._settled, steps=self._state.evaluations)
        state, status = self._state, self._status(interrupted)
        z = state.last_tried if status == "no finite start" else state.best.z
        bound = (
            np.flatnonzero(np.abs(state.step) > ascent.LONG_STEP)
            if status == "at bound"
            else np.array([], int)
        )
        covariance = _laplace_covariance(state.best.curvature, bound)
        return Optimum(
            z=z,
            value=float(state.best.value),
            gradient=state.best.gradient,
            covariance=covariance,
            status="flat" if status == "converged" and covariance is None else status,
            bound=tuple(int(i) for i in bound),
            steps=state.evaluations,
        )

    def _status(self, interrupted: bool) -> Status:
        state, tolerance = self._state, self._options.tolerance
        if ascent.without_start(state):
            return "no finite start"
        if ascent.converged(state, tolerance):
            return "converged"
        if ascent.at_bound(state, tolerance):
            return "at bound"
        if ascent.stalled(state):
            return "stalled"
        return "interrupted" if interrupted else "step limit"


def _is_near(point: ascent.Evaluation, found: Optimum) -> bool:
    """Whether an optimum is as much higher than a point as its curvature has it, and not by much."""
    if not found.converged or found.covariance is None:
        return False
    gain = found.value - point.value
    distance = point.z - found.z
    expected = 0.5 * distance @ np.linalg.solve(found.covariance, distance)
    return bool(expected <= _IN_BASIN and abs(gain - expected) <= 0.25 * expected)


def _laplace_covariance(curvature: np.ndarray, bound: np.ndarray) -> np.ndarray | None:
    """The inverse of the curvature, given the coordinates at a bound, whose rows and columns are NaN.

    None where the curvature is not that of a maximum, or is singular to rounding.
    """
    free = np.setdiff1d(np.arange(len(curvature)), bound)
    block = curvature[np.ix_(free, free)]
    variances = np.diag(block)
    if not (np.all(np.isfinite(block)) and np.all(variances > 0)):
        return None
    spreads = np.sqrt(variances)     # of each first: products of the curvatures themselves may be 0 to the last bit
    scales = np.outer(spreads, spreads)
    eigenvalues, vectors = np.linalg.eigh(block / scales)
    if np.any(eigenvalues < _SINGULAR):
        return None
    covariance = np.full(curvature.shape, np.nan)
    covariance[np.ix_(free, free)] = (vectors / eigenvalues) @ vectors.T / scales
    return covariance


def _report(searches: list[_Search], monitor: Monitor) -> None:
    for search in searches:
        monitor.update(search.progressed)
