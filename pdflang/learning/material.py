"""What a training learns from, round by round: parameters with data sets, single events, or two sides of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import jax
import numpy as np

from pdflang.inference import Monitor
from pdflang.inference.workers import StopRequest
from pdflang.learning.event_sample import EventSample, simulated_events
from pdflang.learning.hypotheses import Hypotheses, LabelledEvents, labelled_events
from pdflang.learning.layout import Part
from pdflang.learning.learned import Learned
from pdflang.learning.methods import LearningMethod
from pdflang.learning.options import CorrectionOptions, EventOptions, PivotOptions, TrainOptions
from pdflang.learning.pairs import Pairs, joined, keys_of, simulated_pairs
from pdflang.learning.points import Points
from pdflang.learning.rounds import Region, posterior_draws
from pdflang.learning.sides import Sides, both_sides

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

Told = Callable[[int], None]


class Simulated(Protocol):
    """Simulations that can be put into another order."""

    def __len__(self) -> int: ...

    def chosen(self, places: Any) -> Simulated:
        """Some of them, in an order."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All as arrays by name, for a file."""


@dataclass
class Material(ABC):
    """The simulations of a training; the seed of the options must be given."""

    model: CompiledModel
    method: LearningMethod
    options: TrainOptions
    parts: Sequence[Part]

    draws_all: ClassVar[bool] = True
    """Whether there are as many simulations as the options say, and not fewer where these are enough."""

    @property
    def seed(self) -> int:
        assert self.options.seed is not None
        return self.options.seed

    def seed_of(self, number: int) -> int:
        """The seed of the events of a round."""
        return int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])

    def key(self, stream: int) -> Any:
        """A key of the seed."""
        return jax.random.fold_in(jax.random.key(self.seed), stream)

    @abstractmethod
    def begin(self, number: int, learned: Learned | None) -> None:
        """A round begins, with what was learned in those before."""

    def proposed(
        self, number: int, size: int, learned: Learned, monitor: Monitor, stop: StopRequest
    ) -> np.ndarray:
        """Unconstrained parameters (n, dimension) for a later round; fewer where a stop was requested."""
        return posterior_draws(learned, self.model, self.seed + number, size, monitor, stop)

    @abstractmethod
    def drawn(
        self, number: int, size: int, z: np.ndarray | None, stop: StopRequest, told: Told
    ) -> Simulated | None:
        """So many simulations of a round, at parameters that were proposed, if any; None where a stop was requested."""

    @abstractmethod
    def of_arrays(self, arrays: Mapping[str, np.ndarray]) -> Simulated:
        """Simulations of a file."""

    @abstractmethod
    def together(self, found: Sequence[Simulated]) -> Simulated:
        """What a round learns from, of the simulations of all rounds so far."""

    def order(self, number: int, count: int) -> np.ndarray:
        """The order in which a round learns from so many; the first ones are for the validation loss."""
        return np.random.default_rng((self.seed, number)).permutation(count)


class DataSets(Material):
    """Pairs of parameters and data sets."""

    _region: Region | None = None

    def begin(self, number: int, learned: Learned | None) -> None:
        if learned is not None and self.method.draws:
            self._region = Region(learned, self.model, self.key(1000 + number))

    def proposed(
        self, number: int, size: int, learned: Learned, monitor: Monitor, stop: StopRequest
    ) -> np.ndarray:
        if self._region is not None:
            return self._region.drawn(self.key(2000 + number), size)
        return super().proposed(number, size, learned, monitor, stop)

    def drawn(self, number: int, size: int, z: np.ndarray | None, stop: StopRequest, told: Told) -> Pairs | None:
        keys = keys_of(self.seed, number, size)
        return simulated_pairs(self.model, self.parts, keys, z, self.options.threads, stop, told)

    def of_arrays(self, arrays: Mapping[str, np.ndarray]) -> Pairs:
        return Pairs.of_arrays(arrays)

    def together(self, found: Sequence[Simulated]) -> Pairs:
        pairs = joined(cast("Sequence[Pairs]", found))
        # Earlier rounds are draws of the prior, too, as far as they are in the region.
        return pairs if self._region is None else pairs.chosen(self._region.contains(pairs.z))


@dataclass
class EventLists(Material):
    """Single events. Each round stands alone: events are compared at the references of their own."""

    points: Points

    def begin(self, number: int, learned: Learned | None) -> None:
        """Nothing is kept of the rounds before."""

    def proposed(
        self, number: int, size: int, learned: Learned, monitor: Monitor, stop: StopRequest
    ) -> np.ndarray:
        return super().proposed(number, _POSTERIOR, learned, monitor, stop)

    def drawn(self, number: int, size: int, z: np.ndarray | None, stop: StopRequest, told: Told) -> EventSample | None:
        points = self.points if z is None else Points(self.model, z)
        options, seed = cast(EventOptions, self.options), self.seed_of(number)
        asked = self.method.lesson.ASKED
        return simulated_events(self.model, self.parts, options, asked, points, seed, size, stop, told)

    def of_arrays(self, arrays: Mapping[str, np.ndarray]) -> EventSample:
        return EventSample.of_arrays(arrays)

    def together(self, found: Sequence[Simulated]) -> EventSample:
        return cast(EventSample, found[-1])


@dataclass
class TwoSides(Material):
    """Simulated events at one point of the parameters, and those observed. There is one round."""

    points: Points

    draws_all: ClassVar[bool] = False

    def begin(self, number: int, learned: Learned | None) -> None:
        """There is no round before."""

    def drawn(self, number: int, size: int, z: np.ndarray | None, stop: StopRequest, told: Told) -> Sides | None:
        assert self.points.z is not None
        options = cast(CorrectionOptions, self.options)
        return both_sides(self.model, self.parts, options, self.points.z[0], self.seed_of(number), stop, told)

    def of_arrays(self, arrays: Mapping[str, np.ndarray]) -> Sides:
        return Sides.of_arrays(arrays)

    def together(self, found: Sequence[Simulated]) -> Sides:
        return cast(Sides, found[-1])

    def order(self, number: int, count: int) -> np.ndarray:
        """As they are: events for the validation loss are apart from the others already."""
        return np.arange(count)


@dataclass
class LabelledLists(Material):
    """Events of two hypotheses at draws of the nuisance, in one round."""

    hypotheses: Hypotheses

    def begin(self, number: int, learned: Learned | None) -> None:
        """There is nothing before."""

    def drawn(
        self, number: int, size: int, z: np.ndarray | None, stop: StopRequest, told: Told
    ) -> LabelledEvents | None:
        options = cast(PivotOptions, self.options)
        z = self.hypotheses.drawn(self.key(1), size)
        return labelled_events(
            self.hypotheses, self.parts, options.events, z, self.seed, options.threads, stop, told
        )

    def of_arrays(self, arrays: Mapping[str, np.ndarray]) -> LabelledEvents:
        return LabelledEvents.of_arrays(arrays)

    def together(self, found: Sequence[Simulated]) -> LabelledEvents:
        return cast(LabelledEvents, found[-1])


_POSTERIOR = 2000
"""Draws of the posterior so far that later rounds choose their references from."""
