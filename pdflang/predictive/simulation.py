"""Data drawn at each draw of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from pdflang.inference import Monitor, Progressed
from pdflang.inference.platform import available_cores
from pdflang.inference.workers import interrupts, run_tasks
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
    rows = _rows(len(drawn.keys), lambda number: binned(bins, _one(model, drawn, number)), threads, monitor)
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


def _rows(
    count: int, make: Callable[[int], dict[str, np.ndarray]], threads: int | None, monitor: Monitor
) -> list[dict[str, np.ndarray]]:
    """What is made of each number, on threads. KeyboardInterrupt where Ctrl-C ended it."""
    rows: dict[int, dict[str, np.ndarray]] = {}

    def run(number: int) -> None:
        rows[number] = make(number)

    with interrupts() as stop:
        monitor.start("predict", 1, count)
        try:
            run_tasks(
                [partial(run, number) for number in range(count)], threads or available_cores(), stop,
                lambda: monitor.update(Progressed(0, "simulating", len(rows), count)), patient=False,
            )  # fmt: skip
        finally:
            monitor.finish()
    if stop.requested:
        raise KeyboardInterrupt
    return [rows[number] for number in range(count)]
