"""Functions that a model infers, at draws of its posterior: those it keeps as outputs, and its pdfs and theories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang import driver
from pdflang.diagnostics import PdflangError
from pdflang.model import CompiledModel
from pdflang.report.wanted import MOST_MEMBERS, Wanted, wanted_functions
from pdflang.results.posterior import flat_draws, schema_of
from pdflang.results.schema import entry_names

if TYPE_CHECKING:
    import xarray

MOST_DRAWS = 400
"""Draws at which functions are computed."""

_MOST_PLACES = 2000
"""Places of an axis that a picture can tell apart: more are only slow to draw."""

_NAME = "curve_of_the_report"


@dataclass(frozen=True, eq=False)
class Curve:
    """A function at draws: `values` (draws, n) at the `points` (n,), or of entries that only have `labels`.

    `name` is what it is called with its member of a family, `variable` that of its axis, `declared` the declaration.
    Of a maximum, `centre` (n,) is its own, and `values` are those of the members around it, `of` which it says what
    they are; where nothing is known but the maximum, they are its own too.
    """

    name: str
    declared: str
    variable: str
    values: np.ndarray
    points: np.ndarray | None = None
    labels: tuple[str, ...] = ()
    centre: np.ndarray | None = None
    of: str = ""

    @property
    def line(self) -> np.ndarray:
        """What a line is drawn of: the centre, or the median of the draws."""
        found: np.ndarray = np.median(self.values, axis=0) if self.centre is None else self.centre
        return found

    def width(self) -> np.ndarray:
        """Half of the central 68% of each entry."""
        low, high = np.quantile(self.values, [0.16, 0.84], axis=0)
        half: np.ndarray = (high - low) / 2
        return half


def stored_curves(posterior: xarray.Dataset) -> Iterator[Curve]:
    """The outputs with one axis, or with one beside few members, as they are kept with the draws."""
    for key, variable in posterior.data_vars.items():
        schema, name = schema_of(variable), str(key)
        if schema.role != "output" or len(schema.dims) not in (1, 2) or variable.shape[-1] < 2:
            continue
        axis = schema.dims[-1]
        shown = variable.isel({axis: slice(None, None, 1 + variable.sizes[axis] // _MOST_PLACES)})
        schema, values = schema_of(shown), flat_draws(shown)
        labels = schema.coords.get(axis, [])
        points = np.asarray(labels, float) if _are_points(labels) else None
        said = () if points is not None else _labels(labels, values.shape[-1])
        called = "" if axis.startswith(f"{name}_dim_") else axis
        if values.ndim == 2:
            yield Curve(name, name, called, values, points, said)
        elif values.shape[1] <= MOST_MEMBERS:
            first = replace(schema, dims=schema.dims[:1])
            for member, entry in enumerate(entry_names(name, values.shape[1:2], first)):
                yield Curve(entry, name, called, values[:, member], points, said)


def _are_points(labels: list[Any]) -> bool:
    """Whether an axis is a grid of numbers, and not a count of entries."""
    return bool(labels) and all(isinstance(label, float) for label in labels) and bool(np.all(np.diff(labels) > 0))


def _labels(labels: list[Any], length: int) -> tuple[str, ...]:
    return tuple(map(str, labels if len(labels) == length else range(length)))


def computed_curves(model: CompiledModel, parameters: Mapping[str, np.ndarray]) -> tuple[list[Curve], list[str]]:
    """The model's pdfs and theories of one variable at parameters (n, …), and why others are not there.

    The model is compiled again with an output for each of them, so that they are what the model says.
    """
    wanted, reasons = wanted_functions(model)
    found: list[Curve] = []
    try:
        found = _computed(model, wanted, parameters)
    except PdflangError:
        # One of them is to blame.
        for one in wanted.copy():
            try:
                found += _computed(model, [one], parameters)
            except PdflangError as failure:
                reasons.append(f"{one.declared} is not drawn: {failure.diagnostics[0].message}")
                wanted.remove(one)
    missing = [one.declared for one in wanted if all(one.declared != curve.declared for curve in found)]
    reasons += [f"{name} is not drawn: its region depends on parameters" for name in missing]
    return found, reasons


def _computed(model: CompiledModel, wanted: list[Wanted], parameters: Mapping[str, np.ndarray]) -> list[Curve]:
    """The curves that are wanted and have points of their own, not such that follow parameters.

    Errors: PdflangError where the model cannot be compiled with them.
    """
    if not wanted:
        return []
    lines = [f"output {_NAME}_{i}{one.axes} = {one.value}\n" for i, one in enumerate(wanted)]
    longer = driver.with_lines(model, lines)
    import jax

    from pdflang.fields import schemas

    with jax.enable_x64(True):
        values = longer.functions.deriveds(dict(parameters), longer.arrays)
    coordinates = schemas(longer)
    found: list[Curve] = []
    for i, one in enumerate(wanted):
        name = f"{_NAME}_{i}"
        schema, array = coordinates[name], np.asarray(values[name])
        if schema.dims[-1] not in schema.coords:
            continue
        points = np.asarray(schema.coords[schema.dims[-1]], float)
        rows = array.reshape(len(array), -1, len(points))
        for member, label in enumerate(one.members):
            called = f"{one.declared}({', '.join(filter(None, (one.variable, label)))})"
            found.append(Curve(called, one.declared, one.variable, rows[:, member], points))
    return found
