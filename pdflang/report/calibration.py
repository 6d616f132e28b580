"""Ranks of a calibration: their histogram, and their distribution function with its simultaneous band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from scipy import stats

from pdflang.report.files import file_of, style
from pdflang.results.calibration import ecdf, ecdf_band, histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.calibration import Calibration, Quantity

_MOST = 24
_LEVEL = 0.95
_BAND, _LINE = "0.85", "tab:blue"


def picture(calibration: Calibration, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`: two panels for each quantity, those in doubt if there are many.

    On the left ranks are counted, with the range of each count of uniform ranks (95 %); on the right is the
    difference of their distribution function from the uniform one, which all stays in the band with a probability
    of 95 %. Equal calibrations give equal bytes.
    """
    shown = _shown(calibration.quantities)
    columns = 1 if len(shown) <= 6 else 2
    rows = -(-len(shown) // columns)
    with style():
        figure = Figure(figsize=(6.4 * columns, 0.6 + 1.3 * rows), layout="constrained", dpi=120)
        axes = figure.subplots(rows, 2 * columns, squeeze=False).reshape(rows * columns, 2)
        for quantity, (left, right) in zip(shown, axes, strict=False):
            _histogram(left, quantity)
            _difference(right, quantity)
        for left, right in axes[len(shown) - columns : len(shown)]:
            left.set_xlabel("rank")
            right.set_xlabel("rank / (draws + 1)")
        for empty in axes[len(shown) :].ravel():
            empty.set_axis_off()
        title = f"{calibration.fits} fits of {calibration.draws} draws"
        if len(shown) < len(calibration.quantities):
            title += f": {len(shown)} of {len(calibration.quantities)} quantities, those of the smallest p-values"
        figure.suptitle(title)
        return file_of(figure, kind)


def _shown(quantities: Sequence[Quantity]) -> list[Quantity]:
    doubtful = sorted(quantities, key=lambda quantity: quantity.p_value)[:_MOST]
    return [quantity for quantity in quantities if any(quantity is other for other in doubtful)]


def _histogram(axes: Axes, quantity: Quantity) -> None:
    edges, counts, expected = histogram(quantity.ranks, quantity.draws)
    fits = len(quantity.ranks)
    axes.stairs(counts, edges, fill=True, color=_LINE, alpha=0.6)
    for end in ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2):
        axes.stairs(stats.binom.ppf(end, fits, expected / fits), edges, color="0.4", linewidth=0.8)
    axes.set(xlim=(0, quantity.draws + 1), ylabel=quantity.name)


def _difference(axes: Axes, quantity: Quantity) -> None:
    band = ecdf_band(len(quantity.ranks), quantity.draws, _LEVEL)
    found = ecdf(quantity.ranks, quantity.draws) - band.shares
    axes.fill_between(band.shares, band.low - band.shares, band.high - band.shares, color=_BAND, linewidth=0)
    axes.plot([0, *band.shares, 1], [0, *found, 0], color=_LINE, linewidth=1)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set(xlim=(0, 1), ylabel="ECDF difference")
