"""Lists of events: proposed under a bound on their intensity, thinned to it, and seen through detectors.

Thinning a Poisson process is exact, whatever the bound: no integral is needed (Lewis and Shedler, Naval Research
Logistics Quarterly 26, 403 (1979)).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from pdflang.backend.runtime.boxes import Box
from pdflang.backend.runtime.envelope import CannotDraw, Envelope
from pdflang.backend.runtime.sites import DrawnEvent

_LANES = 1 << 14
"""Events that compiled code treats at once, always as many, so that it is compiled once."""
_BLOCK = 1 << 18
"""Proposals that are held at once."""
_MOST = 10**9
_HOPELESS = 1 << 24
"""Proposals after which a sample of a given size is given up, if none was accepted."""
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

    Called with the streams of a Poisson process it gives its events, with `count` so many accepted ones of its shape:
    the same ones whatever is kept of them. `signed` intensities may be negative: events come about with the magnitude.
    Raises CannotDraw where an intensity allows no events.
    """

    def __init__(self, params: Any, arrays: Any, traces: bool = False) -> None:
        self._params, self._arrays, self._traces = params, arrays, traces

    def __call__(self, key: Array, *streams: Stream, count: Any = None, signed: bool = False) -> Events:
        simulator = _Simulator(key, streams, self._params, self._arrays, signed)
        for _ in range(_ATTEMPTS):
            simulator.restart()
            if simulator.run(None if count is None else int(count)):
                return simulator.events(self._traces)
        raise CannotDraw(f"has no bound that holds, after {_ATTEMPTS} attempts").of(streams[0].name)


