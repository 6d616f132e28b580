"""Lists of events are compared with their prediction as counts in bins: each draw has another number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Reference
from pdflang.ir.program import EventVariable, Observation, Process
from pdflang.model import CompiledModel
from pdflang.results.schema import VariableSchema

_MOST_BINS = 40
_FEWEST_BINS = 4
_LEAST = 5.0
"""Events that are expected in a bin, so that pulls are nearly normal."""

_STEEP = 0.05
"""Where a quarter of the events lies in this part of the region, bins are equal in the logarithm."""


@dataclass(frozen=True)
class Bins:
    """The bins of one variable of a list of events: `edges` (bins + 1,), or a bin for each of `labels`.

    `name` is that of the observation, with the variable behind it where there are several. `weights` names the
    datum, or its column, that weighs the events.
    """

    name: str
    observation: str
    variable: str
    weights: str | None
    edges: np.ndarray
    labels: tuple[str, ...] = ()

    @property
    def schema(self) -> VariableSchema:
        """One axis, its coordinates the middles of the bins, or their labels."""
        axis = f"{self.name}_bin"
        middles = list(self.labels) or ((self.edges[1:] + self.edges[:-1]) / 2).tolist()
        return VariableSchema((axis,), {axis: middles}, "output")

    def count(self, data: Mapping[str, Any]) -> np.ndarray:
        """The events, or their weights, in each bin."""
        values, weights = self.values(data), self._weights(data)
        if not self.labels:
            return np.histogram(values, self.edges, weights=weights)[0]
        places = values[:, None] == np.asarray(self.labels)
        return places.sum(axis=0) if weights is None else weights @ places

    def values(self, data: Mapping[str, Any]) -> np.ndarray:
        """The variable at each event."""
        events = data[self.observation]
        return np.asarray(events[self.variable] if isinstance(events, Mapping) else events)

    def _weights(self, data: Mapping[str, Any]) -> np.ndarray | None:
        if self.weights is None:
            return None
        column = self.weights.removeprefix(f"{self.observation}.")
        return np.asarray(data[column] if column == self.weights else data[self.observation][column])


def bins_of(model: CompiledModel, examples: Sequence[Mapping[str, Any]]) -> list[Bins]:
    """Bins for each variable of each list of events; their width follows from examples of simulated data."""
    return [
        _bins(model, observation, observation.process, variable, examples)
        for observation in model.program.observations.values()
        if observation.process
        for variable in observation.process.variables
    ]


def _bins(
    model: CompiledModel,
    observation: Observation,
    process: Process,
    variable: EventVariable,
    examples: Sequence[Mapping[str, Any]],
) -> Bins:
    name = observation.name if len(process.variables) == 1 else f"{observation.name}.{variable.name}"
    weights = process.weights.name if isinstance(process.weights, Reference) else None
    whole = Bins(name, observation.name, variable.name, weights, np.array([]))
    if variable.axis is not None:
        index = model.program.indices.get(variable.axis.name or "")
        length = variable.axis.size.bind(model.bound.lengths)
        return replace(whole, edges=np.arange(length + 1) - 0.5, labels=(index and index.labels) or ())
    evaluate = Evaluator(model.bound.arrays, model.bound.lengths, model.program.definition_nodes)
    low, high = (float(evaluate(end)) if end is not None else None for end in (variable.lower, variable.upper))
    values = np.concatenate([whole.values(example) for example in examples])
    return replace(whole, edges=edges_of(values, 1 / len(examples), low, high))


def edges_of(values: np.ndarray, weight: float, low: float | None, high: float | None) -> np.ndarray:
    """Edges of bins over a region for events like these, each of which counts for `weight` expected ones.

    There are about 2 n^(2/5) bins (Mann & Wald 1942), at most 40. They are equal, or equal in the logarithm where
    much lies near the lower end of a positive region; those that expect few events are joined. Without an end the
    region reaches as far as the values.
    """
    low = float(values.min(initial=0.0)) if low is None else low
    high = float(values.max(initial=low + 1.0)) if high is None else high
    number = int(np.clip(2 * (weight * len(values)) ** 0.4, _FEWEST_BINS, _MOST_BINS))
    inside = values[values > low]
    edges = np.linspace(low, high, number + 1)
    if low >= 0 and len(inside) and np.quantile(inside, 0.25) - low < _STEEP * (high - low):
        edges[1:] = np.geomspace(max(low, float(inside.min())), high, number + 1)[1:]
    return _joined(edges, weight * np.histogram(values, edges)[0])


def _joined(edges: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Edges of bins joined from the left until each expects enough events; the rest goes to the last."""
    kept, held = [edges[0]], 0.0
    for edge, content in zip(edges[1:], expected, strict=True):
        held += content
        if held >= _LEAST:
            kept.append(edge)
            held = 0.0
    return np.array([*(kept[:-1] if len(kept) > 1 else kept), edges[-1]])
