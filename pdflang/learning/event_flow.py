"""A density of single events: flows of one column after the other, given those before and the parameters.

Reals have a conditional flow of splines (Durkan et al. 2019, arXiv:1906.04032), whole numbers the part of it that is in
the interval around each, labels a categorical distribution, clipped numbers a spike and a flow: the density of an event
is exact, whatever its columns are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import paramax

from pdflang.inference.flows import log_prob, spline_flow
from pdflang.learning.columns import Column, cells_of, log_between, whole_ends
from pdflang.learning.event_makers import (
    Maker,
    Network,
    event_values,
    events_drawn,
    expected,
    finished,
    log_mixture,
    log_shares,
    made_network,
    number_network,
    prepared,
)
from pdflang.learning.layout import Part
from pdflang.learning.networks import still_at_first
from pdflang.learning.options import FlowOptions, ScandalOptions, SplineOptions
from pdflang.learning.scaling import Scales, standard_z

__all__ = ["event_values", "events_drawn", "expected", "finished", "log_value", "network", "prepared", "reading"]

_DEPTH = 2


class Head(eqx.Module):
    """The distribution of a column, given parameters and the columns before."""

    column: Column = eqx.field(static=True)
    flow: Any
    logits: eqx.nn.MLP | None

    def __init__(self, key: Any, column: Column, given: int, options: SplineOptions) -> None:
        self.column = column
        has_flow, labels = column.kind != "label", {"label": column.labels, "clipped": 2}.get(column.kind, 0)
        self.flow = spline_flow(key, 1, given, options.layers, options.width, options.knots) if has_flow else None
        key = jax.random.fold_in(key, 1)
        self.logits = (
            still_at_first(eqx.nn.MLP(given, labels, options.width, _DEPTH, jax.nn.silu, key=key)) if labels else None
        )

    def log_density(self, cells: jax.Array, given: jax.Array) -> jax.Array:
        """log q of what is seen of the column (cells,): of a real in its units, else a probability."""
        if self.column.kind == "real":
            return log_prob(self.flow, cells, given)
        if self.column.kind == "whole":
            return self._log_mass(cells, given)
        assert self.logits is not None
        logs = jax.nn.log_softmax(self.logits(given))
        if self.column.kind == "label":
            return cells @ logs
        at_spike, there = cells[0], log_prob(self.flow, cells[1:], given)
        return at_spike * logs[1] + (1 - at_spike) * (logs[0] + there)

    def drawn(self, key: Any, given: jax.Array) -> jax.Array:
        """What is seen of the column (cells,)."""
        if self.column.kind == "label":
            assert self.logits is not None
            return jax.nn.one_hot(jax.random.categorical(key, self.logits(given)), self.column.labels)
        bijection = paramax.unwrap(self.flow).bijection
        first, second = jax.random.split(key)
        if self.column.kind == "whole":
            low, high = jax.scipy.special.ndtr(self._base(whole_ends(self.column)[1:], given))
            u = jax.random.uniform(first, minval=low, maxval=high)
            return bijection.transform(jax.scipy.special.ndtri(u)[None], given)
        values = bijection.transform(jax.random.normal(first, (1,)), given)
        if self.column.kind == "real":
            return values
        assert self.logits is not None
        at_spike = jax.random.categorical(second, self.logits(given)).astype(values.dtype)
        return jnp.concatenate([at_spike[None], jnp.where(at_spike > 0, 0.0, values)])

    def _base(self, values: Sequence[Any], given: jax.Array) -> jax.Array:
        """Where the flow begins that ends at values, which may be at infinity."""
        inverse = paramax.unwrap(self.flow).bijection.inverse
        ends = jnp.stack([jnp.asarray(value, given.dtype) for value in values])
        inner = jnp.where(jnp.isfinite(ends), ends, 0.0)
        # The network of the parameters of the flow, which are those of all of them, is evaluated once.
        return jnp.where(jnp.isfinite(ends), jax.vmap(inverse, (0, None))(inner[:, None], given)[:, 0], ends)

    def _log_mass(self, cells: jax.Array, given: jax.Array) -> jax.Array:
        """log ∫ q over the interval around a whole number, of that over all of them."""
        half, *ends = whole_ends(self.column)
        lower, upper, low, high = self._base([cells[0] - half, cells[0] + half, *ends], given)
        return log_between(lower, upper) - log_between(low, high)


class ColumnFlow(eqx.Module):
    """The heads of some columns, given a vector."""

    heads: tuple[Head, ...]

    def __init__(self, key: Any, columns: Sequence[Column], given: int, options: SplineOptions) -> None:
        heads = []
        for number, column in enumerate(columns):
            own = key if number == 0 else jax.random.fold_in(key, number)
            heads.append(Head(own, column, given, options))
            given += column.cells
        self.heads = tuple(heads)

    def log_density(self, cells: jax.Array, given: jax.Array) -> jax.Array:
        """log q of columns (cells,)."""
        total, first = jnp.zeros(()), 0
        for head in self.heads:
            own = cells[first : first + head.column.cells]
            total += head.log_density(own, given)
            given = jnp.concatenate([given, own])
            first += head.column.cells
        return total

    def drawn(self, key: Any, given: jax.Array) -> jax.Array:
        """Columns (cells,)."""
        start = len(given)
        for number, head in enumerate(self.heads):
            given = jnp.concatenate([given, head.drawn(jax.random.fold_in(key, number), given)])
        return given[start:]


class EventFlow(Maker):
    """The flow of the columns of an observation, given the parameters."""

    columns: tuple[Column, ...] = eqx.field(static=True)
    flow: ColumnFlow
    expected: eqx.nn.MLP

    def __init__(
        self, key: Any, columns: tuple[Column, ...], dimension: int, options: FlowOptions | ScandalOptions
    ) -> None:
        first, second = jax.random.split(key)
        self.columns = columns
        self.flow = ColumnFlow(first, columns, dimension, options)
        self.expected = number_network(second, dimension, options)

    def log_density(self, cells: jax.Array, z: jax.Array) -> jax.Array:
        """log q of an event (cells,) at standardised parameters (dimension,)."""
        return self.flow.log_density(cells, z)

    def drawn(self, key: Any, z: jax.Array) -> jax.Array:
        return self.flow.drawn(key, z)

    def __call__(self, rows: jax.Array, z: jax.Array) -> jax.Array:
        """log q + log ν, (contrasts, GROUP), of rows (GROUP, cells) at parameters (contrasts, dimension)."""
        of_rows = jax.vmap(self.log_density, (0, None))
        return jax.vmap(of_rows, (None, 0))(rows, z) + jax.vmap(self.expected)(z)[:, None]


def network(
    key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: FlowOptions | ScandalOptions
) -> Network:
    """A network before training."""
    return made_network(key, parts, scales, lambda own, columns: EventFlow(own, columns, dimension, options))


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """The events of a data set as the flow sees them, what the change of units adds, and their weights."""
    found = {}
    for part in parts:
        weights = data[f"{part.name} weight"]
        cells, units = cells_of(network.observations[part.name].columns, data[part.name])
        cells, units = jnp.where(weights[:, None] != 0, cells, 0.0), jnp.where(weights != 0, units, 0.0)
        found[part.name] = {"rows": cells, "units": units, "weights": weights}
    return found


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """log p of a data set at unconstrained parameters z (dimension,), up to log N! of a Poisson process."""
    standard, total = standard_z(scales, z), jnp.zeros(())
    for part in parts:
        known = read[part.name]
        shares = log_shares(network, part, scales, standard)
        each = log_mixture(network, part, standard, known["rows"], known["units"], shares)
        total += known["weights"] @ each
        if not part.is_normalised:
            total -= jnp.exp(jax.nn.logsumexp(shares))
    return total
