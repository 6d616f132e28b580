"""Pairs of parameters and simulated data: what every method learns from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.diagnostics.words import values_in_words
from pdflang.inference.platform import available_cores, double_precision
from pdflang.inference.workers import StopRequest, run_tasks
from pdflang.learning.coordinates import constrained, unconstrained
from pdflang.learning.layout import Part, numbers_of

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_AT_ONCE = 1024
MOST_EVENTS = 1024
"""Events of a data set that networks of sets see: of longer lists some, beside the moments and the number of all."""

_EVENTS_AT_ONCE = 64
"""Simulations between two looks at an interrupt; those of events are made one by one."""


@dataclass(frozen=True)
class Pairs:
    """Simulations: unconstrained parameters `z` (n, dimension), and data by the name of the part.

    Those of a vector are (n, width), those of a set (n, room, width) with zeros where there is no row; how many rows
    there are is `<name> count` (n,), also where only some of them are kept. `<name> mean` and `<name> variance`
    (n, width) are those of all.
    """

    z: np.ndarray
    data: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.z)

    def chosen(self, places: Any) -> Pairs:
        """Some of them."""
        return Pairs(self.z[places], {name: values[places] for name, values in self.data.items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """All as arrays by name, for a file."""
        return {"z": self.z, **{f"data {name}": values for name, values in self.data.items()}}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Pairs:
        """What `arrays` gave."""
        data = {name.removeprefix("data "): a for name, a in arrays.items() if name.startswith("data ")}
        return cls(arrays["z"], data)


def joined(pairs: Sequence[Pairs]) -> Pairs:
    """Simulations of several rounds, one after the other."""
    data = {}
    for name in pairs[0].data:
        arrays = [one.data[name] for one in pairs]
        if arrays[0].ndim == 3:
            room = max(array.shape[1] for array in arrays)
            arrays = [np.pad(array, [(0, 0), (0, room - array.shape[1]), (0, 0)]) for array in arrays]
        data[name] = np.concatenate(arrays)
    return Pairs(np.concatenate([one.z for one in pairs]), data)


def simulated_pairs(
    model: CompiledModel, parts: Sequence[Part], keys: Any, z: np.ndarray | None = None,
    threads: int | None = None, stop: StopRequest | None = None, told: Callable[[int], None] = lambda done: None,
) -> Pairs | None:  # fmt: skip
    """A simulation for each of the `keys` (n,), at draws of the prior, or at given `z` (n, dimension).

    None where a stop was requested. `told` hears how many there are. Errors: E607 as for `draw_prior`, E661 where one
    is not finite, and those of `simulate`.
    """
    stop, made, count = stop or StopRequest(), [], len(keys)
    has_events = any(part.is_events for part in parts)
    size = min(_EVENTS_AT_ONCE if has_events else _AT_ONCE, count)
    for first in range(0, count, size):
        # Whole batches, where a few more cost nothing: a rest of another length would be compiled apart.
        places = np.minimum(np.arange(first, first + size), count - 1)
        places = places[: count - first] if has_events else places
        found = _some_pairs(model, parts, keys[places], None if z is None else z[places], threads, stop)
        if found is None:
            return None
        found = found.chosen(slice(0, count - first))
        _require_finite(model, parts, found, first)
        made.append(found)
        told(first + len(found))
    return joined(made)


def keys_of(seed: int, stream: int, count: int) -> Any:
    """A key for each of so many simulations (n,): what one is does not depend on how many there are."""
    import jax

    key = jax.random.fold_in(jax.random.key(seed), stream)
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(np.arange(count))


def _some_pairs(
    model: CompiledModel, parts: Sequence[Part], keys: Any, z: np.ndarray | None, threads: int | None, stop: StopRequest
) -> Pairs | None:
    import jax

    functions, arrays = model.functions, model.arrays
    halves = jax.vmap(jax.random.split)(keys)
    if z is None:
        with double_precision():
            drawn = model.accepted(*functions.prior_draws(halves[:, 0], arrays))
        z = unconstrained(model, drawn)
    params = constrained(model, z)
    if any(part.is_events for part in parts):
        rows = _one_by_one(model, parts, halves[:, 1], params, threads, stop)
        return None if rows is None else Pairs(z, packed(parts, rows, MOST_EVENTS))
    if stop.requested:
        return None
    with double_precision():
        found = functions.simulations(halves[:, 1], params, arrays)
    shaped = {part.name: np.asarray(found[part.name], float) for part in parts}
    data: dict[str, np.ndarray] = {}
    for part in parts:
        if part.is_set:
            data[part.name] = shaped[part.name].reshape(len(z), -1, part.width)
            data[f"{part.name} count"] = np.full(len(z), float(data[part.name].shape[1]))
            data[f"{part.name} mean"] = data[part.name].mean(axis=1)
            data[f"{part.name} variance"] = data[part.name].var(axis=1)
        else:
            data[part.name] = shaped[part.name].reshape(len(z), part.width)
    return Pairs(z, data)


def _one_by_one(
    model: CompiledModel, parts: Sequence[Part], keys: Any, params: Mapping[str, np.ndarray], threads: int | None,
    stop: StopRequest,
) -> list[dict[str, np.ndarray]] | None:  # fmt: skip
    """Simulations of events, of which nobody knows how many come out, on threads."""

    def one(number: int) -> dict[str, np.ndarray]:
        data = model.simulate(keys[number], {name: values[number] for name, values in params.items()})
        return {part.name: numbers_of(model, part, data) for part in parts}

    tasks = [partial(one, number) for number in range(len(keys))]
    rows = run_tasks(tasks, threads or available_cores(), stop, patient=False)
    return None if stop.requested or any(row is None for row in rows) else [row for row in rows if row is not None]


def packed(
    parts: Sequence[Part], rows: Sequence[Mapping[str, np.ndarray]], most: int | None = None
) -> dict[str, np.ndarray]:
    """Data sets one by one as arrays of all, with room for the longest; at `most` so many events of each."""
    data: dict[str, np.ndarray] = {}
    for part in parts:
        values = [row[part.name] for row in rows]
        if not part.is_set:
            data[part.name] = np.stack(values)
            continue
        counts = np.array([len(one) for one in values])
        kept = [_some(one, most) if part.is_events else one for one in values]
        whole = np.zeros((len(values), _room(max(len(one) for one in kept)), part.width))
        for place, one in enumerate(kept):
            whole[place, : len(one)] = one
        data[part.name], data[f"{part.name} count"] = whole, counts.astype(float)
        nothing = np.zeros(part.width)
        data[f"{part.name} mean"] = np.stack([one.mean(axis=0) if len(one) else nothing for one in values])
        data[f"{part.name} variance"] = np.stack([one.var(axis=0) if len(one) else nothing for one in values])
    return data


def _some(rows: np.ndarray, most: int | None) -> np.ndarray:
    """At most so many of the rows; any of them, as those that were observed may stand in an order."""
    if most is None or len(rows) <= most:
        return rows
    return rows[np.random.default_rng(0).permutation(len(rows))[:most]]


def _room(count: int) -> int:
    """Somewhat more than a number of rows: what is compiled for that does for most data sets of about as many."""
    step = max(16, 1 << max(0, count.bit_length() - 4))
    return max(1, -(-count // step)) * step


def _require_finite(model: CompiledModel, parts: Sequence[Part], pairs: Pairs, first: int) -> None:
    """PdflangError (E661) where a parameter or a datum that was simulated is no number."""
    bad = ~np.isfinite(pairs.z).all(axis=1)
    name, span = "the parameters", None
    for part in parts:
        lost = ~np.isfinite(pairs.data[part.name].reshape(len(pairs), -1)).all(axis=1)
        if lost.any() and not bad.any():
            name, span = f"`{part.name}`", model.program.observations[part.name].span
        bad |= lost
    if not bad.any():
        return
    worst = int(np.argmax(bad))
    params = constrained(model, pairs.z[worst : worst + 1])
    shown = values_in_words({name: values[0] for name, values in params.items()}, 8)
    raise PdflangError(
        Diagnostic(
            "E661",
            f"{int(bad.sum())} of {len(pairs)} simulations are not finite: {name} of number {first + worst + 1}",
            span,
            notes=(f"at {shown}",),
            remedy="restrict the priors to where the model is defined: nothing is learned from what is no number",
        )
    )
