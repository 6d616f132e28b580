"""Simulated data as files that `sample` reads back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdflang.ir import nodes
from pdflang.ir.program import Datum
from pdflang.model import CompiledModel


def data_record(model: CompiledModel, simulated: Mapping[str, Any]) -> dict[str, Any]:
    """All data of the model by name: what was drawn, and what was given besides, as arrays, or columns of them.

    Measured data sets that were not simulated stay where they are.
    """
    record: dict[str, Any] = {}
    for name, datum in model.program.data.items():
        if name in simulated:
            record[name] = simulated[name]
        elif datum.shape == "array":
            record[name] = _values(model, datum)
        elif datum.shape == "table":
            columns = {column: model.bound.arrays.get(f"{name}.{column}") for column in datum.columns}
            record[name] = {column: values for column, values in columns.items() if values is not None}
    return record


def tables(model: CompiledModel, simulated: Mapping[str, Any]) -> dict[str, str]:
    """The tables of comma-separated values that the model names and that hold simulated data, by path.

    All columns that the model reads are there. A table is left out where it could not be read back as it was:
    where its data have different lengths, or a condition reads other columns.
    """
    found: dict[str, dict[str, Any]] = {}
    left_out = set()
    for name, datum in model.program.data.items():
        source = datum.source
        if source is None or source.kind != "table" or not source.paths[0].lower().endswith(".csv"):
            continue
        path = source.paths[0]
        columns = found.setdefault(path, {})
        parts = {source.column or name: name} if datum.shape == "array" else {c: f"{name}.{c}" for c in datum.columns}
        for column, key in parts.items():
            values = simulated[key] if key in simulated else _values(model, datum, key)
            if values is None or (column in columns and columns[column] is not values):
                left_out.add(path)
            columns[column] = values
        if source.condition is not None and _columns_read(datum) - set(parts):
            left_out.add(path)
    named = {model.program.data[name].source.paths[0] for name in simulated if _has_path(model, name)}  # type: ignore[union-attr]
    return {
        path: _text(columns)
        for path, columns in found.items()
        if path in named and path not in left_out and len({len(values) for values in columns.values()}) == 1
    }


def _has_path(model: CompiledModel, name: str) -> bool:
    source = model.program.data[name].source
    return source is not None and bool(source.paths)


def _columns_read(datum: Datum) -> set[str]:
    assert datum.source is not None and datum.source.condition is not None
    return {name.rpartition(".")[2] for name in nodes.references(datum.source.condition)}


def _values(model: CompiledModel, datum: Datum, key: str | None = None) -> Any:
    """The values that were read, labels as words."""
    import numpy as np

    values = model.bound.arrays.get(key or datum.name)
    index = model.program.indices.get(datum.labels_of or "")
    if values is None or index is None or not index.labels:
        return values
    return np.asarray(index.labels)[np.asarray(values)]


def _text(columns: Mapping[str, Any]) -> str:
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
