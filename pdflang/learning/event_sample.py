"""Single events to learn from, with what their traces tell of the parameters.

Events are drawn at a few reference points θ_m; together they are a sample of the mean Λ_ref of the intensities there.
With the trace z of an event held fixed, its joint ratio Λ(x, z | θ)/Λ_ref(x, z) is known at any θ: one sample serves
all of them (Brehmer, Louppe, Pavez and Cranmer, arXiv:1805.12244). Intensities are not normalised, so that nothing need
be known of the expected numbers of events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np
from scipy.special import logsumexp

from pdflang.backend.runtime.replay import Course, courses_of
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.platform import double_precision
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import constrained, jacobians
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.options import EventOptions
from pdflang.learning.points import Points
from pdflang.simulator import Batch, Simulator, matrix

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

Asked = Literal["nothing", "ratios", "scores", "ratios and scores", "traces"]
"""What of the traces a method reads."""

GROUP = 16
"""Events that are compared at the same parameters."""
_SETS_AT_ONCE = 64
_FEWEST = 100
"""Events without which nothing is learned."""
_ROUNDS_OF_YIELDS = 200


@dataclass(frozen=True)
class EventSample:
    """Groups of events, of which each is a part of one simulated data set; all arrays by name, (groups, …).

    `z` (groups, contrasts, dimension) are the parameters at which a group is compared. Of an observation `o`: `o rows`
    (groups, GROUP, width), their `o weight` (groups, GROUP), 0 where there is no event, so that the weights of all
    groups of a data set add up to its number of events; `o log ratio` (groups, contrasts, GROUP) of intensities and
    `o score` (groups, contrasts, GROUP, dimension), by unconstrained parameters, where they are asked for. Of traces
    `o stream` (groups, GROUP) is the stream an event came from, −1 of none, `o latent k` (groups, GROUP, sites) what
    nobody sees of those of stream k, and `o log reference` (groups, GROUP) their log Λ_ref. `sets` is the number of
    data sets. `o yield` (2, …) are points and log-numbers of events, from which the dependence of yields
    is first guessed.
    """

    groups: dict[str, np.ndarray]
    sets: int
    reference: np.ndarray
    yields: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.groups["z"])

    @property
    def owner(self) -> np.ndarray:
        """Of which data set each group is a part, (groups,), in the order in which they were drawn."""
        return np.arange(len(self)) // (len(self) // self.sets)

    def chosen(self, places: Any) -> EventSample:
        """Some of the groups, or all in another order."""
        return replace(self, groups={name: values[places] for name, values in self.groups.items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """All as arrays by name, for a file."""
        found = {f"group {name}": values for name, values in self.groups.items()}
        yields = {f"yield {name}": values for name, values in self.yields.items()}
        return {**found, **yields, "sets": np.array(self.sets), "reference": self.reference}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> EventSample:
        """What `arrays` gave."""
        groups = {n.removeprefix("group "): a for n, a in arrays.items() if n.startswith("group ")}
        yields = {n.removeprefix("yield "): a for n, a in arrays.items() if n.startswith("yield ")}
        return cls(groups, int(arrays["sets"]), arrays["reference"], yields)


def simulated_events(
    model: CompiledModel, parts: Sequence[Part], options: EventOptions, asked: Asked, points: Points, seed: int,
    count: int, stop: StopRequest | None = None, told: Callable[[int], None] = lambda done: None,
) -> EventSample | None:  # fmt: skip
    """Events of so many data sets, at the references that the points give; None where a stop was requested.

    `told` hears how many data sets there are. Errors: E612, E614 and E617 where a joint ratio is asked for that is not
    known, and those of `simulate`.
    """
    return _Drawing(model, parts, options, asked, points, seed, count).all(stop or StopRequest(), told)


def require_enough(model: CompiledModel, name: str, weights: np.ndarray, lists: int, remedy: str) -> None:
    """PdflangError (E661) where too few events of an observation have a weight."""
    number = int(np.count_nonzero(weights))
    if number < _FEWEST:
        raise PdflangError(
            Diagnostic(
                "E661", f"{number} events of `{name}` in {lists} simulated lists are too few to learn from",
                model.program.observations[name].span, remedy=remedy,
            )
        )  # fmt: skip


@dataclass
class _Drawing:
    model: CompiledModel
    parts: Sequence[Part]
    options: EventOptions
    asked: Asked
    points: Points
    seed: int
    count: int

    def __post_init__(self) -> None:
        self.reference = self._references()
        # Which reference each data set is drawn at.
        self.of_set = np.arange(self.count) % len(self.reference)
        self.units = -(-self.options.events // GROUP)

    def _key(self, stream: int) -> Any:
        return jax.random.fold_in(jax.random.key(self.seed), stream)

    def _references(self) -> np.ndarray:
        if self.asked == "scores":
            return self.points.center[None]
        if self.asked == "nothing":
            return self.points.drawn(self._key(1), self.count)
        known = len(self.points.z) if self.points.z is not None else self.options.references
        return self.points.drawn(self._key(1), min(self.options.references, known, self.count))

    def all(self, stop: StopRequest, told: Callable[[int], None]) -> EventSample | None:
        simulator = Simulator(self.model)
        params = constrained(self.model, self.reference[self.of_set])
        blocks: list[dict[str, np.ndarray]] = []
        numbers = {part.name: np.zeros(self.count) for part in self.parts}
        for first in range(0, self.count, _SETS_AT_ONCE):
            size = min(_SETS_AT_ONCE, self.count - first)
            try:
                batch = simulator.draw(
                    size, self.seed, first, params, traces=self.asked != "nothing", threads=self.options.threads,
                    stop=stop,
                )  # fmt: skip
            except KeyboardInterrupt:
                return None
            for part in self.parts:
                lists = batch.data[part.name]
                signs = np.ones(int(lists.splits[-1])) if lists.weights is None else lists.weights
                numbers[part.name][first : first + size] = lists.sums(signs)
            blocks.append(self._grouped(batch, first, size))
            told(first + size)
        groups = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
        for part in self.parts:
            remedy = "give more `--simulations`, or see whether rates and acceptances are what they should be"
            require_enough(self.model, part.name, groups[f"{part.name} weight"], self.count, remedy)
            self._normalise(part.name, groups)
        yields = {
            part.name: np.stack([self._mean_at_references(numbers[part.name]), self._sets_at_references()])
            for part in self.parts
        }
        return EventSample(groups, self.count, self.reference, yields)

    def _sets_at_references(self) -> np.ndarray:
        return np.bincount(self.of_set, minlength=len(self.reference)).astype(float)

    def _mean_at_references(self, numbers: np.ndarray) -> np.ndarray:
        return np.bincount(self.of_set, numbers, len(self.reference)) / self._sets_at_references()

    # --- groups of a batch ----------------------------------------------------------------------------------

    def _grouped(self, batch: Batch, first: int, size: int) -> dict[str, np.ndarray]:
        """The groups of some data sets."""
        groups = size * self.units
        z = self._contrasts(first, groups)
        found = {"z": z}
        for part in self.parts:
            generator = np.random.default_rng((self.seed, first))
            rows, place, owner, weight = self._chosen(batch, part.name, generator)
            lists = batch.regrouped(part.name, rows, np.bincount(place // GROUP, minlength=groups), owner)
            numbers = numbers_of(self.model, part, {part.name: lists.data[part.name].columns})
            found[f"{part.name} rows"] = _spread(numbers, place, groups)
            found[f"{part.name} weight"] = _spread(weight, place, groups)
            if self.asked != "nothing":
                found |= self._told(part.name, lists, place, z)
        return found

    def _contrasts(self, first: int, groups: int) -> np.ndarray:
        if self.asked == "nothing":
            sets = self.reference[first : first + groups // self.units]
            return np.repeat(sets, self.units, axis=0)[:, None]
        if self.asked == "scores":
            return np.repeat(self.reference[None], groups, axis=0)
        if self.asked == "traces":
            own = self.of_set[first : first + groups // self.units]
            return np.repeat(self.reference[own], self.units, axis=0)[:, None]
        count = self.options.contrasts
        drawn = self.points.drawn(jax.random.fold_in(self._key(2), first), groups * count)
        return drawn.reshape(groups, count, -1)

    def _chosen(
        self, batch: Batch, name: str, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Some events of each data set: rows, places among the groups, owners of the groups, and weights."""
        events = batch.data[name]
        rows, places, weights = [], [], []
        room = self.units * GROUP
        for number, count in enumerate(events.counts):
            some = events.splits[number] + generator.permutation(count)[:room]
            rows.append(some)
            places.append(number * room + np.arange(len(some)))
            weights.append(np.full(len(some), count / max(1, len(some))))
        chosen = np.concatenate(rows)
        weight = np.concatenate(weights)
        if events.weights is not None:
            weight = weight * events.weights[chosen]
        owner = np.repeat(np.arange(batch.count), self.units)
        return chosen, np.concatenate(places), owner, weight

    def _told(self, name: str, lists: Batch, place: np.ndarray, z: np.ndarray) -> dict[str, np.ndarray]:
        """What the traces of events tell: log-intensities at references and contrasts, scores."""
        groups, contrasts = z.shape[:2]
        found: dict[str, np.ndarray] = {}
        with double_precision():
            if self.asked == "traces":
                found |= self._latent(name, lists, place, groups)
            if self.asked == "traces" or "ratios" in self.asked:
                # All in one list, as parameters are the same.
                whole = lists.regrouped(name, np.arange(len(place)), np.array([len(place)]), np.zeros(1, int))
                each = [
                    whole.log_intensities(name, constrained(self.model, point[None])) for point in self.reference
                ]
                found[f"{name} log reference"] = _spread(np.stack(each, axis=1), place, groups)
            if "ratios" in self.asked:
                at = [lists.log_intensities(name, constrained(self.model, z[:, k])) for k in range(contrasts)]
                found[f"{name} log ratio"] = np.stack([_spread(one, place, groups) for one in at], axis=1)
            if "scores" in self.asked:
                scores = []
                for k in range(contrasts):
                    slopes = matrix(lists.intensity_slopes(name, constrained(self.model, z[:, k])))
                    units = jacobians(self.model, z[:, k])[place // GROUP]
                    scores.append(_spread(np.einsum("np,npd->nd", slopes, units), place, groups))
                found[f"{name} score"] = np.stack(scores, axis=1)
        return found

    def _latent(self, name: str, lists: Batch, place: np.ndarray, groups: int) -> dict[str, np.ndarray]:
        """The streams that events came from, and what nobody sees of them."""
        found, stream = {}, np.full(len(place), -1.0)
        assert lists.traces is not None
        for number, (course, sites) in enumerate(zip(self._courses(name), lists.traces[name].values(), strict=True)):
            rows = sites["row"]
            values = np.zeros((len(place), len(course.latent)))
            for column, site in enumerate(course.latent):
                values[rows, column] = sites[site]
            stream[rows] = number
            found[f"{name} latent {number}"] = _spread(values, place, groups)
        found[f"{name} stream"] = _spread(stream + 1, place, groups) - 1
        return found

    def _courses(self, name: str) -> list[Course]:
        first = {parameter: values[0] for parameter, values in constrained(self.model, self.reference[:1]).items()}
        return courses_of(self.model.functions, name, first, self.model.whole_arrays)

    def _normalise(self, name: str, groups: dict[str, np.ndarray]) -> None:
        """Turn log-intensities into log-ratios to the reference, the mean over all data sets."""
        logs = groups.pop(f"{name} log reference", None)
        if logs is None:
            return
        there = groups[f"{name} weight"] != 0
        shares = np.log(self._sets_at_references() / self.count)
        process = self.model.program.observations[name].process
        assert process is not None
        if process.normalised:
            shares = shares - _log_totals(logs[there], shares)
        reference = logsumexp(logs + shares, axis=-1)
        if self.asked == "traces":
            groups[f"{name} log reference"] = np.where(there, reference, 0.0)
            return
        ratio = groups[f"{name} log ratio"] - reference[:, None]
        groups[f"{name} log ratio"] = np.where(there[:, None], ratio, 0.0)


def _log_totals(logs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """log ∫ Λ at each reference (m,), up to a constant, from the log-intensities (n, m) of events of all of them.

    The self-consistent estimate of Shirts and Chodera (2008, MBAR), of events of which `shares` are log-fractions.
    """
    totals = np.zeros(len(shares))
    for _ in range(_ROUNDS_OF_YIELDS):
        mixture = logsumexp(logs + shares - totals, axis=1)
        found = logsumexp(logs - mixture[:, None], axis=0)
        found -= found[0]
        if np.abs(found - totals).max() < 1e-9:
            break
        totals = found
    return totals


def _spread(values: np.ndarray, place: np.ndarray, groups: int) -> np.ndarray:
    """Values (n, …) of events at their places in groups, (groups, GROUP, …), 0 elsewhere."""
    found = np.zeros((groups * GROUP, *values.shape[1:]))
    found[place] = values
    return found.reshape(groups, GROUP, *values.shape[1:])
