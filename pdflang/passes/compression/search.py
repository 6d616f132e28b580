"""The smallest rule that leaves the log-likelihood as it is, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdflang.passes.compression.coordinates import Chart
from pdflang.passes.compression.measure import Array, Function, Measure
from pdflang.passes.compression.rules import Family
from pdflang.passes.tolerance import TOLERANCE, allowances

_SUMMED_EXACTLY = 10_000
_WORTHWHILE = 4
"""Events must be so many times the nodes."""
_KINK = 3.0
"""Errors that fall like order^−3 or more slowly are those of a kink; analytic functions gain far more."""
_TELLING = 5
"""So many orders tell how errors fall."""
_SAMPLE = 2_000
_MIDDLE = 2
"""The position of the order at which charts are compared; rules of different powers have as many nodes there."""
_TOO_FEW = "there are too few events for it to be of use"
_NOT_POSITIVE = "the rate is zero or negative at some events for some parameters"


@dataclass(frozen=True)
class Compression:
    """Nodes and weights in place of events: Σ_i w_i log rate(x_i) ≈ Σ_k nodes.weights[k] log rate(nodes.points[k])."""

    nodes: Measure
    order: int
    error: float
    """The largest change of the log-likelihood that was seen, in units of what each draw is allowed."""
    reference: Measure
    """What it was compared with: the events, or in one variable and one piece points that give the same sums."""
    chart: Chart

    def errors(self, log_rates: Function, rest: Array | float = 0.0) -> Array:
        """The change of the log-likelihood at other draws, as in `error`, shape (draws,)."""
        exact = self.reference.integrate(log_rates)
        return _distances(self.nodes.integrate(log_rates), exact) / _allowed(exact, rest)


@dataclass(frozen=True)
class Refusal:
    """Why events are not compressed, as a clause for a message."""

    reason: str
    error: float | None = None
    """Of the largest rule that was tried."""
    has_kink: bool = False


def compress(
    events: Measure,
    chart: Chart,
    log_rates: Function,
    tolerance: float = TOLERANCE,
    rest: Array | float = 0.0,
    order: int | None = None,
) -> Compression | Refusal:
    """The rule of the lowest order that changes Σ w log rate by less than `tolerance` at each draw.

    `chart` has a coordinate for each column of the events, one to three of them continuous; `log_rates` takes points
    (n, columns) to values (draws, n). With `rest` (draws,), what else the log-likelihood has, draws far below the
    best are allowed more. Where a draw has no finite log-rate at some event, the rule must have none either. A given
    `order` is the only one tried, of use or not. No node lies where no event could: in one variable they are between
    the first event and the last, in several they are events.
    """
    if not np.any(events.weights):
        return Refusal(_TOO_FEW)
    if reason := _out_of_reach(events, chart):
        return Refusal(reason)
    family = Family(events, chart)
    # Condensed points are exact for what is smooth: a rule in pieces could agree with them where both are wrong.
    is_smooth = chart.pieces == 1
    reference = family.dense() if is_smooth and len(events) > _SUMMED_EXACTLY else events
    exact = reference.integrate(log_rates)
    if not np.isfinite(exact).any():
        return Refusal(_NOT_POSITIVE, np.inf)
    allowed, tried = _allowed(exact, rest), dict[int, float]()
    for candidate in (order,) if order else family.orders:
        nodes = family.rule(candidate)
        if not order and len(nodes) * _WORTHWHILE > len(events):
            break
        tried[candidate] = float((_distances(nodes.integrate(log_rates), exact) / allowed).max())
        if tried[candidate] < tolerance:
            return Compression(nodes, candidate, tried[candidate], reference, chart)
        if _has_kink(tried):
            break
    return _refusal(tried, tolerance)


def best_chart(events: Measure, charts: Sequence[Chart], log_rates: Function, rest: Array | float = 0.0) -> Chart:
    """The chart in which a rule of middle order is best for some of the events."""
    chosen = np.unique(np.linspace(0, len(events) - 1, min(len(events), _SAMPLE)).astype(int))
    some = Measure(events.points[chosen], events.weights[chosen])
    within = [chart for chart in charts if not _out_of_reach(events, chart)]
    if len(within) < 2 or not np.any(some.weights):
        return within[0] if within else charts[0]
    exact = some.integrate(log_rates)
    allowed = _allowed(exact * (len(events) / len(some)), rest)
    families = [Family(some, chart) for chart in within]
    rules = [family.rule(family.orders[_MIDDLE]) for family in families]
    errors = [float((_distances(rule.integrate(log_rates), exact) / allowed).max()) for rule in rules]
    return within[int(np.argmin(errors))]


def _allowed(exact: Array, rest: Array | float) -> Array | float:
    return allowances(exact + rest) if np.ndim(rest) else 1.0


def _distances(values: Array, exact: Array) -> Array:
    """Infinite where just one of two sums is finite, 0 where neither is."""
    both, one = np.isfinite(values) & np.isfinite(exact), np.isfinite(values) ^ np.isfinite(exact)
    return np.where(both, np.abs(np.where(both, values, 0) - np.where(both, exact, 0)), np.where(one, np.inf, 0))


def _out_of_reach(events: Measure, chart: Chart) -> str | None:
    for k, coordinate in chart.continuous.items():
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
        why = "and more nodes hardly help, as where the rate has a kink or a narrow peak"
        return Refusal(f"{changed}, {why}", last, has_kink=True)
    return Refusal(f"{changed}; this rate would need more nodes", last)


def _has_kink(tried: dict[int, float]) -> bool:
    """Whether errors fall no faster with the order than a kink lets them, from the middle one to the last."""
    if len(tried) < _TELLING:
        return False
    (order, error), (last_order, last) = (list(tried.items())[k] for k in (len(tried) // 2, -1))
    return not last < error * (order / last_order) ** _KINK
