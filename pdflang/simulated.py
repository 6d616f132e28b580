"""Simulated data as files that `sample` reads back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pdflang.data.paths import lies_beneath
from pdflang.ir import nodes
from pdflang.ir.program import Datum
from pdflang.model import CompiledModel

if TYPE_CHECKING:
    import numpy as np
    import xarray


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


def taken(values: Any, rows: np.ndarray, axes: Sequence[int]) -> Any:
    """The rows of data, along all of the axes; of a table, of each column."""
    if isinstance(values, Mapping):
        return {column: taken(entries, rows, axes) for column, entries in values.items()}
    import numpy as np

    for axis in axes:
        values = np.take(values, rows, axis)
    return values


def tables(model: CompiledModel, simulated: Mapping[str, Any]) -> dict[str, str]:
    """The tables of comma-separated values that the model names and that hold simulated data, by path.

    All columns that the model reads are there, and what else was simulated of a table. It is left out where it could
    not be read back as it was: where its data have different lengths, or a condition reads other columns.
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
        own = simulated.get(name)
        parts |= {column: column for column in own} if isinstance(own, Mapping) else {}
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
