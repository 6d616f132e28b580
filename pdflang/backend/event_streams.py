"""How events come about, as functions of the generated module: the streams of a process, their intensity, detectors."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from pdflang.backend.names import identifier
from pdflang.backend.writer import Writer
from pdflang.diagnostics import Span
from pdflang.ir.nodes import Constant, LoopIndex, Node
from pdflang.ir.program import (
    EVENT_LOOP,
    Draws,
    EventStage,
    EventStep,
    EventStream,
    EventVariable,
    Observation,
    Process,
)

if TYPE_CHECKING:
    from pdflang.backend.module import ModuleWriter

_EVENTS = "pdflang.backend.runtime.events"
_MIXTURE = "pdflang.backend.runtime.distributions.Mixture"
Block = tuple[list[str], list[Span | None]]


def write_streams(module: ModuleWriter) -> list[Block]:
    """`streams_of_…` of each process; `intensity_of_…` of places and `detect_…` of one event of each stream."""
    blocks = []
    for observation in module.program.observations.values():
        process = observation.process
        if process is None:
            continue
        for stream in process.streams:
            blocks.append(_intensity(module, stream, _name(module, "intensity_of", observation, stream)))
            if stream.stages:
                name = _name(module, "detect", observation, stream)
                blocks.append(_detection(module, process, stream, name))
        blocks.append(_streams(module, observation, process))
    return blocks


def streams_of(module: ModuleWriter, observation: Observation) -> str:
    """The name of the function that says how the events of a process come about."""
    return module.function_name(f"streams_of_{identifier(observation.name)}")


def drawn_events(module: ModuleWriter, observation: Observation, key: str, draw: str) -> str:
    """The call of `draw` that makes the events of a process."""
    process = observation.process
    assert process is not None
    arguments = [key, f"*{streams_of(module, observation)}(params, arrays)"]
    if process.normalised:
        arguments.append(f"count=arrays[{json.dumps(observation.name + ' count')}]")
    if process.weights is not None:
        arguments.append("signed=True")
    return f"{draw}({', '.join(arguments)})"


def _streams(module: ModuleWriter, observation: Observation, process: Process) -> Block:
    ends = [end for s in process.streams for v in _region(process, s) for end in (v.lower, v.upper) if end is not None]
    writer = module.writer(ends)
    rows = [_stream(module, writer, observation, process, stream) for stream in process.streams]
    several = ["    return [", *(f"        {row}," for row in rows), "    ]"]
    result = several if len(rows) > 1 else [f"    return [{rows[0]}]"]
    head = f"{streams_of(module, observation)}(params, arrays)"
    return module.function(head, f"How {_words(observation.name)} come about.", writer, result)


def _region(process: Process, stream: EventStream) -> tuple[EventVariable, ...]:
    """Where the events of a stream are drawn: without detectors in that of the process, which may be narrower."""
    return stream.variables if stream.stages else process.variables


def _stream(
    module: ModuleWriter, writer: Writer, observation: Observation, process: Process, stream: EventStream
) -> str:
    """One entry of the list of streams."""
    region = [
        f"{json.dumps(true.name)}: {_extent(module, writer, where)}"
        for true, where in zip(stream.variables, _region(process, stream), strict=True)
    ]
    intensity = _name(module, "intensity_of", observation, stream)
    arguments = [json.dumps(stream.name), intensity, f"{{{', '.join(region)}}}"]
    arguments += [_name(module, "detect", observation, stream)] if stream.stages else []
    return f"{module.imports.use(f'{_EVENTS}.Stream')}({', '.join(arguments)})"


def _extent(module: ModuleWriter, writer: Writer, variable: EventVariable) -> str:
    """The ends of a variable, or the length of its index."""
    if variable.axis is not None:
        return str(module.length(variable.axis))
    assert variable.lower is not None and variable.upper is not None
    return f"({writer.text(variable.lower)}, {writer.text(variable.upper)})"


def _words(name: str) -> str:
    """A name for a docstring, which it cannot end."""
    return re.sub(r"""["'\\]""", "", name)


def _name(module: ModuleWriter, prefix: str, observation: Observation, stream: EventStream) -> str:
    """The function of a stream; streams are numbered where there are several."""
    assert observation.process is not None
    streams = observation.process.streams
    number = f"_{streams.index(stream) + 1}" if len(streams) > 1 else ""
    return module.function_name(f"{prefix}_{identifier(observation.name)}{number}")


