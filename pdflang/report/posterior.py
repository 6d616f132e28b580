"""Draws of parameters: pairs of them, their traces, and how their ranks share out among the chains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from pdflang.report.files import plain
from pdflang.report.functions import COLOURS
from pdflang.results.posterior import DRAW_AXES, schema_of
from pdflang.results.schema import entry_names

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MOST = 8
"""Parameters of a picture of pairs, and of traces, at most."""

_LONGEST_NAME = 16
"""Characters of a name beside the axes of a pair."""

_MASSES = (0.95, 0.68)
_CELLS = 48
_MOST_STEPS = 500
_BINS = 20


@dataclass(frozen=True, eq=False)
class Column:
    """Draws (chain, draw) of one entry of a parameter."""

    name: str
    values: np.ndarray

    @property
    def moves(self) -> bool:
        """Whether there is something to draw."""
        return bool(np.all(np.isfinite(self.values)) and np.ptp(self.values) > 0)


def columns(posterior: xarray.Dataset) -> list[Column]:
    """The entries of all parameters: those of interest before nuisances, in the order of their declarations."""
    found: dict[str, list[Column]] = {"param": [], "nuisance": []}
    for name, variable in posterior.data_vars.items():
        schema = schema_of(variable)
        if schema.role not in found:
            continue
        values = np.asarray(variable.transpose(*DRAW_AXES, ...), dtype=float)
        entries = entry_names(str(name), values.shape[2:], schema)
        flat = values.reshape(*values.shape[:2], values[0, 0].size)
        found[schema.role] += [Column(entry, flat[:, :, i]) for i, entry in enumerate(entries)]
    return [column for group in found.values() for column in group if column.moves]


def corner(shown: Sequence[Column]) -> Figure:
    """Histograms of parameters on the diagonal, below regions of highest density of each pair, of 68% and 95%."""
    size = 1.25 * len(shown) + 0.6
    figure = Figure(figsize=(size, size), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore[call-arg, union-attr]
    grid = figure.subplots(len(shown), len(shown), squeeze=False)
    for row, across in enumerate(shown):
        for place, along in enumerate(shown):
            axes = grid[row, place]
            if place > row:
                axes.set_axis_off()
                continue
            _pair(axes, along, across) if place < row else _histogram(axes, along)
            axes.tick_params(labelsize=6, length=2)
            axes.locator_params(nbins=3)
            _label(axes, along, across, row == len(shown) - 1, place == 0 and row > 0)
    return figure


def _label(axes: Axes, along: Column, across: Column, below: bool, left: bool) -> None:
    if below:
        axes.set_xlabel(plain(_short(along.name)))
        axes.tick_params(axis="x", rotation=45)
    else:
        axes.set_xticklabels([])
    if left:
        axes.set_ylabel(plain(_short(across.name)))
    else:
        axes.set_yticklabels([])


def _short(name: str) -> str:
    """A name that fits beside its axes: of a long one the beginning, and the end, which tells entries apart."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME - 7]}…{name[-6:]}"


def _histogram(axes: Axes, column: Column) -> None:
    counts, edges = np.histogram(column.values, bins=30)
    axes.stairs(counts, edges, fill=True, color=COLOURS[0], alpha=0.5)
    axes.set_yticks([])
    axes.set_xlim(*_reach(column))


def _reach(column: Column) -> tuple[float, float]:
    low, high = np.quantile(column.values, [0.001, 0.999])
    margin = 0.05 * (high - low) or 1e-9
    return float(low - margin), float(high + margin)


def _pair(axes: Axes, along: Column, across: Column) -> None:
    reach = [_reach(along), _reach(across)]
    counts, x, y = np.histogram2d(along.values.ravel(), across.values.ravel(), bins=_CELLS, range=reach)
    density = gaussian_filter(counts, _CELLS / 24)
    levels = _levels(density)
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (x, y)]
    axes.contourf(*middles, density.T, [*levels, np.inf], colors=[COLOURS[0]] * 2, alpha=0.35)
    axes.contourf(*middles, density.T, [levels[-1], np.inf], colors=[COLOURS[0]], alpha=0.5)
    axes.set(xlim=reach[0], ylim=reach[1])


def _levels(density: np.ndarray) -> list[float]:
    """The densities above which the masses lie, in rising order."""
    ordered = np.sort(density.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [float(ordered[np.searchsorted(inside, mass)]) for mass in _MASSES]
    return [levels[0], max(levels[1], np.nextafter(levels[0], np.inf))]


def traces(shown: Sequence[Column]) -> Figure:
    """For each parameter its draws in their order on the left, chain by chain; the ranks of each chain on the right.

    Where chains agree, each has about as many draws of every rank (Vehtari et al. 2021, section 5).
    """
    figure = Figure(figsize=(6.4, 0.4 + 1.05 * len(shown)), layout="constrained")
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(2, 1), sharex="col")
    for column, (left, right) in zip(shown, grid, strict=True):
        _trace(left, column)
        _ranks(right, column)
        left.set_title(plain(column.name), loc="left", fontsize=7, pad=2)
    grid[-1, 0].set_xlabel("draw")
    grid[-1, 1].set_xlabel("rank among all draws")
    return figure


def _trace(axes: Axes, column: Column) -> None:
    draws = column.values.shape[1]
    every = max(1, -(-draws // _MOST_STEPS))
    for chain, values in enumerate(column.values):
        axes.plot(np.arange(0, draws, every), values[::every], color=_colour(chain), linewidth=0.4, alpha=0.8)
    axes.locator_params(axis="y", nbins=3)


def _ranks(axes: Axes, column: Column) -> None:
    values = column.values
    ranks = rankdata(values.ravel(), method="average").reshape(values.shape)
    edges = np.linspace(0, values.size, min(_BINS, values.shape[1]) + 1)
    for chain, of_chain in enumerate(ranks):
        axes.stairs(np.histogram(of_chain, edges)[0], edges, baseline=None, color=_colour(chain), linewidth=0.9)
    axes.axhline(values.shape[1] / (len(edges) - 1), color="0.5", linewidth=0.8, linestyle=":")
    axes.set_ylim(bottom=0)
    axes.set_yticks([])


def _colour(chain: int) -> str:
    return COLOURS[chain % len(COLOURS)]
