"""Rules of any order for the events of one observation, whatever their variables and the signs of their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdflang.passes.compression.condensation import condense
from pdflang.passes.compression.coordinates import Chart, Coordinate
from pdflang.passes.compression.gauss import gauss_rule
from pdflang.passes.compression.measure import Array, Measure, joined
from pdflang.passes.compression.polynomials import exponents
from pdflang.passes.compression.recombination import recombine

SPARSE = 0.5
"""The power of rules that have few products of high orders."""
ORDERS = {
    (1, 1.0): (16, 24, 32, 48, 64, 96, 128),
    (2, 1.0): (8, 12, 16, 20, 24, 28, 32, 36, 40),
    (2, SPARSE): (12, 20, 28, 36, 44, 52, 60, 68),
    (3, 1.0): (4, 6, 8, 10, 12, 14, 16),
    (3, SPARSE): (8, 12, 16, 20, 26, 32, 40),
}
"""By the number of continuous variables and the power: the nodes of a Gauss rule, or the degree of `exponents`."""
ORDERS_IN_PIECES = (6, 8, 12, 16)
"""The nodes of the Gauss rule of each piece."""

_BLOCK = 1 << 16


class Family:
    """The rules of a measure in a chart. `Coordinate.forward` must be finite at all of its points."""

    def __init__(self, measure: Measure, chart: Chart) -> None:
        continuous = chart.continuous
        categories = [k for k in range(len(chart.coordinates)) if k not in continuous]
        self._nothing = Measure(measure.points[:0], measure.weights[:0])
        self.orders = ORDERS[len(continuous), chart.power] if chart.pieces == 1 else ORDERS_IN_PIECES
        kind = _Line if len(continuous) == 1 else _Cloud
        self._parts = [
            (sign, kind.of(part, chart))
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


def _by_category(measure: Measure, columns: list[int]) -> Iterator[Measure]:
    if not columns:
        yield measure
        return
    # One number for each combination: rows are slow to sort.
    combined = np.zeros(len(measure), int)
    for column in columns:
        values, which = np.unique(measure.points[:, column], return_inverse=True)
        combined = combined * len(values) + which
    for value in np.unique(combined):
        yield measure.where(combined == value)


@dataclass(frozen=True)
class _Line:
    """A positive measure in one continuous variable: `t` (n,) and `weights` (n,) are condensed."""

    example: Array
    column: int
    along: Coordinate
    ends: tuple[float, float]
    t: Array
    weights: Array
    pieces: int

    @classmethod
    def of(cls, measure: Measure, chart: Chart) -> _Line:
        ((column, along),) = chart.continuous.items()
        x = measure.points[:, column]
        few = condense(_placed(along, x, np.empty(len(x))), measure.weights)
        return cls(measure.points[0], column, along, (x.min(), x.max()), *few, chart.pieces)

    def rule(self, order: int) -> Measure:
        rules = [gauss_rule(self.t[part], self.weights[part], order) for part in self._parts()]
        nodes, weights = (np.concatenate(values) for values in zip(*rules, strict=True))
        return self._at(nodes[weights > 0], weights[weights > 0])

    def _parts(self) -> list[NDArray[np.intp]]:
        """The points of each piece: pieces are short where there are many events, but nowhere long."""
        order = np.argsort(self.t)
        length, below = np.ptp(self.t), np.cumsum(self.weights[order])
        share = (self.t[order] - self.t.min()) / length if length > 0 else 0.0
        place = (share + (below - self.weights[order]) / below[-1]) / 2
        cuts = np.searchsorted(place, np.arange(1, self.pieces) / self.pieces)
        return [part for part in np.split(order, cuts) if len(part)]

    def dense(self) -> Measure:
        return self._at(self.t, self.weights)

    def _at(self, t: Array, weights: Array) -> Measure:
        points = np.tile(self.example, (len(t), 1))
        points[:, self.column] = np.clip(self.along.inverse(t), *self.ends)
        return Measure(points, weights)


@dataclass(frozen=True)
class _Cloud:
    """A positive measure in several continuous variables, which `scaled` (n, variables) takes from −1 to 1."""

    measure: Measure
    scaled: Array
    power: float

    @classmethod
    def of(cls, measure: Measure, chart: Chart) -> _Cloud:
        scaled = np.empty((len(measure), len(chart.continuous)))
        for column, (k, along) in zip(scaled.T, chart.continuous.items(), strict=True):
            _scale(_placed(along, measure.points[:, k], column))
        return cls(measure, scaled, chart.power)

    def rule(self, order: int) -> Measure:
        polynomials = exponents(self.scaled.shape[1], order, self.power)
        kept, weights = recombine(self.scaled, self.measure.weights, polynomials)
        return Measure(self.measure.points[kept], weights)

    def dense(self) -> Measure:
        return self.measure


def _placed(along: Coordinate, x: Array, t: Array) -> Array:
    """t(x) (n,) in the array given for it, block by block: of all events there are no other copies."""
    for start in range(0, len(x), _BLOCK):
        t[start : start + _BLOCK] = along.forward(x[start : start + _BLOCK])
    return t


def _scale(t: Array) -> None:
    """Take values (n,) from −1 to 1, in their place."""
    low, high = t.min(), t.max()
    t *= 2
    t -= low
    t -= high
    t /= high - low if high > low else np.inf
    np.clip(t, -1, 1, out=t)
