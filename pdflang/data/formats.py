"""The kinds of data files, one row each: how to read all arrays by name, and how to read the names alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.data.csv_files import csv_columns, read_csv
from pdflang.data.hdf5_files import hdf5_names, read_hdf5
from pdflang.data.numpy_files import npy_names, npz_names, read_numpy
from pdflang.data.values import arrays_of, parse_json, unreadable

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray"]


@dataclass(frozen=True)
class Format:
    """A kind of file. `read` gives its arrays by name, `names` the names without the numbers.

    A file that holds one array without a name has the empty name.
    """

    read: Callable[[Path, DataContext], Arrays]
    names: Callable[[Path, DataContext], tuple[str, ...]]


def format_of(path: Path, context: DataContext) -> Format:
    """The kind of file that the end of its name says. Error: E504 where it is not known."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise data_error(
            "E504",
            f"the kind of `{path.name}` is not known",
            context,
            notes=(f"Data files end in {', '.join(sorted(FORMATS))}.",),
            remedy="save the data as one of these; .csv is the simplest",
        ) from None


def read_json(path: Path, context: DataContext) -> Any:
    """The content of a JSON file as Python values. Error: E503."""
    try:
        return parse_json(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise unreadable(path, "is not JSON", context, str(error)) from error


def _read_json_arrays(path: Path, context: DataContext) -> Arrays:
    """An object of arrays, a list of records with the same keys, or one array."""
    content = read_json(path, context)
    if isinstance(content, list) and content and all(isinstance(record, dict) for record in content):
        content = columns_of_records(path.name, content, context)
    return arrays_of(path, content if isinstance(content, dict) else {"": content}, context)


def columns_of_records(
    where: str, records: list[dict[str, Any]], context: DataContext
) -> dict[str, list[Any]]:
    """Records with the same keys as columns. Error: E503 for one that has other keys."""
    names = list(records[0])
    for position, record in enumerate(records):
        if set(record) != set(names):
            raise data_error(
                "E503",
                f"record {position + 1} of `{where}` has the keys {', '.join(record) or '(none)'}",
                context,
                notes=(f"The first record has {', '.join(names)}, and a table needs all of them in each.",),
            )
    return {name: [record[name] for record in records] for name in names}


def _read_text(path: Path, context: DataContext) -> Arrays:
    """Numbers between blanks, one row a line, `#` comments."""
    import numpy as np

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = [line for line in lines if line.split("#")[0].strip()]
        values = np.loadtxt(rows) if rows else np.empty(0)
    except ValueError as error:
        remedy = "a .txt file holds one array, its numbers between blanks; use .csv for columns with names"
        raise unreadable(path, "does not hold numbers only", context, str(error), remedy) from error
    return {"": values}


def _unnamed(path: Path, context: DataContext) -> tuple[str, ...]:
    return ()


def _json_names(path: Path, context: DataContext) -> tuple[str, ...]:
    return tuple(name for name in _read_json_arrays(path, context) if name)


FORMATS: dict[str, Format] = {
    ".csv": Format(read_csv, csv_columns),
    ".npz": Format(read_numpy, npz_names),
    ".npy": Format(read_numpy, npy_names),
    ".json": Format(_read_json_arrays, _json_names),
    ".h5": Format(read_hdf5, hdf5_names),
    ".hdf5": Format(read_hdf5, hdf5_names),
    ".txt": Format(_read_text, _unnamed),
}
