"""The maximum of a density by damped Newton ascents from several starts, each with its Laplace covariance."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from pdflang.inference import ascent
from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.optima import Optima, Optimum, Status
from pdflang.inference.options import MapOptions, chosen_seed
from pdflang.inference.platform import available_cores, double_precision
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks

_MOST_STEPS = 100
_SINGULAR = 1e-12


def maximise(target: Target, options: MapOptions | None = None, monitor: Monitor | None = None) -> Optima:
    """The optima that the starts reach. A search that fails has a status that says why; it does not raise.

    Raises `NoFiniteStart` where no start at all has a finite density and gradient. Ctrl-C ends the searches
    after the piece of work in hand.
    """
    options = options or MapOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    climb = _program(target.log_density, target.initial, target.dimension)
    searches = [_Search(number, target, options, climb, seed) for number in range(options.starts)]
    threads = options.threads or available_cores()
    begin = time.perf_counter()
    with interrupts() as stop:
        monitor.start("map", options.starts, options.max_steps)
        try:
            # The first call compiles; started together, every thread would compile.
            run_tasks([searches[0].begin], 1, stop, patient=False)
            compiled = time.perf_counter()
            tick = partial(_report, searches, monitor)
            run_tasks([partial(search.run, stop) for search in searches], threads, stop, tick)
        finally:
            monitor.finish()
    seconds = {"compile": compiled - begin, "run": time.perf_counter() - compiled}
    every = tuple(search.optimum(stop.requested) for search in searches)
    if all(optimum.status == "no finite start" for optimum in every):
        raise NoFiniteStart(every[-1].z)
    return Optima(every, seed, options, stop.requested, seconds)


@lru_cache(maxsize=32)
def _program(
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], dimension: int
) -> Callable[..., Any]:
    """The compiled ascent of a target; data are arguments, so that other data compile nothing."""

    def climb(state: Any, seed: Any, start: Any, tolerance: Any, limit: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), start)
        state = ascent.climb(
            lambda z: log_density(z, arrays), lambda key: initial(key, arrays), state, key, tolerance, limit
        )
        endings = {
            "converged": ascent.converged(state, tolerance),
            "at bound": ascent.at_bound(state, tolerance),
            "no finite start": ascent.without_start(state),
            "stalled": ascent.stalled(state),
        }
        return strongly_typed((state, endings))

    return jax.jit(climb)


class _Search:
    """The ascent from one start, in calls of the compiled program that are short enough to be interrupted."""

    def __init__(
        self, number: int, target: Target, options: MapOptions, climb: Callable[..., Any], seed: int
    ) -> None:
        self.progressed = Progressed(number, "climbing", 0, options.max_steps)
        self._target = target
        self._options = options
        self._climb = climb
        self._seed = np.uint32(seed)
        self._number = np.uint32(number)
        self._state = ascent.new_ascent(target.dimension)
        self._endings: dict[str, bool] = {}

    def begin(self) -> None:
        """Evaluate the first start, which compiles the program."""
        with double_precision():
            self._go_on(1)

    def run(self, stop: StopRequest) -> None:
        """Climb until the search ends or is asked to stop."""
        size = 1
        with double_precision():
            while self._unfinished and not stop.requested:
                begin, before = time.perf_counter(), self.progressed.done
                self._go_on(size)
                size = next_size(self.progressed.done - before, time.perf_counter() - begin, _MOST_STEPS)

    @property
    def _unfinished(self) -> bool:
        return not any(self._endings.values()) and self.progressed.done < self._options.max_steps

    def _go_on(self, steps: int) -> None:
        limit = min(self.progressed.done + steps, self._options.max_steps)
        tolerance = np.float64(self._options.tolerance)
        state, endings = self._climb(
            self._state, self._seed, self._number, tolerance, np.int64(limit), self._target.arrays
        )
        self._state, self._endings = jax.tree.map(np.asarray, (state, endings))
        done = int(self._state.evaluations)
        self.progressed = Progressed(self.progressed.chain, "climbing", done, self._options.max_steps)

    def optimum(self, interrupted: bool) -> Optimum:
        """Where the search ended, and why."""
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
            steps=int(state.evaluations),
        )

    def _status(self, interrupted: bool) -> Status:
        statuses: tuple[Status, ...] = ("no finite start", "converged", "at bound", "stalled")
        reached = [status for status in statuses if self._endings.get(status)]
        return reached[0] if reached else "interrupted" if interrupted else "step limit"


def _laplace_covariance(curvature: np.ndarray, bound: np.ndarray) -> np.ndarray | None:
    """The inverse of the curvature, given the coordinates at a bound, whose rows and columns are NaN.

    None where the curvature is not that of a maximum, or is singular to rounding.
    """
    free = np.setdiff1d(np.arange(len(curvature)), bound)
    block = curvature[np.ix_(free, free)]
    variances = np.diag(block)
    if not (np.all(np.isfinite(block)) and np.all(variances > 0)):
        return None
    scales = np.sqrt(np.outer(variances, variances))
    eigenvalues, vectors = np.linalg.eigh(block / scales)
    if np.any(eigenvalues < _SINGULAR):
        return None
    covariance = np.full(curvature.shape, np.nan)
    covariance[np.ix_(free, free)] = (vectors / eigenvalues) @ vectors.T / scales
    return covariance


def _report(searches: list[_Search], monitor: Monitor) -> None:
    for search in searches:
        monitor.update(search.progressed)
