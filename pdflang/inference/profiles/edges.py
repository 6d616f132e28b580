"""Where a profile has fallen by so much: the crossings that are the ends of its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from pdflang.inference.profiles.section import Place, Section
from pdflang.inference.workers import StopRequest, run_tasks

_BEYOND = 1.05
"""Steps go a little farther than the crossing is expected, so that it is between two points."""

_GROWTH = 4.0
_AT_BOUND = 1e-9
"""A bound is reached where so much of the way to it is left."""

_FARTHEST = 1e3
"""Standard deviations after which what has not crossed never will."""

_ACCURACY = 1e-10
_TRIALS = 100


class Edge(NamedTuple):
    """One end of an interval: `closed` where the profile crosses the level, or else the last place that was looked at.

    An end that is not closed is at the bound of the quantity, or so far out that there is none.
    """

    place: Place
    closed: bool

    @property
    def value(self) -> float:
        return self.place.held[0]


def fall(place: Place, top: float) -> float:
    """Twice what the density has lost against its maximum: −2Δ log-density; inf where there is none."""
    return 2.0 * (top - place.value)


def edge_of(section: Section, start: Place, side: int, level: float, top: float, stop: StopRequest) -> Edge | None:
    """The first crossing on one side (−1 or 1) of a maximum; None where it was asked to stop."""
    quantity = section.quantities[0]
    bound = quantity.upper if side > 0 else quantity.lower
    origin, spread = start.held[0], _first_spread(section, start)
    inside, step = start, _BEYOND * spread * np.sqrt(level)
    while not stop.requested:
        value, last = _next(inside.held[0], side * step, origin, bound)
        if value == inside.held[0]:
            return Edge(inside, closed=False)
        place = section.maximum([value], inside)
        if fall(place, top) > level:
            return crossing(section, inside, place, level, top)
        if last or abs(value - origin) > _FARTHEST * spread:
            return Edge(place, closed=False)
        step = min(max(_BEYOND * _missing(section, place, side, level, top), step), _GROWTH * step)
        inside = place
    return None


def grid_of(
    section: Section, modes: Sequence[Place], reach: float, points: int, threads: int, stop: StopRequest
) -> np.ndarray | None:
    """Values (points,) from the lowest to the highest edge around the modes, the first of them the highest.

    Where a profile goes on for ever it is followed for some standard deviations. None where it was stopped.
    """
    tasks = [partial(_end, section, mode, side, reach, modes[0].value, stop) for mode in modes for side in (-1, 1)]
    ends = [end for end in run_tasks(tasks, threads, stop) if end is not None]
    return np.linspace(min(ends), max(ends), points) if len(ends) == len(tasks) else None


def _end(section: Section, mode: Place, side: int, reach: float, top: float, stop: StopRequest) -> float | None:
    edge, quantity, origin = edge_of(section, mode, side, reach, top, stop), section.quantities[0], mode.held[0]
    if edge is None or edge.closed or np.isfinite(quantity.upper if side > 0 else quantity.lower):
        return None if edge is None else edge.value
    return origin + side * min(2 * np.sqrt(reach) * _first_spread(section, mode), abs(edge.value - origin))


def crossing(section: Section, inside: Place, outside: Place, level: float, top: float) -> Edge:
    """The place between two at which the profile crosses the level: Newton's method in √(−2Δ), kept between both.

    √(−2Δ) is straight where the profile is a parabola, so that a few places are enough: a stop waits for them.
    """
    goal = np.sqrt(level)
    latest, error = outside, np.inf
    for _ in range(_TRIALS):
        low, high = sorted((inside.held[0], outside.held[0]))
        rise = np.sqrt(max(fall(latest, top), 0.0))
        if abs(rise - goal) <= _ACCURACY * goal or high - low <= 4 * np.spacing(max(abs(low), abs(high))):
            return Edge(latest, closed=True)
        value = latest.held[0] + (goal - rise) * _inverse_slope(section, latest, rise)
        if not low < value < high or abs(rise - goal) > 0.5 * error:
            value = 0.5 * (low + high)
        error = abs(rise - goal)
        near = min((inside, outside), key=lambda place: abs(place.held[0] - value) if place.found else np.inf)
        latest = section.maximum([value], near)
        if fall(latest, top) > level:
            outside = latest
        else:
            inside = latest
    return Edge(inside, closed=True)


def _inverse_slope(section: Section, place: Place, rise: float) -> float:
    """How the quantity changes with √(−2Δ); NaN where the profile is level or not finite."""
    slope = section.slope(place) if np.isfinite(rise) else 0.0
    return -rise / slope if slope else np.nan


def _missing(section: Section, place: Place, side: int, level: float, top: float) -> float:
    """How far the crossing is, to first order, from a place inside; 0 where the profile does not fall."""
    rise = np.sqrt(max(fall(place, top), 0.0))
    way = side * (np.sqrt(level) - rise) * _inverse_slope(section, place, rise)
    return float(way) if np.isfinite(way) and way > 0 else 0.0


def _first_spread(section: Section, start: Place) -> float:
    quantity, spread = section.quantities[0], section.spread(start)
    width = quantity.upper - quantity.lower
    if not (np.isfinite(spread) and spread > 0):
        spread = max(1.0, abs(start.held[0]))
    return min(spread, width)


def _next(value: float, step: float, origin: float, bound: float) -> tuple[float, bool]:
    """The next value, and whether it is as near to the bound as there is any use in looking."""
    if abs(step) < 0.9 * abs(bound - value):
        return value + step, False
    nearest = bound - _AT_BOUND * (bound - origin)
    following = value + 0.9 * (bound - value)
    last = abs(bound - following) <= abs(bound - nearest)
    return (nearest if last else following), last
