"""The picture of a bench: effective draws per second, and error against cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from pdflang.report.files import file_of, plain, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.bench import Bench, Row

_COLOURS = {
    "agrees": "tab:green", "differs": "tab:red", "not converged": "tab:orange", "not known": "tab:blue",
}  # fmt: skip


def picture(bench: Bench, kind: str) -> bytes:
    """A file of a kind, `png` or `svg`, of the methods that have draws. Equal results give equal bytes.

    On the left are effective draws per second, the best at the top; approximations are hatched. On the right is the
    root mean square error of means in standard deviations of the posterior beside the seconds of drawing: a method
    without an error lies on the line of its Monte Carlo error, 1/√ESS, or below, one with an error above.
    """
    rows = [row for row in bench.rows if row.why is None]
    with style():
        figure = Figure(figsize=(7.8, 1.6 + 0.3 * max(5, len(rows))), layout="constrained", dpi=120)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        _speeds(left, rows)
        _errors(right, rows)
        for verdict, colour in _COLOURS.items():
            if any(row.verdict == verdict for row in rows):
                left.bar([math.nan], [math.nan], color=colour, label=verdict)
        if any(row.approximates for row in rows):
            left.bar([math.nan], [math.nan], color="none", edgecolor="0.3", hatch="////", label="approximates")
        figure.legend(loc="outside lower center", ncols=5, frameon=False)
        figure.suptitle(plain(f"{bench.model}: {bench.budget:g} s for each method"))
        return file_of(figure, kind)


def _speeds(axes: Axes, rows: list[Row]) -> None:
    for place, row in enumerate(rows):
        hatch = "////" if row.approximates else None
        axes.barh(-place, row.ess_per_second, color=_COLOURS[row.verdict], edgecolor="white", hatch=hatch)
    axes.set_yticks([-place for place in range(len(rows))], [plain(row.name) for row in rows])
    axes.set(xscale="log", xlabel="effective draws per second")


def _errors(axes: Axes, rows: list[Row]) -> None:
    for row in rows:
        by_chance = 1 / math.sqrt(row.ess) if row.ess > 0 else math.nan
        error = row.error if math.isfinite(row.error) else by_chance
        colour = _COLOURS[row.verdict]
        axes.plot([row.seconds] * 2, [by_chance, error], color=colour, linewidth=0.8)
        axes.plot([row.seconds], [by_chance], "_", color="0.4", markersize=9)
        if math.isfinite(row.error):
            axes.plot([row.seconds], [error], "s" if row.approximates else "o", color=colour, markersize=5)
        axes.annotate(plain(row.name), (row.seconds, error), (4, 3), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="error of means in standard deviations (rms)")
    axes.margins(0.25, 0.15)
