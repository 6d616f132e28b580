"""The kinds of data files, one row each: how to read all arrays by name, and how to read the names alone."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.data.csv_files import csv_columns, read_csv
from pdflang.data.values import NotAnArray, as_array, parse_json, unreadable

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


def _arrays(path: Path, found: Mapping[str, Any], context: DataContext) -> Arrays:
    arrays = {}
    for name, value in found.items():
        try:
            arrays[name] = as_array(value)
        except NotAnArray as error:
            what = f"`{name}` of `{path.name}`" if name else f"`{path.name}`"
            raise data_error("E503", f"{what} {error}", context) from error
    return arrays


def _read_numpy(path: Path, context: DataContext) -> Arrays:
    """.npy and .npz. Python objects are never unpickled: that would run a stranger's code."""
    import numpy as np

    try:
        with path.open("rb") as handle:
            _check_magic(handle.read(6))
            handle.seek(0)
            loaded = np.load(handle, allow_pickle=False)
            found = (
                {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"": loaded}
            )
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        if "Object arrays" in str(error):
            reason = "holds Python objects, which pdflang does not unpickle"
            raise unreadable(path, reason, context, remedy="save arrays of numbers") from error
        raise unreadable(
            path, f"is no {path.suffix} file of NumPy, or is damaged", context, str(error)
        ) from error
    if (single := found.get("")) is not None and single.dtype.names:
        found = {name: single[name] for name in single.dtype.names}
    return _arrays(path, found, context)


def _check_magic(start: bytes) -> None:
    """NumPy takes any other file for a pickle, and says so."""
    if not start.startswith((b"PK", b"\x93NUMPY")):
        raise ValueError("its first bytes are those of another kind of file")


def _npz_names(path: Path, context: DataContext) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise unreadable(path, "is no .npz file of NumPy, or is damaged", context, str(error)) from error


def _npy_names(path: Path, context: DataContext) -> tuple[str, ...]:
    import numpy as np

    try:
        with path.open("rb") as handle:
            version = np.lib.format.read_magic(handle)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            dtype = read_header(handle)[2]
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise unreadable(path, "is no .npy file of NumPy, or is damaged", context, str(error)) from error
    return tuple(dtype.names or ())


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
    return _arrays(path, content if isinstance(content, dict) else {"": content}, context)


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


def _read_hdf5(path: Path, context: DataContext) -> Arrays:
    with _hdf5(path, context) as file:
        try:
            found = {name: item[()] for name, item in file.items() if hasattr(item, "dtype")}
        except (OSError, ValueError, TypeError) as error:
            raise unreadable(path, "is damaged", context, str(error)) from error
    return _arrays(path, found, context)


def _hdf5_names(path: Path, context: DataContext) -> tuple[str, ...]:
    with _hdf5(path, context) as file:
        return tuple(name for name, item in file.items() if hasattr(item, "dtype"))


def _hdf5(path: Path, context: DataContext) -> Any:
    try:
        import h5py  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        remedy = "pip install h5py, or save the data as .npz"
        raise unreadable(
            path, "is HDF5, and the package h5py is not installed", context, remedy=remedy
        ) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise unreadable(path, "is no HDF5 file, or is damaged", context, str(error)) from error


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
    ".npz": Format(_read_numpy, _npz_names),
    ".npy": Format(_read_numpy, _npy_names),
    ".json": Format(_read_json_arrays, _json_names),
    ".h5": Format(_read_hdf5, _hdf5_names),
    ".hdf5": Format(_read_hdf5, _hdf5_names),
    ".txt": Format(_read_text, _unnamed),
}
