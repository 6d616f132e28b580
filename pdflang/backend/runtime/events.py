"""Lists of events as generated code draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax import Array

from pdflang.backend.runtime.envelope import CannotDraw
from pdflang.backend.runtime.thinning import Envelopes, Simulator

_ATTEMPTS = 100


@dataclass(frozen=True)
class Stream:
    """How some of the events come about: places drawn with an intensity, then detectors.

    `region` has the ends of real variables and the lengths of indices, in the order of the arguments of
    `intensity(*places, params, arrays)`, which takes arrays (n,). `detect(event, *places, params, arrays)` takes
    one event to its measured values by variable; without it places are what is measured.
    """

    name: str
    intensity: Callable[..., Array]
    region: Mapping[str, tuple[float, float] | int]
    detect: Callable[..., dict[str, Array]] | None = None


@dataclass
class Events:
    """Simulated events: measured columns (n,) by variable, the sign of the intensity of each as `weights`.

    `traces` has, for each stream, all its true events: true places and sites by name, and the `row` of the event
    in the columns, −1 where it was lost.
    """

    columns: dict[str, np.ndarray]
    weights: np.ndarray
    traces: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


class EventDraws:
    """Draws events at given parameters; with `traces` it keeps how they came about.

    What bounds the intensities is found anew, or once for all who share `envelopes` at the same parameters.

    Called with the streams of a Poisson process it gives its events, with `count` so many accepted ones of its shape:
    the same ones whatever is kept of them. `signed` intensities may be negative: events come about with the magnitude.
    Raises CannotDraw where an intensity allows no events.
    """

    def __init__(self, params: Any, arrays: Any, traces: bool = False, envelopes: Envelopes | None = None) -> None:
        self._params, self._arrays, self._traces, self._envelopes = params, arrays, traces, envelopes

    def __call__(self, key: Array, *streams: Stream, count: Any = None, signed: bool = False) -> Events:
        simulator = Simulator(key, streams, self._params, self._arrays, signed, self._traces, self._envelopes)
        for _ in range(_ATTEMPTS):
            simulator.restart()
            if simulator.run(None if count is None else int(count)):
                return Events(*simulator.events())
        raise CannotDraw(f"has no bound that holds, after {_ATTEMPTS} attempts").of(streams[0].name)
