"""Data drawn at draws of the prior or the posterior, in groups by ArviZ's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.data.events import as_data
from pdflang.fields import data_schemas, schemas
from pdflang.inference.options import PredictOptions, chosen_seed
from pdflang.ir import nodes
from pdflang.model import CompiledModel
from pdflang.predictive.events import Bins, bins_of
from pdflang.predictive.left_out import agreement
from pdflang.results.posterior import DRAW_AXES, dataset, tree_of
from pdflang.results.schema import VariableSchema

if TYPE_CHECKING:
    import xarray

_EXAMPLES = 20
"""Simulated data that bins of events are made for."""


@dataclass(frozen=True)
class _Draws:
    """Parameters (n, …) by name, of `shape` (chain, draw), with a key for the data of each; the group of them."""

    parameters: dict[str, np.ndarray]
    keys: Any
    shape: tuple[int, int]
    group: xarray.Dataset | None


def predict(
    model: CompiledModel, options: PredictOptions, posterior: xarray.DataTree | None = None
) -> xarray.DataTree:
    """Data drawn at draws of a posterior, or of the prior where none is given, as a DataTree in ArviZ's schema.

    The groups are posterior, posterior_predictive, log_likelihood and observed_data, or prior, prior_predictive and
    observed_data; `chi2` has χ² of Gaussian observations at the draws of a posterior. Data are (chain, draw, *axes);
    lists of events are counts in bins, with their edges in constant_data. log_likelihood has the terms of
    `left_out_terms`. The same seed predicts the same at a draw, whatever other draws there are: what `simulate` draws
    with the key `fold_in(key(seed), number of the draw)`. Errors: E607 where the prior cannot be drawn from, E609
    where the posterior is of other parameters, E612 where the rate of events at a draw allows none.
    """
    import jax

    kind = "prior" if posterior is None else "posterior"
    seed = chosen_seed(options.seed)
    with jax.enable_x64(True):
        key = jax.random.key(seed)
        drawn = _of_prior(model, key, options) if posterior is None else _of_posterior(model, key, options, posterior)
        bins = bins_of(model, _examples(model, drawn))
        known = {**data_schemas(model), **{b.name: b.schema for b in bins}}
        predicted, observed = _simulated(model, drawn, bins), _binned(bins, observed_data(model))
        groups = {
            kind: drawn.group,
            f"{kind}_predictive": _group(drawn, predicted, known),
            **(_beside_posterior(model, drawn) if posterior is not None else {}),
            "observed_data": dataset(observed, known, ()),
            "constant_data": dataset({f"{b.name} edges": b.edges for b in bins}, {}, ()),
        }
    attributes = {"method": "predict", "kind": kind, "seed": seed, "without_density": _without_density(model)}
    return tree_of(groups, attributes)


def observed_data(model: CompiledModel) -> dict[str, Any]:
    """What was observed, as `simulate` has it: arrays by name, columns of them for a table of events."""
    found: dict[str, Any] = {}
    for name, observation in model.program.observations.items():
        process, target = observation.process, observation.target
        if process is None:
            found[name] = _array(model, target.base if isinstance(target, nodes.Element) else target)
            continue
        columns = {variable: _array(model, node) for variable, node in process.columns.items()}
        weights = _array(model, process.weights) if isinstance(process.weights, nodes.Reference) else np.ones(0)
        found |= as_data(model.program, observation, columns, weights)
    return found


def observed_arrays(model: CompiledModel) -> dict[str, np.ndarray]:
    """What was observed as arrays by name, columns of a table of events as `<name>.<column>`."""
    found: dict[str, np.ndarray] = {}
    for name, data in observed_data(model).items():
        columns = data if isinstance(data, dict) else {"": data}
        found |= {f"{name}.{column}" if column else name: values for column, values in columns.items()}
    return found


def _without_density(model: CompiledModel) -> dict[str, str]:
    """Why an observation has no likelihood, by name."""
    observations = model.program.observations.values()
    found = {o.name: o.no_density.message for o in observations if o.no_density is not None}
    weighted = {o.name: "its events are weighted" for o in observations if o.process and o.process.weights is not None}
    return {**weighted, **found}


def _array(model: CompiledModel, node: nodes.Node) -> np.ndarray:
    assert isinstance(node, nodes.Reference)
    return np.asarray(model.bound.arrays[node.name])


# --- draws of parameters -----------------------------------------------------------------------------------------


def _of_prior(model: CompiledModel, key: Any, options: PredictOptions) -> _Draws:
    model.draw_prior(key)  # says what cannot be drawn
    keys = _keys(key, np.arange(options.draws))
    drawn = model.functions.prior_draws(_halves(keys, 0), model.arrays)
    parameters = {name: np.asarray(drawn[name]) for name in model.program.parameters}
    derived = model.functions.deriveds(parameters, model.arrays) if parameters else {}
    shape = (1, options.draws)
    return _Draws(parameters, keys, shape, dataset(_shaped({**parameters, **derived}, shape), schemas(model)))


def _of_posterior(model: CompiledModel, key: Any, options: PredictOptions, posterior: xarray.DataTree) -> _Draws:
    group = posterior["posterior"].to_dataset()
    values = _parameters(model, group)
    chains, length = (group.sizes[axis] for axis in DRAW_AXES)
    places = _evenly(length, -(-options.draws // chains))
    keys = _keys(key, (np.arange(chains)[:, None] * length + places).ravel())
    parameters = {name: array[:, places].reshape(-1, *array.shape[2:]) for name, array in values.items()}
    return _Draws(parameters, keys, (chains, len(places)), group.isel(draw=places))


def _parameters(model: CompiledModel, draws: xarray.Dataset) -> dict[str, np.ndarray]:
    """The parameters of all draws (chain, draw, …). PdflangError (E609) where they are not the model's."""
    found = {str(name): np.asarray(draws[name].transpose(*DRAW_AXES, ...)) for name in draws.data_vars}
    model.unconstrain({name: values[0, 0] for name, values in found.items()})
    return {name: found[name] for name in model.program.parameters}


