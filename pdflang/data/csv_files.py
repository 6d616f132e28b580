"""Comma-separated text: a header row, quoted fields, lines that start with `#` as comments, UTF-8 with or
without a mark, any line ends.

Plain numbers go through NumPy's C parser; anything else (text, truth values, a wrong row) through the `csv`
module, which knows where it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pdflang.data.context import DataContext, counted
from pdflang.data.values import is_number, unreadable

if TYPE_CHECKING:
    import numpy as np

_LARGEST_INTEGER = 2**63


def csv_columns(path: Path, context: DataContext) -> tuple[str, ...]:
    """The names in the header row; none where the first line holds numbers, so that the file is a bare array."""
    with _opened(path) as handle:
        return _header(path, _first_row(handle, path, context), context)


def read_csv(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The columns by name; the one array of a file without header under the empty name.

    Errors: E503 for a file that is no text, has no rows, or has rows of different lengths.
    """
    with _opened(path) as handle:
        first = _first_row(handle, path, context)
        names = _header(path, first, context)
        if not names:
            handle.seek(0)
        columns = _numeric_columns(handle, len(first), bool(names))
    if columns is None:
        columns = _any_columns(path, len(first), bool(names), context)
    return dict(zip(names, columns, strict=True)) if names else {"": _matrix(path, columns, context)}


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _lines(handle: TextIO) -> Iterator[str]:
    return (line for line in handle if not line.startswith("#") and not line.isspace())


def _first_row(handle: TextIO, path: Path, context: DataContext) -> list[str]:
    """The first row that is no comment, and `handle` behind it."""
    try:
        # `readline`, not iteration: it keeps the handle where the next line starts.
        while line := handle.readline():
            if not line.startswith("#") and not line.isspace():
                return [
                    field.strip() for field in next(csv.reader([line], strict=True, skipinitialspace=True))
                ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, "is not comma-separated text in UTF-8", context, str(error)) from error
    raise unreadable(path, "is empty", context, remedy="the first line names the columns: x,y")


def _header(path: Path, fields: list[str], context: DataContext) -> tuple[str, ...]:
    if all(is_number(field) for field in fields):
        return ()
    for position, name in enumerate(fields):
        if not name:
            raise unreadable(path, f"has no name for column {position + 1} in its header row", context)
        if name in fields[:position]:
            raise unreadable(
                path, f"has two columns called `{name}`", context, remedy="give each its own name"
            )
    return tuple(fields)


def _numeric_columns(handle: TextIO, width: int, has_header: bool) -> list[np.ndarray] | None:
    """All columns by NumPy's parser, integers as such; None where a field is no plain number."""
    import numpy as np

    start = handle.tell()
    try:
        sample = next(csv.reader(_lines(iter(handle.readline, ""))), None)  # type: ignore[arg-type]
        if sample is None or len(sample) != width or not all(is_number(field) for field in sample):
            return None
        whole = [field.strip().lstrip("+-").isdecimal() for field in sample]
        for kinds in (whole, [False] * width):
            handle.seek(start)
            dtype = [(str(i), np.int64 if is_whole else np.float64) for i, is_whole in enumerate(kinds)]
            try:
                rows = np.loadtxt(
                    _lines(handle), dtype=dtype, delimiter=",", comments=None, quotechar='"', ndmin=1
                )
            except (ValueError, OverflowError):
                continue
            return [np.ascontiguousarray(rows[str(i)]) for i in range(width)]
    except UnicodeDecodeError:
        pass
    return None


def _any_columns(path: Path, width: int, has_header: bool, context: DataContext) -> list[np.ndarray]:
    """All columns, each of the narrowest kind that holds its fields: bool, int, float or text."""
    fields: list[list[str]] = [[] for _ in range(width)]
    try:
        with _opened(path) as handle:
            # Comments become blank lines, which keeps the line numbers of the messages.
            reader = csv.reader(
                ("\n" if line.startswith("#") else line for line in handle), skipinitialspace=True
            )
            skip = has_header
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                if skip:
                    skip = False
                    continue
                if len(row) != width:
                    raise unreadable(
                        path,
                        f"has {counted(len(row), 'field')} in line {reader.line_num} where its first row has {width}",
                        context,
                        remedy="put text that contains a comma in double quotes",
                    )
                for column, field in zip(fields, row, strict=True):
                    column.append(field.strip())
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, "is not comma-separated text in UTF-8", context, str(error)) from error
    return [_column(column) for column in fields]


def _column(fields: list[str]) -> np.ndarray:
    import numpy as np

    if all(field in ("true", "false", "True", "False") for field in fields) and fields:
        return np.array([field in ("true", "True") for field in fields])
    for kind in (int, float):
        try:
            numbers = [kind(field) for field in fields]
        except ValueError:
            continue
        if kind is int and any(abs(number) >= _LARGEST_INTEGER for number in numbers):
            continue
        return np.array(numbers, dtype=np.int64 if kind is int else np.float64)
    return np.array(fields, dtype=np.str_)


def _matrix(path: Path, columns: list[np.ndarray], context: DataContext) -> np.ndarray:
    """Columns side by side, (rows, columns); a single column as (rows,)."""
    import numpy as np

    if any(column.dtype.kind not in "if" for column in columns):
        raise unreadable(
            path,
            "starts with numbers and has text further down",
            context,
            remedy="give it a header row with the names of its columns",
        )
    return columns[0] if len(columns) == 1 else np.column_stack(columns)
