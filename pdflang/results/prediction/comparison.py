"""Observed data beside what was predicted for them, read back from a tree of predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pdflang.results.posterior import DRAW_AXES, schema_of
from pdflang.results.schema import entry_names

if TYPE_CHECKING:
    import xarray

@dataclass(frozen=True, eq=False)
class Comparison:
    """One observation: data (n,) and predictions (draws, n) of the entries that are drawn, with their names.

    Events are counted: in bins with `edges` (n + 1,), or by labels, without edges. `data` is how many data there are,
    or events. `chi2` (draws,) is χ² of a Gaussian observation at each draw of a posterior, and None otherwise.
    `kind` is prior or posterior.
    """

    name: str
    observed: np.ndarray
    predicted: np.ndarray
    entries: tuple[str, ...]
    data: int
    kind: str
    edges: np.ndarray | None = None
    chi2: np.ndarray | None = None

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean of each prediction (n,)."""
        return self.predicted.mean(axis=0)

    @cached_property
    def sd(self) -> np.ndarray:
        """The standard deviation of each prediction (n,)."""
        return self.predicted.std(axis=0)

    @cached_property
    def pulls(self) -> np.ndarray:
        """(observed − mean)/sd (n,); infinite where something was observed that no draw predicts."""
        return self.standardised(self.observed)

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Values (…, n) less the mean of their prediction, in its standard deviations."""
        distance = values - self.mean
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distance == 0, 0.0, distance / self.sd)

    def interval(self, mass: float) -> tuple[np.ndarray, np.ndarray]:
        """The ends (n,), (n,) of the central interval of each prediction."""
        low, high = np.quantile(self.predicted, [(1 - mass) / 2, (1 + mass) / 2], axis=0)
        return low, high

    def inside(self, mass: float) -> int:
        """How many data lie in that interval."""
        low, high = self.interval(mass)
        return int(np.sum((low <= self.observed) & (self.observed <= high)))


def comparisons(tree: xarray.DataTree) -> Iterator[Comparison]:
    """Every observation that has data beside its prediction, lists of events as counts, as they were declared."""
    if "observed_data" not in tree.children:
        return
    predicted = tree[f"{tree.attrs['kind']}_predictive"].to_dataset()
    observed = tree["observed_data"].to_dataset()
    binned = set(tree["constant_data"].data_vars) if "constant_data" in tree.children else set()
    for name in map(str, observed.data_vars):
        of = _of_events if f"{name} edges" in binned else _of_array
        found = of(tree, name, predicted[name], observed[name])
        if found.entries:
            yield found


def _of_array(
    tree: xarray.DataTree, name: str, predicted: xarray.DataArray, observed: xarray.DataArray
) -> Comparison:
    draws, values = _flat(predicted), np.asarray(observed, float).ravel()
    # What is given to the simulator, such as the first entry of a series, is no prediction.
    drawn = np.any(draws != values, axis=0)
    entries = np.asarray(entry_names(name, observed.shape, schema_of(observed)))[drawn]
    names, kind = tuple(map(str, entries)), str(tree.attrs["kind"])
    return Comparison(name, values[drawn], draws[:, drawn], names, len(names), kind, chi2=_chi2(tree, name))


def _of_events(
    tree: xarray.DataTree, name: str, predicted: xarray.DataArray, observed: xarray.DataArray
) -> Comparison:
    edges = np.asarray(tree["constant_data"][f"{name} edges"])
    labels = schema_of(observed).coords[str(observed.dims[0])]
    known = any(isinstance(label, str) for label in labels)
    places = labels if known else [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    entries = tuple(f"{name} in {place}" for place in places)
    counts, kind = np.asarray(observed, float), str(tree.attrs["kind"])
    return Comparison(name, counts, _flat(predicted), entries, round(counts.sum()), kind, None if known else edges)


def _flat(draws: xarray.DataArray) -> np.ndarray:
    """Draws (chain, draw, …) as (draws, entries)."""
    values = np.concatenate(np.asarray(draws.transpose(*DRAW_AXES, ...), dtype=float))
    return values.reshape(len(values), values[0].size)


def _chi2(tree: xarray.DataTree, name: str) -> np.ndarray | None:
    known = "chi2" in tree.children and name in tree["chi2"].data_vars
    return np.asarray(tree["chi2"][name]).ravel() if known else None
