"""Lists of events: a rate becomes a likelihood of events, and a recipe of how they come about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pdflang.components import arrays, library
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, LoopIndex, Node, Phase, Reference
from pdflang.ir.program import (
    EVENT_LOOP,
    EVENTS,
    Check,
    EventStage,
    EventStep,
    EventStream,
    EventVariable,
    Observation,
    Process,
)
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL, Range
from pdflang.semantics import build
from pdflang.semantics.combine import apply_function, as_number, error
from pdflang.semantics.datasets import data_reference
from pdflang.semantics.detectors import BACKGROUND, streams_of
from pdflang.semantics.distributions import draws_of, support_of
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.integration import inside, integrate, sides_of
from pdflang.semantics.ranges import range_of
from pdflang.semantics.regions import known_region, require_fixed, require_possible
from pdflang.semantics.supports import check_support, remark_on_sign, require_range
from pdflang.semantics.values import (
    DatasetValue,
    DetectorStep,
    DetectorValue,
    DistributionValue,
    FunctionValue,
    FunctionVariable,
    IndexValue,
    IntervalValue,
    MixtureValue,
    ProcessValue,
    Stream,
    TableValue,
    Value,
    describe,
)


@dataclass(frozen=True)
class Observed:
    """What is observed: the name and value of a datum, where it is named, and where its distribution stands."""

    name: str
    datum: Value
    span: Span
    where: Span


def process_observation(elaborator: Elaborator, observed: Observed, value: ProcessValue) -> Observation:
    """A list of events as an observation."""
    rate = replace(value.rate, variables=value.region)
    require_fixed(rate.variables, observed.where)
    columns = _columns(elaborator, observed, rate)
    axis = next(iter(columns.values())).axes[0]
    if value.weights is not None:
        _require_weights(value.weights, axis, observed)
        if value.row.kind == "iid":
            _require_positive_sum(elaborator, value.weights, observed)
    log_likelihood = total = None
    if rate.no_density is None:
        log_likelihood = _log_likelihood(elaborator, rate, columns, axis, observed)
        total = integrate(elaborator, rate, sides_of(rate, observed.where), 1, observed.where)
    process = Process(
        columns,
        _variables(rate.variables),
        total,
        value.row.kind == "iid",
        _streams(elaborator, rate, observed.where, value),
        value.weights,
    )
    target = next(iter(columns.values()))
    return Observation(observed.name, log_likelihood, None, (), target, observed.span, process, rate.no_density)


# --- the data --------------------------------------------------------------------------------------------------


def _columns(elaborator: Elaborator, observed: Observed, rate: FunctionValue) -> dict[str, Node]:
    """The column of each variable, by its name in a table; one variable may be given as a plain array."""
    datum, name, span = observed.datum, observed.name, observed.span
    if isinstance(datum, TableValue):
        return {v.name: _column(elaborator, datum, v, name, span) for v in rate.variables}
    variable = rate.variables[0]
    if len(rate.variables) > 1 or not isinstance(datum, Reference) or len(datum.axes) != 1:
        what = describe(datum) if not isinstance(datum, DatasetValue) else "a data set"
        names = ", ".join(v.name for v in rate.variables)
        column = f".{variable.name}" if len(rate.variables) == 1 else f" # columns {names}"
        raise error(
            "E307", f"a process observes a list of events, but `{name}` is {what}", span,
            remedy=f'declare the events: data {name} = table("events.csv"){column}',
        )  # fmt: skip
    region = known_region(elaborator, variable)
    if region is None:
        return {variable.name: datum}
    require_range(elaborator, datum, region, f"an event of `{name}`", span)
    return {variable.name: data_reference(datum.name, datum.axes, "real", region)}


def _column(elaborator: Elaborator, table: TableValue, variable: FunctionVariable, name: str, span: Span) -> Node:
    if isinstance(variable.domain, IndexValue):
        return table.column(variable.name, span, variable.domain.name)
    region = known_region(elaborator, variable)
    column = table.column(variable.name, span, None, region or REAL)
    if region is not None:
        require_range(elaborator, column, region, f"`{variable.name}` of an event of `{name}`", span)
    return column


def _require_weights(weights: Node, axis: nodes.Axis, observed: Observed) -> None:
    if weights.phase == Phase.PARAMETER or weights.axes != (axis,):
        raise error(
            "E307", f"the weights of `{observed.name}` are data, one for each event, but these are "
            f"{describe(weights)}", observed.where, remedy=f"name a column of the events: {observed.name}.w",
        )  # fmt: skip


def _require_positive_sum(elaborator: Elaborator, weights: Node, observed: Observed) -> None:
    """Σ w log p(xᵢ) of a normalised p is no likelihood where Σ w is not positive: it is largest where p is least."""

    def report(found: float, entry: str) -> Diagnostic:
        return Diagnostic(
            "E509",
            f"the weights of independent events add up to a positive number, but those of `{observed.name}` add up to "
            f"{found:.6g}",
            observed.where,
            remedy="correct the weights, or observe a PoissonProcess, whose yield may have any sign",
        )

    total = nodes.Whole(arrays.SUM, (weights,), (), "real", span=weights.span)
    elaborator.check(Check("range", report, node=total, allowed=POSITIVE))


# --- the density -----------------------------------------------------------------------------------------------


def _log_likelihood(
    elaborator: Elaborator, rate: FunctionValue, columns: dict[str, Node], axis: nodes.Axis, observed: Observed
) -> Node:
    """log rate(x_i), one entry for each event."""
    loop, span = Loop(0, axis), observed.where
    event = {v.name: nodes.Element(columns[v.name], (LoopIndex(loop),)) for v in rate.variables}
    node = _rate(rate, tuple(event.values()), span)
    require_possible(elaborator, rate.variables, event, node, loop, observed.name, span)
    log_rate = apply_function(library["log"], [node], [span], span, elaborator.check)
    return nodes.Array(loop, log_rate)


def _rate(rate: FunctionValue, at: tuple[Node, ...], span: Span) -> Node:
    node = as_number(rate.apply(at, 1, span), span)
    if node.axes:
        raise error("E301", f"a rate is a number, but this is {describe(node)}", span)
    return node


# --- the simulator ---------------------------------------------------------------------------------------------


def _variables(variables: tuple[FunctionVariable, ...], stage: str = "") -> tuple[EventVariable, ...]:
    return tuple(_variable(variable, stage) for variable in variables)


def _variable(variable: FunctionVariable, stage: str, support: Range = REAL) -> EventVariable:
    """A variable of events; one without a domain has the values of its distribution."""
    domain = variable.domain
    if isinstance(domain, IndexValue):
        return EventVariable(variable.name, _place(variable.name, stage, "int", REAL), axis=domain.axis)
    if isinstance(domain, IntervalValue):
        place = _place(variable.name, stage, "real", inside(domain))
        return EventVariable(variable.name, place, domain.lower, domain.upper)
    return EventVariable(variable.name, _place(variable.name, stage, "real", support))


def _place(name: str, stage: str, dtype: nodes.Dtype, within: Range) -> Node:
    """The values of a variable of events that are being drawn, as one element of each."""
    where = f"event {stage}.{name}" if stage else f"event {name}"
    values = Reference(where, "event", (EVENTS,), dtype, Phase.PARAMETER, within)
    return nodes.Element(values, (LoopIndex(EVENT_LOOP),))


def _streams(
    elaborator: Elaborator, rate: FunctionValue, span: Span, process: ProcessValue
) -> tuple[EventStream, ...]:
    what = f"the rate of {process.row.name}"
    found: list[EventStream] = []
    for stream in streams_of(rate):
        if stream.rate.role == BACKGROUND and stream.scale.phase > Phase.CONST:
            elaborator.reports.add(_scaled_background(stream, span))
        made = _stream(elaborator, stream, span)
        found.append(replace(made, name=_distinct(made.name, [other.name for other in found])))
        if process.weights is None:
            check_support(elaborator, found[-1].intensity, NONNEGATIVE, what, span)
        else:
            remark_on_sign(elaborator, found[-1].intensity, what, span)
    return tuple(found)


def _scaled_background(stream: Stream, span: Span) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in nodes.references(stream.scale))
    return Diagnostic(
        "L411", f"{names} {'scale' if ',' in names else 'scales'} the {stream.rate.name} too", span,
        label="signal and background are both multiplied",
        remedy="to scale the signal only, multiply before the detector: lumi*sigma |> tracker", severity="lint",
    )  # fmt: skip


def _stream(elaborator: Elaborator, stream: Stream, span: Span) -> EventStream:
    true = _variables(stream.rate.variables if not stream.detectors else stream.detectors[0].true, "true")
    rate = _rate(stream.rate, tuple(variable.place for variable in true), span)
    intensity = build.multiply(stream.scale, rate)
    stages: list[EventStage] = []
    values = {variable.name: variable.place for variable in true}
    for position, detector in enumerate(stream.detectors):
        if position:
            # The next detector may call what it is given by another name.
            values = dict(zip((v.name for v in detector.true), values.values(), strict=True))
        name = _distinct(detector.name, [stage.name for stage in stages])
        stage, values = _stage(elaborator, replace(detector, name=name), values)
        stages.append(stage)
    # A rate that was written down in several lines is told in one.
    name = " ".join(re.sub("#.*", "", stream.rate.name).split())
    return EventStream(name, true, intensity, tuple(stages), span)


def _distinct(name: str, taken: list[str]) -> str:
    """A name that tells two uses of one detector, or of one rate, apart."""
    uses = sum(other == name or other.startswith(f"{name} ") for other in taken)
    return f"{name} {uses + 1}" if uses else name


def _stage(
    elaborator: Elaborator, detector: DetectorValue, true: dict[str, Node]
) -> tuple[EventStage, dict[str, Node]]:
    """The detector on events whose true variables have the values given; the values that it measures."""
    values = dict(true)
    steps = []
    for step in detector.steps:
        steps.append(_step(elaborator, detector, step, values))
        values.update({variable.name: variable.place for variable in steps[-1].variables})
    efficiency = detector.efficiency(true, 1) if detector.efficiency else None
    measured = tuple(replace(_variable(v, detector.name), place=values[v.name]) for v in detector.measured)
    stage = EventStage(detector.name, efficiency, tuple(steps), measured)
    return stage, {variable.name: variable.place for variable in measured}


def _step(elaborator: Elaborator, detector: DetectorValue, step: DetectorStep, values: dict[str, Node]) -> EventStep:
    """What a step makes of the values before it: what is measured lies in its domain, anything else where it can be."""
    meaning = step.meaning(values, 1)
    draws, value = None, None
    if isinstance(meaning, DistributionValue | MixtureValue):
        draws, within = draws_of(meaning), support_of(elaborator, meaning)
    else:
        value = as_number(meaning, step.span)
        within = range_of(value)
    bounded = {variable.name: variable for variable in detector.measured if variable.domain is not None}
    made = []
    for name in step.names:
        if name in bounded:
            made.append(_variable(bounded[name], detector.name))
            continue
        made.append(EventVariable(name, _place(name, detector.name, "real", within)))
        elaborator.made[made[-1].place] = value
    return EventStep(tuple(made), draws, value, step.span)