class _Simulator:
    """Proposals in the order of one stream of random numbers; the cells of all streams are one list."""

    def __init__(self, key: Array, streams: Sequence[Stream], params: Any, arrays: Any, signed: bool) -> None:
        place_key, *self._keys = jax.random.split(key, len(streams) + 1)
        self._seed = np.asarray(jax.random.key_data(place_key)).tolist()
        self._streams, self._params, self._arrays = streams, params, arrays
        self._envelopes = [self._envelope(stream, signed) for stream in streams]

    def _envelope(self, stream: Stream, signed: bool) -> Envelope:
        def intensity(columns: list[np.ndarray]) -> np.ndarray:
            return _in_lanes(partial(_intensities, stream.intensity), columns, self._params, self._arrays)

        try:
            return Envelope(intensity, Box(stream.region), signed)
        except CannotDraw as failure:
            raise failure.of(stream.name) from None

    # --- proposals ------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Begin anew, with the same random numbers."""
        self._numbers = np.random.default_rng(self._seed)
        self._first = np.cumsum([0, *(len(envelope.masses) for envelope in self._envelopes)])
        self._cumulative = np.cumsum(np.concatenate([envelope.masses for envelope in self._envelopes]))
        self._proposed = 0
        self._parts: list[list[_Part]] = [[] for _ in self._streams]

    def run(self, count: int | None) -> bool:
        """Draw all events; False where a bound did not hold and was widened."""
        total = float(self._cumulative[-1])
        if not total < _MOST:
            raise CannotDraw(f"gives {total:.3g} events, more than can be drawn").of(self._streams[0].name)
        if count is None:
            return self._propose(int(self._numbers.poisson(total)))
        if total == 0.0:
            raise CannotDraw("is zero everywhere").of(self._streams[0].name)
        return self._run_until(count)

    def _run_until(self, count: int) -> bool:
        accepted, share = 0, 0.8
        while self._propose(int((count - accepted) / share) + 100):
            accepted = sum(int(part.accepted.sum()) for parts in self._parts for part in parts)
            if accepted >= count:
                self._cut(count)
                return True
            share = max(accepted / self._proposed, 0.01)
            if accepted == 0 and self._proposed >= _HOPELESS:
                raise CannotDraw("leaves no event that is accepted").of(self._streams[0].name)
        return False

    def _propose(self, count: int) -> bool:
        """So many proposals, block by block."""
        dimension = max(envelope.box.dimension for envelope in self._envelopes)
        for start in range(0, max(1, count), _BLOCK):
            shares = self._numbers.random((min(_BLOCK, count - start), 2 + dimension))
            place = np.searchsorted(self._cumulative, shares[:, 0] * self._cumulative[-1], side="right")
            place = np.minimum(place, len(self._cumulative) - 1)
            origin = np.searchsorted(self._first, place, side="right") - 1
            held = [self._thin(s, np.flatnonzero(origin == s), place, shares) for s in range(len(self._streams))]
            if not all(held):
                return False
            self._proposed += len(shares)
        return True

    def _thin(self, number: int, rows: np.ndarray, place: np.ndarray, shares: np.ndarray) -> bool:
        """The true events among the proposals in some rows, and what detectors make of them."""
        stream, envelope = self._streams[number], self._envelopes[number]
        cells, inside = place[rows] - self._first[number], shares[rows, 2 : 2 + envelope.box.dimension]
        try:
            columns, signs, ratios = envelope.propose(cells, inside)
            if np.any(too_high := ratios > 1):
                envelope.widen(cells[too_high], inside[too_high])
                return False
        except CannotDraw as failure:
            raise failure.of(stream.name) from None
        true = shares[rows, 1] < ratios
        numbers = self._proposed + rows[true]
        self._parts[number].append(self._seen(number, numbers, [c[true] for c in columns], signs[true]))
        return True

    def _seen(self, number: int, numbers: np.ndarray, places: list[np.ndarray], signs: np.ndarray) -> _Part:
        stream = self._streams[number]
        sites = dict(zip(self._envelopes[number].box.names, places, strict=True))
        if stream.detect is None:
            return _Part(numbers, sites, np.ones(len(numbers), bool), sites, signs)
        detected = partial(_detected, stream.detect, self._keys[number])
        measured, accepted, others = _in_lanes(detected, [numbers, *places], self._params, self._arrays)
        return _Part(numbers, measured, accepted, {**sites, **others}, signs)

    def _cut(self, count: int) -> None:
        """Forget what was proposed after the event that completes the sample."""
        accepted = np.sort(np.concatenate([p.numbers[p.accepted] for parts in self._parts for p in parts]))
        last = accepted[count - 1] if count else -1
        self._parts = [[part.until(last) for part in parts] for parts in self._parts]

    # --- results --------------------------------------------------------------------------------------------

    def events(self, traces: bool) -> Events:
        """What was drawn, in the order of the proposals, which is no order at all."""
        parts = [part for stream in self._parts for part in stream]
        numbers = np.concatenate([part.numbers[part.accepted] for part in parts])
        order = np.argsort(numbers)
        columns = {
            name: np.concatenate([part.measured[name][part.accepted] for part in parts])[order]
            for name in parts[0].measured
        }
        weights = np.concatenate([part.signs[part.accepted] for part in parts])[order]
        return Events(columns, weights, self._traces(numbers[order]) if traces else {})

    def _traces(self, accepted: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        found: dict[str, dict[str, np.ndarray]] = {}
        for stream, parts in zip(self._streams, self._parts, strict=True):
            rows = [np.where(part.accepted, np.searchsorted(accepted, part.numbers), -1) for part in parts]
            sites = {site: np.concatenate([part.sites[site] for part in parts]) for site in parts[0].sites}
            found[stream.name] = {**sites, "row": np.concatenate(rows)}
        return found


@dataclass(frozen=True)
class _Part:
    """True events of a stream: their numbers among all proposals, and what became of them, (n,) each."""

    numbers: np.ndarray
    measured: dict[str, np.ndarray]
    accepted: np.ndarray
    sites: dict[str, np.ndarray]
    signs: np.ndarray

    def until(self, last: int) -> _Part:
        """The events up to a number."""
        rows = self.numbers <= last
        return _Part(
            self.numbers[rows],
            {name: values[rows] for name, values in self.measured.items()},
            self.accepted[rows],
            {name: values[rows] for name, values in self.sites.items()},
            self.signs[rows],
        )


@partial(jax.jit, static_argnums=0)
def _intensities(intensity: Callable[..., Array], places: list[Array], params: Any, arrays: Any) -> Array:
    return jnp.broadcast_to(intensity(*places, params, arrays), (_LANES,))


@partial(jax.jit, static_argnums=0)
def _detected(
    detect: Callable[..., dict[str, Array]], key: Array, numbers_and_places: list[Array], params: Any, arrays: Any
) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """The measured values, acceptance and sites of events, each with random numbers of its own."""

    def one(number: Array, *places: Array) -> tuple[dict[str, Array], Array, dict[str, Array]]:
        event = DrawnEvent(jax.random.fold_in(key, number))
        measured = detect(event, *places, params, arrays)
        # JAX sorts the keys of a plain dict.
        return {name: jnp.asarray(v) for name, v in measured.items()}, event.accepted, OrderedDict(event.sites)

    return jax.vmap(one)(*numbers_and_places)


def _in_lanes(function: Callable[..., Any], columns: list[np.ndarray], params: Any, arrays: Any) -> Any:
    """A compiled function of columns (n,), so many rows at a time; arrays (n, …) in the shape of its result."""
    count = len(columns[0])
    found = []
    for start in range(0, max(1, count), _LANES):
        part = [column[start : start + _LANES] for column in columns]
        rows = len(part[0])
        padded = [np.pad(c, (0, _LANES - rows), mode="edge" if rows else "constant") for c in part]
        result = function(padded, params, arrays)
        found.append(jax.tree.map(lambda values, rows=rows: np.asarray(values)[:rows], result))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found)
