"""Comma-separated text: a header row, quoted fields, lines that start with `#` as comments, UTF-8 with or
without a mark, any line ends.

Plain numbers go through NumPy's C parser; anything else (text, truth values, a wrong row) through the `csv`
module, which knows where it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.data.context import DataContext, counted
from pdflang.data.values import is_number, unreadable

if TYPE_CHECKING:
    import numpy as np

_LARGEST_INTEGER = 2**63


@dataclass(frozen=True)
class _Head:
    """What the first row says: the column names, none where it holds numbers already; how many fields a row
    has; and how many lines come before the numbers."""

    names: tuple[str, ...]
    width: int
    lines: int


def csv_columns(path: Path, context: DataContext) -> tuple[str, ...]:
    """The names in the header row; none where the first row holds numbers, and the file is a bare array."""
    return _head(path, context).names


def read_csv(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The columns by name; the one array of a file without header under the empty name.

    Errors: E503 for a file that is no text, has no rows, or has rows of different lengths.
    """
    head = _head(path, context)
    columns = _numeric_columns(path, head, context) or _any_columns(path, head, context)
    if head.names:
        return dict(zip(head.names, columns, strict=True))
    return {"": _matrix(path, columns, context)}


def _rows(path: Path, context: DataContext) -> Iterator[tuple[int, list[str]]]:
    """Each row's fields with the number of its line, counted from 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            # A comment becomes a blank line, so that the reader's count of lines is the file's.
            lines = ("\n" if line.startswith("#") else line for line in handle)
            reader = csv.reader(lines, skipinitialspace=True)
            for fields in reader:
                if len(fields) > 1 or (fields and fields[0].strip()):
                    yield reader.line_num, [field.strip() for field in fields]
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, "is not comma-separated text in UTF-8", context, str(error)) from error


def _head(path: Path, context: DataContext) -> _Head:
    first = next(_rows(path, context), None)
    if first is None:
        raise unreadable(path, "is empty", context, remedy="the first line names the columns: x,y")
    line, fields = first
    if all(is_number(field) for field in fields):
        return _Head((), len(fields), line - 1)
    for position, name in enumerate(fields):
        if not name:
            raise unreadable(path, f"has no name for column {position + 1} in its header row", context)
        if name in fields[:position]:
            remedy = "give each column its own name"
            raise unreadable(path, f"has two columns called `{name}`", context, remedy=remedy)
    return _Head(tuple(fields), len(fields), line)


def _numeric_columns(path: Path, head: _Head, context: DataContext) -> list[np.ndarray] | None:
    """All columns by NumPy's parser, whole numbers as int64; None where some field is no plain number."""
    import numpy as np

    sample = next(islice(_rows(path, context), bool(head.names), None), (0, [""]))[1]
    if len(sample) != head.width or not all(is_number(field) for field in sample):
        return None
    whole = [field.lstrip("+-").isdecimal() for field in sample]
    # The first row suggests which columns are whole; where a later one differs, all are read as real.
    for guess in (whole, [False] * head.width):
        dtype = [(str(i), np.int64 if is_whole else np.float64) for i, is_whole in enumerate(guess)]
        try:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                lines = islice(handle, head.lines, None)
                plain = (line for line in lines if not line.startswith("#") and not line.isspace())
                rows = np.loadtxt(plain, dtype, delimiter=",", comments=None, quotechar='"', ndmin=1)
        except (ValueError, OverflowError):
            continue
        return [np.ascontiguousarray(rows[str(i)]) for i in range(head.width)]
    return None


def _any_columns(path: Path, head: _Head, context: DataContext) -> list[np.ndarray]:
    """All columns, each of the narrowest kind that holds its fields: bool, int, float or text."""
    columns: list[list[str]] = [[] for _ in range(head.width)]
    for line, fields in islice(_rows(path, context), bool(head.names), None):
        if len(fields) != head.width:
            found = counted(len(fields), "field")
            raise unreadable(
                path,
                f"has {found} in line {line} where the first row has {head.width}",
                context,
                remedy="put text that contains a comma in double quotes",
            )
        for column, field in zip(columns, fields, strict=True):
            column.append(field)
    return [_column(column) for column in columns]


def _column(fields: list[str]) -> np.ndarray:
    import numpy as np

    if not fields:
        return np.empty(0)
    if all(field in ("true", "false", "True", "False") for field in fields):
        return np.array([field in ("true", "True") for field in fields])
    if not all(is_number(field) for field in fields):
        return np.array(fields, dtype=np.str_)
    try:
        whole = [int(field) for field in fields]
    except ValueError:
        whole = []
    if whole and all(abs(number) < _LARGEST_INTEGER for number in whole):
        return np.array(whole, dtype=np.int64)
    return np.array([float(field) for field in fields])


def _matrix(path: Path, columns: list[np.ndarray], context: DataContext) -> np.ndarray:
    """Columns side by side, (rows, columns); a single column as (rows,)."""
    import numpy as np

    if any(column.dtype.kind not in "if" for column in columns):
        remedy = "give it a header row with the names of its columns"
        raise unreadable(path, "starts with numbers and has text further down", context, remedy=remedy)
    return columns[0] if len(columns) == 1 else np.column_stack(columns)
