"""The draws of parameters at which data are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.fields import schemas
from pdflang.inference.options import PredictOptions
from pdflang.model import CompiledModel
from pdflang.results.posterior import DRAW_AXES, by_chain, group_of
from pdflang.results.schema import VariableSchema
from pdflang.results.trees import Group

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class DrawnParameters:
    """Parameters (n, …) by name, of `shape` (chain, draw), with a key (n,) for the data of each.

    `group` is the prior or the posterior that is left of them; None without parameters.
    """

    parameters: dict[str, np.ndarray]
    keys: Any
    shape: tuple[int, int]
    group: Group | None

    def as_group(self, arrays: Mapping[str, Any], known: Mapping[str, VariableSchema]) -> Group | None:
        """Arrays (n, …) as a group of these chains and draws, with the axes of their schemas."""
        found = group_of(by_chain(arrays, self.shape), known)
        if found is None or self.group is None:
            return found
        return found.with_labels({axis: self.group.coords[axis] for axis in DRAW_AXES})

    @property
    def data_keys(self) -> Any:
        """The keys that `simulate` makes of `keys` for the data."""
        return _halves(self.keys, 1)


def of_prior(model: CompiledModel, key: Any, options: PredictOptions) -> DrawnParameters:
    """Draws of the prior and what is derived of them. PdflangError (E607) where it cannot be drawn from."""
    model.draw_prior(key)  # says what cannot be drawn
    keys = _keys(key, np.arange(options.draws))
    drawn = model.accepted(*model.functions.prior_draws(_halves(keys, 0), model.arrays))
    parameters = {name: np.asarray(drawn[name]) for name in model.program.parameters}
    derived = model.functions.deriveds(parameters, model.arrays) if parameters else {}
    shape = (1, options.draws)
    group = group_of(by_chain({**parameters, **derived}, shape), schemas(model))
    return DrawnParameters(parameters, keys, shape, group)


def of_posterior(
    model: CompiledModel, key: Any, options: PredictOptions, posterior: xarray.DataTree, derived: bool = True
) -> DrawnParameters:
    """Draws of a posterior, evenly spaced in each chain, with what is `derived` or without.

    PdflangError (E609) where it is of other parameters.
    """
    group = posterior["posterior"].to_dataset()
    values = _parameters(model, group)
    chains, length = (group.sizes[axis] for axis in DRAW_AXES)
    places = evenly(length, -(-options.draws // chains))
    keys = _keys(key, (np.arange(chains)[:, None] * length + places).ravel())
    parameters = {name: np.concatenate(array[:, places]) for name, array in values.items()}
    left = (group if derived else group[list(parameters)]).isel(draw=places)
    return DrawnParameters(parameters, keys, (chains, len(places)), Group.of(left))


def _parameters(model: CompiledModel, draws: xarray.Dataset) -> dict[str, np.ndarray]:
    """The parameters of all draws (chain, draw, …). PdflangError (E609) where they are not the model's."""
    found = {str(name): np.asarray(draws[name].transpose(*DRAW_AXES, ...)) for name in draws.data_vars}
    model.unconstrain({name: values[0, 0] for name, values in found.items()})
    return {name: found[name] for name in model.program.parameters}


def evenly(length: int, number: int) -> np.ndarray:
    """Places of at most so many of `length` draws, evenly spaced."""
    number = min(number, length)
    return (np.arange(number) * length) // number


def _keys(key: Any, numbers: np.ndarray) -> Any:
    """A key for each number (n,): what there is at a draw does not depend on the others."""
    import jax

    return jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)


def _halves(keys: Any, half: int) -> Any:
    """What `simulate` makes of a key: the first half is for parameters, the second for data."""
    import jax

    return jax.vmap(jax.random.split)(keys)[:, half]
