"""What data determine, and in how few numbers outputs can be told: a spectrum, and losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pdflang.results.reduction import Reduction

_LEAST = 1e-4
"""The smallest information that is shown: what is less is as good as none."""


def picture(found: Reduction, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`. Equal results give equal bytes."""
    with style():
        count = 2 if found.losses else 1
        figure = Figure(figsize=(4.2 * count, 3.4), layout="constrained", dpi=120)
        axes = np.ravel(figure.subplots(1, count))
        _spectrum(axes[0], found)
        if found.losses:
            _losses(axes[1], found)
        return file_of(figure, kind)


def _spectrum(axes: Axes, found: Reduction) -> None:
    low, middle, high = np.maximum(np.quantile(found.spectra, (0.16, 0.5, 0.84), axis=0), _LEAST)
    numbers = np.arange(1, len(middle) + 1)
    axes.errorbar(numbers, middle, (middle - low, high - middle), fmt="o", markersize=3, linewidth=1, label="at draws")
    axes.plot(numbers, np.maximum(found.information, _LEAST), "_", markersize=9, label="in their mean")
    axes.axhline(1.0, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="direction", ylabel="information in units of the prior")
    axes.legend(frameon=False)


def _losses(axes: Axes, found: Reduction) -> None:
    latents = [loss.latent for loss in found.losses]
    for name, lost in (("principal components", "linear"), ("autoencoder", "network")):
        axes.plot(latents, [max(getattr(loss, lost), 1e-12) for loss in found.losses], "o-", markersize=3, label=name)
    axes.set(yscale="log", xlabel="numbers", ylabel="share of the variance that is lost")
    axes.legend(frameon=False)
