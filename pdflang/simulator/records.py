"""Simulations as plain arrays: what a batch holds, and what a folder keeps of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeVar

import numpy as np

from pdflang.simulator.event_sets import EventSets

Traces = dict[str, dict[str, np.ndarray]]
Slopes = dict[str, np.ndarray]
"""Derivatives by parameter: (n, …) each, n of whatever is differentiated."""
Some = TypeVar("Some", bound="Simulations")


@dataclass(frozen=True, eq=False)
class Simulations:
    """Simulations: `parameters` (count, …) by name, and `data` drawn at them.

    Data are arrays (count, …), lists of events `EventSets`. `traces` are those of accepted events by observation and
    stream, one behind the other: true places and sites (events,) by name, and the `row` of the event in the columns;
    None where they were not kept. `log_weights` (count,) are log prior/proposal, 0 where there was no proposal; None
    where the density of the proposal is not known. `scores` (count, …) are joint scores at the parameters, None where
    they were not kept. `first` is the number of the first simulation: of one seed, a number gives the same one in any
    batch.
    """

    parameters: dict[str, np.ndarray]
    data: dict[str, Any]
    traces: dict[str, Traces] | None
    log_weights: np.ndarray | None
    seed: int
    first: int
    count: int
    sizes: tuple[tuple[str, int], ...] = ()
    scores: Slopes | None = None

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        numbers = f"{self.first} to {self.first + self.count - 1}" if self.count else "none"
        name = type(self).__name__
        return f"<{name}: {self.count}, numbers {numbers} of seed {self.seed}, of {', '.join(self.data)}>"

    def part(self: Some, start: int, stop: int) -> Some:
        """The simulations from place `start` to `stop`, which is left out."""
        start, stop, _ = slice(start, stop).indices(self.count)
        rows = slice(start, max(start, stop))
        data = {name: _part(values, rows) for name, values in self.data.items()}
        traces = None
        if self.traces is not None:
            traces = {name: _rows(streams, self.data[name], rows) for name, streams in self.traces.items()}
        return replace(
            self,
            parameters=_cut(self.parameters, rows),
            data=data,
            traces=traces,
            log_weights=None if self.log_weights is None else self.log_weights[rows],
            scores=None if self.scores is None else _cut(self.scores, rows),
            first=self.first + rows.start,
            count=rows.stop - rows.start,
        )

    def followed_by(self: Some, other: Simulations) -> Some:
        """These simulations, then others of the same kind."""
        traces = None
        if self.traces is not None and other.traces is not None:
            traces = {n: _joined(streams, other.traces[n], self.data[n]) for n, streams in self.traces.items()}
        weights = None
        if self.log_weights is not None and other.log_weights is not None:
            weights = np.concatenate([self.log_weights, other.log_weights])
        scores = None
        if self.scores is not None and other.scores is not None:
            scores = _concatenated(self.scores, other.scores)
        data: dict[str, Any] = {
            name: values.followed_by(other.data[name])
            if isinstance(values, EventSets)
            else np.concatenate([values, other.data[name]])
            for name, values in self.data.items()
        }
        return replace(
            self,
            parameters=_concatenated(self.parameters, other.parameters),
            data=data,
            traces=traces,
            log_weights=weights,
            scores=scores,
            count=self.count + other.count,
        )


def in_a_row(parts: Iterable[Simulations]) -> Simulations:
    """Simulations behind each other."""
    rest = list(parts)
    while len(rest) > 1:
        # By pairs, so that nothing is copied more often than need be.
        rest = [reduce(Simulations.followed_by, rest[i : i + 2]) for i in range(0, len(rest), 2)]
    return rest[0]


def matrix(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Parameters, or derivatives by them, (n, …) by name, as one matrix (n, entries), in the order of the names."""
    arrays = [np.reshape(array, (len(array), -1)) for array in values.values()]
    return np.concatenate(arrays, axis=1) if arrays else np.zeros((0, 0))


def _part(values: Any, rows: slice) -> Any:
    return values.part(rows.start, rows.stop) if isinstance(values, EventSets) else values[rows]


def _cut(arrays: Mapping[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in arrays.items()}


def _concatenated(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([values, second[name]]) for name, values in first.items()}


def _rows(streams: Traces, events: EventSets, rows: slice) -> Traces:
    """The traces of the events of some lists, which stand in the order of their rows."""
    begin, end = int(events.splits[rows.start]), int(events.splits[rows.stop])
    found: Traces = {}
    for stream, sites in streams.items():
        first, last = np.searchsorted(sites["row"], [begin, end])
        cut = {site: values[first:last] for site, values in sites.items()}
        found[stream] = {**cut, "row": cut["row"] - begin}
    return found


def _joined(first: Traces, second: Traces, events: EventSets) -> Traces:
    shift = events.splits[-1]
    return {
        stream: _concatenated(sites, {**second[stream], "row": second[stream]["row"] + shift})
        for stream, sites in first.items()
    }
