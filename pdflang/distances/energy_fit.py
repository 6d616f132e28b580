"""The minimum of the energy score, with the point that events are simulated at moved to it, round by round."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.distances.energy import EnergyScore, ScoreProgram
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.map import climb
from pdflang.inference.optima import Optima, Optimum
from pdflang.inference.options import MapOptions, chosen_seed
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.semantics.capabilities import require_score

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_FIRST = 32
"""Draws of the prior, the best of which is where it begins."""

_ROUNDS = 12
_NEAR = 0.8
"""The share of simulated events that weights at the minimum are worth, for it to be the last one."""

_FEW = 0.1
"""The share of simulated events that weights may be worth at least: beyond, a step only goes a part of the way."""


@dataclass(frozen=True)
class Minimum:
    """Where the score of simulated events is smallest: `optimum` is of minus the score; so many rounds were made."""

    score: EnergyScore
    optimum: Optimum
    rounds: int
    settled: bool

    def covariance(self, model: CompiledModel) -> np.ndarray | None:
        """That of the minimum, by the sandwich estimate."""
        curvature = self.optimum.covariance
        return None if curvature is None else self.score.covariance(model, self.optimum.z, curvature)


def least_score(
    model: CompiledModel, options: MapOptions, monitor: Monitor | None = None, stop: StopRequest | None = None
) -> tuple[Minimum, Optima]:
    """The minimum, and the same as what an optimiser returns. KeyboardInterrupt where Ctrl-C was heard."""
    seed, monitor, begin = chosen_seed(options.seed), monitor or QuietMonitor(), time.perf_counter()
    with interrupts(stop) as heard:
        monitor.start("map", 1, options.max_steps)
        try:
            found = minimum(model, options, options.simulated, seed, heard)
        finally:
            monitor.finish()
        if heard.requested:
            raise KeyboardInterrupt
    optimum = found.optimum
    if optimum.converged and not found.settled:
        optimum = replace(optimum, status="step limit")
    optima = Optima((optimum,), seed, replace(options, seed=seed), False, {"run": time.perf_counter() - begin})
    return found, optima


def minimum(
    model: CompiledModel, options: MapOptions, factor: float, seed: int, stop: StopRequest
) -> Minimum:
    """The minimum of the energy score by `factor` times as many simulated events as observed ones.

    Errors: E607 where the prior cannot be drawn from, and those of joint scores.
    """
    _require_events(model)
    require_score(model.program)
    program = ScoreProgram(model)
    reference = _first(model, program, factor, seed, options, stop)
    for number in range(_ROUNDS):
        score = EnergyScore(model, program, reference, factor, seed + number, options.threads)
        found = climb(score.target(model), reference, options, stop)
        if found.status == "interrupted" or not np.all(np.isfinite(found.z)):
            break
        share = score.effective(found.z)
        if share > _NEAR:
            return Minimum(score, found, number + 1, found.converged)
        step = found.z - reference
        while score.effective(reference + step) < _FEW:
            step = step / 2
        reference = reference + step
    return Minimum(score, found, number + 1, False)


def _require_events(model: CompiledModel) -> None:
    """PdflangError (E662) where something else is observed than lists of events that are numbers, without weights."""
    for name, observation in model.program.observations.items():
        process = observation.process
        why = "is no list of events"
        if process is not None:
            why = "has events with weights" if process.weights is not None else ""
            why = why or ("has labels" if any(one.axis is not None for one in process.variables) else "")
        if why or not model.event_counts()[name] > 1:
            raise PdflangError(
                Diagnostic(
                    "E662", f"there is no energy score of `{name}`, which {why or 'has fewer than two events'}",
                    observation.span, remedy="leave `--score` out: the density has its maximum for any data",
                )
            )  # fmt: skip


def _first(
    model: CompiledModel, program: ScoreProgram, factor: float, seed: int, options: MapOptions, stop: StopRequest
) -> np.ndarray:
    """The draw of the prior whose own events have the smallest score."""
    best, lowest = None, np.inf
    surface = jax.jit(program.log_density)
    for number in range(_FIRST):
        drawn = model.draw_prior(jax.random.fold_in(jax.random.key(seed), number))
        z = np.asarray(model.unconstrain(drawn))
        target = EnergyScore(model, program, z, min(factor, 1.0), seed + number, options.threads).target(model)
        with jax.enable_x64(True):
            value = -float(surface(z, target.arrays))
        if value < lowest:
            best, lowest = z, value
    assert best is not None
    return best
