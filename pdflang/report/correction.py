"""Columns of events before and after a correction: observed, simulated and corrected ones in bins, and ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, ink, plain, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.correction import CorrectionTest, Distribution

_SIDES = (("simulated", "tab:blue"), ("corrected", "tab:orange"))
_MOST = 4
"""Pictures in a row."""


def picture(corrections: Mapping[str, Sequence[CorrectionTest]], kind: str) -> bytes:
    """The picture of each column as a file of a kind, `png` or `svg`. Equal results give equal bytes."""
    found = [
        (f"{name}: {one.observation}.{column.name}", column)
        for name, tests in corrections.items() for one in tests for column in one.columns
    ]  # fmt: skip
    with style():
        across = min(_MOST, len(found))
        down = -(-len(found) // across)
        figure = Figure(figsize=(3.4 * across, 3.2 * down), layout="constrained", dpi=120)
        heights = (3, 1) * down
        axes = figure.subplots(2 * down, across, squeeze=False, sharex=False, height_ratios=heights)
        for place in range(down * across):
            above, below = (axes[2 * (place // across) + own, place % across] for own in (0, 1))
            if place < len(found):
                _drawn(above, below, *found[place])
            else:
                above.set_axis_off()
                below.set_axis_off()
        return file_of(figure, kind)


def _drawn(above: Axes, below: Axes, title: str, column: Distribution) -> None:
    """Densities, of labels and whole numbers shares, and below what they are beside the observed ones."""
    edges = np.arange(len(column.names) + 1) - 0.5 if column.edges is None else column.edges
    widths = np.ones(len(column.names)) if column.edges is None else np.diff(edges)
    middle = (edges[:-1] + edges[1:]) / 2
    share, error = column.observed.T
    above.errorbar(middle, share / widths, error / widths, fmt=".", color=ink(), label="observed", zorder=3)
    known = np.where(share > 0, share, np.nan)
    below.errorbar(middle, share / known, error / known, fmt=".", color=ink(), zorder=3)
    for name, colour in _SIDES:
        share, error = getattr(column, name).T
        for axes, unit in ((above, widths), (below, known)):
            axes.stairs(share / unit, edges, color=colour, label=name)
            low, high = (share - error) / unit, (share + error) / unit
            axes.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=0.25, linewidth=0)
    above.set(title=plain(title), ylabel="share" if column.edges is None else "density", xticklabels=[])
    above.legend(frameon=False)
    below.set(ylim=(0.5, 1.5), ylabel="ratio", xlabel=plain(column.name))
    if column.edges is None:
        below.set_xticks(middle, [plain(name) for name in column.names])
    below.axhline(1.0, color="0.6", linewidth=0.8)
