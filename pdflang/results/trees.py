"""Draws and data by group, in the part of xarray's interface that summaries and diagnostics use, and their files.

xarray itself, with pandas, takes longer to import than a small model to sample: who calls from Python is given a
DataTree, and a run that only writes its draws does without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import xarray

_BOOLEAN = {"dtype": "bool"}
"""The attribute by which xarray knows bytes that are truth values, of which NetCDF has none."""


@dataclass(frozen=True, eq=False)
class Variable:
    """An array with names of its axes, labels of those that have any, and attributes."""

    dims: tuple[str, ...]
    values: np.ndarray
    coords: Mapping[str, np.ndarray] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype, copy=copy)

    def transpose(self, *dims: str | EllipsisType) -> np.ndarray:
        """The array with these axes first; an ellipsis stands for the others, in their order."""
        named = [dim for dim in dims if isinstance(dim, str)]
        others = [dim for dim in self.dims if dim not in named]
        order = [name for dim in dims for name in ([dim] if isinstance(dim, str) else others)]
        return np.transpose(self.values, [self.dims.index(name) for name in order])


@dataclass(frozen=True, eq=False)
class Group:
    """Variables by name that share axes, and the labels of these."""

    data_vars: dict[str, Variable]
    coords: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: xarray.Dataset) -> Group:
        """What a Dataset has."""
        coords = {str(name): np.asarray(labels) for name, labels in dataset.coords.items()}
        variables = {}
        for name, array in dataset.data_vars.items():
            dims = tuple(map(str, array.dims))
            own = {dim: coords[dim] for dim in dims if dim in coords}
            variables[str(name)] = Variable(dims, array.values, own, dict(array.attrs))
        return cls(variables, coords)

    def __getitem__(self, name: str) -> Variable:
        return self.data_vars[name]

    def __contains__(self, name: object) -> bool:
        return name in self.data_vars

    def to_dataset(self) -> Group:
        """Itself: as of a node of a DataTree, whose Dataset it is."""
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """The lengths of the axes."""
        arrays = [(v.dims, v.values.shape) for v in self.data_vars.values()]
        lengths = {dim: length for dims, shape in arrays for dim, length in zip(dims, shape, strict=True)}
        return {**{dim: len(labels) for dim, labels in self.coords.items()}, **lengths}

    def with_labels(self, labels: Mapping[str, np.ndarray]) -> Group:
        """The same with other labels of some axes."""
        variables = {
            name: Variable(v.dims, v.values, {**v.coords, **{d: labels[d] for d in v.dims if d in labels}}, v.attrs)
            for name, v in self.data_vars.items()
        }
        return Group(variables, {**self.coords, **labels})

    def to_xarray(self) -> xarray.Dataset:
        """A Dataset of the same arrays."""
        import xarray

        variables = {name: xarray.Variable(v.dims, v.values, v.attrs) for name, v in self.data_vars.items()}
        return xarray.Dataset(variables, coords=self.coords)


@dataclass(frozen=True, eq=False)
class Tree:
    """Groups by name, or by path such as `a/b`, with attributes of the whole."""

    children: dict[str, Group]
    attrs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: xarray.DataTree) -> Tree:
        """What a DataTree has."""
        groups = {node.path.lstrip("/"): Group.of(node.to_dataset(inherit=False)) for node in tree.descendants}
        return cls(groups, {str(name): value for name, value in tree.attrs.items()})

    def __getitem__(self, name: str) -> Group:
        return self.children[name]

    @property
    def nbytes(self) -> int:
        """The size of all arrays."""
        return sum(v.values.nbytes for group in self.children.values() for v in group.data_vars.values())

    def to_xarray(self) -> xarray.DataTree:
        """A DataTree of the same arrays."""
        import xarray

        groups = {f"/{name}": group.to_xarray() for name, group in self.children.items()}
        return xarray.DataTree.from_dict({"/": xarray.Dataset(attrs=self.attrs), **groups})

    def write(self, file: Path | IO[bytes]) -> None:
        """Write NetCDF 4, byte for byte the same for equal arrays; large ones each in one piece."""
        import h5netcdf

        with h5netcdf.File(file, "w") as root:
            root.attrs.update(self.attrs)
            for name, group in self.children.items():
                _write_group(root.create_group(name), group)


def _write_group(into: Any, group: Group) -> None:
    into.dimensions = group.sizes
    for name, labels in group.coords.items():
        _write_variable(into, name, Variable((name,), labels))
    for name, variable in group.data_vars.items():
        _write_variable(into, name, variable)


def _write_variable(into: Any, name: str, variable: Variable) -> None:
    import h5py

    values, attributes = variable.values, variable.attrs
    if values.dtype.kind == "b":
        values, attributes = values.astype(np.int8), {**attributes, **_BOOLEAN}
    elif values.dtype.kind in "UO":
        values = values.astype(h5py.string_dtype())
    written = into.create_variable(name, variable.dims, values.dtype, data=values)
    written.attrs.update(attributes)
