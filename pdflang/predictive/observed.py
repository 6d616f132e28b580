"""What was observed, in the form in which it is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pdflang.data.events import as_data
from pdflang.fields import data_schemas, schemas
from pdflang.ir import nodes
from pdflang.model import CompiledModel
from pdflang.results.schema import VariableSchema


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
    """What was observed as arrays by name, columns of a table of events as `<name>.<column>`."""
    found: dict[str, np.ndarray] = {}
    for name, data in observed_data(model).items():
        columns = data if isinstance(data, dict) else {"": data}
        found |= {f"{name}.{column}" if column else name: values for column, values in columns.items()}
    return found


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
