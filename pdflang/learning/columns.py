"""The columns of events as networks see them: numbers on the whole line, whole numbers, spikes, labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.learning.layout import Part
from pdflang.learning.scaling import Scales, typical

KINDS = ("real", "clipped", "whole", "label")
_EDGE = 1e-12
"""Of a region, how near an event may be to an end."""
_LEAST = 1e-6
"""Of an interval, how much log Φ grows over it: far out numbers of 32 bits see none."""


@dataclass(frozen=True)
class Column:
    """A variable of events.

    `kind` is that of its values: `real`; `clipped` where several are the least one, `low`, as those that a threshold
    has cut; `whole`; or `label`, of which there are `labels`. Regions end at `low` and `high`, maybe at infinity.
    Networks see numbers on the whole line, in units of `center` and `spread`.
    """

    name: str
    kind: str
    labels: int
    low: float
    high: float
    center: float = 0.0
    spread: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers it is in a row of the data, where labels are one-hot."""
        return max(1, self.labels)

    @property
    def cells(self) -> int:
        """How many numbers a network sees: of a clipped one also whether it is at the spike."""
        return 2 if self.kind == "clipped" else self.width


def count_cells(columns: Sequence[Column]) -> int:
    """How many numbers a network sees of an event."""
    return sum(column.cells for column in columns)


def column_scales(part: Part, rows: np.ndarray, spike: float = 0.0) -> Scales:
    """What `columns_of` reads of simulated rows (n, width): kinds, ends of regions, units.

    Columns are clipped where the least value is that of several rows, and of more than a share `spike` of them.
    """
    found: list[tuple[float, ...]] = []
    first = 0
    for name, labels, bounds in zip(part.variables, part.labels, part.bounds, strict=True):
        values = rows[:, first]
        first += max(1, labels)
        low, high = bounds or (-np.inf, np.inf)
        if labels:
            kind = "label"
        elif (values == np.round(values)).all():
            kind, low, high = "whole", np.ceil(low), np.floor(high)
        elif np.count_nonzero(values == values.min()) > max(1, spike * len(values)):
            kind, low = "clipped", values.min()
        else:
            kind = "real"
        column, center, spread = Column(name, kind, labels, float(low), float(high)), 0.0, 1.0
        if not labels:
            free = values[values > low] if kind == "clipped" else values
            if len(free):
                center, spread = (float(one[0]) for one in typical(np.asarray(_free(column, free)[0])[:, None]))
        found.append((KINDS.index(kind), column.low, column.high, center, spread))
    return {f"{part.name} columns": np.array(found)}


def columns_of(part: Part, scales: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of an observation, by the `column_scales` of the simulations, which must be numbers."""
    rows = np.asarray(scales[f"{part.name} columns"], float).tolist()
    return tuple(
        Column(name, KINDS[int(kind)], labels, low, high, center, spread)
        for name, labels, (kind, low, high, center, spread) in zip(part.variables, part.labels, rows, strict=True)
    )


def cells_of(columns: Sequence[Column], rows: Any) -> tuple[Any, Any]:
    """Rows (…, width) of the data as networks see them (…, cells), and the logarithm of the slopes of that, (…)."""
    cells: list[Any] = []
    total, first = jnp.zeros(rows.shape[:-1]), 0
    for column in columns:
        values = jnp.asarray(rows[..., first : first + column.width])
        first += column.width
        if column.kind == "label":
            cells.append(values)
            continue
        free, slopes = _free(column, values[..., 0])
        inner, slopes = (free - column.center) / column.spread, slopes - math.log(column.spread)
        if column.kind == "clipped":
            at_spike = values[..., 0] <= column.low
            cells.append(jnp.where(at_spike, 1.0, 0.0)[..., None])
            inner, slopes = jnp.where(at_spike, 0.0, inner), jnp.where(at_spike, 0.0, slopes)
        if column.kind != "whole":
            total = total + slopes
        cells.append(inner[..., None])
    return jnp.concatenate(cells, axis=-1), total


def rows_of(columns: Sequence[Column], cells: Any) -> Any:
    """Rows (…, width) as they are in the data, of what networks see."""
    rows, first = [], 0
    for column in columns:
        own = cells[..., first : first + column.cells]
        first += column.cells
        if column.kind == "label":
            rows.append(own)
            continue
        values = _bound(column, own[..., -1] * column.spread + column.center)
        if column.kind == "whole":
            values = jnp.clip(jnp.round(values), column.low, column.high)
        if column.kind == "clipped":
            values = jnp.where(own[..., 0] > 0.5, column.low, values)
        rows.append(values[..., None])
    return jnp.concatenate(rows, axis=-1)


def whole_ends(column: Column) -> tuple[float, float, float]:
    """Half a step of whole numbers, and the ends of all of their intervals, as networks see them."""
    low, high = ((end - column.center) / column.spread for end in (column.low - 0.5, column.high + 0.5))
    return 0.5 / column.spread, low, high


def log_between(low: jax.Array, high: jax.Array) -> jax.Array:
    """log Φ(high) − Φ(low), in whichever tail they are."""
    swap = low + high > 0
    a, b = jnp.where(swap, -high, low), jnp.where(swap, -low, high)
    upper, lower = jax.scipy.special.log_ndtr(b), jax.scipy.special.log_ndtr(a)
    return upper + jnp.log1p(-jnp.exp(jnp.minimum(lower - upper, -_LEAST)))


def _free(column: Column, values: Any) -> tuple[Any, Any]:
    """Values of a region on the whole line, and the logarithm of the slope of that."""
    low, high = column.low, column.high
    if column.kind == "whole" or not np.isfinite([low, high]).any():
        return values, jnp.zeros(values.shape)
    if np.isfinite([low, high]).all():
        u = jnp.clip((values - low) / (high - low), _EDGE, 1 - _EDGE)
        return jnp.log(u) - jnp.log1p(-u), -jnp.log(u) - jnp.log1p(-u) - math.log(high - low)
    logs = jnp.log(jnp.maximum(values - low if np.isfinite(low) else high - values, _EDGE))
    return logs, -logs


def _bound(column: Column, free: Any) -> Any:
    """The inverse of `_free`."""
    low, high = column.low, column.high
    if column.kind == "whole" or not np.isfinite([low, high]).any():
        return free
    if np.isfinite([low, high]).all():
        return low + (high - low) / (1 + jnp.exp(-free))
    return low + jnp.exp(free) if np.isfinite(low) else high - jnp.exp(free)
