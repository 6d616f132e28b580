"""From a model to what a method learns of it: simulations, training, round by round."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Monitor, Progressed, QuietMonitor
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.learning.event_sample import EventSample
from pdflang.learning.hypotheses import hypotheses_of
from pdflang.learning.layout import Part, layout_of
from pdflang.learning.learned import Learned
from pdflang.learning.material import DataSets, EventLists, LabelledLists, Material, Simulated, TwoSides
from pdflang.learning.methods import LearningMethod
from pdflang.learning.networks import stacked
from pdflang.learning.options import PivotOptions, TrainOptions
from pdflang.learning.origin import hashes
from pdflang.learning.points import Points, points_of
from pdflang.learning.training import Keeper, Trained, train
from pdflang.semantics.capabilities import require_density

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_LONG = 10.0
"""Seconds beyond which it is said beforehand what something will take."""


class Store(Protocol):
    """Where simulations and trainings are kept while the whole goes on."""

    def simulations(self, number: int, size: int) -> dict[str, np.ndarray] | None:
        """So many simulations of a round as arrays; None where there are not yet."""

    def keep_simulations(self, number: int, size: int, arrays: dict[str, np.ndarray]) -> None:
        """Keep them."""

    def keeper(self, number: int) -> Keeper:
        """What keeps the training of a round."""


@dataclass(frozen=True)
class Learning:
    """What came of it: `learned` is None where it was interrupted before the first network was trained."""

    learned: Learned | None
    interrupted: bool
    seconds: dict[str, float]


def learn(
    model: CompiledModel, method: LearningMethod, options: TrainOptions, monitor: Monitor | None = None,
    note: Callable[[str], None] = lambda text: None, store: Store | None = None, stop: StopRequest | None = None,
    parameters: Mapping[str, Any] | str | Path | None = None,
) -> Learning:  # fmt: skip
    """Train a method on simulations of a model. The seed of the options must be given.

    `note` is told what it costs. `parameters` are points to take in the place of draws of the prior, by methods that
    learn of single events. Errors: E607 where the prior cannot be drawn from, E608 without parameters, E661 where
    simulations or losses are not finite, E662 where the method cannot learn from such data, and those of `simulate`.
    """
    parts = _parts(model, method)
    material = _material(model, method, options, parts, parameters)
    run = _Run(material, monitor or QuietMonitor(), note, store)
    with interrupts(stop) as stop:
        return run.go(stop)


@dataclass
class _Run:
    material: Material
    monitor: Monitor
    note: Callable[[str], None]
    store: Store | None

    def __post_init__(self) -> None:
        self.model, self.method, self.options = self.material.model, self.material.method, self.material.options
        self._told = False

    def go(self, stop: StopRequest) -> Learning:
        seconds = {"simulate": 0.0, "train": 0.0}
        found: list[Simulated] = []
        histories: list[list[dict[str, float]]] = []
        learned: Learned | None = None
        sizes = np.diff(np.linspace(0, self.options.simulations, self.options.rounds + 1).astype(int))
        for number, size in enumerate(sizes):
            begin = time.perf_counter()
            self.material.begin(number, learned)
            simulated = self._simulated(number, int(size), learned, stop)
            seconds["simulate"] += time.perf_counter() - begin
            if simulated is None:
                return Learning(learned, True, seconds)
            found.append(simulated)
            begin = time.perf_counter()
            learned, interrupted = self._trained(number, self.material.together(found), histories, stop)
            seconds["train"] += time.perf_counter() - begin
            if interrupted:
                return Learning(learned, True, seconds)
        return Learning(learned, False, seconds)

    def _simulated(self, number: int, size: int, learned: Learned | None, stop: StopRequest) -> Simulated | None:
        kept = self.store.simulations(number, size) if self.store is not None else None
        if kept is not None:
            return self.material.of_arrays(kept)
        begin = [(0, time.perf_counter())]

        def told(done: int) -> None:
            self.monitor.update(Progressed(0, f"simulating, round {number + 1}", done, size))
            begin.append((done, time.perf_counter()))
            if number == 0 and len(begin) == 3 and self.material.draws_all:
                self._tell_cost(*begin[1:])

        z = self.material.proposed(number, size, learned, self.monitor, stop) if learned is not None else None
        if stop.requested:
            return None
        self.monitor.start("train", 1, size)
        try:
            simulated = self.material.drawn(number, size, z, stop, told)
        finally:
            self.monitor.finish()
        if simulated is not None and self.store is not None:
            self.store.keep_simulations(number, size, simulated.arrays())
        return simulated

    def _tell_cost(self, before: tuple[int, float], after: tuple[int, float]) -> None:
        """What the simulations take, by the time of the second batch: the first one has also been compiled."""
        each = (after[1] - before[1]) / (after[0] - before[0])
        total = each * self.options.simulations
        if total > _LONG:
            self.note(f"{self.options.simulations} simulations of {_time(each)} each take {_time(total)}")

    def _trained(
        self, number: int, simulated: Simulated, histories: list[list[dict[str, float]]], stop: StopRequest
    ) -> tuple[Learned, bool]:
        """What a round has learned, and whether it was interrupted."""
        order = self.material.order(number, len(simulated))
        module, parts, interrupted = self.method.module, self.material.parts, False
        scales, arrays = module.prepared(parts, simulated.chosen(order), self.options)
        members = self.options.networks
        networks: list[Any] = []
        for place in range(members):
            training, chosen = number * members + place, arrays
            if members > 1 and self.method.makes_events:
                chosen = self._resampled(training, cast(EventSample, simulated).owner[order], arrays)
            before = networks[-1] if networks else None
            done = self._network(training, place, before, scales, chosen, stop)
            interrupted = done.interrupted
            if interrupted and networks:
                break
            networks.append(done.network)
            histories.append(done.history)
        network = stacked(networks) if self.method.is_stacked else networks[0]
        if self.method.of_events:
            of_model = (module.OfModel(self.model.functions, self.model.arrays),) if self.method.needs_model else ()
            scales = module.finished(network, parts, scales, simulated, *of_model)
        return self._learned(network, scales, histories), interrupted

    def _network(
        self, number: int, place: int, before: Any, scales: Any, arrays: Any, stop: StopRequest
    ) -> Trained:
        """One network: its number among all says what is random in its training; it is at a place of its round.

        `before` is the trained one before it, if any.
        """
        import equinox as eqx

        module, lesson, key = self.method.module, self.method.lesson, self.material.key
        with jax.enable_x64(False):
            network = module.network(
                key(3000 + number), self.material.parts, scales, self.model.dimension, self.options
            )
            if hasattr(lesson, "member"):
                network = lesson.member(network, before, place, self.options)
        if not jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array)):
            return Trained(network, [], False)  # of quantiles there is nothing to train
        return train(
            network, lesson.loss, scales, arrays, self.options, key(4000 + number), self.monitor, stop,
            self.store.keeper(number) if self.store is not None else None, self._tell_passes,
            getattr(lesson, "validation", None), getattr(lesson, "IS_JUDGED_WHOLE", False),
        )  # fmt: skip

    def _resampled(self, number: int, owner: np.ndarray, arrays: Any) -> Any:
        """The groups of lists that one of an ensemble learns from: some for validation, of others a bootstrap sample.

        Breiman (1996): what networks differ by is then also what another sample of the lists would change.
        """
        generator = np.random.default_rng((self.options.seed or 0, 1, number))
        groups = np.argsort(owner, kind="stable").reshape(owner.max() + 1, -1)
        lists = generator.permutation(len(groups))
        held = math.ceil(self.options.validation * len(lists))
        learned = generator.choice(lists[held:], len(lists) - held)
        places = groups[np.concatenate([lists[:held], learned])].ravel()
        return jax.tree.map(lambda array: array[places], arrays)

    def _tell_passes(self, epoch: int, seconds: float) -> None:
        # The first pass has also been compiled.
        if epoch != 2 or self._told:
            return
        self._told = True
        total = seconds * self.options.epochs * self.options.networks
        if total > _LONG:
            self.note(f"a pass over the simulations takes {_time(seconds)}: {_time(total)} at most for all")

    def _learned(self, network: Any, scales: Any, histories: list[list[dict[str, float]]]) -> Learned:
        import equinox as eqx

        weights = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))]
        observed = hashes(self.model, observed=True) if self.options.rounds > 1 else {}
        parts = tuple(self.material.parts)
        return Learned(
            self.method, self.options, parts, self.model.dimension, weights, scales, list(histories),
            hashes(self.model, observed=False), observed,
        )  # fmt: skip


def _material(
    model: CompiledModel, method: LearningMethod, options: TrainOptions, parts: tuple[Part, ...],
    parameters: Mapping[str, Any] | str | Path | None,
) -> Material:  # fmt: skip
    """What a method learns from. Error: E662 for parameters where it learns from draws of the prior."""
    if method.learns == "output":
        hypotheses = hypotheses_of(model, parameters, cast(PivotOptions, options))
        return LabelledLists(model, method, options, parts, hypotheses)
    if method.corrects:
        points = points_of(model, parameters)
        _require_one_point(method, options, points)
        return TwoSides(model, method, options, parts, points)
    if method.of_events:
        return EventLists(model, method, options, parts, points_of(model, parameters))
    if parameters is not None:
        raise PdflangError(
            Diagnostic(
                "E662", f"`{method.name}` learns from draws of the prior, and not at other parameters",
                remedy="leave `parameters` out, or use a method that learns of single events",
            )
        )  # fmt: skip
    return DataSets(model, method, options, parts)


def _parts(model: CompiledModel, method: LearningMethod) -> tuple[Part, ...]:
    """The parts of the data.

    Errors: E611 where a density is needed that there is not, E662 where the method learns nothing of one of them.
    """
    parts = layout_of(model, method.weighted, "reweight" if method.corrects else "carl")
    if method.learns == "proposal":
        require_density(model.program)
    if method.of_events:
        other = next((part for part in parts if not part.is_events), None)
        message, instead = "learns from single events, and `{}` is no list of events", "`npe` or `nre`"
        if method.corrects:
            message = "corrects lists of events, and `{}` is none"
            instead = "it for a model that observes nothing else: observe hits ~ PoissonProcess(rate)"
    elif method.learns == "likelihood":
        other = next((part for part in parts if part.is_events), None)
        message, instead = "learns no density of sets of events, which `{}` is", "`alice` or `npe`"
    else:
        return parts
    if other is not None:
        raise PdflangError(
            Diagnostic(
                "E662", f"`{method.name}` {message.format(other.name)}", model.program.observations[other.name].span,
                remedy=f"use {instead}",
            )
        )  # fmt: skip
    return parts


def _require_one_point(method: LearningMethod, options: TrainOptions, points: Points) -> None:
    """PdflangError (E662) where a simulation is to be corrected that is none at one point of the parameters."""
    if points.z is None or len(points.z) > 1:
        given = "none is given" if points.z is None else f"{len(points.z)} are given"
        problem = f"`{method.name}` corrects the simulation at one point of the parameters, and {given}"
        remedy = "give one: -p truth.json, -p mu=1, or -p the folder of a run of `map`"
    elif options.rounds > 1:
        problem = f"`{method.name}` learns of all events at once, and has no rounds"
        remedy = "leave `--rounds` out"
    else:
        return
    raise PdflangError(Diagnostic("E662", problem, remedy=remedy))


def _time(seconds: float) -> str:
    """A time in words."""
    if seconds < 1:
        return f"{1e3 * seconds:.2g} ms"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
