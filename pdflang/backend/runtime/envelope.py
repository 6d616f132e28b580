"""A bound on an intensity, tight enough to draw from it by thinning: one bound for each of many cells of its box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from pdflang.backend.runtime.boxes import FAR, Box

_FIRST_CELLS = 1 << 15
_CELLS = 1 << 16
_LOOSE = (1e-3, 0.05, 0.25, 0.75)
"""How much of its integral a bound may lie above an intensity of so many real variables."""
_SLACK = 0.5
"""Share of its range in a cell by which an intensity may be higher than where it was looked at: enough for a tent
between three points, and four times what a parabola needs."""
_ROUNDING = 1e-5

Intensity = Callable[[list[np.ndarray]], np.ndarray]


class CannotDraw(Exception):
    """Why events cannot be drawn: of which `stream`, and the place (by variable) where its intensity is impossible."""

    def __init__(self, reason: str, place: dict[str, float] | None = None, stream: str = "") -> None:
        super().__init__(reason)
        self.reason, self.place, self.stream = reason, place or {}, stream

    def of(self, stream: str) -> CannotDraw:
        """The same of a stream with a name."""
        return CannotDraw(self.reason, self.place, stream)


@dataclass
class _Cells:
    """Boxes of coordinates: ends (n, d), positions of indices (n, k), |intensity| · slope at 3ᵈ points (n, 3ᵈ)."""

    lower: np.ndarray
    upper: np.ndarray
    positions: np.ndarray
    heights: np.ndarray

    @property
    def volumes(self) -> np.ndarray:
        return np.prod(self.upper - self.lower, axis=1)

    @property
    def bounds(self) -> np.ndarray:
        highest, lowest = self.heights.max(1), self.heights.min(1)
        return (highest + _SLACK * (highest - lowest)) * (1 + _ROUNDING)

    def taken(self, which: np.ndarray) -> _Cells:
        """Some of the cells."""
        return _Cells(self.lower[which], self.upper[which], self.positions[which], self.heights[which])

    def joined(self, other: _Cells) -> _Cells:
        """These cells and others."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Cells(*(np.concatenate(pair) for pair in pairs))


