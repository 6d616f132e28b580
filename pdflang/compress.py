"""Long lists of events give way to a few nodes with weights, where that changes nothing that matters.

Rules are looked for at draws of the prior, in NumPy, before anything is compiled; how much they change the
log-likelihood at draws of the posterior is told afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from pdflang.backend.numeric import NumericFunction, numeric_function
from pdflang.certify import Certificate, Draws
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.program import BoundProgram, Observation
from pdflang.passes.compression import (
    Chart,
    Compression,
    Function,
    Measure,
    Refusal,
    at_nodes,
    best_chart,
    charts_of,
    compress,
    kink_of,
    node_arrays,
)
from pdflang.passes.tolerance import TOLERANCE
from pdflang.passes.typical import typical_of

LEAST = 4_000
"""More events than these are compressed; sums over fewer cost little."""
_DRAWS = 16
_MOST_VARIABLES = 3
_MARGIN = 10
"""In one variable nodes cost so little that the error may be so much smaller at the draws that are looked at."""
_PIECES = (16, 64)


@dataclass(frozen=True)
class CompressedEvents:
    """What became of a long list of events: nodes in its place, or the reason why all of them are summed."""

    observation: Observation
    events: int
    outcome: Compression | Refusal
    rates: Rates
    place: Span
    """What to look at where nothing stands for the events: a kink of the rate, or the observation."""

    @property
    def nodes(self) -> int | None:
        """How many nodes stand for the events; None where none do."""
        return len(self.outcome.nodes) if isinstance(self.outcome, Compression) else None

    def __str__(self) -> str:
        name = self.observation.name
        if isinstance(self.outcome, Compression):
            return f"{len(self.outcome.nodes)} nodes stand for the {self.events} events of `{name}`"
        return (
            f"all {self.events} events of `{name}` are summed, no nodes stand for them: {self.outcome.reason} "
            f"({self.place.source.name}, line {self.place.line})"
        )

    def certificate(self, draws: Draws | None = None) -> Certificate:
        """How much the nodes change the log-likelihood, at draws of the prior or at others."""
        assert isinstance(self.outcome, Compression)
        error = self.outcome.error
        if draws is not None:
            error = float(self.outcome.errors(self.rates.at(draws), self.rates.rest(draws)).max())
        what = f"{self.nodes} nodes for {self.events} events"
        return Certificate(self.observation.name, error, self.observation.span, what, "sum all events: --exact")


class Rates:
    """The log-likelihood of a list of events as a function of the places where they are, in a planned program."""

    def __init__(self, planned: BoundProgram, name: str) -> None:
        self._planned = planned
        self._observation = planned.program.observations[name]
        self._likelihood = at_nodes(self._observation).log_likelihood
        self._functions: dict[int, NumericFunction] = {}

    def events(self) -> Measure:
        """All events with their weights."""
        import numpy as np

        process, arrays = self._observation.process, self._planned.arrays
        assert process is not None
        columns = [name for column in process.columns.values() for name in nodes.references(column)]
        values = [np.asarray(arrays[name], float) for name in columns]
        points = np.stack(values, axis=1) if len(values) > 1 else values[0][:, None]
        if process.weights is None:
            return Measure.of_events(points)
        found = numeric_function(self._planned, {"weights": process.weights})({}, arrays)
        return Measure.of_events(points, found["weights"])

    def at(self, draws: Draws) -> Function:
        """The function of points (n, variables) that gives the log-rates, shape (draws, n)."""
        import numpy as np

        def log_rates(points: Any) -> Any:
            data = {**self._planned.arrays, **node_arrays(self._observation, Measure.of_events(points))}
            evaluate = self._of_length(len(points))
            return np.array([evaluate(draw, data)["log_rate"] for draw in draws])

        return log_rates

    def _of_length(self, count: int) -> NumericFunction:
        """Lengths are in the text of a function, so that there is one for each."""
        assert self._likelihood is not None
        if count not in self._functions:
            length = self._likelihood.axes[0].size.symbols[0][0]
            self._functions[count] = numeric_function(self._planned, {"log_rate": self._likelihood}, {length: count})
        return self._functions[count]

    def rest(self, draws: Draws) -> Any:
        """What the log-likelihood has beside the sum over events, shape (draws,)."""
        import numpy as np

        process = self._observation.process
        assert process is not None and process.total is not None
        evaluate = numeric_function(self._planned, {"total": process.total})
        totals = np.array([evaluate(draw, self._planned.arrays)["total"] for draw in draws], float)
        with np.errstate(all="ignore"):
            return -self._weight * np.log(totals) if process.normalised else -totals

    @cached_property
    def _weight(self) -> float:
        """That of all events together."""
        return float(self.events().weights.sum())


def compressed(
    bound: BoundProgram, planned: BoundProgram, known: Mapping[str, CompressedEvents] | None, room: Mapping[str, int]
) -> tuple[BoundProgram, dict[str, CompressedEvents]]:
    """The planned program with nodes in place of long lists of events, and what became of each such list.

    Where there were other events before, `known` says what became of those: nodes are as many as then if these
    suffice, and lists that were summed still are, up to their `room`. So shapes stay as they were.
    """
    draws = typical_of(bound).draws[:_DRAWS]
    found = {}
    for name, observation in bound.program.observations.items():
        before = known.get(name) if known else None
        least = 0 if before is not None and before.nodes else max(LEAST, room.get(name, 0) if known is not None else 0)
        if _may_be_compressed(observation) and observation.target.axes[0].size.bind(bound.lengths) > least:
            found[name] = _compressed(observation, bound, Rates(planned, name), draws, before)
    return _with_nodes(planned, found), found


def _may_be_compressed(observation: Observation) -> bool:
    process = observation.process
    if process is None or observation.log_likelihood is None:
        return False
    return 1 <= sum(variable.axis is None for variable in process.variables) <= _MOST_VARIABLES


def _compressed(
    observation: Observation, bound: BoundProgram, rates: Rates, draws: Draws, before: CompressedEvents | None
) -> CompressedEvents:
    """The rule that served before, if it still does; else the best one for these events."""
    events, log_rates, rest = rates.events(), rates.at(draws), rates.rest(draws)
    outcome: Compression | Refusal = Refusal("")
    if before is not None and isinstance(before.outcome, Compression):
        outcome = compress(events, before.outcome.chart, log_rates, rest=rest, order=before.outcome.order)
    if isinstance(outcome, Refusal):
        chart = best_chart(events, charts_of(observation, bound, events.points), log_rates, rest)
        outcome = _searched(events, chart, log_rates, rest)
    kink = kink_of(observation) if isinstance(outcome, Refusal) and outcome.has_kink else None
    place = (kink.span if kink is not None else None) or observation.span
    return CompressedEvents(observation, len(events), outcome, rates, place)


def _searched(events: Measure, chart: Chart, log_rates: Function, rest: Any) -> Compression | Refusal:
    """In one variable with a margin, and in pieces, before what is let pass and in one piece is refused."""
    charts, strict = [chart], []
    if len(chart.continuous) == 1:
        charts += [replace(chart, pieces=pieces) for pieces in _PIECES]
        strict = [partial(compress, events, chart, log_rates, TOLERANCE / _MARGIN) for chart in charts]
    for attempt in (*strict, *(partial(compress, events, chart, log_rates, rest=rest) for chart in charts[::-1])):
        outcome = attempt()
        if isinstance(outcome, Compression):
            break
    return outcome


def _with_nodes(planned: BoundProgram, found: Mapping[str, CompressedEvents]) -> BoundProgram:
    """The program with the nodes that were found among its data."""
    observations, lengths, arrays = dict(planned.program.observations), dict(planned.lengths), dict(planned.arrays)
    for name, events in found.items():
        if isinstance(events.outcome, Compression):
            observations[name] = at_nodes(observations[name])
            size = observations[name].log_likelihood.axes[0].size  # type: ignore[union-attr]
            lengths[size.symbols[0][0]] = len(events.outcome.nodes)
            arrays |= node_arrays(observations[name], events.outcome.nodes)
    return replace(planned, program=replace(planned.program, observations=observations), lengths=lengths, arrays=arrays)
