"""Draws as a tree in ArviZ's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.results.schema import VariableSchema
from pdflang.results.spool import LARGE
from pdflang.results.trees import Group, Tree, Variable

if TYPE_CHECKING:
    import xarray

DRAW_AXES = ("chain", "draw")
"""The leading axes of every sampled quantity."""


def posterior_tree(
    draws: Mapping[str, np.ndarray],
    schemas: Mapping[str, VariableSchema],
    statistics: Mapping[str, np.ndarray] | None = None,
    log_likelihood: Mapping[str, np.ndarray] | None = None,
    observed: Mapping[str, np.ndarray] | None = None,
    constant: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Tree:
    """The groups posterior, sample_stats, log_likelihood, observed_data, constant_data, if not empty.

    `draws` and `log_likelihood` have shape (chain, draw, *axes), `statistics` (chain, draw), the data
    (*axes); axes are named and labelled by `schemas`, of which a name without one is given positions.
    `attributes` belong to the whole; values that NetCDF cannot hold are written as JSON. No time is
    recorded here, so that equal draws give equal files.
    """
    groups = {
        "posterior": group_of(draws, schemas),
        "sample_stats": group_of(statistics, {}),
        "log_likelihood": group_of(log_likelihood, schemas),
        "observed_data": group_of(observed, schemas, ()),
        "constant_data": group_of(constant, schemas, ()),
    }
    return tree_of(groups, attributes or {})


def tree_of(groups: Mapping[str, Group | None], attributes: Mapping[str, Any]) -> Tree:
    """A tree of the groups that there are, with attributes in forms that NetCDF can hold."""
    filled = {name: group for name, group in groups.items() if group is not None}
    return Tree(filled, {name: _attribute(value) for name, value in attributes.items()})


def by_chain(arrays: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arrays (n, …) of draws with their first axis as `shape`: (chain, draw, …)."""
    values = {name: np.asarray(array) for name, array in arrays.items()}
    return {name: array.reshape(*shape, *array.shape[1:]) for name, array in values.items()}


def flat_draws(variable: xarray.DataArray) -> np.ndarray:
    """Draws (draw, *axes) of all chains, one after the other; of large arrays evenly spaced ones, of 128 MiB or so."""
    ordered = variable.transpose(*DRAW_AXES, ...)
    values = np.asarray(ordered.isel(draw=slice(None, None, 1 + ordered.nbytes // LARGE)), dtype=float)
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def schemas_of(tree: Tree | xarray.DataTree) -> dict[str, VariableSchema]:
    """The schemas of the posterior's quantities, read back from the tree."""
    variables = tree["posterior"].to_dataset().data_vars
    return {str(name): schema_of(variable) for name, variable in variables.items()}


def schema_of(variable: Variable | xarray.DataArray) -> VariableSchema:
    """The schema of one quantity, read back."""
    dims = tuple(str(dim) for dim in variable.dims if dim not in DRAW_AXES)
    low, high = variable.attrs.get("lower_bound"), variable.attrs.get("upper_bound")
    return VariableSchema(
        dims=dims,
        coords={dim: np.asarray(variable.coords[dim]).tolist() for dim in dims if dim in variable.coords},
        role=variable.attrs.get("role", "param"),
        bounds=(None if low is None else float(low), None if high is None else float(high)),
    )


def group_of(
    arrays: Mapping[str, np.ndarray] | None,
    schemas: Mapping[str, VariableSchema],
    leading: tuple[str, ...] = DRAW_AXES,
) -> Group | None:
    """Arrays (*leading, *axes) by name, with the axes of their schemas; None where there are none."""
    if not arrays:
        return None
    labels: dict[str, list[Any]] = {}
    axes = {}
    for name, values in arrays.items():
        schema = schemas.get(name, VariableSchema())
        shape = np.shape(values)[len(leading) :]
        own = (_dimension(name, axis, length, schema, arrays, labels) for axis, length in enumerate(shape))
        axes[name] = (*leading, *own)
    first = np.shape(next(iter(arrays.values())))
    coords = {axis: np.arange(length) for axis, length in zip(leading, first, strict=False)}
    coords |= {axis: np.asarray(known) for axis, known in labels.items()}
    variables = {
        name: Variable(
            dims,
            np.asarray(arrays[name]),
            {dim: coords[dim] for dim in dims},
            _variable_attributes(schemas.get(name, VariableSchema())),
        )
        for name, dims in axes.items()
    }
    return Group(variables, coords)


def _dimension(
    name: str,
    axis: int,
    length: int,
    schema: VariableSchema,
    arrays: Mapping[str, np.ndarray],
    taken: dict[str, list[Any]],
) -> str:
    """The name of an axis, shared with axes of equal name and labels; another where that clashes."""
    wanted = schema.dims[axis] if axis < len(schema.dims) else f"{name}_dim_{axis}"
    labels = list(schema.coords.get(wanted, ()))
    labels = labels if len(labels) == length else list(range(length))
    clashes = wanted in arrays or wanted in DRAW_AXES or taken.get(wanted, labels) != labels
    dimension = f"{name}_{wanted}" if clashes else wanted
    taken[dimension] = labels
    return dimension


def _variable_attributes(schema: VariableSchema) -> dict[str, Any]:
    low, high = schema.bounds
    bounds = {"lower_bound": low, "upper_bound": high}
    return {"role": schema.role, **{key: float(value) for key, value in bounds.items() if value is not None}}


def _attribute(value: Any) -> Any:
    """A value that a NetCDF attribute can hold."""
    if isinstance(value, (str, int, float, np.number)) and not isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) and np.asarray(value).dtype.kind in "iuf":
        return np.asarray(value)
    import json

    return json.dumps(value, ensure_ascii=False, sort_keys=True)
