"""Events that networks make, and simulated ones of the same parameters, for tests of two samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.inference.workers import StopRequest
from pdflang.learning.columns import columns_of
from pdflang.learning.coordinates import constrained
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.surrogate import Surrogate
from pdflang.results.events_beside import EventTest, column_test, two_samples
from pdflang.simulator import Simulator

if TYPE_CHECKING:
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel

_MOST_LISTS = 10_000


def events_beside(
    model: CompiledModel, learned: Learned, points: int, events: int, seed: int, threads: int | None,
    stop: StopRequest,
) -> tuple[EventTest, ...] | None:  # fmt: skip
    """Tests of so many events at so many points of those that were learned from; None where a stop was requested.

    Errors: E620 without scikit-learn, E662 where no events are made, and those of `simulate`.
    """
    generator = np.random.default_rng(seed)
    known = np.unique(learned.scales["z points"], axis=0)
    z = known[generator.permutation(len(known))[:points]]
    surrogate, simulator = Surrogate(model, learned), Simulator(model)
    found = []
    for number in range(len(z)):
        params = {name: values[0] for name, values in constrained(model, z[number : number + 1]).items()}
        expected = surrogate.expected(params)
        sizes = {part.name: events for part in learned.parts if part.is_normalised}
        rarest = min((expected[p.name].mean() for p in learned.parts if not p.is_normalised), default=events)
        lists = min(_MOST_LISTS, max(1, math.ceil(events / max(rarest, 1e-3))))
        try:
            batch = simulator.draw(
                lists, seed, number * _MOST_LISTS, params, sizes, traces=False, threads=threads, stop=stop
            )
        except KeyboardInterrupt:
            return None
        for part in learned.parts:
            found.append(_tested(surrogate, part, params, batch, expected[part.name], events, generator))
            if stop.requested:
                return None
    return tuple(found)


def _tested(
    surrogate: Surrogate, part: Part, params: dict[str, Any], batch: Any, expected: np.ndarray, events: int,
    generator: np.random.Generator,
) -> EventTest:  # fmt: skip
    lists = batch.data[part.name]
    rows = numbers_of(surrogate.model, part, {part.name: lists.columns})
    signs = np.ones(len(rows)) if lists.weights is None else lists.weights
    number = (float(signs.sum()) / batch.count, math.sqrt(np.sum(signs**2)) / batch.count)
    some = generator.permutation(len(rows))[:events]
    seeds = [int(one) for one in generator.integers(2**32, size=len(expected) + 1)]
    shares = np.ones(len(expected)) if part.is_normalised else expected
    counts = generator.multinomial(len(some), shares / shares.sum())
    networks = [
        surrogate.of_network(part, params, member, 4 * events, own) for member, own in enumerate(seeds[:-1])
    ]
    made = generator.permutation(np.concatenate([own[:count] for own, count in zip(networks, counts, strict=True)]))
    first, second, test = two_samples(rows[some], signs[some], made, seeds[-1])
    columns, place = [], 0
    for column in columns_of(part, surrogate.learned.scales):
        own = slice(place, place + column.width)
        place += column.width
        samples = [first[:, own], second[:, own]]
        columns.append(column_test(column.name, samples, [one[:, own] for one in networks]))
    spread = float(expected.std(ddof=1)) if len(expected) > 1 else None
    return EventTest(
        params, part.name, len(some), None if part.is_normalised else number,
        None if part.is_normalised else (float(expected.mean()), spread), test, tuple(columns),
    )  # fmt: skip
