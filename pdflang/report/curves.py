"""Functions that a model infers, at draws of its posterior: those it keeps as outputs, and its pdfs and theories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang import driver
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.model import CompiledModel
from pdflang.results.posterior import DRAW_AXES, schema_of
from pdflang.results.schema import entry_names
from pdflang.syntax import ast, parse

if TYPE_CHECKING:
    import xarray

MOST_DRAWS = 400
"""Draws at which functions are computed."""

_POINTS = 100
_MOST_MEMBERS = 6
_NAME = "curve_of_the_report"


@dataclass(frozen=True, eq=False)
class Curve:
    """A function at draws: `values` (draws, n) at the `points` (n,), or of entries that only have `labels`.

    `name` is what it is called with its member of a family, `variable` that of its axis, `declared` the declaration.
    """

    name: str
    declared: str
    variable: str
    values: np.ndarray
    points: np.ndarray | None = None
    labels: tuple[str, ...] = ()


def stored_curves(posterior: xarray.Dataset) -> Iterator[Curve]:
    """The outputs with one axis, or with one beside few members, as they are kept with the draws."""
    for key, variable in posterior.data_vars.items():
        schema, name = schema_of(variable), str(key)
        values = np.asarray(variable.transpose(*DRAW_AXES, ...), dtype=float)
        values = values.reshape(-1, *values.shape[2:])
        if schema.role != "output" or values.ndim not in (2, 3) or values.shape[-1] < 2:
            continue
        axis = schema.dims[-1]
        labels = schema.coords.get(axis, [])
        points = np.asarray(labels, float) if _are_points(labels) else None
        said = () if points is not None else _labels(labels, values.shape[-1])
        shown = "" if axis.startswith(f"{name}_dim_") else axis
        if values.ndim == 2:
            yield Curve(name, name, shown, values, points, said)
        elif values.shape[1] <= _MOST_MEMBERS:
            first = replace(schema, dims=schema.dims[:1])
            for member, entry in enumerate(entry_names(name, values.shape[1:2], first)):
                yield Curve(entry, name, shown, values[:, member], points, said)


def _are_points(labels: list[Any]) -> bool:
    """Whether an axis is a grid of numbers, and not a count of entries."""
    return bool(labels) and all(isinstance(label, float) for label in labels) and bool(np.all(np.diff(labels) > 0))


def _labels(labels: list[Any], length: int) -> tuple[str, ...]:
    return tuple(map(str, labels if len(labels) == length else range(length)))


def computed_curves(model: CompiledModel, parameters: Mapping[str, np.ndarray]) -> tuple[list[Curve], list[str]]:
    """The main file's pdfs and theories of one variable at parameters (n, …), and why others are not there.

    The model is compiled again with an output for each of them, so that they are what the model says.
    """
    wanted, reasons = _wanted(model)
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


@dataclass(frozen=True)
class _Wanted:
    """An output to be added: its text, and what its curve is called."""

    declared: str
    variable: str
    members: tuple[str, ...]
    axes: str
    value: str


def _wanted(model: CompiledModel) -> tuple[list[_Wanted], list[str]]:
    wanted: list[_Wanted] = []
    reasons: list[str] = []
    for declaration in parse(model.program.source).declarations:
        if not isinstance(declaration, ast.Pdf | ast.Theory) or not declaration.variables:
            continue
        found = _of_declaration(model, declaration)
        if isinstance(found, str):
            reasons.append(found)
        else:
            wanted.append(found)
    return wanted, reasons


def _of_declaration(model: CompiledModel, declaration: ast.Pdf | ast.Theory) -> _Wanted | str:
    """The output for a function of one variable, which may have members by index; or why there is none."""
    name = declaration.name
    running = [v for v in declaration.variables or () if not _is_member(model, v)]
    if len(running) != 1:
        return f"{name} is not drawn: it is a function of {len(running) or 'no'} variables"
    (variable,) = running
    binders = {axis: f"member_{i}" for i, axis in enumerate(_indices(model, declaration))}
    lengths = [_length(model, index) for index in binders]
    if np.prod(lengths, initial=1) > _MOST_MEMBERS:
        return f"{name} is not drawn: it has {int(np.prod(lengths))} members"
    places = iter(binders.values())
    subscripts = ", ".join(next(places) for _ in declaration.axes)
    arguments = ", ".join("x" if v is variable else next(places) for v in declaration.variables or ())
    members = tuple(
        ", ".join(map(str, labels)) for labels in product(*(_members(model, index) for index in binders))
    )
    axes = ", ".join(f"{binder} in {index}" for index, binder in binders.items())
    call = f"{name}[{subscripts}]" if subscripts else name
    value = f"{call}({arguments}) for x in {_grid(variable)}"
    return _Wanted(name, variable.name, members, f"[{axes}]" if axes else "", value)


def _is_member(model: CompiledModel, variable: ast.Variable) -> bool:
    return isinstance(variable.domain, ast.Name) and variable.domain.name in model.program.indices


def _indices(model: CompiledModel, declaration: ast.Pdf | ast.Theory) -> Iterator[str]:
    """The indices that number the members of a family."""
    for axis in declaration.axes:
        yield axis.over.span.text
    for variable in declaration.variables or ():
        if _is_member(model, variable) and variable.domain is not None:
            yield variable.domain.span.text


def _length(model: CompiledModel, index: str) -> int:
    known = model.program.indices.get(index)
    return known.axis.size.bind(model.bound.lengths) if known else _MOST_MEMBERS + 1


def _members(model: CompiledModel, index: str) -> list[Any]:
    labels = model.program.indices[index].labels
    return list(labels) if labels else list(range(_length(model, index)))


def _grid(variable: ast.Variable) -> str:
    """Points inside of the domain: functions may have no value at its ends."""
    low, high = "0", "1"
    if isinstance(variable.domain, ast.Interval):
        low, high = variable.domain.lower.span.text, variable.domain.upper.span.text
    step = f"(({high}) - ({low}))*{0.5 / _POINTS}"
    return f"linspace(({low}) + {step}, ({high}) - {step}, {_POINTS})"


def _computed(model: CompiledModel, wanted: list[_Wanted], parameters: Mapping[str, np.ndarray]) -> list[Curve]:
    """The curves that are wanted and have points of their own, not such that follow parameters.

    Errors: PdflangError where the model cannot be compiled with them.
    """
    if not wanted:
        return []
    lines = [f"output {_NAME}_{i}{one.axes} = {one.value}\n" for i, one in enumerate(wanted)]
    source = model.program.source
    text = SourceFile(source.name, "\n".join([source.text, *lines]), source.folder)
    bound = replace(model.bound, program=driver.check(text, set(model.bound.arrays)))
    longer = CompiledModel(bound, driver.compile_bound(bound, model.functions, model.functions.generated.is_exact), {})
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
