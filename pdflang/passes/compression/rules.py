"""Rules of any order for the events of one observation, whatever their variables and the signs of their weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pdflang.passes.compression.condensation import condense
from pdflang.passes.compression.coordinates import Category, Coordinate
from pdflang.passes.compression.gauss import gauss_rule
from pdflang.passes.compression.measure import Array, Measure, joined
from pdflang.passes.compression.recombination import recombine

ORDERS = {
    1: (16, 24, 32, 48, 64, 96, 128),
    2: (8, 12, 16, 20, 28, 36, 44, 52),
    3: (4, 6, 8, 10, 12, 14, 16),
}
"""By the number of continuous variables: the nodes of a Gauss rule, or the degree of a rule in several variables."""

_AT_ONCE = 16


class Family:
    """The rules of a measure. `Coordinate.forward` must be finite at all of its points."""

    def __init__(self, measure: Measure, coordinates: Sequence[Coordinate | Category]) -> None:
        charts = {k: chart for k, chart in enumerate(coordinates) if isinstance(chart, Coordinate)}
        categories = [k for k in range(len(coordinates)) if k not in charts]
        self._nothing = Measure(measure.points[:0], measure.weights[:0])
        self.orders = ORDERS[len(charts)]
        kind = _Line if len(charts) == 1 else _Cloud
        self._parts = [
            (sign, kind.of(part, charts))
            for group in _by_category(measure, categories) for sign, part in group.signs()
        ]  # fmt: skip

    def rule(self, order: int) -> Measure:
        """Fewer points; those of each category, and of each sign of the weights, are a rule of their own."""
        return self._joined([part.rule(order) for _, part in self._parts])

    def dense(self) -> Measure:
        """Sums over it equal those over the measure to rounding; in one variable it has some thousand points."""
        return self._joined([part.dense() for _, part in self._parts])

    def _joined(self, rules: list[Measure]) -> Measure:
        signed = [
            Measure(rule.points, sign * rule.weights) for (sign, _), rule in zip(self._parts, rules, strict=True)
        ]  # fmt: skip
        return joined([self._nothing, *signed])


def condensed(chunks: Iterable[Measure], coordinates: Sequence[Coordinate | Category]) -> Measure:
    """Events as they are read, never more than a chunk and some thousand points in memory for one variable.

    In several variables they are all kept.
    """
    parts: list[Measure] = []
    for chunk in chunks:
        parts.append(Family(chunk, coordinates).dense())
        if len(parts) == _AT_ONCE:
            parts = [Family(joined(parts), coordinates).dense()]
    return joined(parts)


def _by_category(measure: Measure, columns: list[int]) -> Iterator[Measure]:
    if not columns:
        yield measure
        return
    values, which = np.unique(measure.points[:, columns], axis=0, return_inverse=True)
    for k in range(len(values)):
        yield measure.where(which.ravel() == k)


@dataclass(frozen=True)
class _Line:
    """A positive measure in one continuous variable: `t` (n,) and `weights` (n,) are condensed."""

    example: Array
    column: int
    chart: Coordinate
    ends: tuple[float, float]
    t: Array
    weights: Array

    @classmethod
    def of(cls, measure: Measure, charts: dict[int, Coordinate]) -> _Line:
        ((column, chart),) = charts.items()
        x = measure.points[:, column]
        return cls(measure.points[0], column, chart, (x.min(), x.max()), *condense(chart.forward(x), measure.weights))

    def rule(self, order: int) -> Measure:
        nodes, weights = gauss_rule(self.t, self.weights, order)
        return self._at(nodes[weights > 0], weights[weights > 0])

    def dense(self) -> Measure:
        return self._at(self.t, self.weights)

    def _at(self, t: Array, weights: Array) -> Measure:
        points = np.tile(self.example, (len(t), 1))
        points[:, self.column] = np.clip(self.chart.inverse(t), *self.ends)
        return Measure(points, weights)


@dataclass(frozen=True)
class _Cloud:
    """A positive measure in several continuous variables, which `scaled` (n, variables) takes from −1 to 1."""

    measure: Measure
    scaled: Array

    @classmethod
    def of(cls, measure: Measure, charts: dict[int, Coordinate]) -> _Cloud:
        columns = [_scaled(chart.forward(measure.points[:, k])) for k, chart in charts.items()]
        return cls(measure, np.stack(columns, axis=1))

    def rule(self, order: int) -> Measure:
        kept, weights = recombine(self.scaled, self.measure.weights, order)
        return Measure(self.measure.points[kept], weights)

    def dense(self) -> Measure:
        return self.measure


def _scaled(t: Array) -> Array:
    low, high = t.min(), t.max()
    return np.clip((2 * t - low - high) / (high - low), -1, 1) if high > low else np.zeros_like(t)
