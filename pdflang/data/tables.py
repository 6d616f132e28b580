"""Tables and arrays out of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.data.context import DataContext, counted, data_error
from pdflang.data.formats import format_of
from pdflang.data.values import unreadable
from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length by name, each (rows,) of bool, int64, float64 or text.

    `source` is the file they come from, for messages.
    """

    columns: dict[str, np.ndarray] = field(repr=False)
    source: str = ""

    @property
    def rows(self) -> int:
        return next((len(column) for column in self.columns.values()), 0)

    def select(self, mask: np.ndarray) -> Table:
        """The rows where `mask`, (rows,) of bool, is true."""
        return Table({name: column[mask] for name, column in self.columns.items()}, self.source)


def read_columns(path: Path, context: DataContext) -> tuple[str, ...]:
    """The names of a table's columns, without reading the columns.

    Errors: E503 for a file that is damaged or names no columns, E504 for an unknown kind of file.
    """
    names = tuple(name for name in format_of(path, context).names(path, context) if name)
    if not names:
        raise _without_columns(path, context)
    return names


def read_table(path: Path, context: DataContext, only: str | None = None) -> Table:
    """The columns of a file. Errors: as `read_columns`, and E503 for columns of different lengths.

    Where `only` one is wanted, the others may have any length or shape.
    """
    arrays = format_of(path, context).read(path, context)
    if not arrays or "" in arrays:
        raise _without_columns(path, context)
    if only in arrays:
        arrays = {only: arrays[only]}
    return table_of(arrays, path.name, context)


def table_of(arrays: dict[str, np.ndarray], source: str, context: DataContext) -> Table:
    """Arrays by name as a table. Error: E503 where they are not columns of one length."""
    first, length = "", 0
    for name, column in arrays.items():
        if column.ndim != 1:
            shape = " × ".join(map(str, column.shape)) or "a single number"
            raise data_error(
                "E503",
                f"`{name}` of `{source}` is no column: its shape is {shape}",
                context,
                remedy="the columns of a table have one dimension",
            )
        if not first:
            first, length = name, len(column)
        elif len(column) != length:
            raise data_error(
                "E503",
                f"`{source}` has columns of different lengths: "
                f"{length} in `{first}`, {len(column)} in `{name}`",
                context,
                remedy="a table needs columns of one length; read separate arrays with separate `data`",
            )
    return Table(arrays, source)


def read_array(path: Path, context: DataContext, name: str | None = None) -> np.ndarray:
    """The array `name` of a file; by default its only one, or a vector or matrix without names.

    Errors: E503 for a damaged file or one with several arrays, E504 for an unknown kind of file, E517.
    """
    if name is not None:
        arrays = format_of(path, context).read(path, context)
        if name not in arrays:
            held = ", ".join(arrays) or "none"
            raise data_error("E517", f"`{path.name}` has no array `{name}`", context, remedy=f"its arrays: {held}")
        return arrays[name]
    return single_array(format_of(path, context).read(path, context), path.name, context)


def single_array(arrays: dict[str, np.ndarray], source: str, context: DataContext) -> np.ndarray:
    """The only array of a file or table. Error: E503 where there are several or none."""
    if len(arrays) != 1:
        held = f"{counted(len(arrays), 'array')}: {', '.join(arrays)}" if arrays else "no array"
        column = next(iter(arrays), "x")
        remedy = f'name one: table("{source}").{column}'
        raise data_error(
            "E503", f"`{source}` holds {held}", context, label="one array is asked for", remedy=remedy
        )
    return next(iter(arrays.values()))


def _without_columns(path: Path, context: DataContext) -> PdflangError:
    return unreadable(
        path,
        "has no names for its columns",
        context,
        remedy="give it a header row: x,y" if path.suffix.lower() == ".csv" else "save the columns by name",
    )
