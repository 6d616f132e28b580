"""What `map.json` says of a maximum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.results.bootstrap import account, rows_of
from pdflang.results.diagnostics import from_records
from pdflang.results.run_folder import MAXIMUM, damaged, read_json
from pdflang.results.schema import VariableSchema

_SECTIONS: Mapping[str, type] = {
    "params": dict, "standard_errors": dict, "derived": dict, "chi2": dict, "axes": dict, "starts": list,
    "weighted": list,
}  # fmt: skip


def read_maximum(folder: Path) -> dict[str, Any]:
    """The fields of `map.json`. Errors: E623 where it is missing, or where its fields are not those of a maximum."""
    maximum = read_json(folder, MAXIMUM)
    try:
        is_one = "params" in maximum and _is_maximum(maximum)
    except (AttributeError, KeyError, TypeError, ValueError):
        is_one = False
    if not is_one:
        raise PdflangError(damaged(folder, MAXIMUM))
    return dict(maximum)


def _is_maximum(maximum: Mapping[str, Any]) -> bool:
    """Whether all that is there is what it should be; where it is far from that, some error of Python."""
    if not all(isinstance(maximum.get(name, kind()), kind) for name, kind in _SECTIONS.items()):
        return False
    from_records(maximum.get("diagnostics", []))
    if maximum.get("bootstrap") is not None:
        rows_of(maximum["bootstrap"]), account(maximum["bootstrap"])
    shapes = {name: values.shape for name, values, _ in estimates_of(maximum)}
    return (
        _have_shapes(maximum.get("standard_errors", {}), shapes)
        and _have_shapes(maximum.get("minos") or {}, {name: (*shape, 2) for name, shape in shapes.items()})
        and all(len(axes.dims) == len(shapes[name]) or 0 in shapes[name] for name, axes in axes_of(maximum).items())
        and all(isinstance(labels, list) for axes in axes_of(maximum).values() for labels in axes.coords.values())
        and all(_is_number(value) for value in maximum.get("chi2", {}).values())
        and all(_is_number(start.get("log_density")) for start in maximum.get("starts", []))
        and all(isinstance(start["status"], str) for start in maximum.get("starts", []))
        and isinstance(maximum.get("at_bound") or [], list)
    )


def _have_shapes(arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether arrays are of these shapes, of which plain data keep nothing beyond an axis without entries."""
    found = {name: np.asarray(value, dtype=float) for name, value in arrays.items()}
    return all(array.shape == shapes[n] or array.size == math.prod(shapes[n]) == 0 for n, array in found.items())


def _is_number(value: Any) -> bool:
    """A number that is not finite is None in JSON."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def words_on_errors(weighted: Sequence[str]) -> list[str]:
    """What standard errors are where the events of some data have weights; nothing where none have."""
    return [f"the events of {name} have weights: errors are those of the sandwich estimate" for name in weighted]


def axes_record(names: Mapping[str, np.ndarray], schemas: Mapping[str, VariableSchema]) -> dict[str, Any]:
    """Names and labels of the axes of arrays by name, as plain data; of a number, which has none, nothing."""
    known = {name: schemas[name] for name, values in names.items() if values.ndim and name in schemas}
    return {name: {"dims": schema.dims, "coords": schema.coords} for name, schema in known.items()}


def axes_of(maximum: Mapping[str, Any]) -> dict[str, VariableSchema]:
    """What `axes_record` kept, by name: positions are the labels where it kept none."""
    kept = maximum.get("axes", {})
    return {name: VariableSchema(tuple(map(str, axes["dims"])), axes["coords"]) for name, axes in kept.items()}


def estimates_of(maximum: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, value and standard error of each parameter and derived value, arrays of one shape; NaN for no error."""
    errors = maximum.get("standard_errors", {})
    for name, value in {**maximum.get("params", {}), **maximum.get("derived", {})}.items():
        values = np.asarray(value, dtype=float)
        yield name, values, np.asarray(errors[name], float) if name in errors else np.full(values.shape, np.nan)
