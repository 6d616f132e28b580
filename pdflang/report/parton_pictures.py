"""Parton densities with their bands: over x, as ratios, their correlations, and luminosities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pdflang.partons.ensembles import Values
from pdflang.report.files import plain
from pdflang.report.functions import BANDS, COLOURS, SIZE, shown_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

X = np.unique(np.concatenate([np.geomspace(1e-4, 0.1, 46), np.linspace(0.1, 0.9, 41)]))
"""Where densities are drawn: evenly in log x, and then in x."""

COARSE = slice(None, None, 4)
"""Those of `X` between which correlations are drawn."""

_LINEAR_FROM = 0.03
_LOOKED_AT = (X > 2e-4) & (X < 0.5)
"""Where the reach of ratios is taken from: towards the ends they leave any frame."""

_WIDEST = 1.0

Curves = Mapping[str, Values]
"""Values (…, n) by the names of those whose they are; the first is the one that the picture is of."""


def overview(shown: Mapping[str, Values], label: str) -> Figure:
    """Several densities over log x by their names."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    for number, (name, values) in enumerate(shown.items()):
        _band(axes, X, values, plain(name), COLOURS[number % len(COLOURS)])
    _log_x(axes)
    axes.set(ylabel=plain(label), ylim=(0, None))
    axes.legend(frameon=False, fontsize=7)
    return figure


def density(curves: Curves, name: str) -> Figure:
    """A density over log x and over x, and below its ratio to the last of the curves, which may be its own centre."""
    figure = Figure(figsize=(SIZE[0], 3.7), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col", height_ratios=(3, 2))
    axes[1, 1].sharey(axes[1, 0])
    axes[1, 1].tick_params(labelleft=False)
    ratios = _ratios(curves)
    for column, from_x in enumerate((X[0], _LINEAR_FROM)):
        kept = from_x <= X
        for row, drawn in enumerate((curves, ratios)):
            for number, (of, values) in enumerate(drawn.items()):
                cut = values.of(lambda v, k=kept: v[:, k])
                _band(axes[row, column], X[kept], cut, plain(of), COLOURS[number], is_reference=number > 0)
    for top, bottom in axes.T:
        bottom.axhline(1, color="0.5", linewidth=0.8)
        top.axhline(0, color="0.5", linewidth=0.6)
    _log_x(axes[1, 0])
    axes[1, 1].set(xlabel="x", xlim=(0, 1))
    axes[0, 0].set_ylabel(plain(name))
    _about_one(axes[1, 0], ratios, _LOOKED_AT, list(curves)[-1] if len(curves) > 1 else "")
    if len(curves) > 1:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


def luminosity(masses: np.ndarray, shown: Mapping[str, Values]) -> Figure:
    """Luminosities by channel over M."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    for number, (channel, values) in enumerate(shown.items()):
        _band(axes, masses, values, channel, COLOURS[number])
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(shown_whole)
    axes.set(xlabel="M (GeV)", ylabel="luminosity (GeV⁻²)")
    axes.legend(frameon=False, fontsize=7)
    return figure


def luminosity_ratios(masses: np.ndarray, of_each: Mapping[str, Curves]) -> Figure:
    """By channel luminosities over that of the last of the curves, which may be its own centre."""
    figure = Figure(figsize=(SIZE[0], 3.7), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for place, (channel, curves) in zip(axes.flat, of_each.items(), strict=True):
        ratios = _ratios(curves)
        for number, (of, values) in enumerate(ratios.items()):
            _band(place, masses, values, plain(of), COLOURS[number], is_reference=number > 0)
        place.axhline(1, color="0.5", linewidth=0.8)
        place.set_xscale("log")
        place.xaxis.set_major_formatter(shown_whole)
        _about_one(place, ratios, np.full(len(masses), True), "")
        place.set_ylabel(channel)
    for place in axes[1]:
        place.set_xlabel("M (GeV)")
    if len(next(iter(of_each.values()))) > 1:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


Blocks = Mapping[str, int]
"""How many rows or columns each part of a matrix has, by name."""


def correlation(matrix: np.ndarray, rows: Blocks, columns: Blocks) -> Figure:
    """A matrix of correlations between blocks by their names."""
    figure = Figure(figsize=(SIZE[0], 4.1), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", aspect="auto", interpolation="nearest")
    for blocks, axis, line in ((columns, axes.xaxis, axes.axvline), (rows, axes.yaxis, axes.axhline)):
        edges = np.cumsum([0, *blocks.values()]) - 0.5
        axis.set_ticks((edges[1:] + edges[:-1]) / 2, [plain(name) for name in blocks], fontsize=7)
        axis.set_tick_params(length=0)
        for edge in edges[1:-1]:
            line(edge, color="0.3", linewidth=0.6)
    axes.tick_params(axis="x", rotation=45 if max(map(len, columns)) > 1 else 0)
    figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
    return figure


def _band(
    axes: Axes, points: np.ndarray, values: Values, name: str, colour: str, is_reference: bool = False
) -> None:
    """A line with its bands; of a reference, which lies beneath, the 68% between dashed lines."""
    if values.varies and is_reference:
        for end in values.interval(BANDS[-1][0]):
            axes.plot(points, end, color=colour, linewidth=0.9, linestyle="--")
    for mass, opacity in BANDS if values.varies and not is_reference else ():
        axes.fill_between(points, *values.interval(mass), color=colour, alpha=opacity, linewidth=0)
    axes.plot(points, values.central, color=colour, linewidth=1.1, label=name)


def _ratios(curves: Curves) -> dict[str, Values]:
    below = list(curves.values())[-1].central
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: values.of(lambda v: v / below) for name, values in curves.items()}


def _about_one(axes: Axes, ratios: Mapping[str, Values], kept: np.ndarray, reference: str) -> None:
    """The axis of ratios: as far as bands reach, within reason."""
    ends = [np.abs(end[kept] - 1) for values in ratios.values() for end in values.interval(0.95)]
    farthest = np.nan_to_num(np.concatenate(ends), nan=0.0, posinf=_WIDEST)
    reach = float(np.clip(1.2 * np.quantile(farthest, 0.9), 0.01, _WIDEST))
    axes.set_ylim(1 - reach, 1 + reach)
    axes.set_ylabel(f"ratio to {plain(reference)}" if reference else "ratio")


def _log_x(axes: Axes) -> None:
    axes.set(xscale="log", xlabel="x", xlim=(X[0], 1))
    axes.xaxis.set_major_formatter(shown_whole)
