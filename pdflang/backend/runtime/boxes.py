"""Where the places of events lie: a box, with coordinates in which intensities with powers at its ends are smooth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FAR = 6000.0
"""The coordinate at which an integrable power at an end has no mass left: exp(−0.002 × 6000) = 6e-6 for x^−0.998."""
_NEAR = 1e-60
"""The distance from an end at 0, and the inverse of the number, up to which intensities are looked at themselves."""
_TINY = 1e-300
_TAIL = FAR / 4.0 ** np.arange(6, -1, -1)
_INFINITE_CORE = 12.0
"""On sides that never end, the coordinates of six orders of magnitude on either side of 1."""


@dataclass(frozen=True)
class Side:
    """One real variable. Its coordinate t runs over all numbers: the logit of the place between finite ends.

    Above one finite end it is the logarithm of the distance, on the whole line x = sinh t.
    """

    lower: float
    upper: float

    @property
    def reach(self) -> tuple[float, float]:
        """The coordinates between which places are well told apart: 64 bits end early at an end that is not 0."""
        width = self.upper - self.lower if math.isfinite(self.upper - self.lower) else 1.0

        def nearest(end: float) -> float:
            return 2.0**20 * float(np.spacing(abs(end))) / width if math.isfinite(end) and end else _NEAR

        return math.log(nearest(self.lower)), -math.log(nearest(self.upper))

    def place(self, t: np.ndarray) -> np.ndarray:
        """The places x (n,) of coordinates, inside the ends."""
        low, high = math.isfinite(self.lower), math.isfinite(self.upper)
        with np.errstate(over="ignore"):
            if low and high:
                width = self.upper - self.lower
                x = np.where(t < 0, self.lower + width * _expit(t), self.upper - width * _expit(-t))
            elif low or high:
                x = self.lower + np.exp(t) if low else self.upper - np.exp(-t)
            else:
                x = np.sinh(t)
        return np.clip(x, _inside(self.lower, 1), _inside(self.upper, -1))

    def slope(self, t: np.ndarray) -> np.ndarray:
        """dx/dt at coordinates within reach."""
        low, high = math.isfinite(self.lower), math.isfinite(self.upper)
        if low and high:
            return (self.upper - self.lower) * _expit(t) * _expit(-t)
        return np.exp(t) if low else np.exp(-t) if high else np.cosh(t)

    def edges(self, count: int) -> np.ndarray:
        """Coordinates that cut the side into cells: `count` equal ones in x where it is finite, then its tails."""
        if math.isfinite(self.upper - self.lower):
            shares = np.arange(1, count) / count
            inner = np.log(shares / (1 - shares))
        else:
            inner = np.linspace(-_INFINITE_CORE, _INFINITE_CORE, count - 1)
        tail = _TAIL[inner[-1] + 1 < _TAIL]
        return np.concatenate([-tail[::-1], inner, tail])


def _expit(t: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-t))


def _inside(end: float, direction: int) -> float:
    """The first number beside an end that is not too small; beside an infinite one, a large one."""
    if math.isinf(end):
        return math.copysign(1 / _TINY, end)
    return direction * _TINY if end == 0 else float(np.nextafter(end, direction * math.inf))


class Box:
    """Places by name: real variables between ends, and positions of indices, in the order of an intensity."""

    def __init__(self, region: Mapping[str, tuple[float, float] | int]) -> None:
        self.names = tuple(region)
        self._is_index = [isinstance(where, int) for where in region.values()]
        self.sides = tuple(Side(*map(float, w)) for w in region.values() if not isinstance(w, int))
        self.lengths = tuple(where for where in region.values() if isinstance(where, int))
        self.real_names = tuple(name for name, where in region.items() if not isinstance(where, int))

    @property
    def dimension(self) -> int:
        """How many real variables there are."""
        return len(self.sides)

    def columns(self, t: np.ndarray, positions: np.ndarray) -> list[np.ndarray]:
        """The places, one array (n,) for each variable, of coordinates (n, dimension) and positions (n, indices)."""
        places = iter(side.place(t[:, j]) for j, side in enumerate(self.sides))
        indices = iter(positions.T)
        return [next(indices if is_index else places) for is_index in self._is_index]

    def slopes(self, t: np.ndarray) -> np.ndarray:
        """The volume in places of a unit of volume in coordinates (n, dimension)."""
        return np.prod([np.ones(len(t)), *(side.slope(t[:, j]) for j, side in enumerate(self.sides))], axis=0)

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """The coordinates between which places are told apart, (dimension,) each."""
        ends = np.array([side.reach for side in self.sides]).reshape(-1, 2)
        return ends[:, 0], ends[:, 1]

    def grid(self, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """About so many cells that fill the box: their lower and upper coordinates, and their positions."""
        places = int(np.prod(self.lengths, dtype=int))
        count = min(2048, max(4, int((cells / max(1, places)) ** (1 / max(1, self.dimension))) - 2 * len(_TAIL)))
        edges = [side.edges(count) for side in self.sides]
        lower, upper = (_product([e[part] for e in edges]) for part in (np.s_[:-1], np.s_[1:]))
        positions = _product([np.arange(length) for length in self.lengths]).astype(int)
        each, all_ = len(lower), len(positions)
        return np.tile(lower, (all_, 1)), np.tile(upper, (all_, 1)), np.repeat(positions, each, axis=0)


def _product(axes: Sequence[np.ndarray]) -> np.ndarray:
    """All combinations (n, len(axes)); one empty combination of none."""
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1) if axes else np.empty((1, 0))
