"""Functions with the bands of their posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.report.curves import Curve

SIZE = (4.6, 3.1)
"""Inches: legible on a phone."""

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
BANDS = ((0.95, 0.2), (0.68, 0.35))
_WIDTHS, _WIDEST = (0.7, 1.3), 5.0
_DASHES = ("-", "--", "-.", ":")
_STEEP, _REACH = 20.0, 1e5
_MOST_LABELS = 12
_LONG_LABEL = 4


def picture(curves: Sequence[Curve], names: Sequence[str], label: str = "") -> Figure:
    """Curves over one axis, each by its name: its line, central 68% and 95%; `label` is of all."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    labels = list(dict.fromkeys(label for curve in curves for label in curve.labels))
    for number, (curve, name) in enumerate(zip(curves, names, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        if curve.points is not None:
            _line(axes, curve, plain(name), colour)
        else:
            _entries(axes, curve, plain(name), colour, labels, number / max(1, len(curves)))
    _scales(axes, curves)
    axes.set_ylabel(plain(label or (names[0] if len(names) == 1 else curves[0].declared)))
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=7)
    return figure


def overlaid(curves: Sequence[Curve], names: Sequence[str], label: str) -> Figure:
    """Curves of fits over each other, and below the widths of their 68% over that of the first.

    The first has bands, of others the ends of the 68% are lines.
    """
    if any(curve.points is None for curve in curves):
        return picture(curves, names, label)
    figure, above = _with_widths(curves, names)
    for number, (curve, name) in enumerate(zip(curves, names, strict=True)):
        _outline(above, curve, plain(name), number, 1.0)
    _scales(above, curves)
    above.set(ylabel=plain(label), xlabel="")
    return _with_legend(figure, above)


def ratio(curves: Sequence[Curve], names: Sequence[str], label: str) -> Figure:
    """The same of densities on one grid, over the line of the first: where these hardly differ, one sees how."""
    figure, above = _with_widths(curves, names)
    first = curves[0]
    kept = np.abs(first.line) > 1e-3 * np.abs(first.line).max()
    for number, (curve, name) in enumerate(zip(curves, names, strict=True)):
        _outline(above, curve, plain(name), number, first.line)
    above.axhline(1, color="0.5", linewidth=0.6)
    ends = np.quantile(first.values, [0.025, 0.975], axis=0)[:, kept] / first.line[kept]
    reach = float(np.clip(1.5 * np.quantile(np.abs(ends - 1), 0.9), 0.01, 1.0))
    above.set(ylim=(1 - reach, 1 + reach), ylabel=f"ratio to {plain(names[0])}", xscale="log")
    above.xaxis.set_major_formatter(shown_whole)
    return _with_legend(figure, above)


def _with_widths(curves: Sequence[Curve], names: Sequence[str]) -> tuple[Figure, Axes]:
    """A figure with room above, and the widths of curves below; without these, where there are none."""
    figure = Figure(figsize=(SIZE[0], 3.9), layout="constrained")
    first = curves[0]
    known = [curve for curve in curves if len(curve.values) > 1 and _on_one_grid(curve, first)]
    if len(first.values) < 2 or len(known) < 2:
        return figure, figure.subplots()
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    largest = first.width().max()
    for number, curve in enumerate(curves):
        if curve in known and largest > 0:
            # Where the first is next to nothing wide, as at a node, the ratio says nothing.
            widths = np.where(first.width() > 1e-9 * largest, curve.width() / np.maximum(first.width(), 1e-300), np.nan)
            below.plot(curve.points, widths, color=COLOURS[number % len(COLOURS)], linewidth=1.1)
    below.set(ylim=_reach(below), ylabel="width ratio", xlabel=plain(first.variable))
    return figure, above


def _reach(axes: Axes) -> tuple[float, float]:
    """How far the axis of width ratios goes: a little at least, and no farther than most of the lines."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines] or [np.ones(1)])
    low, high = np.nanquantile(drawn, [0.03, 0.97])
    return min(_WIDTHS[0], 0.9 * float(low)), min(max(_WIDTHS[1], 1.1 * float(high)), _WIDEST)


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False, fontsize=7)
    return figure


def _on_one_grid(curve: Curve, other: Curve) -> bool:
    return curve.points is not None and other.points is not None and np.array_equal(curve.points, other.points)


def _outline(axes: Axes, curve: Curve, name: str, number: int, over: Any) -> None:
    """A curve over something: the first of a picture with bands, others with the ends of the 68% as thin lines."""
    assert curve.points is not None
    colour = COLOURS[number % len(COLOURS)]
    for mass, opacity in BANDS if len(curve.values) > 1 else ():
        low, high = np.quantile(curve.values, [(1 - mass) / 2, (1 + mass) / 2], axis=0) / over
        if number == 0:
            axes.fill_between(curve.points, low, high, color=colour, alpha=opacity, linewidth=0)
        elif mass == BANDS[-1][0]:
            axes.plot(curve.points, np.transpose([low, high]), color=colour, linewidth=0.7)
    axes.plot(curve.points, curve.line / over, color=colour, linewidth=1.3, linestyle=_DASHES[number % 4], label=name)


def _line(axes: Axes, curve: Curve, name: str, colour: str) -> None:
    assert curve.points is not None
    for mass, opacity in BANDS if curve.values.shape[0] > 1 else ():
        low, high = np.quantile(curve.values, [(1 - mass) / 2, (1 + mass) / 2], axis=0)
        axes.fill_between(curve.points, low, high, color=colour, alpha=opacity, linewidth=0)
    axes.plot(curve.points, curve.line, color=colour, linewidth=1.2, label=name)
    axes.set_xlabel(plain(curve.variable))


def _entries(axes: Axes, curve: Curve, name: str, colour: str, labels: Sequence[str], shift: float) -> None:
    """Entries stand at the place of their label among the `labels` of all curves, whose order may be another."""
    places = np.array([labels.index(label) for label in curve.labels]) + 0.5 * shift
    low, inner_low, inner_high, high = np.quantile(curve.values, [0.025, 0.16, 0.84, 0.975], axis=0)
    axes.vlines(places, low, high, color=colour, alpha=0.45, linewidth=2)
    axes.vlines(places, inner_low, inner_high, color=colour, alpha=0.8, linewidth=4)
    axes.plot(places, curve.line, "o", color=colour, markersize=4, label=name)
    if len(labels) <= _MOST_LABELS:
        long = max(map(len, labels), default=0) > _LONG_LABEL
        ticks = np.arange(len(labels)) + 0.5 * shift
        axes.set_xticks(ticks, [plain(label) for label in labels], rotation=45 if long else 0)
    else:
        axes.locator_params(axis="x", integer=True)
    axes.set_xlabel(plain(curve.variable))


def _scales(axes: Axes, curves: Sequence[Curve]) -> None:
    """Logarithmic axes where a grid is one, and where most of a positive function is far below its largest value."""
    points = curves[0].points
    if points is None:
        return
    steps = np.diff(points)
    if points[0] > 0 and steps[-1] > 5 * steps[0]:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(shown_whole)
    low = min(float(np.quantile(curve.values, 0.025, axis=0).min()) for curve in curves)
    middle = np.array([curve.line for curve in curves])
    if low > 0 and middle.max() > _STEEP * np.median(middle):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(shown_whole)
        axes.set_ylim(bottom=max(low, float(middle.max()) / _REACH))


def shown_whole(value: float, _: float) -> str:
    """A number at an axis in digits: powers of ten as formulas would ask for fonts that a page has not."""
    return f"{value:g}"
