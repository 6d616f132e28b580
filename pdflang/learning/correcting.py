"""What networks share that correct simulated events by those observed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from pdflang.inference.platform import double_precision
from pdflang.learning.columns import Column, cells_of, column_scales, columns_of
from pdflang.learning.layout import Part
from pdflang.learning.scaling import Scales
from pdflang.learning.sides import SIDES, Sides

_SPIKE = 0.005
"""The share of events at the least value from where on it is a spike, and not what rounding makes of data."""


class Corrector(eqx.Module):
    """What corrects the events of an observation: a function of an event as networks see it, if there is one."""

    columns: tuple[Column, ...] = eqx.field(static=True)
    function: Any


class Network(eqx.Module):
    """That of each observation."""

    observations: dict[str, Corrector]


def made_network(
    key: Any, parts: Sequence[Part], scales: Scales, one: Callable[[Any, tuple[Column, ...]], Any]
) -> Network:
    """A network before training: `one(key, columns)` is the function of an observation."""
    found = {}
    for number, part in enumerate(parts):
        columns = columns_of(part, scales)
        found[part.name] = Corrector(columns, one(jax.random.fold_in(key, number), columns))
    return Network(found)


def sided_scales(parts: Sequence[Part], sample: Sides) -> Scales:
    """The columns of the events of both sides together."""
    both = {part: np.concatenate([sample.of(part.name, side)[0] for side in SIDES]) for part in parts}
    with double_precision():
        scales = [column_scales(part, rows, _SPIKE) for part, rows in both.items()]
    return {name: values for one in scales for name, values in one.items()}


def sided_arrays(parts: Sequence[Part], scales: Scales, sample: Sides) -> Any:
    """What losses read: of each observation and side, events as networks see them and their weights, by group."""
    arrays = {}
    for part, side in ((part, side) for part in parts for side in SIDES):
        name, (rows, weights) = f"{part.name} {side}", sample.of(part.name, side)
        places = sample.groups[name]
        arrays[name] = cells(part, scales, rows)[places].astype(np.float32)
        arrays[f"{name} weight"] = weights[places].astype(np.float32)
    return arrays


def cells(part: Part, scales: Scales, rows: np.ndarray) -> np.ndarray:
    """Rows (n, width) as networks see them, (n, cells)."""
    with double_precision():
        return np.asarray(cells_of(columns_of(part, scales), rows)[0])


def of_batch(batch: Mapping[str, Any], name: str, side: str) -> tuple[Any, Any]:
    """The events (n, cells) of a batch of groups, and their weights (n,)."""
    seen = batch[f"{name} {side}"]
    return seen.reshape(-1, seen.shape[-1]), batch[f"{name} {side} weight"].reshape(-1)


def kept_scales(parts: Sequence[Part], scales: Scales, sample: Sides) -> Scales:
    """The scales with the point, the numbers of events, and the observed events that only a test sees."""
    kept = {f"{name} kept": values for name, values in sample.kept.items()}
    counts = {p.name: np.array([len(sample.of(p.name, side)[0]) for side in SIDES]) for p in parts}
    return {**scales, "z point": sample.point, **kept, **{f"{name} counts": both for name, both in counts.items()}}
