"""A flow of single events with the joint score: SCANDAL (Brehmer, Louppe, Pavez and Cranmer 2018, arXiv:1805.12244).

Beside the flow q(x | θ) the expected number ν(θ) is learned: the loss is that of a Poisson process, and the joint score
of an intensity is ∇ log q + ∇ log ν. Bounded variables are seen as log u/(1 − u), so that nothing leaks over an end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.platform import double_precision
from pdflang.learning.event_ratios import averaged, guessed
from pdflang.learning.event_ratios import prepared as prepared_ratios
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.networks import conditional_flow, log_prob
from pdflang.learning.options import ScandalOptions
from pdflang.learning.rascal import score_errors
from pdflang.learning.scaling import Scales, standard_z

ASKED = "ratios and scores"
_DEPTH = 3
_AT_ONCE = 64
"""Rows that the flow sees at once when a data set is read."""
_EDGE = 1e-12
"""Of a region, how near an event may be to an end."""


class EventFlow(eqx.Module):
    """The flow of an event, and the network of log ν beside a guess of it."""

    flow: Any
    expected: eqx.nn.MLP

    def __call__(self, rows: jax.Array, z: jax.Array) -> jax.Array:
        """log q + log ν, (contrasts, GROUP), of rows (GROUP, width) at parameters (contrasts, dimension)."""
        of_rows = jax.vmap(lambda row, one: log_prob(self.flow, row, one), (0, None))
        return jax.vmap(of_rows, (None, 0))(rows, z) + jax.vmap(self.expected)(z)[:, None]


class Network(eqx.Module):
    """That of each observation."""

    observations: dict[str, EventFlow]


def prepared(parts: Sequence[Part], sample: EventSample, options: ScandalOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each group. Error: E662 for labels."""
    labelled = next((part.name for part in parts if any(part.labels)), None)
    if labelled is not None:
        message = f"`scandal` learns no density of labels, which the events of `{labelled}` have"
        raise PdflangError(Diagnostic("E662", message, remedy="use `alice`"))
    groups = dict(sample.groups)
    with double_precision():
        for part in parts:
            groups[f"{part.name} rows"] = np.asarray(_unbounded(part, groups[f"{part.name} rows"])[0])
    return prepared_ratios(parts, EventSample(groups, sample.sets, sample.reference, sample.yields), options)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: ScandalOptions) -> Network:
    """A network before training."""
    found = {}
    for number, part in enumerate(parts):
        first, second = jax.random.split(jax.random.fold_in(key, number))
        flow = conditional_flow(first, part.width, dimension, options.layers, options.width, options.knots)
        expected = eqx.nn.MLP(dimension, "scalar", options.width, _DEPTH, jax.nn.silu, key=second)
        last = expected.layers[-1]
        still = eqx.tree_at(lambda layer: (layer.weight, layer.bias), last, replace_fn=jnp.zeros_like)
        found[part.name] = EventFlow(flow, eqx.tree_at(lambda mlp: mlp.layers[-1], expected, still))
    return Network(found)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: ScandalOptions) -> jax.Array:
    """−log p of the Poisson process at θ, by events of the reference, and the squared error of its score (eq. 29)."""

    def terms(own: EventFlow, part: Any, logs: jax.Array) -> jax.Array:
        errors = score_errors(own, part["rows"], batch["z"], part["score"], key)
        return part["ratio"] * (options.score_weight * errors - logs)

    flows = network.observations.values()
    numbers = sum(jnp.mean(jnp.exp(jax.vmap(jax.vmap(own.expected))(batch["z"]))) for own in flows)
    return averaged(network, batch, terms) + numbers


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample) -> Scales:
    """The scales with the number of events of a mean data set."""
    numbers = {f"{p.name} number": sample.groups[f"{p.name} weight"].sum() / sample.sets for p in parts}
    return {**scales, **{name: np.asarray(value) for name, value in numbers.items()}}


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """The events of a data set in units of their spread, what the change of units adds, and which are there."""
    found = {}
    for part in parts:
        rows, units = _inner(part, scales, data[part.name])
        there = jnp.arange(len(rows)) < data[f"{part.name} count"]
        found[part.name] = {"rows": jnp.where(there[:, None], rows, 0.0), "units": units, "there": there}
    return found


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """log p of a data set at unconstrained parameters z (dimension,), up to log N! of a Poisson process."""
    standard, total = standard_z(scales, z), jnp.zeros(())
    for part in parts:
        own, known = network.observations[part.name], read[part.name]
        each = _log_density(own, standard, known["rows"], known["units"])
        total += jnp.where(known["there"], each, 0.0).sum()
        if not part.is_normalised:
            logs = own.expected(standard) + guessed(part.name, scales, standard)
            logs += jnp.log(scales[f"{part.name} number"])
            total += known["there"].sum() * logs - jnp.exp(logs)
    return total


def event_values(network: Network, part: Part, scales: Mapping[str, Any], z: Any, rows: Any) -> jax.Array:
    """log p(x | θ) of rows (n, width) as they are in the data, at unconstrained z (dimension,): (n,)."""
    return _log_density(network.observations[part.name], standard_z(scales, z), *_inner(part, scales, rows))


def _log_density(own: EventFlow, standard: Any, rows: Any, units: Any) -> jax.Array:
    # In blocks that are computed again for derivatives: a Hessian of all rows at once would take gigabytes.
    of_row = jax.checkpoint(lambda row: log_prob(own.flow, row, standard))
    return jax.lax.map(of_row, rows, batch_size=min(_AT_ONCE, max(1, len(rows)))) + units


def _inner(part: Part, scales: Mapping[str, Any], rows: Any) -> tuple[Any, Any]:
    """Rows (n, width) as the flow sees them, and the logarithm of the slopes of that, (n,)."""
    free, slopes = _unbounded(part, rows)
    spread = scales[f"{part.name} spread"]
    return (free - scales[f"{part.name} center"]) / spread, slopes - jnp.log(spread).sum()


def _unbounded(part: Part, rows: Any) -> tuple[Any, Any]:
    """Rows (…, width) with bounded variables on the whole line, and the logarithm of the slopes of that, (…)."""
    columns, total = [], jnp.zeros(rows.shape[:-1])
    for number, bounds in enumerate(part.bounds):
        column = jnp.asarray(rows[..., number])
        if bounds is not None:
            low, high = bounds
            u = jnp.clip((column - low) / (high - low), _EDGE, 1 - _EDGE)
            column = jnp.log(u) - jnp.log1p(-u)
            total = total - jnp.log(u) - jnp.log1p(-u) - jnp.log(high - low)
        columns.append(column)
    return jnp.stack(columns, axis=-1), total
