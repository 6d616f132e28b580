"""The quantities that are ranked, and the rank of a true value among draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pdflang.results import convergence

if TYPE_CHECKING:
    from pdflang.embedding import Model

LOG_DENSITY = "log-density"
"""No name of a model has a hyphen. Its rank tells how often regions of highest density hold the truth."""

DISTANCE = "distance (TARP)"
"""That from a random point, which tells whether regions of any shape do (Lemos et al. 2023, arXiv:2302.03026)."""


@dataclass(frozen=True)
class Entry:
    """One number: an entry of a parameter, an output or solved constant that is a number, or one of all parameters."""

    name: str
    variable: str
    role: str
    position: int

    def of(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Its column (points,) of arrays (points, …) by name. ValueError where it is not a number."""
        column = values[self.variable].reshape(len(values[self.variable]), -1)[:, self.position]
        if np.any(np.isnan(column)):
            place = "at the true parameters" if np.isnan(column[0]) else "in a draw"
            raise ValueError(f"{self.name} is not a number {place}")
        return column


class Ranked(NamedTuple):
    """How many of the thinned draws lie below the truth, and the effective sample size of all draws."""

    rank: int
    ess: float


def entries_of(model: Model) -> tuple[Entry, ...]:
    """All that is ranked: entries of parameters, solved constants and outputs that are numbers, two of all together.

    Of these the log-density is only where there is one.
    """
    from pdflang.fields import schemas
    from pdflang.results.schema import entry_names

    known = schemas(model)
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    shapes |= {name: () for name, schema in known.items() if schema.role in ("derived", "output") and not schema.dims}
    found = [
        Entry(label, name, known[name].role, position)
        for name, shape in shapes.items()
        if name not in model.program.observations
        for position, label in enumerate(entry_names(name, shape, known[name]))
    ]
    together = [LOG_DENSITY] if model.has_density else []
    together += [DISTANCE] if model.dimension > 1 else []
    return (*found, *(Entry(name, name, "derived", 0) for name in together))


def distances(z: np.ndarray, point: np.ndarray) -> np.ndarray:
    """How far from a `point` (n,) the rows of z (points, n) are, in units of their spread, in which none is special."""
    spread = z.std(axis=0)
    return np.linalg.norm((z - point) / np.where(spread > 0, spread, 1.0), axis=1)


def rank(column: np.ndarray, thin: int, random: np.random.Generator) -> Ranked:
    """The rank of a column's first number among every `thin`-th of the others; equal ones are ranked at random."""
    truth, draws = column[0], column[1:]
    kept = draws[thin - 1 :: thin]
    ties = int(np.sum(kept == truth))
    below = int(np.sum(kept < truth)) + int(random.integers(ties + 1))
    if np.all(draws == draws[0]):
        return Ranked(below, float(len(draws)))
    return Ranked(below, round(convergence.ess_bulk(draws[None]), 1))
