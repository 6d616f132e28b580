"""A profile: the curve of −2Δ log-density with its intervals, or contours over two quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.profile import Profile

_LINE, _CONTOUR = "tab:blue", "black"
_CELLS: dict[str, Any] = {"shading": "nearest", "rasterized": True, "linewidth": 0}
_SHADES = (0.35, 0.15)


def picture(profile: Profile, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`. Equal profiles give equal bytes."""
    with style():
        figure = Figure(figsize=(5.2, 3.9), layout="constrained", dpi=120)
        axes = figure.subplots()
        (_curve if len(profile.names) == 1 else _contours)(axes, profile)
        return file_of(figure, kind)


def _curve(axes: Axes, profile: Profile) -> None:
    (values,) = profile.values
    low, high = values[0], values[-1]
    for level, shade in zip(profile.levels, _SHADES, strict=True):
        axes.axhline(level.two_delta, color="0.6", linewidth=0.8, linestyle=":")
        for number, interval in enumerate(level.intervals):
            label = f"{level.probability:.0%}" if number == 0 else None
            ends = max(interval.low, low), min(interval.high, high)
            axes.axvspan(*ends, color=_LINE, alpha=shade, linewidth=0, label=label)
    axes.plot(values, profile.two_delta, color=_LINE, linewidth=1.2)
    axes.axvline(profile.best[0], color="0.4", linewidth=0.8)
    top = max(1.3 * profile.levels[-1].two_delta, float(np.nanmax(profile.two_delta, initial=0.0)))
    axes.set(xlim=(low, high) if high > low else None, ylim=(0, min(top, 12.0)))
    axes.set(xlabel=profile.names[0], ylabel="−2Δ log-density")
    if any(level.intervals for level in profile.levels):
        axes.legend(frameon=False)


def _contours(axes: Axes, profile: Profile) -> None:
    for level, style_of_line in zip(profile.levels, ("-", "--"), strict=True):
        for number, line in enumerate(level.contours):
            label = f"{level.probability:.0%}" if number == 0 else None
            axes.plot(line[:, 0], line[:, 1], color=_CONTOUR, linestyle=style_of_line, linewidth=1.2, label=label)
    if profile.two_delta.size > 1:
        shown = np.ma.masked_invalid(profile.two_delta.T)
        axes.pcolormesh(*profile.values, shown, cmap="Blues_r", vmin=0, vmax=12, alpha=0.7, **_CELLS)
    axes.plot(*profile.best, "+", color="black")
    axes.set(xlabel=profile.names[0], ylabel=profile.names[1], title="contours of −2Δ log-density")
    if any(level.contours for level in profile.levels):
        axes.legend(frameon=False)