def _intensity(module: ModuleWriter, stream: EventStream, name: str) -> Block:
    writer = module.writer([stream.intensity], given={v.place: v.name for v in stream.variables})
    arguments = ", ".join(writer.text(variable.place) for variable in stream.variables)
    text = writer.result(stream.intensity, "rate")
    head = f"{name}({arguments}, params, arrays)"
    return module.function(head, f"The rate of {_words(stream.name)}.", writer, [f"    return {text}"])


# --- detectors -------------------------------------------------------------------------------------------------


def _detection(module: ModuleWriter, process: Process, stream: EventStream, name: str) -> Block:
    """What becomes of one event: everything that depends on it is a number here."""
    given: dict[Node, str] = {LoopIndex(EVENT_LOOP): "event", **{v.place: v.name for v in stream.variables}}
    writer = module.writer(_read(stream), given=given)
    writer.positions = {EVENT_LOOP: "event"}
    arguments = ", ".join(writer.text(variable.place) for variable in stream.variables)
    for stage in stream.stages:
        _write_stage(module, writer, stage)
        region = process.variables if stage is stream.stages[-1] else stage.variables
        _confine(writer, stream, stage, region)
    values = {variable.name: writer.text(variable.place) for variable in stream.stages[-1].variables}
    measured = ", ".join(f"{json.dumps(variable)}: {text}" for variable, text in values.items())
    names = " and ".join(_words(stage.name) for stage in stream.stages)
    head = f"{name}(event, {arguments}, params, arrays)"
    doc = f"What {names} measure{'s' * (len(stream.stages) == 1)} of an event of {_words(stream.name)}."
    return module.function(head, doc, writer, [f"    return {{{measured}}}"])


def _read(stream: EventStream) -> list[Node]:
    """All that the detectors of a stream evaluate."""
    found: list[Node | None] = []
    for stage in stream.stages:
        found.append(stage.efficiency)
        for step in stage.steps:
            found += [step.value, *(step.draws.reads if step.draws else ())]
        found += [end for variable in stage.variables for end in (variable.lower, variable.upper)]
    return [node for node in found if node is not None]


def _write_stage(module: ModuleWriter, writer: Writer, stage: EventStage) -> None:
    if stage.efficiency is not None:
        writer.write(f"event.detect({json.dumps(stage.name)}, {writer.text(stage.efficiency)})", stage.efficiency.span)
    for step in stage.steps:
        sites = [json.dumps(f"{stage.name}.{variable.name}") for variable in step.variables]
        text = _made(module, writer, step, sites)
        names = [writer.names.fresh(variable.name) for variable in step.variables]
        writer.write(f"{', '.join(names)} = {text}", step.span)
        for variable, name in zip(step.variables, names, strict=True):
            writer.know(variable.place, name)


def _made(module: ModuleWriter, writer: Writer, step: EventStep, sites: list[str]) -> str:
    """The call that draws or computes the values of a step."""
    if step.draws is None:
        assert step.value is not None
        return f"event.compute({sites[0]}, {writer.text(step.value)})"
    drawn = ", ".join(_distribution(module, writer, step.draws))
    if len(sites) > 1:
        return f"event.draw_vector(({', '.join(sites)}), {drawn})"
    return f"event.draw({sites[0]}, {drawn})"


def _distribution(module: ModuleWriter, writer: Writer, draws: Draws) -> list[str]:
    """A distribution and its arguments."""
    if draws.components:
        assert draws.weights is not None
        parts = [f"({', '.join(_distribution(module, writer, component))})" for component in draws.components]
        return [f"{module.imports.use(_MIXTURE)}({', '.join([writer.text(draws.weights), *parts])})"]
    distribution = module.imports.use(draws.row.meaning)
    if draws.bounds:
        distribution = writer.truncated(distribution, [writer.text(bound) for bound in draws.bounds])
    return [distribution, *(writer.text(argument) for argument in draws.arguments)]


def _confine(writer: Writer, stream: EventStream, stage: EventStage, region: tuple[EventVariable, ...]) -> None:
    """Events outside the measured region are lost. What passed through was inside already, unless it is narrower."""
    true = {variable.place: (variable.lower, variable.upper) for variable in stream.variables}
    conditions = []
    for variable, where in zip(stage.variables, region, strict=True):
        if variable.axis is not None or true.get(variable.place) == (where.lower, where.upper):
            continue
        for sign, end in ((">", where.lower), ("<", where.upper)):
            if end is not None and not _is_infinite(end):
                conditions.append(f"({writer.text(variable.place)} {sign} {writer.operand(end)})")
    if conditions:
        writer.write(f"event.confine({json.dumps(stage.name)}, {' & '.join(conditions)})", stream.span)


def _is_infinite(end: Node) -> bool:
    return isinstance(end, Constant) and math.isinf(end.value)
