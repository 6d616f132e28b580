"""Simulations with the parameters that they were drawn at, and what their traces tell: joint scores and ratios.

With the trace z of a simulation held fixed, the joint score is t(x, z | θ) = ∇ log p(x, z | θ), and the joint ratio
r(x, z | θ₀, θ₁) = p(x, z | θ₀) / p(x, z | θ₁). Averaged over all traces that end in the same data they are the score
and the ratio of p(x | θ), which need not be known (Brehmer, Louppe, Pavez and Cranmer, arXiv:1805.12244).

Events: the traces of the accepted events of a Poisson process are one themselves, of the intensity
Λ(x, z) = λ(x) Π efficiency Π p(z), and log p = Σ log Λ − ν + constant, with ν = ∫ Λ over what is accepted. Independent
events have log p = Σ log Λ − N log ν. Events that were lost play no part. Data that are no events have no latent sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.backend.runtime.events import Events
from pdflang.ir import nodes
from pdflang.ir.program import Process
from pdflang.semantics.capabilities import require_score
from pdflang.simulator.event_sets import EventSets
from pdflang.simulator.proposals import given
from pdflang.simulator.records import Simulations, Slopes
from pdflang.simulator.tables import Rows

if TYPE_CHECKING:
    from pdflang.simulator.drawing import Simulator

@dataclass(frozen=True, eq=False)
class EventScores:
    """What the events of a process say of the parameters, of all data sets of a batch.

    `events` are ∇ log of the density Λ/ν of one event with its trace, (events, …) by parameter, in the order of the
    columns. `expected` (count,) is ν of each data set, up to a constant where events are independent draws of a shape;
    `slopes` (count, …) is ∇ log ν, with standard errors `errors`, 0 where the integral is known. The score of a data
    set is Σ events, and (N − ν) slopes more where the number N of events is Poisson's.
    """

    events: Slopes
    expected: np.ndarray
    slopes: Slopes
    errors: Slopes


@dataclass(frozen=True, eq=False, repr=False)
class Batch(Simulations):
    """Simulations of a simulator, which can compute what follows from their traces."""

    simulator: Simulator = field(kw_only=True)

    @classmethod
    def of(cls, simulator: Simulator, simulations: Simulations) -> Batch:
        """Simulations of the model of a simulator."""
        values = {one.name: getattr(simulations, one.name) for one in fields(Simulations)}
        return cls(**values, simulator=simulator)

    def dataset(self, number: int) -> dict[str, Any]:
        """One simulation as `model.simulate` gives it, for `model.rebind`: labels as words."""
        number = range(self.count)[number]
        drawn = {}
        for name, values in self.data.items():
            if isinstance(values, EventSets):
                signs = values.weights[values.rows(number)] if values.weights is not None else np.ones(0)
                drawn[name] = Events(values[number], signs)
            else:
                drawn[name] = values[number]
        return self.simulator.model.as_data(drawn)

    # --- joint scores and ratios ----------------------------------------------------------------------------

    def joint_score(self, at: Mapping[str, Any] | None = None) -> Slopes:
        """∇ log p(x, z | θ) of each simulation, (count, …) by parameter, on the constrained scale.

        At its own parameters, where it may have been kept, or `at` others, given once or for each. Where the model has
        an integral of the rate of accepted events it is exact; elsewhere ∇ν is the mean of `yield_sets` further data
        sets for each of the batch: the score is unbiased, but has their scatter too. Errors: E609 for parameters, E612,
        E614 and E617 where an observation has no joint score.
        """
        if at is None and self.scores is not None:
            return self.scores
        params = self._params(at)
        found = {name: np.zeros(values.shape) for name, values in params.items()}
        if not params:
            return found
        with jax.enable_x64(True):
            if plain := self._plain():
                _add(found, self._scoring.probability_slopes(plain, params))
            for name, process in self._processes():
                expected, slopes, _ = self._expected(name, params)
                numbers = self.data[name].counts if process.normalised else expected
                _add(found, self.totals(name, params))
                _add(found, {n: -_times(numbers, slope) for n, slope in slopes.items()})
        return found

    def event_scores(self, observation: str, at: Mapping[str, Any] | None = None) -> EventScores:
        """The scores of the single events of an observation, for methods that add them up. Errors: as `joint_score`."""
        params = self._params(at)
        events: EventSets = self.data[observation]
        with jax.enable_x64(True):
            expected, slopes, errors = self._expected(observation, params)
            found = self.intensity_slopes(observation, params)
            _add(found, {name: -slope[events.owner] for name, slope in slopes.items()})
        return EventScores(found, expected, slopes, errors)

    def joint_log_ratio(self, theta0: Mapping[str, Any], theta1: Mapping[str, Any] | None = None) -> np.ndarray:
        """log p(x, z | θ₀) − log p(x, z | θ₁) of each simulation, (count,); θ₁ are its own parameters, unless given.

        So exp of it is the weight with which a simulation counts at θ₀. Parameters are given once or for each. Expected
        numbers of events are exact, or from further data sets, as for `joint_score`; errors are the same.
        """
        points = self._params(theta0), self._params(theta1)
        found = np.zeros(self.count)
        with jax.enable_x64(True):
            if plain := self._plain():
                first, second = (self._scoring.log_probability(plain, params) for params in points)
                found += first - second
            for name, process in self._processes():
                first, second = (self._sums(name, params) for params in points)
                found += first - second - self._expected_difference(name, process, *points)
        return found

    def event_log_ratios(
        self, observation: str, theta0: Mapping[str, Any], theta1: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """log Λ(x, z | θ₀) − log Λ(x, z | θ₁) of single events, (events,): of intensities, not normalised."""
        points = self._params(theta0), self._params(theta1)
        with jax.enable_x64(True):
            first, second = (self.log_intensities(observation, params) for params in points)
        return first - second

    # --- what they are made of ------------------------------------------------------------------------------

    @property
    def _scoring(self) -> Any:
        return self.simulator.scoring

    def _params(self, values: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
        require_score(self.simulator.model.program)
        return self.parameters if values is None else given(self.simulator.model, values, self.count)

    def _processes(self) -> Iterator[tuple[str, Process]]:
        for name, observation in self.simulator.model.program.observations.items():
            if observation.process is not None:
                yield name, observation.process

    def _plain(self) -> dict[str, np.ndarray]:
        """Data that are no events, and what their distributions may read of events, by the names of arrays."""
        plain = {name: values for name, values in self.data.items() if not isinstance(values, EventSets)}
        if not plain:
            return {}
        for name, process in self._processes():
            if process.normalised:
                columns = self.data[name].columns
                for variable, node in process.columns.items():
                    read = columns[variable].reshape(self.count, -1)
                    plain |= dict.fromkeys(nodes.references(node), read)
        return plain

    def _streams(self, observation: str) -> Iterator[tuple[int, dict[str, np.ndarray], np.ndarray, np.ndarray]]:
        """The streams that have events: number, sites, and of each event its data set and row, which rises."""
        if self.traces is None:
            raise ValueError("the traces of this batch were not kept: draw it with traces=True")
        owner = self.data[observation].owner
        for number, sites in enumerate(self.traces[observation].values()):
            row = sites["row"]
            if len(row):
                yield number, {site: values for site, values in sites.items() if site != "row"}, owner[row], row

    def totals(self, name: str, params: Mapping[str, np.ndarray]) -> Slopes:
        """∇ Σ log Λ over the events of each data set."""
        found = {n: np.zeros(values.shape) for n, values in params.items()}
        for stream, sites, owner, _ in self._streams(name):
            rows = Rows.of(owner)
            for parameter, values in self._scoring.totals(name, stream, sites, rows, params).items():
                np.add.at(found[parameter], rows.owner, values)
        return found

    def _sums(self, name: str, params: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.data[name].sums(self.log_intensities(name, params))

    def log_intensities(self, name: str, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """log Λ of each event, in the order of the columns."""
        found = np.zeros(int(self.data[name].splits[-1]))
        for stream, sites, owner, row in self._streams(name):
            rows = Rows.of(owner)
            found[row] = self._scoring.log_intensities(name, stream, sites, rows, params)[rows.there]
        return found

    def intensity_slopes(self, name: str, params: Mapping[str, np.ndarray]) -> Slopes:
        """∇ log Λ of each event, (events, …) by parameter, in the order of the columns."""
        total = int(self.data[name].splits[-1])
        found = {n: np.zeros((total, *values.shape[1:])) for n, values in params.items()}
        for stream, sites, owner, row in self._streams(name):
            rows = Rows.of(owner)
            for parameter, values in self._scoring.slopes(name, stream, sites, rows, params).items():
                found[parameter][row] = values[rows.there]
        return found

    def regrouped(self, name: str, rows: np.ndarray, counts: np.ndarray, owner: np.ndarray) -> Batch:
        """Some events of an observation in other lists, of so many events each (lists,), and nothing else.

        `rows` are their places in the columns, each once; `owner` (lists,) says whose parameters each list takes over.
        """
        events: EventSets = self.data[name]
        place = np.full(int(events.splits[-1]), -1)
        place[rows] = np.arange(len(rows))
        weights = events.weights[rows] if events.weights is not None else None
        lists = EventSets({n: c[rows] for n, c in events.columns.items()}, np.cumsum([0, *counts]), weights)
        traces = None
        if self.traces is not None:
            traces = {name: {n: _moved(sites, place) for n, sites in self.traces[name].items()}}
        return replace(
            self,
            parameters={n: values[owner] for n, values in self.parameters.items()},
            data={name: lists},
            traces=traces,
            log_weights=None if self.log_weights is None else self.log_weights[owner],
            scores=None,
            count=len(owner),
        )

    def _expected(self, name: str, params: dict[str, np.ndarray]) -> tuple[np.ndarray, Slopes, Slopes]:
        """ν of the accepted events, ∇ log ν and its standard error, at the parameters of each data set."""
        known = self._scoring.log_expected(name, params)
        if known is not None:
            logs, slopes = known
            return np.exp(logs), slopes, {n: np.zeros(slope.shape) for n, slope in slopes.items()}
        return self.simulator.estimates.expected(name, params, self)

    def _expected_difference(
        self, name: str, process: Process, params0: dict[str, np.ndarray], params1: dict[str, np.ndarray]
    ) -> np.ndarray:
        """ν₀ − ν₁, or N (log ν₀ − log ν₁) of independent events, for each data set."""
        known0, known1 = (self._scoring.log_expected(name, params) for params in (params0, params1))
        if known0 is not None and known1 is not None:
            logs0, logs1 = known0[0], known1[0]
            return self.data[name].counts * (logs0 - logs1) if process.normalised else np.exp(logs0) - np.exp(logs1)
        expected0, expected1 = self.simulator.estimates.reweighted(name, self, params0, params1)
        if process.normalised:
            return self.data[name].counts * np.log(expected0 / expected1)
        return expected0 - expected1


def _moved(sites: dict[str, np.ndarray], place: np.ndarray) -> dict[str, np.ndarray]:
    """The traces of a stream whose rows have other places now, or none (−1), by rising rows."""
    row = place[sites["row"]]
    kept = np.flatnonzero(row >= 0)
    kept = kept[np.argsort(row[kept])]
    return {**{site: values[kept] for site, values in sites.items()}, "row": row[kept]}


def _add(found: Slopes, further: Mapping[str, np.ndarray]) -> None:
    for name, values in further.items():
        found[name] += values


def _times(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    return numbers.reshape(-1, *[1] * (values.ndim - 1)) * values
