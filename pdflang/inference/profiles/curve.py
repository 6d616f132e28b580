"""The profile along one quantity, and the intervals on which it stays high."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from pdflang.inference.profiles.edges import crossing, fall, grid_of
from pdflang.inference.profiles.section import Place, Section
from pdflang.inference.workers import StopRequest, run_tasks

_GAIN = 1e-6
"""A profile that is foreseen to be so much higher from the other side is climbed to from there."""


@dataclass(frozen=True)
class Interval:
    """Values of a quantity between two ends; an end that is not closed is where the quantity is bounded, or goes on."""

    low: float
    high: float
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class Curve:
    """The profile at values (points,) that rise: `places` has None where it was not finished.

    `intervals` has those of each level of −2Δ in the order of the levels: more than one where they are disconnected.
    """

    values: np.ndarray
    places: tuple[Place | None, ...]
    intervals: tuple[tuple[Interval, ...], ...]


def curve_of(
    section: Section, modes: Sequence[Place], levels: Sequence[float], reach: float, points: int, threads: int,
    stop: StopRequest, tick: Callable[[int], None],
) -> Curve:  # fmt: skip
    """The profile to where −2Δ is `reach` on either side of all modes that are less than that below the first.

    The modes are maxima of the whole density, the highest first. `tick` is told how many points are finished.
    """
    top = modes[0].value
    modes = [mode for mode in modes if fall(mode, top) < reach]
    grid = grid_of(section, modes, reach, points, threads, stop)
    if grid is None:
        return Curve(np.array([modes[0].held[0]]), (modes[0],), tuple(() for _ in levels))
    values = np.unique(np.append(grid, [mode.held[0] for mode in modes]))
    swept: list[list[Place | None]] = [[None] * len(values) for _ in modes]
    sweeps = [
        partial(_sweep, section, mode, values, side, swept[number], stop)
        for number, mode in enumerate(modes)
        for side in (-1, 1)
    ]
    run_tasks(sweeps, threads, stop, lambda: tick(sum(place is not None for place in swept[0])))
    places = [_highest([branch[i] for branch in swept]) for i in range(len(values))]
    for order in (1, -1):
        _from_neighbours(section, values, places, order, stop)
    return Curve(values, tuple(places), tuple(_intervals(section, places, level, top) for level in levels))


def _sweep(
    section: Section, mode: Place, values: np.ndarray, side: int, places: list[Place | None], stop: StopRequest
) -> None:
    """Profile outwards from a mode, each value from the one before."""
    place, origin = mode, mode.held[0]
    for number in np.flatnonzero(side * values >= side * origin)[::side]:
        if stop.requested:
            return
        place = mode if values[number] == origin else section.maximum([values[number]], place)
        places[number] = place
        if not np.isfinite(place.value):
            place = mode


def _highest(places: Sequence[Place | None]) -> Place | None:
    return max((place for place in places if place is not None), key=lambda place: place.value, default=None)


def _from_neighbours(
    section: Section, values: np.ndarray, places: list[Place | None], order: int, stop: StopRequest
) -> None:
    """Climb anew where the neighbour's slope foresees more: the neighbour may be on a higher branch."""
    numbers = range(len(values))[::order]
    for before, here in pairwise(numbers):
        neighbour, place = places[before], places[here]
        if stop.requested or neighbour is None or place is None or not np.isfinite(neighbour.value):
            continue
        step = values[here] - values[before]
        foreseen = neighbour.value + section.slope(neighbour) * step - 0.5 * (step / section.spread(neighbour)) ** 2
        if foreseen > place.value + _GAIN:
            places[here] = _highest([place, section.maximum([values[here]], neighbour)])


def _intervals(
    section: Section, places: Sequence[Place | None], level: float, top: float
) -> tuple[Interval, ...]:
    """Where the profile is less than `level` below the top, between crossings found by Newton's method.

    A curve that is still that high where the grid ends goes on to the bound of the quantity. Of one that is not
    finished only intervals that close are known.
    """
    known = [place for place in places if place is not None]
    high = [fall(place, top) <= level for place in known]
    quantity = section.quantities[0]
    ends: list[tuple[float, bool]] = [(quantity.lower, False)] if high[:1] == [True] else []
    for first, second, up, down in zip(known, known[1:], high, high[1:], strict=False):
        if up != down:
            inside, outside = (first, second) if up else (second, first)
            edge = crossing(section, inside, outside, level, top)
            ends.append((edge.value, True))
    if high[-1:] == [True]:
        ends.append((quantity.upper, False))
    pairs = zip(ends[::2], ends[1::2], strict=True)
    found = (Interval(low, up, is_low, is_up) for (low, is_low), (up, is_up) in pairs)
    whole = len(known) == len(places)
    return tuple(one for one in found if whole or (one.low_closed and one.high_closed))
