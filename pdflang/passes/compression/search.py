"""The smallest rule that leaves the log-likelihood as it is, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdflang.passes.compression.coordinates import Category, Coordinate
from pdflang.passes.compression.measure import Array, Function, Measure
from pdflang.passes.compression.rules import Family

TOLERANCE = 1e-3
"""In log-likelihood."""
_SUMMED_EXACTLY = 100_000
_WORTHWHILE = 4
"""Events must be so many times the nodes."""
_KINK = 3.0
"""Errors that fall like order^−3 or more slowly are those of a kink; analytic functions gain far more."""
_TELLING = 4
"""So many orders tell how errors fall."""
_TOO_FEW = "there are too few events for it to be of use"
_NOT_POSITIVE = "the rate is zero or negative at some events for some parameters"


@dataclass(frozen=True)
class Compression:
    """Nodes and weights in place of events: Σ_i w_i log rate(x_i) ≈ Σ_k nodes.weights[k] log rate(nodes.points[k])."""

    nodes: Measure
    order: int
    error: float
    """The largest change of the log-likelihood that was seen."""
    reference: Measure
    """What it was compared with: the events, or in one variable points that give the same sums to rounding."""

    def errors(self, log_rates: Function) -> Array:
        """The change of the log-likelihood at other draws, shape (draws,)."""
        return _changes(self.nodes, self.reference, log_rates)


@dataclass(frozen=True)
class Refusal:
    """Why events are not compressed, as a clause for a message."""

    reason: str
    error: float | None = None
    """Of the largest rule that was tried."""


def compress(
    events: Measure,
    coordinates: Sequence[Coordinate | Category],
    log_rates: Function,
    tolerance: float = TOLERANCE,
    count: int | None = None,
) -> Compression | Refusal:
    """The rule of the lowest order that changes Σ w log rate by less than `tolerance` at each draw.

    `coordinates` has one entry for each column of the events, one to three of them continuous; `log_rates`
    takes points (n, columns) to values (draws, n). Where a draw has no finite log-rate at some event, the
    rule must have none either. `count` is the number of events where those given are `condensed`.
    No node lies where no event could: in one variable they are between the first event and the last, in
    several they are events.
    """
    if not np.any(events.weights):
        return Refusal(_TOO_FEW)
    if reason := _out_of_reach(events, coordinates):
        return Refusal(reason)
    family = Family(events, coordinates)
    reference = events if len(events) <= _SUMMED_EXACTLY else family.dense()
    exact = reference.integrate(log_rates)
    if not np.isfinite(exact).any():
        return Refusal(_NOT_POSITIVE, np.inf)
    tried: dict[int, float] = {}
    for order in family.orders:
        nodes = family.rule(order)
        if len(nodes) * _WORTHWHILE > (count or len(events)):
            break
        tried[order] = float(_distances(nodes.integrate(log_rates), exact).max())
        if tried[order] < tolerance:
            return Compression(nodes, order, tried[order], reference)
        if _has_kink(tried):
            break
    return _refusal(tried, tolerance)


def _changes(nodes: Measure, reference: Measure, log_rates: Function) -> Array:
    """|Σ over nodes − Σ over the reference| of the log-rates, shape (draws,)."""
    return _distances(nodes.integrate(log_rates), reference.integrate(log_rates))


def _distances(values: Array, exact: Array) -> Array:
    """Infinite where just one of two sums is finite, 0 where neither is."""
    both, one = np.isfinite(values) & np.isfinite(exact), np.isfinite(values) ^ np.isfinite(exact)
    return np.where(both, np.abs(np.where(both, values, 0) - np.where(both, exact, 0)), np.where(one, np.inf, 0))


def _out_of_reach(events: Measure, coordinates: Sequence[Coordinate | Category]) -> str | None:
    for k, coordinate in enumerate(coordinates):
        if isinstance(coordinate, Coordinate):
            column = events.points[:, k]
            for end in (column.min(), column.max()):
                if not np.isfinite(coordinate.forward(end)):
                    return f"the logarithm of the rate is singular at the event at {end:.6g}"
    return None


def _refusal(tried: dict[int, float], tolerance: float) -> Refusal:
    if not tried:
        return Refusal(_TOO_FEW)
    last = list(tried.values())[-1]
    if not np.isfinite(last):
        return Refusal(_NOT_POSITIVE, last)
    changed = f"the log-likelihood would change by {last:.1g}, more than {tolerance:.1g}"
    if _has_kink(tried):
        return Refusal(f"{changed}, and more nodes hardly help, as where the rate has a kink", last)
    return Refusal(f"{changed}; this rate would need more nodes", last)


def _has_kink(tried: dict[int, float]) -> bool:
    """Whether errors fall no faster with the order than a kink lets them, from the middle one to the last."""
    if len(tried) < _TELLING:
        return False
    (order, error), (last_order, last) = (list(tried.items())[k] for k in (len(tried) // 2, -1))
    return not last < error * (order / last_order) ** _KINK
