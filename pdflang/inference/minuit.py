"""The maximum of a density by MINUIT, through iminuit: MIGRAD with our gradient, HESSE with our Hessian, MINOS.

MINUIT minimises minus the log-density of the unconstrained coordinates, which have no limits; `errordef` is ½. Source:
James and Roos, Comput. Phys. Commun. 10, 343 (1975).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import ascent
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.optima import Optima, Optimum, Status
from pdflang.inference.options import MapOptions, chosen_seed
from pdflang.inference.platform import available_cores
from pdflang.inference.profiles.minos import Ends
from pdflang.inference.profiles.section import HIGHER, Quantity
from pdflang.inference.surface import Surface, surface_of
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks

_FINEST = 1e-8
"""The least gain in log-density for which MIGRAD is asked to go on: it gives up where rounding hides a smaller one."""

_GAIN = 0.001
"""MIGRAD ends where it expects to gain less than 0.002 times `errordef`, of ½, times its `tol`."""

_OF_MINOS = 0.1
"""MINUIT's own tolerance, with which MINOS looks for crossings: a smaller one makes it give up."""

_CAREFUL = 2
"""MINUIT's strategy with the most accurate second derivatives."""

_NOWHERE = 1e30
"""Minus the log-density where there is none: MINUIT cannot step back from what is not finite."""


def maximise(
    target: Target,
    options: MapOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
) -> Optima:
    """The optima that MIGRAD reaches from the starts of `map`, each with the covariance of HESSE.

    Errors: E620 where iminuit is not installed, `NoFiniteStart` where no start has a finite density. Ctrl-C ends it.
    """
    require_iminuit()
    options = options or MapOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    slopes, curved = surface_of(target, curved=False), surface_of(target)
    searches = [_Search(number, target, options, slopes, curved, seed) for number in range(options.starts)]
    begin = time.perf_counter()
    with interrupts(stop) as stop:
        monitor.start("map", options.starts, options.max_steps)
        try:
            run_tasks([partial(surface.compile, target) for surface in (slopes, curved)], 2, stop, patient=False)
            compiled = time.perf_counter()
            tasks = [partial(search.run, stop) for search in searches]
            run_tasks(tasks, options.threads or available_cores(), stop, partial(_report, searches, monitor))
        finally:
            monitor.finish()
    seconds = {"compile": compiled - begin, "run": time.perf_counter() - compiled}
    every = tuple(search.optimum() for search in searches)
    if all(optimum.status == "no finite start" for optimum in every):
        raise NoFiniteStart(every[-1].z)
    return Optima(every, seed, options, stop.requested, seconds)


def minos(target: Target, optimum: Optimum, quantities: Sequence[Quantity], stop: StopRequest) -> Ends:
    """The intervals of MINOS at Δ = ½ around an optimum, by iminuit."""
    found, failed = np.full((len(quantities), 2), np.nan), False
    if optimum.covariance is None:
        return Ends(found, False, failed=True)
    function = _Function(target, surface_of(target, curved=False), surface_of(target), stop)
    minuit = function.minuit(optimum.z, _FINEST)
    try:
        minuit.migrad()
        minuit.tol = _OF_MINOS
        for row, quantity in enumerate(quantities):
            if quantity.index not in optimum.bound:
                minuit.minos(quantity.index)
                found[row] = _ends(minuit, quantity)
    except _Stopped:
        pass
    except RuntimeError:
        failed = True  # MINUIT sees no minimum
    best = -np.inf if function.best is None else function.best.value
    return Ends(found, bool(best > optimum.value + HIGHER), failed)


def _ends(minuit: Any, quantity: Quantity) -> tuple[float, float]:
    errors, at = minuit.merrors[minuit.parameters[quantity.index]], minuit.values[quantity.index]
    lower = quantity.value_of(at + errors.lower) if errors.lower_valid else np.nan
    return lower, quantity.value_of(at + errors.upper) if errors.upper_valid else np.nan


def require_iminuit() -> Any:
    """The module iminuit. Error: E620 where it is not installed."""
    try:
        import iminuit
    except ImportError:
        raise PdflangError(
            Diagnostic(
                "E620",
                "`minuit` as `optimizer` needs the package iminuit, which is not installed",
                remedy='install it, pip install "pdflang[minuit]"; or leave the option out: `newton` needs nothing',
            )
        ) from None
    return iminuit


class _Stopped(Exception):
    """Raised through MINUIT where it was asked to stop."""


