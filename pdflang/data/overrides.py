"""Data from the command line: `--data n=counts.npy`, `--data lumi=11430`, `--data all.json`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from pdflang.data.context import DataContext, data_error
from pdflang.data.formats import columns_of_records, format_of, read_json
from pdflang.data.paths import resolve
from pdflang.data.tables import Table, table_of
from pdflang.data.values import NotAnArray, as_array, parse_json
from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    import numpy as np

Value = Union["np.ndarray", Table]

# A name, dotted where the data belongs to a used module; then what it gets.
_NUMBER = re.compile(r"[+-]?(\.\d+|\d+\.)([eE][+-]?\d+)?")
_NAMED = re.compile(r"\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*=(.*)", re.DOTALL)


def parse_overrides(arguments: Iterable[str], option: str = "--data") -> dict[str, Value]:
    """The values that `--data` options, or others like it, give by name. Where two give the same, the later counts.

    A number, text, truth value or list is written as JSON; anything else is a file: an array, or a table
    where it has named columns. An option without `=` is a file of several values by name.

    Errors: E505 for an option that cannot be read, E501, E503 and E504 for its file.
    """
    values: dict[str, Value] = {}
    for argument in arguments:
        values.update(_parse(argument, option))
    return values


def _parse(argument: str, option: str) -> dict[str, Value]:
    match = _NAMED.fullmatch(argument)
    if match is None:
        return _many(argument, option)
    name, text = match[1], match[2].strip()
    return {name: _value(name, text, option)}


def _value(name: str, text: str, option: str) -> Value:
    context = DataContext(name, source=f"{option} {name}")
    try:
        # Whatever Python reads as a number is one, also `.5` and `1.`, which JSON does not know.
        literal = float(text) if _NUMBER.fullmatch(text) else parse_json(text)
    except ValueError as error:
        if not text or text[0] in '[{"':
            raise _malformed(f"{option} {name}={text}", str(error)) from error
        return _value_of_file(text, context)
    return value_of(literal, f"{option} {name}", context)


def _value_of_file(path_text: str, context: DataContext) -> Value:
    path = resolve(path_text, context)
    arrays = format_of(path, context).read(path, context)
    if "" in arrays or (len(arrays) == 1 and next(iter(arrays.values())).ndim != 1):
        return next(iter(arrays.values()))
    return table_of(arrays, path.name, context)


def value_of(content: Any, source: str, context: DataContext) -> Value:
    """A JSON value as an array, or as a table where it is an object of columns or a list of records.

    Error: E503 where it is neither.
    """
    if isinstance(content, list) and content and all(isinstance(record, dict) for record in content):
        content = columns_of_records(source, content, context)
    try:
        if isinstance(content, dict):
            return table_of({name: as_array(column) for name, column in content.items()}, source, context)
        return as_array(content)
    except NotAnArray as error:
        raise data_error("E503", f"`{source}` {error}", context) from error


def _many(path_text: str, option: str) -> dict[str, Value]:
    """The values of a file without a name in front: its keys are the names."""
    context = DataContext(path_text)
    if "." not in Path(path_text).name:
        raise _malformed(f"{option} {path_text}", "there is neither `=` nor the end of a file's name in it")
    path = resolve(path_text, context)
    if path.suffix.lower() == ".json":
        content = read_json(path, context)
        if isinstance(content, dict):
            return {name: value_of(value, f"{path.name}: {name}", context) for name, value in content.items()}
        arrays: dict[str, np.ndarray] = {}
    else:
        arrays = format_of(path, context).read(path, context)
    if not arrays or "" in arrays:
        raise _malformed(f"{option} {path_text}", f"`{path.name}` does not say which data its numbers are for")
    return dict(arrays)


def _malformed(option: str, reason: str) -> PdflangError:
    return data_error(
        "E505",
        f"`{option}` cannot be read",
        DataContext(option),
        notes=(f"The reason: {reason}.",),
        remedy="write NAME=FILE, NAME=NUMBER, NAME=[1, 2, 3], or a file of several values by name: all.json",
    )
