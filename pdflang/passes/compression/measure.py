"""A discrete measure: places and weights, for events and for the nodes that replace them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
"""Points (n, variables) to values (draws, n), or (n,) for a single draw."""

_BLOCK = 1 << 14


@dataclass(frozen=True)
class Measure:
    """Σ_i weights[i] δ(x − points[i]); `points` has the shape (n, variables), `weights` (n,), any sign."""

    points: Array
    weights: Array

    @classmethod
    def of_events(cls, points: Array, weights: Array | None = None) -> Measure:
        """Events, each counting 1 unless weighted; of one variable they may be a vector."""
        table = np.asarray(points, dtype=float)
        table = table[:, None] if table.ndim == 1 else table
        ones = np.broadcast_to(1.0, (len(table),))
        return cls(table, ones if weights is None else np.asarray(weights, dtype=float))

    def __len__(self) -> int:
        return len(self.weights)

    def where(self, chosen: NDArray[np.bool_]) -> Measure:
        """The part of the measure on the chosen points."""
        return self if chosen.all() else Measure(self.points[chosen], self.weights[chosen])

    def signs(self) -> Iterator[tuple[float, Measure]]:
        """The positive and the negative part, each as a sign and a positive measure; weights of 0 fall away."""
        for sign in (1.0, -1.0):
            part = self.where(sign * self.weights > 0)
            if len(part):
                yield sign, part if sign > 0 else Measure(part.points, -part.weights)

    def integrate(self, function: Function) -> Array:
        """Σ_i w_i f(x_i), shape (draws,), in blocks, so that memory stays bounded."""
        starts = range(0, len(self), _BLOCK)
        blocks = (slice(start, start + _BLOCK) for start in starts)
        sums = [np.atleast_2d(function(self.points[block])) @ self.weights[block] for block in blocks]
        return np.sum(sums, axis=0)


def joined(parts: list[Measure]) -> Measure:
    """The sum of measures, their points one after the other."""
    return Measure(np.concatenate([part.points for part in parts]), np.concatenate([part.weights for part in parts]))
