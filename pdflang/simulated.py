"""Simulated data as files that `sample` reads back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pdflang.data.paths import lies_beneath
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir import nodes
from pdflang.ir.nodes import Node
from pdflang.ir.program import Datum, Observation
from pdflang.model import CompiledModel
from pdflang.semantics.lints import everything_read

if TYPE_CHECKING:
    import numpy as np
    import xarray


def require_room_for_events(model: CompiledModel, beside: bool = True) -> None:
    """Data with events that are drawn can be read back. Error: E613 where their axis has one length, or parameters.

    With `beside`, or where other data of that axis, or columns of the table, stay as they are when events are drawn,
    or where other data follow how many events there are.
    """
    for observation in model.program.observations.values():
        if observation.process is None:
            continue
        fixed = "" if observation.process.normalised else _fixed(model, observation)
        if reason := fixed or (_left_behind(model, observation) if beside else ""):
            raise _cannot_be_drawn(observation, reason)


def require_no_mixture(model: CompiledModel) -> None:
    """No other data combine events, of which any number may be drawn, with what has an entry for each one observed.

    Nor do they read how many these are. Error: E613.
    """
    definitions = model.program.definition_nodes
    for events in model.program.observations.values():
        if events.process is None or events.process.normalised:
            continue
        drawn = {name for node in events.process.columns.values() for name in nodes.references(node)}
        for other in model.program.observations.values():
            needed = list(_needed(other, definitions))
            read = {node.name: node for node in needed if isinstance(node, nodes.Reference)}
            kept = any(events.target.axes[0] in node.axes for name, node in read.items() if name not in drawn)
            beside = kept or _is_beside(other, events) or _runs_over(events, needed)
            if (beside and not drawn.isdisjoint(read)) or _reads_length(events, needed):
                raise _cannot_be_drawn(events, _not_following(other.name))


def _is_beside(other: Observation, events: Observation) -> bool:
    axis = events.target.axes[0]
    return axis in other.target.axes or any(loop.axis == axis for loop in other.loops)


def _cannot_be_drawn(events: Observation, reason: str) -> PdflangError:
    remedy = f"let data say how many there are, `data {events.name}[N]`, and give what is not drawn an axis of its own"
    return PdflangError(
        Diagnostic("E613", f"the events `{events.name}` cannot be drawn anew: {reason}", events.span, remedy=remedy)
    )


def _not_following(name: str) -> str:
    return f"`{name}` does not follow how many come out"


def _fixed(model: CompiledModel, events: Observation) -> str:
    """Why there are always as many events as there are; empty where there are not."""
    axis = events.target.axes[0]
    if axis.size.is_known:
        return f"their number is drawn, but their axis always has {axis.size}"
    parameters = (name for name, parameter in model.program.parameters.items() if axis in parameter.axes)
    return next(map(_not_following, parameters), "")


def _left_behind(model: CompiledModel, events: Observation) -> str:
    """What would not follow events that are drawn; empty where all does."""
    assert events.process is not None
    columns = [*events.process.columns.values(), *([events.process.weights] if events.process.weights else [])]
    drawn = set().union(*(everything_read(node, model.program.definition_nodes) for node in columns))
    own = model.program.data[events.name]
    read = [f"{events.name}.{column}" for column in own.columns] if own.shape == "table" else []
    lost = [column for column in read if column not in drawn]
    if not events.process.normalised:
        lost += sorted(of_axis(model, events).keys() - _of_events(model, events))
        for name, other in model.program.observations.items():
            needed = list(_needed(other, model.program.definition_nodes))
            if _runs_over(events, needed) or _reads_length(events, needed):
                lost.append(name)
    return _not_following(lost[0]) if lost else ""


def _needed(observation: Observation, definitions: Mapping[str, Node]) -> Iterator[Node]:
    """Every node that the distribution of data needs, through derived values too."""
    pending, seen = list(observation.draws.reads) if observation.draws else [], set[str]()
    while pending:
        for node in nodes.walk(pending.pop()):
            yield node
            if isinstance(node, nodes.Reference) and node.name in definitions and node.name not in seen:
                seen.add(node.name)
                pending.append(definitions[node.name])


def _runs_over(events: Observation, needed: Iterable[Node]) -> bool:
    axis = events.target.axes[0]
    return any(loop.axis == axis for node in needed for loop in node.loops)


def _reads_length(events: Observation, needed: Iterable[Node]) -> bool:
    lengths = dict(events.target.axes[0].size.symbols)
    return any(isinstance(n, nodes.Reference) and n.kind == "length" and n.name in lengths for n in needed)


def of_axis(model: CompiledModel, observation: Observation) -> dict[str, tuple[int, ...]]:
    """The data that have an entry for each event of a list, and which of their axes have.

    Axes without a name that are as long by chance are other axes; what the weights read is of the events.
    """
    axis, own = observation.target.axes[0], _of_events(model, observation)
    return {
        name: tuple(place for place, one in enumerate(datum.axes) if one == axis)
        for name, datum in model.program.data.items()
        if axis in datum.axes and (axis.name is not None or name in own)
    }


def _of_events(model: CompiledModel, observation: Observation) -> set[str]:
    """The events, and what their weights read."""
    weights = observation.process.weights if observation.process else None
    read = everything_read(weights, model.program.definition_nodes) if weights is not None else []
    return {observation.name, *map(model.program.datum_of, read)}


def data_record(model: CompiledModel, simulated: Mapping[str, Any]) -> dict[str, Any]:
    """All data of the model by name: what was drawn, and what was given besides, as arrays, or columns of them.

    Tables of events that were drawn are mappings of columns already. Measured data sets that were not simulated stay
    where they are.
    """
    record: dict[str, Any] = {}
    for name, datum in model.program.data.items():
        if name in simulated:
            record[name] = simulated[name]
        elif datum.shape == "array":
            record[name] = _values(model, datum)
        elif datum.shape == "table":
            columns = {column: _values(model, datum, column) for column in datum.columns}
            record[name] = {column: values for column, values in columns.items() if values is not None}
    return record


def tables(model: CompiledModel, simulated: Mapping[str, Any]) -> dict[str, str]:
    """The tables of comma-separated values that the model names and that hold simulated data, by path.

    All columns that the model reads are there. A table is left out where it could not be read back as it was:
    where its data have different lengths, or a condition reads other columns.
    """
    found: dict[str, dict[str, Any]] = {}
    drawn = _arrays(simulated)
    left_out = set()
    for name, datum in model.program.data.items():
        source = datum.source
        if source is None or source.kind != "table" or not source.paths[0].lower().endswith(".csv"):
            continue
        path = _place(model, datum)
        columns = found.setdefault(path, {})
        parts = {source.column or name: ""} if datum.shape == "array" else {column: column for column in datum.columns}
        for column, part in parts.items():
            key = f"{name}.{part}" if part else name
            values = drawn[key] if key in drawn else _values(model, datum, part)
            if values is None or (column in columns and columns[column] is not values):
                left_out.add(path)
            columns[column] = values
        if source.condition is not None and _columns_read(datum) - set(parts):
            left_out.add(path)
    named = {_place(model, model.program.data[name]) for name in simulated if _has_path(model, name)}
    return {
        path: _text(columns)
        for path, columns in found.items()
        if path in named and path not in left_out and len({len(values) for values in columns.values()}) == 1
    }


def _place(model: CompiledModel, datum: Datum) -> str:
    """The path of a table from the folder of the model; a used file names it from its own."""
    assert datum.source is not None
    path, main = datum.source.paths[0], model.program.source.folder
    if datum.folder is None or main is None or not lies_beneath(datum.folder, main):
        return path
    return (datum.folder.resolve().relative_to(main.resolve()) / path).as_posix()


def _has_path(model: CompiledModel, name: str) -> bool:
    source = model.program.data[name].source
    return source is not None and bool(source.paths)


def _columns_read(datum: Datum) -> set[str]:
    assert datum.source is not None and datum.source.condition is not None
    return {name.rpartition(".")[2] for name in nodes.references(datum.source.condition)}


def _arrays(simulated: Mapping[str, Any]) -> dict[str, Any]:
    """What was drawn by the name of each array, columns as `<datum>.<column>`."""
    found: dict[str, Any] = {}
    for name, value in simulated.items():
        found |= {f"{name}.{c}": v for c, v in value.items()} if isinstance(value, Mapping) else {name: value}
    return found


def _values(model: CompiledModel, datum: Datum, column: str = "") -> Any:
    """The values of a datum, or of a column of it, that were read; labels as words."""
    import numpy as np

    values = model.bound.arrays.get(f"{datum.name}.{column}" if column else datum.name)
    labels_of = datum.column_labels.get(column) if column else datum.labels_of
    index = model.program.indices.get(labels_of or "")
    if values is None or index is None or not index.labels:
        return values
    return np.asarray(index.labels)[np.asarray(values)]


def _text(columns: Mapping[str, Any]) -> str:
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def trace_tree(traces: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> xarray.DataTree:
    """Traces as a tree: a group for each observation, in it one for each stream, its sites over the axis `event`."""
    import xarray

    groups = {
        # A stroke would begin another group.
        f"/{name}/{stream.replace('/', '÷')}": xarray.Dataset({site: ("event", v) for site, v in sites.items()})
        for name, streams in traces.items()
        for stream, sites in streams.items()
    }
    return xarray.DataTree.from_dict({"/": xarray.Dataset(), **groups})
