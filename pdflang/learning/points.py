"""Where the parameters of simulations come from: the prior, or points that are given, as those of a posterior are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.inference.platform import double_precision
from pdflang.learning.coordinates import unconstrained

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
            order = np.asarray(jax.random.permutation(key, count))
        return self.z[order % len(self.z)]

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


def points_of(model: CompiledModel, given: Mapping[str, Any] | None) -> Points:
    """The points of parameters by name, on the constrained scale: one, or an array (n, …) of several.

    Errors: E609 where they are not those of the model.
    """
    from pdflang.simulator.proposals import given as checked

    if given is None:
        return Points(model)
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    many = [len(values) for name, values in given.items() if np.ndim(values) == len(shapes.get(name, ())) + 1]
    return Points(model, unconstrained(model, checked(model, given, max(many, default=1))))
