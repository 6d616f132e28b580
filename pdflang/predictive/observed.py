"""What was observed, in the form in which it is simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pdflang.data.events import as_data
from pdflang.fields import data_schemas, schemas
from pdflang.ir import nodes
from pdflang.model import CompiledModel
from pdflang.results.schema import VariableSchema

_MOST_REPEATED = 100_000
"""So many events of a list are kept with the draws; more are left where they are."""


def observed_data(model: CompiledModel) -> dict[str, Any]:
    """What was observed, as `simulate` has it: arrays by name, columns of them for a table of events."""
    found: dict[str, Any] = {}
    for name, observation in model.program.observations.items():
        process, target = observation.process, observation.target
        if process is None:
            found[name] = _array(model, target.base if isinstance(target, nodes.Element) else target)
            continue
        columns = {variable: _array(model, node) for variable, node in process.columns.items()}
        weights = _array(model, process.weights) if isinstance(process.weights, nodes.Reference) else None
        if weights is None:
            # Weights that are computed are no data.
            observation = replace(observation, process=replace(process, weights=None))
        found |= as_data(model.program, observation, columns, np.ones(0) if weights is None else weights)
    return found


def observed_arrays(model: CompiledModel) -> dict[str, np.ndarray]:
    """What was observed as arrays by name, columns of a table of events as `<name>.<column>`, without long lists."""
    found: dict[str, np.ndarray] = {}
    elsewhere = _with_weights(model, _long_lists(model))
    for name, data in observed_data(model).items():
        if name in elsewhere:
            continue
        columns = data if isinstance(data, dict) else {"": data}
        found |= {f"{name}.{column}" if column else name: values for column, values in columns.items()}
    return found


def left_elsewhere(model: CompiledModel) -> dict[str, str]:
    """Where the events of long lists are, which results do not repeat: a sentence by `<name>_events`."""
    return {
        f"{name}_events": f"the {count} events of {name} are not repeated here: they are {_declared(model, name)}, "
        "or what --data of the command in provenance.json gave; their hash is there"
        for name, count in _long_lists(model).items()
    }


def _long_lists(model: CompiledModel) -> dict[str, int]:
    """How many events each list has that is too long to be repeated."""
    return {name: count for name, count in model.event_counts().items() if count > _MOST_REPEATED}


def _with_weights(model: CompiledModel, names: Iterable[str]) -> set[str]:
    """Lists of events, with the data that hold their weights and nothing else."""
    processes = [model.program.observations[name].process for name in names]
    weights = [process.weights for process in processes if process is not None]
    return {*names, *(node.name for node in weights if isinstance(node, nodes.Reference))}


def _declared(model: CompiledModel, name: str) -> str:
    datum = model.program.data[name]
    return " ".join(datum.source.span.text.split()) if datum.source else f"data {name}"


def term_schemas(model: CompiledModel, terms: Mapping[str, np.ndarray]) -> dict[str, VariableSchema]:
    """The axes of the terms (n, …) of a likelihood: those of the data where every entry has one."""
    whole, parts, observed = data_schemas(model), schemas(model), observed_data(model)
    entries = {name for name in terms if name in observed and terms[name].shape[1:] == np.shape(observed[name])}
    return {name: whole[name] if name in entries else parts.get(name, VariableSchema()) for name in terms}


def without_density(model: CompiledModel) -> dict[str, str]:
    """Why an observation has no likelihood, by name."""
    observations = model.program.observations.values()
    found = {o.name: o.no_density.message for o in observations if o.no_density is not None}
    weighted = {o.name: "its events are weighted" for o in observations if o.process and o.process.weights is not None}
    return {**weighted, **found}


def _array(model: CompiledModel, node: nodes.Node) -> np.ndarray:
    assert isinstance(node, nodes.Reference)
    return np.asarray(model.bound.arrays[node.name])
