"""The profile over two quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pdflang.inference.profiles.edges import fall, grid_of
from pdflang.inference.profiles.section import Place, Section
from pdflang.inference.workers import StopRequest, run_tasks


@dataclass(frozen=True)
class Plane:
    """The profile on a grid: `values` of both quantities, (points,) each, and `places` [first][second].

    None stands where it was not finished.
    """

    values: tuple[np.ndarray, np.ndarray]
    places: tuple[tuple[Place | None, ...], ...]


def plane_of(
    section: Section, lines: Sequence[Section], modes: Sequence[Sequence[Place]], reach: float, points: int,
    threads: int, stop: StopRequest, tick: Callable[[int], None],
) -> Plane | None:  # fmt: skip
    """The profile on `points`² values of two quantities, to where that along each of them has −2Δ = `reach`.

    `lines` are the sections along each quantity alone, `modes` the maxima of the whole density as both and then each
    of the sections have them, the highest first. None where it was stopped before there was a grid.
    """
    top = modes[0][0].value
    counted = [number for number, mode in enumerate(modes[0]) if fall(mode, top) < reach]
    axes = []
    for line, starts in zip(lines, modes[1:], strict=True):
        axis = grid_of(line, [starts[number] for number in counted], reach, points, threads, stop)
        if axis is None:
            return None
        axes.append(axis)
    grid = _Grid(section, axes[0], axes[1], stop)
    for number in counted:
        grid.sweep(modes[0][number], threads, tick)
    return Plane((axes[0], axes[1]), tuple(tuple(row) for row in grid.best))


class _Grid:
    """The highest places so far, and how they are climbed to from a mode: along one axis, then up and down from it."""

    def __init__(self, section: Section, first: np.ndarray, second: np.ndarray, stop: StopRequest) -> None:
        self.best: list[list[Place | None]] = [[None] * len(second) for _ in first]
        self._section, self._first, self._second, self._stop = section, first, second, stop

    def sweep(self, mode: Place, threads: int, tick: Callable[[int], None]) -> None:
        """Climb to all points of the grid from one mode, each from its neighbour."""
        i, j = (int(np.argmin(abs(v - h))) for v, h in zip((self._first, self._second), mode.held, strict=True))
        middle = self._climb(i, j, mode)
        spine = {i: middle}
        along = [partial(self._along, spine, range(i, end, way), j) for way, end in ((1, len(self._first)), (-1, -1))]
        run_tasks(along, threads, self._stop)
        across = [
            partial(self._across, number, place, range(j + way, end, way))
            for number, place in spine.items()
            for way, end in ((1, len(self._second)), (-1, -1))
        ]
        run_tasks(across, threads, self._stop, lambda: tick(sum(p is not None for row in self.best for p in row)))

    def _along(self, spine: dict[int, Place], numbers: range, j: int) -> None:
        place = spine[numbers[0]]
        for number in numbers[1:]:
            if self._stop.requested:
                return
            place = spine[number] = self._climb(number, j, place)

    def _across(self, i: int, place: Place, numbers: range) -> None:
        for j in numbers:
            if self._stop.requested:
                return
            place = self._climb(i, j, place)

    def _climb(self, i: int, j: int, near: Place) -> Place:
        """The maximum at a point of the grid; what is better there is kept. Where it is not finite, `near`."""
        place = self._section.maximum([self._first[i], self._second[j]], near)
        before = self.best[i][j]
        if before is None or place.value > before.value:
            self.best[i][j] = place.light
        return place if np.isfinite(place.value) else near
