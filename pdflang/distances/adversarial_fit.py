"""The estimate that a critic leaves: rounds of a contest until the proposal moves no more."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdflang.distances.adversarial import EACH, SHARE, Contest
from pdflang.inference import Monitor, Progressed, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.optima import Optima, Optimum, Status
from pdflang.inference.options import MapOptions, chosen_seed
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.learning.methods import require_packages

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_AVERAGED = 8
"""Rounds that an estimate is the mean of."""

_AT_REST = 0.25
"""Errors that it may differ by from that of as many rounds before."""


@dataclass(frozen=True)
class AdversarialScore:
    """What a critic tells of one event in the end, in nats, and how far estimates still moved, in errors.

    `estimate` has mean and covariance on the unconstrained scale; so many `rounds` were made.
    """

    value: float
    moved: float
    estimate: Normal
    rounds: int
    seed: int

    @property
    def simulations(self) -> int:
        """Simulated data sets."""
        return self.rounds * EACH

    @property
    def settled(self) -> bool:
        return self.moved <= _AT_REST

    def words(self, value: float) -> list[str]:
        """The value in words."""
        return [
            f"adversarial score {value:.3g}, what a critic tells of an event, in nats, after {self.rounds} rounds and "
            f"{self.simulations} simulated data sets"
        ]

    @property
    def ends(self) -> tuple[str, str]:
        """Whether the proposal came to rest, and what to do where it did not."""
        where = f"the last {_AVERAGED} rounds moved it by {self.moved:.2g} errors"
        if self.settled:
            return f"the proposal is at rest: {where}", ""
        remedy = "raise `--simulations`; or data and priors do not determine every parameter"
        return f"the proposal has not come to rest: {where}", remedy

    def refitted(self, model: CompiledModel, z: np.ndarray, options: MapOptions, stop: StopRequest) -> Optimum:
        """The estimate for the data of a replica, from this one, by simulations of its own."""
        try:
            contest = Contest(model, options.priors, self.seed, 1, Normal(z, SHARE * self.estimate.root))
            return _optimum(_at_rest(contest, options, stop))
        except KeyboardInterrupt:
            return replace(_optimum(self), status="interrupted")


def at_rest(
    model: CompiledModel, options: MapOptions, monitor: Monitor | None = None, stop: StopRequest | None = None
) -> tuple[AdversarialScore, Optima]:
    """The estimate, and the same as what an optimiser returns.

    An interrupt leaves that of the rounds so far; KeyboardInterrupt where there are none. Errors: E620 where a package
    is missing, and those of `Contest`.
    """
    require_packages()
    seed, monitor, begin = chosen_seed(options.seed), monitor or QuietMonitor(), time.perf_counter()
    interrupted = False
    with interrupts(stop) as heard:
        contest = Contest(model, options.priors, seed, options.threads)
        monitor.start("adversarial", 1, options.simulations)
        try:
            found = _at_rest(contest, options, heard, monitor)
        except KeyboardInterrupt:
            interrupted = True
            if not contest.path:
                raise
            found = _score(contest)
        finally:
            monitor.finish()
    optimum = _optimum(found)
    if interrupted:
        optimum = replace(optimum, status="interrupted")
    seconds = {"run": time.perf_counter() - begin}
    return found, Optima((optimum,), seed, replace(options, seed=seed), interrupted, seconds)


def _at_rest(
    contest: Contest, options: MapOptions, stop: StopRequest, monitor: Monitor | None = None
) -> AdversarialScore:
    """Rounds until the estimate is at rest, or simulations are spent."""
    rounds = max(1, options.simulations // EACH)
    for number in range(1, rounds + 1):
        contest.round(stop)
        if monitor is not None:
            phase = f"tells {contest.scores[-1]:.2g}"
            monitor.update(Progressed(0, phase, number * EACH, options.simulations))
        if number >= 2 * _AVERAGED and _score(contest).settled:
            break
    return _score(contest)


def _score(contest: Contest) -> AdversarialScore:
    """Of the last rounds, half of all where there are few, beside as many before."""
    path = [contest.first, *contest.path]
    count = min(_AVERAGED, len(path) // 2)
    last, before = path[-count:], path[-2 * count : -count]
    mean, earlier = (np.mean([one.mean for one in some], axis=0) for some in (last, before))
    covariance, wider = (np.mean([one.root @ one.root.T for one in some], axis=0) for some in (last, before))
    estimate = Normal(mean, np.linalg.cholesky(covariance) / SHARE)
    # A proposal that still narrows or widens by a half has not come to rest.
    ratio = float(np.log(np.trace(np.linalg.solve(covariance, wider)) / len(mean)))
    moved = float(np.linalg.norm(estimate.whitened(earlier[None])[0]) / np.sqrt(len(mean)))
    score = float(np.mean(contest.scores[-count:]))
    return AdversarialScore(score, max(moved, abs(ratio) / 2), estimate, len(contest.path), contest.seed)


def _optimum(score: AdversarialScore) -> Optimum:
    mean, root = score.estimate.mean, score.estimate.root
    status: Status = "converged" if score.settled else "step limit"
    return Optimum(mean, -score.value, np.zeros_like(mean), root @ root.T, status, (), score.rounds)
