"""Events proposed under a bound on their intensity, thinned to it, and seen through detectors.

Thinning a Poisson process is exact, whatever the bound: no integral is needed (Lewis and Shedler, Naval Research
Logistics Quarterly 26, 403 (1979)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import Array

from pdflang.backend.runtime.boxes import Box
from pdflang.backend.runtime.envelope import CannotDraw, Envelope
from pdflang.backend.runtime.lanes import detected, in_lanes, intensities

if TYPE_CHECKING:
    from pdflang.backend.runtime.events import Stream

Envelopes = dict[Callable[..., Array], Envelope]
"""What bounds intensities, by these, at some parameters."""
_BLOCK = 1 << 18
"""Proposals that are held at once."""
_MOST = 10**9
_HOPELESS = 1 << 24
"""Proposals after which a sample of a given size is given up, if none was accepted."""


class Simulator:
    """Proposals in the order of one stream of random numbers; the cells of all streams are one list."""

    def __init__(
        self, key: Array, streams: Sequence[Stream], params: Any, arrays: Any, signed: bool, traces: bool,
        envelopes: Envelopes | None = None,
    ) -> None:  # fmt: skip
        place_key, *self._keys = jax.random.split(key, len(streams) + 1)
        self._seed = np.asarray(jax.random.key_data(place_key)).tolist()
        self._streams, self._params, self._arrays, self._keeps_sites = streams, params, arrays, traces
        known = {} if envelopes is None else envelopes
        for stream in streams:
            if stream.intensity not in known:
                known[stream.intensity] = self._envelope(stream, signed)
        # Copies: one that has to be wider is so for these events only, which do not depend on those before.
        self._envelopes = [copy(known[stream.intensity]) for stream in streams]

    def _envelope(self, stream: Stream, signed: bool) -> Envelope:
        def intensity(columns: list[np.ndarray]) -> np.ndarray:
            return in_lanes(partial(intensities, stream.intensity), columns, self._params, self._arrays)

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
        detector = partial(detected, stream.detect, self._keys[number])
        measured, accepted, others = in_lanes(detector, [numbers, *places], self._params, self._arrays)
        return _Part(numbers, measured, accepted, {**sites, **others} if self._keeps_sites else {}, signs)

    def _cut(self, count: int) -> None:
        """Forget what was proposed after the event that completes the sample."""
        accepted = np.sort(np.concatenate([p.numbers[p.accepted] for parts in self._parts for p in parts]))
        last = accepted[count - 1] if count else -1
        self._parts = [[part.until(last) for part in parts] for parts in self._parts]

    # --- results --------------------------------------------------------------------------------------------

    def events(self) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, dict[str, np.ndarray]]]:
        """Columns, signs and traces of what was drawn, in the order of the proposals, which is no order at all."""
        parts = [part for stream in self._parts for part in stream]
        numbers = np.concatenate([part.numbers[part.accepted] for part in parts])
        order = np.argsort(numbers)
        columns = {
            name: np.concatenate([part.measured[name][part.accepted] for part in parts])[order]
            for name in parts[0].measured
        }
        signs = np.concatenate([part.signs[part.accepted] for part in parts])[order]
        return columns, signs, self._traces(numbers[order]) if self._keeps_sites else {}

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