class Envelope:
    """Cells with bounds on |intensity| · slope in the coordinates of a box, split where the bound is loose.

    `masses` are bound times volume: in what proportion places are proposed in the cells.
    `signed` allows an intensity below zero, of which the magnitude counts. Raises CannotDraw where it is
    negative without that, or not finite, or has no integral.
    """

    def __init__(self, intensity: Intensity, box: Box, signed: bool = False) -> None:
        self._intensity, self.box, self._signed = intensity, box, signed
        corners = list(product((0.0, 0.5, 1.0), repeat=box.dimension))
        self._offsets = np.array(corners).reshape(len(corners), box.dimension)
        self._weights = np.prod(np.where(self._offsets == 0.5, 4.0, 1.0) / 6.0, axis=1)
        self._cells = self._measured(*box.grid(_FIRST_CELLS))
        self._require_integral()
        self._refine()

    def propose(self, cells: np.ndarray, shares: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """The places in cells at shares (n, d) of their sides; the intensities there; height over bound.

        CannotDraw as in the constructor. A ratio above 1 says that the bound does not hold: see `widen`.
        """
        lower, upper, positions = self._cells.lower[cells], self._cells.upper[cells], self._cells.positions[cells]
        t = lower + shares * (upper - lower)
        columns = self.box.columns(t, positions)
        heights, signs = self._heights(t, positions)
        return columns, signs, heights / self._bounds[cells]

    def widen(self, cells: np.ndarray, shares: np.ndarray) -> None:
        """Cut cells at points where the intensity exceeds their bound, and refine what comes of that."""
        cells, first = np.unique(cells, return_index=True)
        old = self._cells.taken(cells)
        t = old.lower + shares[first] * (old.upper - old.lower)
        parts = [
            self._measured(np.where(above, t, old.lower), np.where(above, old.upper, t), old.positions)
            for above in product((False, True), repeat=self.box.dimension)
        ]
        self._replace(cells, parts)
        self._refine()

    # --- cells ----------------------------------------------------------------------------------------------

    def _refine(self) -> None:
        """Halve the cells whose bound is looser than their share, until the whole is tight or cells are many."""
        while len(wide := self._too_wide()):
            self._replace(wide, self._halves(self._cells.taken(wide)))
        self._bounds = self._cells.bounds
        self.masses = self._bounds * self._cells.volumes

    def _too_wide(self) -> np.ndarray:
        cells, volumes = self._cells, self._cells.volumes
        means = cells.heights @ self._weights
        excess = (cells.bounds - means) * volumes
        allowed = _LOOSE[min(self.box.dimension, len(_LOOSE) - 1)] * float(means @ volumes)
        if excess.sum() <= allowed or len(excess) >= _CELLS:
            return np.empty(0, int)
        return np.flatnonzero(excess > allowed / len(excess))

    def _halves(self, cells: _Cells) -> list[_Cells]:
        """Both halves of cells, cut across the direction in which the heights vary most."""
        dimension = self.box.dimension
        cube = cells.heights.reshape(-1, *[3] * dimension)
        ranges = [np.ptp(cube, axis=1 + j).reshape(len(cube), -1).max(1) for j in range(dimension)]
        across = np.arange(dimension) == np.argmax(ranges, axis=0)[:, None]
        middle = (cells.lower + cells.upper) / 2
        return [
            self._measured(cells.lower, np.where(across, middle, cells.upper), cells.positions),
            self._measured(np.where(across, middle, cells.lower), cells.upper, cells.positions),
        ]

    def _replace(self, which: np.ndarray, parts: list[_Cells]) -> None:
        kept = np.ones(len(self._cells.lower), bool)
        kept[which] = False
        self._cells = self._cells.taken(kept)
        for part in parts:
            self._cells = self._cells.joined(part)

    def _measured(self, lower: np.ndarray, upper: np.ndarray, positions: np.ndarray) -> _Cells:
        """Cells, looked at in 3ᵈ points."""
        points = lower[:, None, :] + self._offsets * (upper - lower)[:, None, :]
        count = len(self._offsets)
        every = points.reshape(len(lower) * count, self.box.dimension)
        heights, _ = self._heights(every, np.repeat(positions, count, axis=0))
        return _Cells(lower, upper, positions, heights.reshape(-1, count))

    # --- heights --------------------------------------------------------------------------------------------

    def _heights(self, t: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """|intensity| · slope at coordinates (n, d), and the sign of the intensity.

        Where places are no longer told apart, near an end, the height goes on as the power that it follows there.
        """
        low, high = self.box.reach()
        inner = np.clip(t, low, high)
        heights, signs = self._within_reach(inner, positions)
        beyond = np.abs(t - inner).sum(1)
        out = np.flatnonzero(beyond)
        if len(out):
            nearer = inner[out] - np.sign(t - inner)[out]
            before, _ = self._within_reach(nearer, positions[out])
            ratio = np.divide(heights[out], before, out=np.zeros(len(out)), where=before > 0)
            heights[out] *= np.minimum(ratio, 1.0) ** beyond[out]
        return heights, signs

    def _within_reach(self, t: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = self.box.columns(t, positions)
        values = self._intensity(columns)
        self._require(np.isfinite(values), "is {value:.4g}", columns, values)
        if not self._signed:
            # What rounding makes negative where an intensity vanishes is nothing.
            self._require(values >= -1e-12 * np.max(values, initial=0.0), "is negative, {value:.4g},", columns, values)
            values = np.maximum(values, 0.0)
        return np.abs(values) * self.box.slopes(t), np.where(values < 0, -1.0, 1.0)

    def _require(self, possible: np.ndarray, what: str, columns: list[np.ndarray], values: np.ndarray) -> None:
        if not np.all(possible):
            row = int(np.argmin(possible))
            place = {name: column[row].item() for name, column in zip(self.box.names, columns, strict=True)}
            raise CannotDraw(what.format(value=values[row]), place)

    def _require_integral(self) -> None:
        """That the heights vanish far away, in coordinates in which an integrable power does."""
        heights = self._cells.heights
        for j, name in enumerate(self.box.real_names):
            for offset, end in ((0.0, self._cells.lower[:, j]), (1.0, self._cells.upper[:, j])):
                far = heights[np.abs(end) == FAR][:, self._offsets[:, j] == offset]
                if np.max(far, initial=0.0) > 1e-5 * np.max(heights, initial=0.0):
                    where = "upper" if offset else "lower"
                    raise CannotDraw(f"has no integral: it diverges at the {where} end of {name}")
