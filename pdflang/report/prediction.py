"""Data on the bands of their prediction, with the pulls below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, ink, plain, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.predictive.measured import Measured
    from pdflang.results.prediction import Comparison

_COLOUR, _SHIFTED = "tab:blue", "tab:orange"
_BANDS = ((0.95, 0.2), (0.68, 0.35))
_MOST_LABELS = 16
_FARTHEST = 6.0
_WIDE = 50.0
"""Where values reach over such a factor, their axis is logarithmic."""


def picture(comparison: Comparison, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`: data, the mean and central 68% and 95% of their prediction.

    Counts of events are divided by the width of their bins. Below are (data − mean)/sd, those beyond 6 at the edge.
    Equal predictions give equal bytes.
    """
    with style():
        figure = figure_of(comparison, (6.4, 4.2))
        figure.suptitle(f"{plain(comparison.name)} and its {comparison.kind} predictive")
        return file_of(figure, kind)


def figure_of(comparison: Comparison, size: tuple[float, float]) -> Figure:
    """The same without a title, as a figure of a size in inches, in the style around it."""
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = _edges(comparison)
    _bands(above, comparison, edges)
    _pulls(below, comparison, edges)
    _places(below, comparison, edges)
    return figure


def figure_of_set(one: Measured, size: tuple[float, float]) -> Figure:
    """A measured data set over its prediction, with shifts, and below the pulls, as a figure of a size in inches."""
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    places, over = np.arange(1, len(one.observed) + 1), one.predicted
    data, errors = one.observed / over, np.abs(one.errors / over)
    above.vlines(places, data - errors, data + errors, color=ink(), alpha=0.5, linewidth=0.7)
    above.plot(places, data, ".", color=ink(), markersize=_size(data), label="data / prediction")
    above.axhline(1, color="0.5", linewidth=0.8)
    if one.has_shifts:
        above.plot(places, one.shifted / over, color=_SHIFTED, linewidth=1.1, label="with systematic shifts")
    reach = float(np.clip(1.2 * np.quantile(np.abs(np.concatenate([data - errors, data + errors]) - 1), 0.97), 0.02, 2))
    above.set(ylim=(1 - reach, 1 + reach), ylabel="ratio")
    above.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    _drawn_pulls(below, places, one.pulls)
    below.set(xlabel="entry", xlim=(0, len(places) + 1))
    return figure


def _edges(comparison: Comparison) -> np.ndarray:
    """Edges of bins, or around the numbers of the entries."""
    return np.arange(len(comparison.observed) + 1) - 0.5 if comparison.edges is None else comparison.edges


def _bands(axes: Axes, comparison: Comparison, edges: np.ndarray) -> None:
    widths = np.ones(len(edges) - 1) if comparison.edges is None else np.diff(edges)
    for mass, opacity in _BANDS:
        low, high = (end / widths for end in comparison.interval(mass))
        look: dict[str, Any] = {"color": _COLOUR, "alpha": opacity, "linewidth": 0}
        axes.stairs(high, edges, baseline=low, fill=True, label=f"{mass:.0%}", **look)
    if comparison.edges is None:  # entries are no neighbours: a line between them would say nothing
        axes.hlines(comparison.mean, edges[:-1], edges[1:], color=_COLOUR, linewidth=1, label="mean")
    else:
        axes.stairs(comparison.mean / widths, edges, baseline=None, color=_COLOUR, linewidth=1, label="mean")
    data = comparison.observed / widths
    axes.plot(_middles(comparison, edges), data, ".", color=ink(), markersize=_size(data), label="data")
    _scale(axes, np.concatenate([data, comparison.mean / widths]))
    axes.set_ylabel(plain(comparison.name) if comparison.edges is None else "events / width of bin")
    axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))


def _scale(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic axis where values reach far; with a 0 below where there is one."""
    positive = values[values > 0]
    if np.any(values < 0) or not len(positive) or positive.max() <= _WIDE * positive.min():
        return
    axes.set_yscale("log") if len(positive) == len(values) else axes.set_yscale("symlog", linthresh=positive.min())


def _pulls(axes: Axes, comparison: Comparison, edges: np.ndarray) -> None:
    _drawn_pulls(axes, _middles(comparison, edges), comparison.pulls)


def _drawn_pulls(axes: Axes, places: np.ndarray, pulls: np.ndarray) -> None:
    for sigmas in (2, 1):
        axes.axhspan(-sigmas, sigmas, color="0.5", alpha=0.15, linewidth=0)
    axes.axhline(0, color="0.5", linewidth=0.8)
    pulls = np.clip(pulls, -_FARTHEST, _FARTHEST)
    axes.plot(places, pulls, ".", color=ink(), markersize=_size(pulls))
    reach = max(3.0, 1.1 * float(np.nanmax(np.abs(pulls), initial=0.0)))
    axes.set(ylim=(-reach, reach), ylabel="pull")


def _places(axes: Axes, comparison: Comparison, edges: np.ndarray) -> None:
    """The axis below: the variable of events, or the entries of the data."""
    if comparison.edges is not None:
        if edges[0] >= 0 and edges[-1] - edges[-2] > _WIDE * (edges[1] - edges[0]):
            axes.set_xscale("log")
            axes.set_xlim(edges[0] or edges[1] / 2, edges[-1])
        else:
            axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(plain(comparison.name))
        return
    axes.set_xlim(edges[0], edges[-1])
    number = len(comparison.entries)
    if number <= _MOST_LABELS:
        axes.set_xticks(range(number), [plain(_label(entry)) for entry in comparison.entries])
    axes.set_xlabel("entry")


def _middles(comparison: Comparison, edges: np.ndarray) -> np.ndarray:
    return (edges[1:] + edges[:-1]) / 2


def _label(entry: str) -> str:
    """What tells an entry apart: `A` of `y[A]`, `east` of `hits in east`."""
    return entry.partition("[")[2].removesuffix("]") or entry.partition(" in ")[2] or entry


def _size(values: np.ndarray) -> float:
    return 6.0 if len(values) <= 60 else 3.0
