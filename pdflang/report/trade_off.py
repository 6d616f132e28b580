"""What classifiers lose for telling less of a nuisance: a curve over penalties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from pdflang.report.files import file_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.trade_off import TradeOff


def picture(found: Sequence[TradeOff], kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`. Equal results give equal bytes."""
    with style():
        figure = Figure(figsize=(8.4, 3.4), layout="constrained", dpi=120)
        left, right = figure.subplots(1, 2)
        for one in found:
            own = one.classifiers
            left.errorbar(
                [c.information for c in own], [c.loss for c in own], xerr=[c.information_error for c in own],
                fmt="o-", markersize=3, linewidth=1, label=one.observation,
            )  # fmt: skip
            right.plot(
                [max(c.distances) for c in own], [c.auc for c in own], "o-", markersize=3, linewidth=1,
                label=one.observation,
            )  # fmt: skip
            _tell(left, one, [(c.information, c.loss) for c in own])
            _tell(right, one, [(max(c.distances), c.auc) for c in own])
        for axes in (left, right):
            axes.margins(0.12)  # room for the words
        left.axvline(0.0, color="0.6", linewidth=0.8, linestyle=":")
        left.set(xlabel="nats that outputs tell of the nuisance", ylabel="loss: cross-entropy in nats")
        right.axvline(found[0].by_chance, color="0.6", linewidth=0.8, linestyle=":")
        right.set(xlabel="difference of outputs between 16 and 84 % of the nuisance", ylabel="area under the ROC curve")
        if len(found) > 1:
            left.legend(frameon=False)
        return file_of(figure, kind)


def _tell(axes: Axes, found: TradeOff, places: Sequence[tuple[float, float]]) -> None:
    for one, place in zip(found.classifiers, places, strict=True):
        axes.annotate(f"λ = {one.penalty:g}", place, xytext=(4, 3), textcoords="offset points", fontsize=7)
