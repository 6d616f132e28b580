"""A profile of a density along one quantity, or over two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.results.diagnostics import inexact_maximum, to_records
from pdflang.results.posterior import group_of, tree_of
from pdflang.results.schema import VariableSchema, entry_names
from pdflang.results.tables import csv_text
from pdflang.results.trees import Tree

if TYPE_CHECKING:
    from pdflang.certify import Certificate
    from pdflang.inference.profiles import Interval


@dataclass(frozen=True)
class Level:
    """The −2Δ log-density that a profile stays below with a `probability`, where it is that of a normal model.

    Along one quantity `intervals` are where it does, over two `contours` are lines (vertices, 2) around it, and
    `reaches_edge` says that one of these ends where the grid does.
    """

    probability: float
    two_delta: float
    intervals: tuple[Interval, ...] = ()
    contours: tuple[np.ndarray, ...] = ()
    reaches_edge: bool = False


@dataclass(frozen=True, eq=False)
class Profile:
    """The largest log-density at given values of one quantity or two, all other parameters being free.

    `values` has an array for each of the `names`, `two_delta` is −2Δ log-density against the maximum: (points,) along
    one quantity, (points, points) over two, NaN where a point was not finished. `arrays` are parameters, derived values
    and outputs where the density is that large, (points, …) or (points, points, …), with the axes of `schemas`. At the
    `maximum` are the same, and `log_density` is its value. `priors` says which count: all, or those of nuisances.
    `converged` says that a start ended at a maximum, `unfinished` counts points whose search did not, `higher` that one
    is above the maximum. `certificates` say how exact integrals and other approximations are at the maximum and at the
    ends; `weighted` names the observations whose events have weights, for which −2Δ has no such probabilities.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    two_delta: np.ndarray
    levels: tuple[Level, ...]
    best: tuple[float, ...]
    arrays: dict[str, np.ndarray]
    schemas: Mapping[str, VariableSchema]
    maximum: dict[str, np.ndarray]
    log_density: float
    priors: str
    seed: int
    converged: bool
    unfinished: int
    higher: bool = False
    certificates: tuple[Certificate, ...] = ()
    weighted: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def trusted(self) -> bool:
        """Whether it starts from a maximum, each of its points is one, and integrals are accurate."""
        searched = self.converged and not self.unfinished and not self.higher
        return searched and all(one.holds for one in self.certificates)

    def __repr__(self) -> str:
        return f"<Profile of {' and '.join(self.names)}: {self.two_delta.size} points>"


def to_record(profile: Profile) -> dict[str, Any]:
    """The profile as plain data, for `profile.json`. An end of an interval that is not closed is a bound."""
    return {
        "names": profile.names,
        "priors": profile.priors,
        "best": profile.best,
        "log_density": profile.log_density,
        "levels": [
            {**asdict(level), "intervals": [asdict(one) for one in level.intervals]} for level in profile.levels
        ],
        "values": profile.values,
        "two_delta": profile.two_delta,
        "maximum": profile.maximum,
        "converged": profile.converged,
        "unfinished": profile.unfinished,
        "interrupted": profile.interrupted,
        "diagnostics": to_records(inexact_maximum(profile.certificates)),
        "seed": profile.seed,
    }


def to_csv(profile: Profile) -> str:
    """A row for each point in full precision: the values held, −2Δ log-density, and all entries of parameters."""
    grid = np.stack(np.meshgrid(*profile.values, indexing="ij"), axis=-1).reshape(-1, len(profile.names))
    columns = dict(zip(profile.names, grid.T, strict=True))
    columns["two_delta_log_density"] = profile.two_delta.ravel()
    for name, values in profile.arrays.items():
        flat = values.reshape(len(grid), -1)
        shape = values.shape[profile.two_delta.ndim :]
        entries = entry_names(name, shape, profile.schemas.get(name, VariableSchema()))
        columns |= {entry: flat[:, i] for i, entry in enumerate(entries) if entry not in profile.names}
    return csv_text(columns, (map(float, row) for row in zip(*columns.values(), strict=True)))


def to_tree(profile: Profile) -> Tree:
    """The profile as a tree with one group, `profile`, whose leading axes have the values held as coordinates."""
    axes = tuple(f"{name} held" for name in profile.names)
    arrays = {"two_delta_log_density": profile.two_delta, **profile.arrays}
    group = group_of(arrays, profile.schemas, axes)
    assert group is not None
    group = group.with_labels(dict(zip(axes, profile.values, strict=True)))
    attributes = {"log_density": profile.log_density, "priors": profile.priors, "seed": profile.seed}
    return tree_of({"profile": group}, attributes)
