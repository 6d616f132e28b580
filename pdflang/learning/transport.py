"""A map of simulated events to where those observed are, the monotone one of all that take one to the other.

Of one column it is Q(P(x)), the quantile of the observed events at the probability of the simulated ones. Of several it
is the gradient of a convex potential (Brenier 1991): that of an input-convex network (Amos, Xu and Kolter 2017,
arXiv:1609.07152), by which the energy distance (Székely and Rizzo 2013) of moved and observed events is made small. It
is the map that moves events the least, in units of columns and on the whole line where a region has ends (of physics
Pollard and Windischhofer 2022, arXiv:2107.08648).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.learning.columns import Column, cells_of, columns_of, rows_of
from pdflang.learning.correcting import Network, cells, kept_scales, made_network, of_batch, sided_arrays, sided_scales
from pdflang.learning.layout import Part
from pdflang.learning.options import TransportOptions
from pdflang.learning.scaling import Scales
from pdflang.learning.sides import SIDES, Sides

_BETWEEN = 20
_MOST_QUANTILES = 1000
"""Events between two quantiles, of the side that has fewer."""
_TAIL = 0.1
"""The share of events by whose spread a map goes on beyond the last quantile."""
_TINY = 1e-12


class Convex(eqx.Module):
    """A convex function of d numbers, by its gradient."""

    first: list[eqx.nn.Linear]
    through: list[jax.Array]
    last: jax.Array
    log_scale: jax.Array
    shift: jax.Array

    def __init__(self, key: Any, dimension: int, width: int, depth: int) -> None:
        keys = jax.random.split(key, 2 * depth)
        self.first = [eqx.nn.Linear(dimension, width, key=own) for own in keys[:depth]]
        self.through = [0.1 * jax.random.normal(own, (width, width)) - 1 for own in keys[depth + 1 :]]
        self.last = jnp.full(width, -2.0)
        self.log_scale, self.shift = jnp.zeros(dimension), jnp.zeros(dimension)

    def potential(self, x: jax.Array) -> jax.Array:
        """What is convex: layers are added with positive weights, and grow with what they see."""
        units = jax.nn.softplus(self.first[0](x))
        for direct, weights in zip(self.first[1:], self.through, strict=True):
            units = jax.nn.softplus(direct(x) + jax.nn.softplus(weights) @ units / len(units) ** 0.5)
        quadratic = jnp.sum(jnp.exp(self.log_scale) * x**2) / 2 + self.shift @ x
        return jax.nn.softplus(self.last) @ units + quadratic

    def __call__(self, x: jax.Array) -> jax.Array:
        """Where x (d,) is moved."""
        return jax.grad(self.potential)(x)


def prepared(parts: Sequence[Part], sample: Sides, options: TransportOptions) -> tuple[Scales, Any]:
    """The scales that events ask for, with quantiles of single columns, and what the loss reads of each group.

    Error: E662 where a column is none of numbers that can be moved.
    """
    scales = sided_scales(parts, sample)
    for part in parts:
        _require_reals(part, scales)
    for part in (part for part in parts if part.width == 1):
        seen = (cells(part, scales, sample.of(part.name, side)[0])[:, 0] for side in SIDES)
        scales[f"{part.name} quantiles"] = quantiles(*seen)
    return scales, sided_arrays(parts, scales, sample)


def _require_reals(part: Part, scales: Scales) -> None:
    for column in columns_of(part, scales):
        if column.kind == "real":
            continue
        what = {"label": "labels", "whole": "whole numbers"}.get(column.kind, "numbers of which many are the least one")
        raise PdflangError(
            Diagnostic(
                "E662", f"`transport` moves numbers, and the column `{column.name}` of `{part.name}` has {what}",
                remedy="use `reweight`, which takes columns of all kinds",
            )
        )  # fmt: skip


def quantiles(simulated: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Quantiles of both (2, k) at the same probabilities, with a point far out at either end.

    Beyond the last quantile spreads of tails decide: the map goes on in a straight line.
    """
    count = int(np.clip(min(len(simulated), len(observed)) // _BETWEEN, 5, _MOST_QUANTILES))
    at = (np.arange(count) + 0.5) / count
    found = np.stack([np.quantile(one, at) for one in (simulated, observed)])
    far = 1e3 * max(np.ptp(found[0]), _TINY)
    ends = []
    for outer, inner, sign in ((0, _TAIL, -1), (-1, 1 - _TAIL, 1)):
        spreads = np.abs([np.quantile(simulated, inner), np.quantile(observed, inner)] - found[:, outer])
        slope = spreads[1] / spreads[0] if spreads[0] > _TINY else 1.0
        ends.append(found[:, outer] + sign * far * np.array([1.0, slope]))
    return np.column_stack([ends[0], found, ends[1]])


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: TransportOptions) -> Network:
    """A network before training: that of each observation with several columns."""

    def one(own: Any, columns: tuple[Column, ...]) -> Convex | None:
        return Convex(own, len(columns), options.width, options.depth) if len(columns) > 1 else None

    return made_network(key, parts, scales, one)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: TransportOptions) -> jax.Array:
    """The energy distance of moved and observed events, 0 where they are of one distribution."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        if own.function is not None:
            simulated, observed = (of_batch(batch, name, side)[0] for side in SIDES)
            total += energy_distance(jax.vmap(own.function)(simulated), observed)
    return total


def energy_distance(first: jax.Array, second: jax.Array) -> jax.Array:
    """2 E|X − Y| − E|X − X′| − E|Y − Y′| of samples (n, d) and (m, d), without bias."""
    within = sum(_distance(one, one) * len(one) / (len(one) - 1) for one in (first, second))
    return 2 * _distance(first, second) - within


def _distance(first: jax.Array, second: jax.Array) -> jax.Array:
    return jnp.mean(jnp.sqrt(jnp.sum((first[:, None] - second[None]) ** 2, axis=-1) + _TINY))


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: Sides) -> Scales:
    """The scales with the point, and what only a test sees."""
    return kept_scales(parts, scales, sample)


def moved_rows(network: Network, part: Part, scales: Mapping[str, Any], rows: Any) -> jax.Array:
    """Where rows (n, width) are moved, as they are in the data."""
    own = network.observations[part.name]
    seen, _ = cells_of(own.columns, rows)
    if own.function is not None:
        return rows_of(own.columns, jax.vmap(own.function)(seen))
    return rows_of(own.columns, jnp.interp(seen, *scales[f"{part.name} quantiles"]))


def remarks(parts: Sequence[Part], scales: Scales) -> list[str]:
    """What is to be told of a training."""
    known = {part.name: scales[f"{part.name} quantiles"].shape[1] - 2 for part in parts if part.width == 1}
    return [f"{name}: {count} quantiles of its one column" for name, count in known.items()]
