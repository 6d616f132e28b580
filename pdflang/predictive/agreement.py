"""χ² of data with normal errors: of all, and of each measured data set by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.predictive.measured import measured

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


@dataclass(frozen=True)
class Part:
    """χ² of some data: those of an observation, or of a measured data set of it, which has a weight in the fit."""

    name: str
    chi2: float
    count: int
    weight: float = 1.0


@dataclass(frozen=True)
class Agreement:
    """How well the data of Gaussian observations are described.

    `by_observation` adds up to all. `by_data` is each measured data set by itself, with its own block of the
    covariance, and each other observation: errors that sets share are not shared there, so that it need not add up.
    Weights of data sets, which are in χ² of all as they are in the fit, are not in that of a set.
    `parameters` counts the free parameters; a nuisance is as good as a datum, and is not counted.
    """

    by_observation: tuple[Part, ...]
    by_data: tuple[Part, ...]
    parameters: int

    @property
    def chi2(self) -> float:
        """χ² of all data; NaN where no observation is Gaussian."""
        return sum(part.chi2 for part in self.by_observation) if self.by_observation else float("nan")

    @property
    def count(self) -> int:
        """How many data there are."""
        return sum(part.count for part in self.by_observation)

    @property
    def dof(self) -> int:
        """The number of data less that of parameters."""
        return self.count - self.parameters


def agreement_of(model: CompiledModel, params: dict[str, Any]) -> Agreement:
    """How well data are described at given parameters."""
    found = {name: float(value) for name, value in model.chi2(params).items()}
    whole = tuple(Part(name, chi2, _count(model, name)) for name, chi2 in found.items())
    parts = [part for each in whole for part in (list(_of_sets(model, each.name, params)) or [each])]
    free = [parameter.name for parameter in model.program.parameters.values() if parameter.role == "param"]
    return Agreement(whole, tuple(parts), sum(np.size(params[name]) for name in free))


def _count(model: CompiledModel, name: str) -> int:
    """How many entries of a datum are observed: of one prediction there may be several."""
    observation = model.program.observations[name]
    axes = [*(loop.axis for loop in observation.loops if loop.axis is not None), *observation.target.axes]
    return math.prod(axis.size.bind(model.bound.lengths) for axis in axes)


def _of_sets(model: CompiledModel, name: str, params: dict[str, Any]) -> Iterator[Part]:
    """χ² of each measured data set of an observation; nothing where it has none."""
    draws = model.bound.program.observations[name].draws
    if draws is not None and draws.row.name in ("MvNormal", "Normal"):
        weights = model.bound.weights.get(name, {})
        for one in measured(model, name, params):
            yield Part(one.name, one.chi2, len(one.observed), weights.get(one.name, 1.0))