def _evenly(length: int, number: int) -> np.ndarray:
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


# --- draws of data -----------------------------------------------------------------------------------------------


def _simulated(model: CompiledModel, drawn: _Draws, bins: list[Bins]) -> dict[str, np.ndarray]:
    """Data (n, …) by name, events as counts in bins."""
    if not bins:
        data = model.functions.simulations(_halves(drawn.keys, 1), drawn.parameters, model.arrays)
        return {name: np.asarray(data[name]) for name in model.program.observations}
    rows = [_binned(bins, _one(model, drawn, number)) for number in range(len(drawn.keys))]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _one(model: CompiledModel, drawn: _Draws, number: int) -> dict[str, Any]:
    return model.simulate(drawn.keys[number], {name: values[number] for name, values in drawn.parameters.items()})


def _examples(model: CompiledModel, drawn: _Draws) -> list[dict[str, Any]]:
    """Some of the data to come, where bins must be found for them."""
    if not model.event_counts():
        return []
    return [_one(model, drawn, number) for number in _evenly(len(drawn.keys), _EXAMPLES)]


def _binned(bins: list[Bins], data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Data as arrays by name, lists of events as counts in bins."""
    found: dict[str, np.ndarray] = {}
    of: dict[str, list[Bins]] = {}
    for one in bins:
        of.setdefault(one.observation, []).append(one)
    weights = {one.weights for one in bins}
    for name, values in data.items():
        if name in of:
            found |= {one.name: one.count(data) for one in of[name]}
        elif name not in weights:
            found[name] = np.asarray(values)
    return found


# --- groups ------------------------------------------------------------------------------------------------------


def _shaped(arrays: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arrays (n, …) with their first axis as `shape`."""
    values = {name: np.asarray(array) for name, array in arrays.items()}
    return {name: array.reshape(*shape, *array.shape[1:]) for name, array in values.items()}


def _group(
    drawn: _Draws, arrays: Mapping[str, Any], known: Mapping[str, VariableSchema]
) -> xarray.Dataset | None:
    """Arrays (n, …) as a group with the chains and draws of the parameters."""
    found = dataset(_shaped(arrays, drawn.shape), known)
    if found is None or drawn.group is None:
        return found
    return found.assign_coords({axis: drawn.group.coords[axis] for axis in DRAW_AXES})


def _beside_posterior(model: CompiledModel, drawn: _Draws) -> dict[str, xarray.Dataset | None]:
    """The terms of the likelihood, and χ² of Gaussian observations, at each draw."""
    terms, chi2 = agreement(model, drawn.parameters)
    return {
        "log_likelihood": _group(drawn, terms, term_schemas(model, terms)),
        "chi2": _group(drawn, chi2, {}),
    }


def term_schemas(model: CompiledModel, terms: Mapping[str, np.ndarray]) -> dict[str, VariableSchema]:
    """The axes of the terms (n, …) of a likelihood: those of the data where every entry has one."""
    whole, parts, observed = data_schemas(model), schemas(model), observed_data(model)
    entries = {name for name in terms if name in observed and terms[name].shape[1:] == np.shape(observed[name])}
    return {name: whole[name] if name in entries else parts.get(name, VariableSchema()) for name in terms}
