"""The maximum of a density where some of its coordinates are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pdflang.inference import ascent
from pdflang.inference.ascent import Evaluation

HIGHER = 1e-6
"""A place whose log-density is above another's by more is higher; less is rounding of the climbs."""

_STARTS = 2
"""The foreseen point, and the one that it was foreseen from."""

_SINGULAR = 1e-12
"""Less of the information on a quantity than this, the others being free, is rounding."""


@dataclass(frozen=True)
class Quantity:
    """One number of the model that is one coordinate of z on another scale, on which it is held.

    `value_of` the coordinate rises from `lower` to `upper`; `coordinate_of` is its inverse, `slope_at` its derivative.
    """

    name: str
    index: int
    lower: float
    upper: float
    value_of: Callable[[float], float]
    coordinate_of: Callable[[float], float]
    slope_at: Callable[[float], float]


class Place(NamedTuple):
    """A maximum given the held values (k,): z (n,), the log-density, its gradient (n,) and minus its Hessian (n, n).

    `found` says that the ascent ended at a maximum; `value` is −inf where no start was finite.
    """

    held: tuple[float, ...]
    z: np.ndarray
    value: float
    gradient: np.ndarray
    curvature: np.ndarray
    found: bool

    @property
    def light(self) -> Place:
        """The same without the Hessian, which many places of many dimensions have no room for."""
        return self._replace(curvature=np.zeros((0, 0)))


class Section:
    """A density in n dimensions as it is where k quantities are held, for ascents over the others.

    `highest` is the largest value of all places that were found.
    """

    def __init__(
        self,
        evaluated: Callable[[np.ndarray], Evaluation],
        dimension: int,
        quantities: Sequence[Quantity],
        tolerance: float,
        max_steps: int,
    ) -> None:
        self.quantities = tuple(quantities)
        self._evaluated = evaluated
        self._held = np.array([quantity.index for quantity in quantities], int)
        self._free = np.setdiff1d(np.arange(dimension), self._held)
        self.highest = -np.inf
        self._tolerance = tolerance
        self._max_steps = max_steps

    def at(self, z: np.ndarray) -> Place:
        """The point z itself, which is known to be a maximum."""
        return self.known(self._evaluated(z))

    def known(self, top: Evaluation) -> Place:
        """The same, evaluated before."""
        return self._place(self.held(top.z), top, True)

    def held(self, z: np.ndarray) -> tuple[float, ...]:
        """The values of the quantities at z."""
        return tuple(quantity.value_of(float(z[quantity.index])) for quantity in self.quantities)

    def maximum(self, held: Sequence[float], near: Place) -> Place:
        """The maximum with these values held, climbed to from what one nearby foresees."""
        pairs = zip(self.quantities, held, strict=True)
        coordinates = np.array([quantity.coordinate_of(value) for quantity, value in pairs])
        seen: dict[bytes, Evaluation] = {}

        def evaluated(free: np.ndarray) -> Evaluation:
            z = near.z.copy()
            z[self._held], z[self._free] = coordinates, free
            whole = seen[free.tobytes()] = self._evaluated(z)
            curvature = whole.curvature[np.ix_(self._free, self._free)]
            return Evaluation(free, whole.value, whole.gradient[self._free], curvature)

        def start(attempt: int) -> np.ndarray:
            return self._foreseen(near, coordinates) if attempt == 0 else near.z[self._free]

        if not len(self._free):
            whole = self._evaluated(coordinates)
            return self._place(tuple(held), whole, bool(np.isfinite(whole.value)))
        state = ascent.new_ascent(len(self._free))
        while state.evaluations < self._max_steps and not ascent.finished(state, self._tolerance):
            if state.evaluations >= _STARTS and state.best.value == -np.inf:
                break
            state = ascent.one_step(evaluated, start, state)
        found = ascent.converged(state, self._tolerance) or ascent.at_bound(state, self._tolerance)
        whole = seen[state.best.z.tobytes() if state.best.value > -np.inf else state.last_tried.tobytes()]
        return self._place(tuple(held), whole, found)

    def slope(self, place: Place, axis: int = 0) -> float:
        """The derivative of the profile by a held quantity: that of the density alone, since the rest is maximal."""
        quantity = self.quantities[axis]
        return float(place.gradient[quantity.index]) / quantity.slope_at(float(place.z[quantity.index]))

    def spread(self, place: Place, axis: int = 0) -> float:
        """How far a quantity must move from a maximum for the profile to fall by about ½; NaN where that is unknown."""
        quantity = self.quantities[axis]
        others = np.setdiff1d(np.arange(len(place.z)), quantity.index)
        curvature = place.curvature
        alone = information = curvature[quantity.index, quantity.index]
        if len(others):
            cross = curvature[others, quantity.index]
            information = information - cross @ _solved(curvature[np.ix_(others, others)], cross)
        slope, gradient = quantity.slope_at(float(place.z[quantity.index])), place.gradient[quantity.index]
        if abs(gradient) > ascent.LONG_STEP * abs(information):
            return float(slope / abs(gradient))
        return float(slope / np.sqrt(information)) if information > _SINGULAR * abs(alone) else np.nan

    def _foreseen(self, near: Place, coordinates: np.ndarray) -> np.ndarray:
        """Where the maximum goes to first order as the held coordinates move; of a light place, where it is."""
        if not near.curvature.size:
            return near.z[self._free]
        moved = coordinates - near.z[self._held]
        pull = near.curvature[np.ix_(self._free, self._held)] @ moved
        step = _solved(near.curvature[np.ix_(self._free, self._free)], pull)
        return near.z[self._free] - np.where(np.isfinite(step), step, 0.0)

    def _place(self, held: tuple[float, ...], whole: Evaluation, found: bool) -> Place:
        value = float(whole.value) if whole.usable else -np.inf
        self.highest = max(self.highest, value)
        return Place(held, whole.z, value, whole.gradient, whole.curvature, found)


def _solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The solution for a matrix that should be positive definite; zeros where it is not."""
    try:
        return np.asarray(cho_solve(cho_factor(matrix, check_finite=False), vector, check_finite=False))
    except np.linalg.LinAlgError:
        return np.zeros_like(vector)