class _Function:
    """Minus the log-density as MINUIT calls it; the best point so far is kept."""

    def __init__(self, target: Target, slopes: Surface, curved: Surface, stop: StopRequest) -> None:
        self.calls = 0
        self.best: ascent.Evaluation | None = None
        self._last: ascent.Evaluation | None = None
        self._evaluated = partial(slopes.evaluated, target)
        self._with_curvature = partial(curved.evaluated, target)
        self._stop = stop

    def minuit(self, start: np.ndarray, tolerance: float, **more: Any) -> Any:
        """MINUIT at a start, to end where no more than `tolerance` can be gained."""
        minuit = require_iminuit().Minuit(self._value, start, grad=self._gradient, **more)
        minuit.errordef, minuit.strategy, minuit.tol = 0.5, _CAREFUL, max(tolerance, _FINEST) / _GAIN
        return minuit

    def hesse(self, minimum: np.ndarray) -> np.ndarray | None:
        """The covariance by HESSE at a minimum; None where MINUIT had to make it positive definite.

        MIGRAD fails where it is given the Hessian and needs its diagonal, so that this is another MINUIT.
        """
        minuit = self.minuit(minimum, _FINEST, hessian=self._hessian)
        minuit.hesse()
        return np.array(minuit.covariance) if minuit.accurate and minuit.covariance is not None else None

    def _value(self, z: np.ndarray) -> float:
        found = self._at(z)
        return -float(found.value) if found.usable else _NOWHERE

    def _gradient(self, z: np.ndarray) -> np.ndarray:
        found = self._at(z)
        return -found.gradient if found.usable else np.zeros_like(z)

    def _hessian(self, z: np.ndarray) -> np.ndarray:
        curvature: np.ndarray = self._with_curvature(np.array(z)).curvature
        return curvature if np.all(np.isfinite(curvature)) else np.eye(len(z))

    def _at(self, z: np.ndarray) -> ascent.Evaluation:
        if self._last is None or not np.array_equal(self._last.z, z):
            if self._stop.requested:
                raise _Stopped
            self._last = self._evaluated(np.array(z))
            self.calls += 1
            if self._last.usable and (self.best is None or self._last.value > self.best.value):
                self.best = self._last
        return self._last


class _Search:
    """MIGRAD and HESSE from one start."""

    def __init__(
        self, number: int, target: Target, options: MapOptions, slopes: Surface, curved: Surface, seed: int
    ) -> None:
        self._number, self._target, self._options = number, target, options
        self._slopes, self._curved, self._seed = slopes, curved, seed
        self._function: _Function | None = None
        self._minuit: Any = None
        self._covariance: np.ndarray | None = None

    def run(self, stop: StopRequest) -> None:
        """Minimise until MINUIT ends or is asked to stop."""
        self._function = _Function(self._target, self._slopes, self._curved, stop)
        try:
            self._minuit = self._function.minuit(self._start(stop), self._options.tolerance)
            self._minuit.migrad(ncall=self._options.max_steps)
            self._covariance = self._function.hesse(np.array(self._minuit.values))
        except _Stopped:
            self._minuit = None

    @property
    def progressed(self) -> Progressed:
        """How many evaluations there were."""
        calls = self._function.calls if self._function else 0
        return Progressed(self._number, "climbing", min(calls, self._options.max_steps), self._options.max_steps)

    def optimum(self) -> Optimum:
        """Where the search ended, and why."""
        zeros = np.zeros(self._target.dimension)
        if self._function is None or self._function.best is None:
            stopped = self._function is None or self._minuit is None
            status: Status = "interrupted" if stopped else "no finite start"
            return Optimum(zeros, -np.inf, zeros, None, status, (), self._function.calls if self._function else 0)
        best = self._curved.evaluated(self._target, np.array(self._function.best.z))
        bound = self._running(best)
        return Optimum(
            z=best.z,
            value=float(best.value),
            gradient=best.gradient,
            covariance=self._free(bound),
            status=self._status(bound),
            bound=tuple(int(i) for i in bound),
            steps=self._function.calls,
        )

    def _start(self, stop: StopRequest) -> np.ndarray:
        """The first draw of the stream of this start where density and gradient are finite, else the last."""
        for attempt in range(ascent.START_ATTEMPTS):
            z = self._slopes.start(self._target, self._seed, self._number, attempt)
            if stop.requested or self._slopes.evaluated(self._target, z).usable:
                break
        return z

    def _running(self, best: ascent.Evaluation) -> np.ndarray:
        """The coordinates whose next step by Newton's method is long though nothing can be gained: at a bound."""
        state = ascent.one_step(lambda z: best, lambda attempt: best.z, ascent.new_ascent(len(best.z)))
        if not ascent.at_bound(state, 1.0):
            return np.array([], int)
        return np.flatnonzero(np.abs(state.step) > ascent.LONG_STEP)

    def _free(self, bound: np.ndarray) -> np.ndarray | None:
        """That of HESSE; NaN in rows and columns of what runs to a bound, None where it is not positive definite."""
        if self._covariance is None:
            return None
        covariance = self._covariance.copy()
        covariance[bound] = covariance[:, bound] = np.nan
        return covariance

    def _status(self, bound: np.ndarray) -> Status:
        if self._minuit is None:
            return "interrupted"
        if len(bound):
            return "at bound"
        if self._minuit.fmin.has_reached_call_limit:
            return "step limit"
        if not self._minuit.valid:
            return "stalled"
        return "flat" if self._covariance is None else "converged"


def _report(searches: Sequence[_Search], monitor: Monitor) -> None:
    for search in searches:
        monitor.update(search.progressed)
