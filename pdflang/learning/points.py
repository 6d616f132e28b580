"""Where the parameters of simulations come from: the prior, or points that are given, as those of a posterior are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.inference.platform import double_precision
from pdflang.learning.coordinates import unconstrained
from pdflang.simulator.proposals import Origin, given

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


@dataclass(frozen=True)
class Points:
    """Draws of the prior of a model, or, in turn, those of the unconstrained vectors `z` (n, dimension)."""

    model: CompiledModel
    z: np.ndarray | None = None

    def drawn(self, key: Any, count: int) -> np.ndarray:
        """So many of them, (count, dimension), in random order; all about equally often where they are given."""
        if self.z is None:
            return prior_draws(self.model, key, count)
        with double_precision():
            order = np.asarray(jax.random.permutation(key, max(count, len(self.z))))
        return self.z[order[:count] % len(self.z)]

    @property
    def center(self) -> np.ndarray:
        """The median of each component, (dimension,)."""
        z = self.z if self.z is not None else prior_draws(self.model, jax.random.key(0), 1001)
        return np.median(z, axis=0)


def prior_draws(model: CompiledModel, key: Any, count: int) -> np.ndarray:
    """Draws of the prior, unconstrained, (count, dimension)."""
    with double_precision():
        drawn = model.accepted(*model.functions.prior_draws(jax.random.split(key, count), model.arrays))
    return unconstrained(model, drawn)


def points_of(model: CompiledModel, source: Mapping[str, Any] | str | Path | None) -> Points:
    """The points of parameters by name, on the constrained scale, one or an array (n, …) of several; those of a run.

    Errors: E609 where they are not those of the model, E623 where a folder is not that of a run.
    """
    if source is None:
        return Points(model)
    values = Origin(model, source, jax.random.key(0)).values
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    many = [len(array) for name, array in values.items() if np.ndim(array) == len(shapes.get(name, ())) + 1]
    return Points(model, unconstrained(model, given(model, values, max(many, default=1))))
