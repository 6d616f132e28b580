"""From a model to what a method learns of it: simulations, training, round by round."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Monitor, Progressed, QuietMonitor
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.learning.layout import Part, layout_of
from pdflang.learning.learned import Learned
from pdflang.learning.methods import LearningMethod
from pdflang.learning.options import TrainOptions
from pdflang.learning.origin import hashes
from pdflang.learning.pairs import Pairs, joined, keys_of, simulated_pairs
from pdflang.learning.rounds import Region, posterior_draws
from pdflang.learning.training import Keeper, train

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_LONG = 10.0
"""Seconds beyond which it is said beforehand what something will take."""


class Store(Protocol):
    """Where simulations and trainings are kept while the whole goes on."""

    def pairs(self, number: int) -> Pairs | None:
        """The simulations of a round; None where there are none yet."""

    def keep_pairs(self, number: int, pairs: Pairs) -> None:
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
) -> Learning:  # fmt: skip
    """Train a method on simulations of a model. The seed of the options must be given.

    `note` is told what it costs. Errors: E607 where the prior cannot be drawn from, E608 without parameters, E661 where
    simulations or losses are not finite, E662 where the method cannot learn from such data, and those of `simulate`.
    """
    parts = _parts(model, method)
    run = _Run(model, method, options, parts, monitor or QuietMonitor(), note, store)
    with interrupts(stop) as stop:
        return run.go(stop)


@dataclass
class _Run:
    model: CompiledModel
    method: LearningMethod
    options: TrainOptions
    parts: tuple[Part, ...]
    monitor: Monitor
    note: Callable[[str], None]
    store: Store | None

    def go(self, stop: StopRequest) -> Learning:
        seconds = {"simulate": 0.0, "train": 0.0}
        found: list[Pairs] = []
        histories: list[list[dict[str, float]]] = []
        learned: Learned | None = None
        sizes = np.diff(np.linspace(0, self.options.simulations, self.options.rounds + 1).astype(int))
        for number, size in enumerate(sizes):
            begin = time.perf_counter()
            region = self._region(learned, number)
            pairs = self._pairs(number, int(size), learned, region, stop)
            seconds["simulate"] += time.perf_counter() - begin
            if pairs is None:
                return Learning(learned, True, seconds)
            found.append(pairs)
            begin = time.perf_counter()
            learned, interrupted = self._trained(number, joined(found), region, histories, stop)
            seconds["train"] += time.perf_counter() - begin
            if interrupted:
                return Learning(learned, True, seconds)
        return Learning(learned, False, seconds)

    def _key(self, stream: int) -> Any:
        assert self.options.seed is not None
        return jax.random.fold_in(jax.random.key(self.options.seed), stream)

    def _region(self, learned: Learned | None, number: int) -> Region | None:
        """Where the parameters of a later round are proposed, by a method that needs to know."""
        if learned is None or self.method.learns != "posterior":
            return None
        return Region(learned, self.model, self._key(1000 + number))

    def _pairs(
        self, number: int, size: int, learned: Learned | None, region: Region | None, stop: StopRequest
    ) -> Pairs | None:
        kept = self.store.pairs(number) if self.store is not None else None
        if kept is not None and len(kept) == size:
            return kept
        assert self.options.seed is not None
        z = None
        if region is not None:
            z = region.drawn(self._key(2000 + number), size)
        elif learned is not None:
            z = posterior_draws(learned, self.model, self.options.seed + number, size, self.monitor, stop)
            if stop.requested:
                return None
        keys = keys_of(self.options.seed, number, size)
        self.monitor.start("train", 1, size)
        begin = [(0, time.perf_counter())]

        def told(done: int) -> None:
            self.monitor.update(Progressed(0, f"simulating, round {number + 1}", done, size))
            begin.append((done, time.perf_counter()))
            if number == 0 and len(begin) == 3:
                self._tell_cost(*begin[1:])

        try:
            pairs = simulated_pairs(self.model, self.parts, keys, z, self.options.threads, stop, told)
        finally:
            self.monitor.finish()
        if pairs is not None and self.store is not None:
            self.store.keep_pairs(number, pairs)
        return pairs

    def _tell_cost(self, before: tuple[int, float], after: tuple[int, float]) -> None:
        """What the simulations take, by the time of the second batch: the first one has also been compiled."""
        each = (after[1] - before[1]) / (after[0] - before[0])
        total = each * self.options.simulations
        if total > _LONG:
            self.note(f"{self.options.simulations} simulations of {_time(each)} each take {_time(total)}")

    def _trained(
        self, number: int, pairs: Pairs, region: Region | None, histories: list[list[dict[str, float]]],
        stop: StopRequest,
    ) -> tuple[Learned, bool]:  # fmt: skip
        if region is not None:
            # Earlier rounds are draws of the prior, too, as far as they are in the region.
            pairs = pairs.chosen(region.contains(pairs.z))
        order = np.random.default_rng((self.options.seed or 0, number)).permutation(len(pairs))
        module = self.method.module
        scales, arrays = module.prepared(self.parts, pairs.chosen(order), self.options)
        with jax.enable_x64(False):
            network = module.network(self._key(3000 + number), self.parts, scales, self.model.dimension, self.options)
        done = train(
            network, module.loss, scales, arrays, self.options, self._key(4000 + number), self.monitor, stop,
            self.store.keeper(number) if self.store is not None else None, self._tell_passes,
        )  # fmt: skip
        histories.append(done.history)
        return self._learned(done.network, scales, histories), done.interrupted

    def _tell_passes(self, epoch: int, seconds: float) -> None:
        # The first pass has also been compiled.
        total = seconds * self.options.epochs
        if epoch == 2 and total > _LONG:
            self.note(f"a pass over the simulations takes {_time(seconds)}: {_time(total)} at most for all")

    def _learned(self, network: Any, scales: Any, histories: list[list[dict[str, float]]]) -> Learned:
        import equinox as eqx

        weights = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))]
        observed = hashes(self.model, observed=True) if self.options.rounds > 1 else {}
        return Learned(
            self.method, self.options, self.parts, self.model.dimension, weights, scales, list(histories),
            hashes(self.model, observed=False), observed,
        )  # fmt: skip


def _parts(model: CompiledModel, method: LearningMethod) -> tuple[Part, ...]:
    parts = layout_of(model)
    events = next((part for part in parts if part.is_events), None)
    if events is not None and method.learns == "likelihood":
        raise PdflangError(
            Diagnostic(
                "E662", f"`{method.name}` learns no density of sets of events, which `{events.name}` is",
                model.program.observations[events.name].span,
                remedy="use `npe` or `nre`, which learn from summaries of sets",
            )
        )  # fmt: skip
    return parts


def _time(seconds: float) -> str:
    """A time in words."""
    if seconds < 1:
        return f"{1e3 * seconds:.2g} ms"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
