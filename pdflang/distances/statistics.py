"""Numbers that describe data sets: what `abc` compares.

Arrays are their entries. Sets of events or of repeated measurements, whose order says nothing, have means, logarithms
of variances and quantiles of columns, and covariances. Of events there are the root of their number, whose scatter is
½ wherever it is, those of each label, and, where a column has bounds that are known, the means of the logarithms of the
distances to them: of powers such as x^a (1 - x)^b these are sufficient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.ir.nodes import Node, Phase
from pdflang.learning.layout import Part, numbers_of
from pdflang.simulator import EventSets

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_MOST_COVARIANCES = 36
_LEAST_SHARE = 1e-9
"""Of the width of a range: how near to a bound an event counts as."""


class Statistics:
    """The statistics of data of a model; `bounds` are those of each column of events, infinite where there are none."""

    def __init__(self, model: CompiledModel, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._bounds = {part.name: _bounds(model, part) for part in parts if part.is_events}

    def of_many(self, data: Mapping[str, Any], count: int) -> np.ndarray:
        """Those of so many simulated data sets, (count, statistics)."""
        found = []
        for part in self._parts:
            if not part.is_set:
                found.append(np.reshape(np.asarray(data[part.name], float), (count, -1)))
                continue
            rows, splits = flat(part, data[part.name], count)
            found.append(self._of_set(part, rows, splits))
        return np.concatenate(found, axis=1)

    def of_observed(self, model: CompiledModel, data: Mapping[str, Any]) -> np.ndarray:
        """Those of one data set as `simulate` gives it, (statistics,)."""
        found = []
        for part in self._parts:
            numbers = numbers_of(model, part, data)
            if part.is_set:
                numbers = self._of_set(part, numbers, np.array([0, len(numbers)]))[0]
            found.append(numbers)
        return np.concatenate(found)

    def _of_set(self, part: Part, rows: np.ndarray, splits: np.ndarray) -> np.ndarray:
        counts = np.diff(splits)
        found = [np.sqrt(counts)] if part.is_events else []
        means = _means(rows, splits)
        for place, (label, bounds) in enumerate(self._columns(part)):
            column = rows[:, place]
            if label:
                found.append(np.sqrt(means[:, place] * counts))
                continue
            found += [means[:, place], *_spread(column, splits, means[:, place]), *_quantiles(column, splits)]
            found += [_means(np.log(distance)[:, None], splits)[:, 0] for distance in _distances(column, bounds)]
        width = rows.shape[1]
        if width > 1 and width * (width - 1) // 2 <= _MOST_COVARIANCES:
            centred = rows - np.repeat(np.nan_to_num(means), counts, axis=0)
            pairs = [(i, j) for i in range(width) for j in range(i)]
            found += [_means((centred[:, i] * centred[:, j])[:, None], splits)[:, 0] for i, j in pairs]
        return np.stack(found, axis=1)

    def _columns(self, part: Part) -> list[tuple[bool, tuple[float, float]]]:
        """Of each column whether it is one of a label, and its bounds."""
        free = (-np.inf, np.inf)
        if not part.is_events:
            return [(False, free)] * part.width
        found: list[tuple[bool, tuple[float, float]]] = []
        for labels, bounds in zip(part.labels, self._bounds[part.name], strict=True):
            found += [(True, free)] * labels if labels else [(False, bounds)]
        return found


def _bounds(model: CompiledModel, part: Part) -> list[tuple[float, float]]:
    """The bounds of the columns of events, as far as they do not depend on parameters."""
    from pdflang.ir.evaluate import Evaluator

    process = model.program.observations[part.name].process
    assert process is not None
    evaluate = Evaluator(model.bound.arrays, model.bound.lengths, model.program.definition_nodes)

    def value(node: Node | None, default: float) -> float:
        return float(evaluate(node)) if node is not None and node.phase < Phase.PARAMETER else default

    return [(value(v.lower, -np.inf), value(v.upper, np.inf)) for v in process.variables]


def flat(part: Part, values: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows (total, width) of all sets, one behind the other, and where each begins and ends."""
    if not isinstance(values, EventSets):
        rows = np.reshape(np.asarray(values, float), (-1, part.width))
        return rows, np.linspace(0, len(rows), count + 1).astype(int)
    columns = []
    for variable, labels in zip(part.variables, part.labels, strict=True):
        column = values.columns[variable]
        columns.append(np.eye(labels)[column.astype(int)] if labels else column.astype(float)[:, None])
    return np.concatenate(columns, axis=1), values.splits


def _means(rows: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """The means (sets, width) of rows; NaN of empty sets."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    counts = np.diff(splits)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, (sums[splits[1:]] - sums[splits[:-1]]) / counts, np.nan)


def _spread(column: np.ndarray, splits: np.ndarray, means: np.ndarray) -> list[np.ndarray]:
    """The logarithm of the variance, where there are two rows at least."""
    centred = column - np.repeat(np.nan_to_num(means), np.diff(splits))
    variances = _means((centred**2)[:, None], splits)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return [np.where(variances > 0, np.log(variances), np.nan)]


def _quantiles(column: np.ndarray, splits: np.ndarray) -> list[np.ndarray]:
    """Quantiles of each set, linear between its values; NaN of empty sets."""
    counts = np.diff(splits)
    ordered = column[np.lexsort((column, np.repeat(np.arange(len(counts)), counts)))]
    found, last = [], max(0, len(ordered) - 1)
    for share in _QUANTILES:
        place = share * np.maximum(counts - 1, 0)
        low = np.floor(place).astype(int)
        below, above = (
            ordered[np.minimum(splits[:-1] + step, last)] if len(ordered) else np.zeros(len(counts))
            for step in (low, np.minimum(low + 1, np.maximum(counts - 1, 0)))
        )
        found.append(np.where(counts > 0, below + (place - low) * (above - below), np.nan))
    return found


def _distances(column: np.ndarray, bounds: tuple[float, float]) -> list[np.ndarray]:
    """How far from its finite bounds each value is."""
    width = bounds[1] - bounds[0]
    least = _LEAST_SHARE * width if np.isfinite(width) else _LEAST_SHARE
    found = []
    if np.isfinite(bounds[0]):
        found.append(np.maximum(column - bounds[0], least))
    if np.isfinite(bounds[1]):
        found.append(np.maximum(bounds[1] - column, least))
    return found
