"""Simulated events as data: what the simulator draws of a process, by the names under which the model reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir.nodes import Reference
from pdflang.ir.program import EventVariable, Observation, Process, Program

if TYPE_CHECKING:
    import numpy as np


def as_data(
    program: Program, observation: Observation, columns: Mapping[str, np.ndarray], weights: np.ndarray
) -> dict[str, Any]:
    """The data that events make: an array, or the columns of a table, with labels of indices as words.

    The weights are a column too, or a datum of their own. PdflangError (E613) where the model computes them.
    """
    process = observation.process
    assert process is not None
    named = {v.name: _labelled(program, v, columns[v.name]) for v in process.variables}
    if program.data[observation.name].shape != "table":
        (values,) = named.values()
        return {observation.name: values, **_weights(observation, process, weights)}
    drawn = _weights(observation, process, weights)
    table, _, column = next(iter(drawn), "").rpartition(".")
    if column and table == observation.name:
        return {observation.name: {**named, column: weights}}
    return {observation.name: named, **drawn}


def _weights(observation: Observation, process: Process, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The weights under the name of what the model reads them from."""
    if process.weights is None:
        return {}
    if not isinstance(process.weights, Reference):
        raise PdflangError(
            Diagnostic(
                "E613",
                f"the weights of `{observation.name}` are computed, so that events with such weights cannot be drawn",
                observation.span,
                remedy=f"let them be a column of their own: weights = {observation.name}.w",
            )
        )
    return {process.weights.name: weights}


def trace_labels(
    program: Program, process: Process, traces: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, dict[str, np.ndarray]]:
    """The traces of a process by stream and site, with labels of indices as words."""
    found = {}
    for stream in process.streams:
        variables = {variable.name: variable for variable in stream.variables}
        found[stream.name] = {
            site: _labelled(program, variables[site], values) if site in variables else values
            for site, values in traces[stream.name].items()
        }
    return found


def _labelled(program: Program, variable: EventVariable, values: np.ndarray) -> np.ndarray:
    import numpy as np

    index = program.indices.get(variable.axis.name or "") if variable.axis is not None else None
    return np.asarray(index.labels)[values] if index is not None and index.labels else values
