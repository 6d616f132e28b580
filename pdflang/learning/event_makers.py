"""What networks share that make events of given parameters: surrogates of the simulator.

Each has a `Maker` for each observation: a network that draws an event, and one of the expected number of events, which
is that of a Poisson process whatever draws them. An ensemble has all its networks behind each other in the first axis
of each array; together they are the mean of their intensities.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.platform import double_precision
from pdflang.learning.columns import Column, cells_of, column_scales, columns_of, rows_of
from pdflang.learning.event_ratios import event_arrays, event_scales, guessed
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.networks import still_at_first
from pdflang.learning.options import EventOptions
from pdflang.learning.scaling import Scales, standard_z

_DEPTH = 3
_AT_ONCE = 64
"""Rows that networks see at once when a data set is read."""
_POINTS = 256
"""Parameters that are kept of those that were learned from."""


class Maker(eqx.Module):
    """The network of an observation: what draws its events, and that of log ν beside a guess of it."""

    columns: eqx.AbstractVar[tuple[Column, ...]]
    expected: eqx.AbstractVar[eqx.nn.MLP]

    @abstractmethod
    def drawn(self, key: Any, z: jax.Array) -> jax.Array:
        """An event, as networks see it (cells,), at standardised parameters (dimension,)."""


class Network(eqx.Module):
    """That of each observation."""

    observations: dict[str, Any]


def made_network(
    key: Any, parts: Sequence[Part], scales: Scales, one: Callable[[Any, tuple[Column, ...]], Maker]
) -> Network:
    """A network before training: `one(key, columns)` is that of an observation."""
    keys = (jax.random.fold_in(key, number) for number in range(len(parts)))
    return Network({part.name: one(own, columns_of(part, scales)) for own, part in zip(keys, parts, strict=True)})


def number_network(key: Any, dimension: int, options: EventOptions) -> eqx.nn.MLP:
    """That of log ν, which is the guess at first."""
    return still_at_first(eqx.nn.MLP(dimension, "scalar", options.width, _DEPTH, jax.nn.silu, key=key))


# --- training -------------------------------------------------------------------------------------------------


def prepared(parts: Sequence[Part], sample: EventSample, options: EventOptions | None = None) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each group: events as networks see them."""
    groups = dict(sample.groups)
    columns: Scales = {}
    with double_precision():
        for part in parts:
            rows = sample.groups[f"{part.name} rows"]
            columns |= column_scales(part, rows[sample.groups[f"{part.name} weight"] != 0])
            groups[f"{part.name} rows"] = np.asarray(cells_of(columns_of(part, columns), rows)[0])
    sample = replace(sample, groups=groups)
    scales = {**event_scales(parts, sample), **columns}
    for part in parts:
        # Columns have their units already.
        width = groups[f"{part.name} rows"].shape[-1]
        scales |= {f"{part.name} center": np.zeros(width), f"{part.name} spread": np.ones(width)}
    return scales, event_arrays(parts, scales, sample)


def by_group(network: Network, batch: Any, key: Any, term: Callable[..., Any]) -> list[Any]:
    """Of each observation `term(own, z, rows, weights, key)` of groups of events at their own parameters, (groups, …).

    Weights are those of events, over the guess of ν(θ); the mean of their magnitudes is about 1.
    """
    found = []
    for number, (name, own) in enumerate(network.observations.items()):
        part, z = batch[name], batch["z"][:, 0]
        weights = part["weight"] * jnp.exp(-part["guess"])
        keys = jax.random.split(jax.random.fold_in(key, number), len(z))
        found.append(jax.vmap(partial(term, own))(z, part["rows"], weights, keys))
    return found


def averaged_over_events(network: Network, batch: Any, key: Any, term: Callable[..., Any]) -> jax.Array:
    """A loss: what `by_group` has of terms, averaged and added up."""
    return jnp.stack([jnp.mean(terms) for terms in by_group(network, batch, key, term)]).sum()


def number_loss(own: Maker, z: jax.Array, weights: jax.Array) -> jax.Array:
    """−log p of the number of events of a group, for each of its places: ν − Σ w log ν."""
    logs = own.expected(z)
    return jnp.exp(logs) - weights * logs


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample) -> Scales:
    """The scales with the number of events of a mean data set, and where parameters were."""
    found = dict(scales)
    z = sample.groups["z"].reshape(-1, sample.groups["z"].shape[-1])
    found["z low"], found["z high"] = z.min(axis=0), z.max(axis=0)
    found["z points"] = z[np.linspace(0, len(z) - 1, min(len(z), _POINTS)).astype(int)]
    for part in parts:
        found[f"{part.name} number"] = np.asarray(np.abs(sample.groups[f"{part.name} weight"]).sum() / sample.sets)
    return found


# --- what was learned -----------------------------------------------------------------------------------------


def of_each(network: Network, part: Part, function: Callable[[Any], Any]) -> Any:
    """A function of the network of an observation, of each one of the ensemble."""
    return eqx.filter_vmap(function)(network.observations[part.name])


def log_expected(network: Network, part: Part, scales: Mapping[str, Any], standard: Any) -> jax.Array:
    """log ν at standardised parameters, of each network (networks,)."""
    known = guessed(part.name, scales, standard) + jnp.log(scales[f"{part.name} number"])
    return of_each(network, part, lambda own: own.expected(standard)) + known


def expected(network: Network, part: Part, scales: Mapping[str, Any], z: Any) -> jax.Array:
    """ν at unconstrained parameters z (dimension,), of each network (networks,)."""
    return jnp.exp(log_expected(network, part, scales, standard_z(scales, z)))


def events_drawn(
    network: Network, part: Part, scales: Mapping[str, Any], key: Any, z: Any, member: Any, count: int
) -> jax.Array:
    """So many events of a member of the ensemble at unconstrained z, (count, width), as rows of the data."""
    moving, still = eqx.partition(network.observations[part.name], eqx.is_array)
    own = eqx.combine(jax.tree.map(lambda leaf: leaf[member], moving), still)
    standard = standard_z(scales, z)
    cells = jax.vmap(lambda one: own.drawn(one, standard))(jax.random.split(key, count))
    return rows_of(own.columns, cells)


def event_values(network: Network, part: Part, scales: Mapping[str, Any], z: Any, rows: Any) -> jax.Array:
    """log p(x | θ) of rows (n, width) as they are in the data, at unconstrained z (dimension,): (n,)."""
    standard = standard_z(scales, z)
    shares = log_shares(network, part, scales, standard)
    cells, units = cells_of(network.observations[part.name].columns, rows)
    return log_mixture(network, part, standard, cells, units, shares - jax.nn.logsumexp(shares))


def log_shares(network: Network, part: Part, scales: Mapping[str, Any], standard: Any) -> jax.Array:
    """What each network of the ensemble contributes to the expected number; 1 together of normalised events."""
    logs = log_expected(network, part, scales, standard)
    return (jnp.zeros_like(logs) if part.is_normalised else logs) - jnp.log(len(logs))


def log_mixture(network: Network, part: Part, standard: Any, cells: Any, units: Any, shares: Any) -> jax.Array:
    """The logarithm of the sum of the densities of all networks with their shares, of cells (n, cells): (n,)."""
    # In blocks that are computed again for derivatives: a Hessian of all rows at once would take gigabytes.
    def of_row(row: jax.Array) -> jax.Array:
        return jax.nn.logsumexp(of_each(network, part, lambda own: own.log_density(row, standard)) + shares)

    return jax.lax.map(jax.checkpoint(of_row), cells, batch_size=min(_AT_ONCE, max(1, len(cells)))) + units
