"""Data for a program that has none, so that a strange text goes beyond `check`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdflang.ir.program import Datum, Program
from pdflang.ir.sizes import Axis

_LENGTH = 3


def stand_in_data(program: Program) -> dict[str, Any]:
    """A value for every datum without one: positions 0, counts 1, real numbers inside (0, 1); lengths are all equal."""
    return {
        datum.name: _columns(datum) if datum.shape == "table" else _array(datum)
        for datum in program.data.values()
        if datum.shape != "commondata" and (datum.source is None or datum.source.kind == "table")
    }


def _columns(datum: Datum) -> dict[str, Any]:
    positions = np.zeros(_LENGTH, int)
    return {c: positions if c in datum.column_labels else _numbers((_LENGTH,)) for c in datum.columns}


def _array(datum: Datum) -> Any:
    shape = tuple(max(0, _length(axis)) for axis in datum.axes)
    if datum.labels_of:
        return np.zeros(shape, int)
    return np.ones(shape, int) if datum.dtype == "int" else _numbers(shape)


def _length(axis: Axis) -> int:
    return axis.size.constant + _LENGTH * sum(times for _, times in axis.size.symbols)


def _numbers(shape: tuple[int, ...]) -> Any:
    return np.linspace(0.2, 0.8, int(np.prod(shape))).reshape(shape)
