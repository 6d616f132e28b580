"""Simulated events beside those observed: what a correction of the simulation is learned from.

Some of the observed events are put aside: only `validate` sees them. Of both sides a part is for the validation loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import constrained
from pdflang.learning.event_sample import GROUP
from pdflang.learning.layout import Part, numbers_of, weights_of
from pdflang.learning.options import CorrectionOptions
from pdflang.simulator import Simulator

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

SIDES = ("simulated", "observed")
_LISTS_AT_ONCE = 16
_FEWEST = 100
"""Events of a side without which nothing is learned."""
_MORE, _ENOUGH = 10, 4000
"""Simulated events for one that is observed, and how many are not too many in any case."""


@dataclass(frozen=True)
class Sides:
    """Simulated and observed events of each observation `o`, all arrays by name.

    `events` are those of a side `s`: `o s` (n, width) and `o s weight` (n,), of mean 1. `groups` are their places in
    groups, `o s` (groups, GROUP): the side with fewer events is repeated. The first `held` groups are for the
    validation loss: none of their events is in others. `kept` are the observed events that were put aside, `o` (n,
    width) and `o weight` (n,). `point` (dimension,) is where all are simulated, unconstrained.
    """

    events: dict[str, np.ndarray]
    groups: dict[str, np.ndarray]
    held: int
    kept: dict[str, np.ndarray]
    point: np.ndarray

    def __len__(self) -> int:
        return len(next(iter(self.groups.values())))

    def chosen(self, places: Any) -> Sides:
        """Some of the groups, or all in another order."""
        return replace(self, groups={name: values[places] for name, values in self.groups.items()})

    def of(self, name: str, side: str, held: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The events (n, width) of a side with their weights (n,), or those `held` alone, each of them once."""
        some: Any = np.unique(self.groups[f"{name} {side}"][: self.held]) if held else slice(None)
        return self.events[f"{name} {side}"][some], self.events[f"{name} {side} weight"][some]

    def arrays(self) -> dict[str, np.ndarray]:
        """All as arrays by name, for a file."""
        parts = {"event": self.events, "group": self.groups, "kept": self.kept}
        named = {f"{kind} {name}": values for kind, part in parts.items() for name, values in part.items()}
        return {**named, "held": np.array(self.held), "point": self.point}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Sides:
        """What `arrays` gave."""
        events, groups, kept = (
            {n.removeprefix(f"{kind} "): a for n, a in arrays.items() if n.startswith(f"{kind} ")}
            for kind in ("event", "group", "kept")
        )
        return cls(events, groups, int(arrays["held"]), kept, arrays["point"])


