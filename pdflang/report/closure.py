"""The picture of a closure test: deviations from the truth beside what fits state, space by space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, plain, style
from pdflang.results.closure import Closure, Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIT, _ALL = "tab:blue", "tab:red"
_FARTHEST = 3.0
_FAITHFUL = math.erf(1 / math.sqrt(2))
_MOST = 40


def picture(closure: Closure, records: Sequence[Mapping[str, Any]], kind: str = "png") -> bytes:
    """A file of a kind, `png` or `svg`: rows for all data, each data set, each density and output.

    On the left √(bias/variance) of each fit, and R_bv with its error, which is 1 where uncertainties are faithful;
    those beyond 3 at the edge. On the right ξ with its error, which is 0.68 then. Equal tests give equal bytes.
    """
    rows = [row for row in _rows(closure, records) if np.mean(row[1][1]) > 0][:_MOST]
    with style():
        figure = Figure(figsize=(7.4, 1.1 + 0.26 * max(1, len(rows))), layout="constrained", dpi=120)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        for place, (space, (bias, variance)) in enumerate(rows):
            _deviations(left, -place, space, bias, variance)
            _estimate(right, -place, space.xi.value, space.xi.error)
        for axes, faithful in ((left, 1.0), (right, _FAITHFUL)):
            axes.axvline(faithful, color="0.6", linewidth=0.8, zorder=0)
        left.set_yticks([-place for place in range(len(rows))], [plain(space.name) for space, _ in rows])
        left.set(xlim=(0, 1.05 * _FARTHEST), xlabel="√(bias/variance) of fits, R_bv", ylim=(-len(rows) + 0.4, 0.6))
        right.set(xlim=(0, 1), xlabel="ξ")
        figure.suptitle(f"{closure.fits} fits at level {closure.level}, {closure.replicas} replicas each")
        return file_of(figure, kind)


def _rows(
    closure: Closure, records: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Space, tuple[np.ndarray, np.ndarray]]]:
    """The spaces, each with bias and variance of every fit."""
    yield closure.data, _numbers(records)
    for key, spaces in (("sets", closure.sets), ("outputs", closure.outputs)):
        for space in spaces:
            yield space, _numbers([record[key][space.name] for record in records])


def _numbers(records: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    bias, variance = (np.array([record[key] for record in records], float) for key in ("bias", "variance"))
    return bias, variance


def _deviations(axes: Axes, place: float, space: Space, bias: np.ndarray, variance: np.ndarray) -> None:
    ratios = np.minimum(np.sqrt(np.maximum(bias, 0) / np.mean(variance)), _FARTHEST)
    spread = place + 0.4 * (np.linspace(0, 1, len(ratios)) - 0.5)
    axes.plot(ratios, spread, ".", color=_FIT, alpha=0.35, markersize=4)
    _estimate(axes, place, min(space.r_bv.value, _FARTHEST), space.r_bv.error)


def _estimate(axes: Axes, place: float, value: float, error: float) -> None:
    reach = error if math.isfinite(error) else 0.0
    axes.errorbar([value], [place], xerr=[reach], fmt="o", color=_ALL, markersize=4, linewidth=1.2)
