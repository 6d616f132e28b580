"""Data drawn at each draw of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdflang.inference import Monitor
from pdflang.inference.turns import each_of
from pdflang.model import CompiledModel
from pdflang.predictive.draws import DrawnParameters, evenly
from pdflang.predictive.events import Bins

_EXAMPLES = 20
"""Simulated data that bins of events are made for."""


def simulated(
    model: CompiledModel, drawn: DrawnParameters, bins: list[Bins], threads: int | None, monitor: Monitor
) -> dict[str, np.ndarray]:
    """Data (n, …) by name, events as counts in bins; the same on any number of threads."""
    if not bins:
        data = model.functions.simulations(drawn.data_keys, drawn.parameters, model.arrays)
        return {name: np.asarray(data[name]) for name in model.program.observations}

    def row(number: int) -> dict[str, np.ndarray]:
        return binned(bins, _one(model, drawn, number))

    rows = each_of(len(drawn.keys), row, "predict", threads, monitor)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def examples(model: CompiledModel, drawn: DrawnParameters) -> list[dict[str, Any]]:
    """Some of the data to come, where bins must be found for them."""
    if not model.event_counts():
        return []
    return [_one(model, drawn, number) for number in evenly(len(drawn.keys), _EXAMPLES)]


def binned(bins: list[Bins], data: Mapping[str, Any]) -> dict[str, np.ndarray]:
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


def _one(model: CompiledModel, drawn: DrawnParameters, number: int) -> dict[str, Any]:
    return model.simulate(drawn.keys[number], {name: values[number] for name, values in drawn.parameters.items()})
