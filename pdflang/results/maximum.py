"""What `map.json` says of a maximum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pdflang.results.schema import VariableSchema


def axes_record(names: Mapping[str, np.ndarray], schemas: Mapping[str, VariableSchema]) -> dict[str, Any]:
    """Names and labels of the axes of arrays by name, as plain data; of a number, which has none, nothing."""
    known = {name: schemas[name] for name, values in names.items() if values.ndim and name in schemas}
    return {name: {"dims": schema.dims, "coords": schema.coords} for name, schema in known.items()}


def axes_of(maximum: Mapping[str, Any]) -> dict[str, VariableSchema]:
    """What `axes_record` kept, by name: positions are the labels where it kept none."""
    kept = maximum.get("axes", {})
    return {name: VariableSchema(tuple(axes["dims"]), axes["coords"]) for name, axes in kept.items()}


def estimates_of(maximum: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, value and standard error of each parameter and derived value, arrays of one shape; NaN for no error."""
    errors = maximum.get("standard_errors", {})
    for name, value in {**maximum.get("params", {}), **maximum.get("derived", {})}.items():
        values = np.asarray(value, dtype=float)
        yield name, values, np.asarray(errors[name], float) if name in errors else np.full(values.shape, np.nan)
