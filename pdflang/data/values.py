"""From what a file or an option holds to arrays of the kinds that pdflang knows: bool, int, float, text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    import numpy as np


class NotAnArray(ValueError):
    """A value that is no array of one kind; the text says why, as the end of a sentence."""


def unreadable(
    path: Path, reason: str, context: DataContext, note: str = "", remedy: str = ""
) -> PdflangError:
    """The error E503 of a file whose content is not what its name promises."""
    return data_error(
        "E503", f"`{path.name}` {reason}", context, notes=(note,) if note else (), remedy=remedy
    )


@contextmanager
def decoding(path: Path, kind: str, context: DataContext) -> Iterator[None]:
    """Turns whatever goes wrong while a library decodes a file into E503.

    On damaged bytes the libraries raise exceptions of every kind, from zlib's to MemoryError.
    """
    try:
        yield
    except PdflangError:
        raise
    except Exception as error:
        if "Object arrays" in str(error) or "Python objects" in str(error):
            reason = "holds Python objects, which pdflang does not unpickle"
            raise unreadable(path, reason, context, remedy="save arrays of numbers") from error
        reason = f"is no {path.suffix} {kind}, or is damaged"
        raise unreadable(path, reason, context, str(error)) from error


def arrays_of(path: Path, found: Mapping[str, Any], context: DataContext) -> dict[str, np.ndarray]:
    """The content of a file as arrays by name. Error: E503 for one that is none."""
    arrays = {}
    for name, value in found.items():
        try:
            arrays[name] = as_array(value)
        except NotAnArray as error:
            what = f"`{name}` of `{path.name}`" if name else f"`{path.name}`"
            raise data_error("E503", f"{what} {error}", context) from error
    return arrays


def is_number(text: str) -> bool:
    """Whether a field of a text file reads as a number, NaN and infinities included."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def as_array(value: Any) -> np.ndarray:
    """A number, text, nested list or NumPy array as an array of bool, int64, float64 or text.

    Raises NotAnArray where the value is ragged, mixes kinds, or is of another kind (objects, dates, complex).
    """
    import numpy as np

    if not isinstance(value, np.ndarray):
        _check_one_kind(value)
    try:
        values = np.asarray(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise NotAnArray("has rows of different lengths") from error
    if values.dtype.kind == "b":
        return values
    if values.dtype.kind in "iu":
        if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
            return values.astype(np.float64)
        return values.astype(np.int64, copy=False)
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    return _as_text(values)


def _as_text(values: np.ndarray) -> np.ndarray:
    import numpy as np

    if values.dtype.kind == "U":
        return values
    if values.dtype.kind == "S" or (
        values.dtype.kind == "O" and all(isinstance(item, (str, bytes)) for item in values.flat)
    ):
        try:
            texts = [item.decode() if isinstance(item, bytes) else str(item) for item in values.flat]
        except UnicodeDecodeError as error:
            raise NotAnArray("holds text that is not UTF-8") from error
        return np.array(texts, dtype=np.str_).reshape(values.shape)
    raise NotAnArray(f"holds values of the kind {values.dtype}, and not numbers, truth values or text")


def _check_one_kind(value: Any) -> None:
    """Refuse lists that NumPy would quietly make text or objects of."""
    kinds = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (list, tuple)):
            pending.extend(item)
        elif item is None:
            raise NotAnArray("holds null, which is no number")
        elif isinstance(item, dict):
            raise NotAnArray("holds an object among its entries")
        else:
            kinds.add("text" if isinstance(item, str) else "truth" if isinstance(item, bool) else "number")
    if len(kinds) > 1:
        raise NotAnArray("mixes numbers, truth values or text")


def parse_json(text: str) -> Any:
    """JSON, with NaN and Infinity. Raises ValueError, also for a key that is there twice."""
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{repeated}` is there twice")
    return record