def both_sides(
    model: CompiledModel, parts: Sequence[Part], options: CorrectionOptions, point: np.ndarray, seed: int,
    stop: StopRequest | None = None, told: Callable[[int], None] = lambda done: None,
) -> Sides | None:  # fmt: skip
    """Events that are simulated at unconstrained parameters (dimension,), and those that the model observes.

    None where a stop was requested; `told` hears how many lists there are. Errors: E661 where a side has too few events
    or one that is not finite, and those of `simulate`.
    """
    generator = np.random.default_rng(seed)
    observed, kept = _observed(model, parts, options, generator)
    for part in parts:
        _require_events(model, part, "observed", *observed[part.name], options.simulations)
    wanted = {name: min(options.events, max(_MORE * len(rows), _ENOUGH)) for name, (rows, _) in observed.items()}
    simulated = simulated_at(
        model, parts, point, wanted, seed, options.simulations, options.threads, stop, told
    )
    if simulated is None:
        return None
    for part in parts:
        _require_events(model, part, "simulated", *simulated[part.name], options.simulations)
    found = {
        (part.name, side): events[part.name]
        for side, events in zip(SIDES, (simulated, observed), strict=True)
        for part in parts
    }
    count = max(-(-len(rows) // GROUP) for rows, _ in found.values())
    held = max(1, round(options.validation * count))
    events: dict[str, np.ndarray] = {}
    groups: dict[str, np.ndarray] = {}
    for (name, side), (rows, weights) in found.items():
        order = generator.permutation(len(rows))
        cut = max(1, round(options.validation * len(rows)))
        places = [np.resize(order[:cut], held * GROUP), np.resize(order[cut:], (count - held) * GROUP)]
        events |= {f"{name} {side}": rows, f"{name} {side} weight": weights / weights.mean()}
        groups[f"{name} {side}"] = np.concatenate(places).reshape(count, GROUP)
    return Sides(events, groups, held, kept, np.asarray(point))


def simulated_at(
    model: CompiledModel, parts: Sequence[Part], point: np.ndarray, wanted: Mapping[str, int], seed: int, lists: int,
    threads: int | None = None, stop: StopRequest | None = None, told: Callable[[int], None] = lambda done: None,
) -> dict[str, tuple[np.ndarray, np.ndarray]] | None:  # fmt: skip
    """Rows (n, width) and weights of as many events as are wanted, or as so many lists have, by observation.

    They are simulated at unconstrained parameters (dimension,). None where a stop was requested.
    """
    simulator = Simulator(model)
    params = {name: values[0] for name, values in constrained(model, np.asarray(point)[None]).items()}
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {part.name: [] for part in parts}
    first = 0
    while first < lists and any(_count(found[part.name]) < wanted[part.name] for part in parts):
        size = min(_LISTS_AT_ONCE, lists - first) if first else 1
        try:
            batch = simulator.draw(size, seed, first, params, traces=False, threads=threads, stop=stop)
        except KeyboardInterrupt:
            return None
        for part in parts:
            events = batch.data[part.name]
            rows = numbers_of(model, part, {part.name: events.columns})
            found[part.name].append((rows, np.ones(len(rows)) if events.weights is None else events.weights))
        first += size
        told(first)
    return {
        name: (np.concatenate([r for r, _ in own])[: wanted[name]], np.concatenate([w for _, w in own])[: wanted[name]])
        for name, own in found.items()
    }


def _count(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    return sum(len(rows) for rows, _ in found)


def _observed(
    model: CompiledModel, parts: Sequence[Part], options: CorrectionOptions, generator: np.random.Generator
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, np.ndarray]]:
    """Those to learn from, and those that are put aside."""
    from pdflang.predictive.observed import observed_data

    data = observed_data(model)
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    kept: dict[str, np.ndarray] = {}
    for part in parts:
        rows, weights = numbers_of(model, part, data), weights_of(part, data)
        order = generator.permutation(len(rows))
        cut = round(options.test * len(rows))
        some, aside = order[cut:][: options.events], order[:cut][: options.events]
        found[part.name] = rows[some], weights[some]
        kept |= {part.name: rows[aside], f"{part.name} weight": weights[aside]}
    return found, kept


def _require_events(
    model: CompiledModel, part: Part, side: str, rows: np.ndarray, weights: np.ndarray, lists: int
) -> None:
    """PdflangError (E661) where nothing can be learned of the events of a side."""
    problem, remedy = "", ""
    if len(rows) < _FEWEST:
        problem = f"{len(rows)} {side} events of `{part.name}` to learn from are too few: {_FEWEST} are the least"
        remedy = (
            f"give more `--simulations` than {lists}, or see whether rates and acceptances are what they should be"
            if side == "simulated" else "give data with more events, or put fewer aside: `--test`"
        )  # fmt: skip
    elif not np.isfinite(rows).all():
        problem, remedy = f"a {side} event of `{part.name}` is not finite", "see what its detector draws"
    elif not weights.sum() > 0:
        problem = f"the weights of the {side} events of `{part.name}` add up to no number above 0"
        remedy = "see why so many are negative"
    if problem:
        span = model.program.observations[part.name].span
        raise PdflangError(Diagnostic("E661", problem, span, remedy=remedy))
