"""The density of events whose traces have one, by proposals of what nobody sees of them.

Of an event y the density is an integral over its true place and all that a detector has drawn, z. A flow q(z | y) is
trained on traces; then Λ(y | θ) is the mean of Λ(y, z | θ)/q(z | y) over draws of it, the density of a trace being that
of the model (inference compilation over trace sites: Le, Baydin & Wood 2017, arXiv:1610.09900). The draws are the same
for all θ, so that the density is smooth. The logarithm of a mean of K weights is too low by half their relative
variance over K (Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519): a better proposal makes that small. The expected
number ν(θ) is a sum over simulated traces, by their ratio to those of the references that they were drawn at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from pdflang.backend.runtime.replay import Course, courses_of, log_proposed
from pdflang.learning.columns import Column, cells_of, column_scales, columns_of, count_cells, rows_of
from pdflang.learning.event_flow import ColumnFlow
from pdflang.learning.event_ratios import event_scales
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.networks import in_double
from pdflang.learning.options import LatentsOptions
from pdflang.learning.scaling import Scales, standard_z

ASKED = "traces"

_AT_ONCE = 64
"""Events whose proposals are evaluated at once."""
_NODES = 1 << 15
"""Traces of the references that ν is summed over, at most."""
_JUDGED = 512
"""Simulated events that tell what proposals are worth."""
_KEY = 5


class OfModel(NamedTuple):
    """A model's functions, and its arrays."""

    functions: Any
    arrays: Any


class Proposals(eqx.Module):
    """Those for the events of each stream of an observation, given the `columns` that are seen."""

    columns: tuple[Column, ...] = eqx.field(static=True)
    flows: tuple[ColumnFlow, ...]


class Network(eqx.Module):
    """The proposals of each observation, and how many of them an event has."""

    observations: dict[str, Proposals]
    proposals: int = eqx.field(static=True)


def prepared(parts: Sequence[Part], sample: EventSample, options: LatentsOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each group."""
    scales: Scales = event_scales(parts, sample)
    arrays: dict[str, Any] = {"z": np.asarray(standard_z(scales, sample.groups["z"]))}
    with jax.enable_x64(True):
        for part in parts:
            there = sample.groups[f"{part.name} weight"] != 0
            rows, stream = sample.groups[f"{part.name} rows"], sample.groups[f"{part.name} stream"]
            scales |= column_scales(part, rows[there])
            arrays[part.name] = {
                "seen": _filled(cells_of(columns_of(part, scales), rows)[0], there),
                "latent": [],
                "weight": [],
            }
            for own in _latent_parts(part, sample.groups):
                number, values = int(own.name.rpartition(" ")[2]), sample.groups[own.name]
                of_stream = stream == number
                scales |= column_scales(own, values[of_stream] if of_stream.any() else np.zeros((1, own.width)))
                cells = _filled(cells_of(columns_of(own, scales), values)[0], of_stream) if own.width else values
                weight = sample.groups[f"{part.name} weight"] * of_stream
                arrays[part.name]["latent"].append(cells)
                arrays[part.name]["weight"].append(weight / max(np.abs(weight).mean(), 1e-300))
    return scales, jax.tree.map(lambda array: np.asarray(array, np.float32), arrays)


def network(
    key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: LatentsOptions
) -> Network:
    """A network before training."""
    made = {}
    for number, part in enumerate(parts):
        columns, own = columns_of(part, scales), jax.random.fold_in(key, number)
        flows = (
            ColumnFlow(jax.random.fold_in(own, k), latent, count_cells(columns), options)
            for k, latent in enumerate(_latent_columns(part, scales))
        )
        made[part.name] = Proposals(columns, tuple(flows))
    return Network(made, options.proposals)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: LatentsOptions) -> jax.Array:
    """−log q of what nobody saw of events, given what is seen."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        for flow, latent, weight in zip(own.flows, batch[name]["latent"], batch[name]["weight"], strict=True):
            if flow.heads:
                logs = jax.vmap(jax.vmap(flow.log_density))(latent, batch[name]["seen"])
                total -= jnp.mean(jnp.where(weight != 0, weight * logs, 0.0))
    return total


def finished(
    network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample, of_model: OfModel
) -> Scales:
    """The scales with the traces that ν is summed over: sites, and shares of a mean data set over Λ_ref.

    `o worth` has how many of the proposals of an event count, on average, and by how much log Λ is too low.
    """
    found, generator = dict(scales), np.random.default_rng(0)
    for part in parts:
        groups = {name: values.reshape(-1, *values.shape[2:]) for name, values in sample.groups.items() if name != "z"}
        weight = groups[f"{part.name} weight"]
        chosen = generator.permutation(np.flatnonzero(weight))[:_NODES]
        share = weight[chosen] * weight.sum() / weight[chosen].sum()
        found[f"{part.name} log share"] = np.log(share / (share.sum() if part.is_normalised else sample.sets))
        for name in ("rows", "stream", "log reference"):
            found[f"{part.name} node {name}"] = groups[f"{part.name} {name}"][chosen]
        for own in _latent_parts(part, sample.groups):
            found[f"{part.name} node {own.name}"] = groups[own.name][chosen]
    return found | _worth(network, parts, found, of_model)


def remarks(parts: Sequence[Part], scales: Scales) -> list[str]:
    """What is to be told of a training."""
    found = []
    for part in parts:
        worth, bias, count = (float(value) for value in scales[f"{part.name} worth"])
        found.append(
            f"of {count:.0f} proposals for an event of {part.name} {worth:.3g} count on average: the logarithm of its "
            f"density is too low by {bias:.2g}, and that of 1000 events by {1000 * bias:.2g}"
        )
    return found


def reading(
    network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any], of_model: OfModel
) -> Any:
    """Proposals for each event of a data set, and log q of them; of those that are impossible another one's place."""
    params, found = _parameters(of_model, scales["z mean"]), {}
    for part in parts:
        own, weights = network.observations[part.name], data[f"{part.name} weight"]
        # In the place of no event stands one that is possible.
        rows = jnp.where(weights[:, None] != 0, data[part.name], data[part.name][jnp.argmax(weights != 0)])
        seen = cells_of(own.columns, rows)[0]
        streams = []
        for number, (flow, course) in enumerate(zip(own.flows, _courses(of_model, part, params), strict=True)):
            log_traces = partial(_log_traces, of_model, part, course, number, params)
            keys = jax.random.split(jax.random.fold_in(jax.random.key(_KEY), number), (len(rows), network.proposals))
            proposed = partial(_proposed, flow, log_traces)
            streams.append(jax.lax.map(lambda one, own=proposed: own(*one), (rows, seen, keys), batch_size=_size(rows)))
        found[part.name] = {"rows": rows, "weights": weights, "streams": streams}
    return found


def _proposed(flow: ColumnFlow, log_traces: Any, row: Any, seen: Any, keys: Any) -> tuple[jax.Array, jax.Array]:
    """Draws (proposals, sites) of what was not seen of an event, and log q, ∞ where they are impossible."""
    columns = [head.column for head in flow.heads]
    if columns:
        cells = jax.vmap(flow.drawn, (0, None))(keys, seen)
        latent = rows_of(columns, cells)
        logs = jax.vmap(flow.log_density, (0, None))(cells, seen) + cells_of(columns, latent)[1]
    else:
        latent, logs = jnp.zeros((len(keys), 0)), jnp.zeros(len(keys))
    possible = jnp.isfinite(log_traces(row, latent)) & jnp.isfinite(logs)
    # A derivative that is no number would spoil those of all others, whatever the weight.
    return jnp.where(possible[:, None], latent, latent[jnp.argmax(possible)]), jnp.where(possible, logs, jnp.inf)


def log_value(
    network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any, of_model: OfModel
) -> jax.Array:
    """log p of a data set at unconstrained parameters z (dimension,), up to log N! of a Poisson process."""
    params, total = _parameters(of_model, z), jnp.zeros(())
    for part in parts:
        known = read[part.name]
        each = log_densities(part, params, known, of_model)
        log_expected = _log_expected(part, scales, params, of_model)
        total += jnp.sum(jnp.where(known["weights"] != 0, known["weights"] * each, 0.0))
        total -= known["weights"].sum() * log_expected if part.is_normalised else jnp.exp(log_expected)
    return total


def log_densities(part: Part, params: Any, known: Any, of_model: OfModel) -> jax.Array:
    """log Λ of the events of a data set, (events,), as `reading` has read them."""
    logs, streams = _log_weights(part, params, known, of_model), len(known["streams"])
    return jax.nn.logsumexp(logs, axis=1) - math.log(logs.shape[1] // streams)


def _log_weights(part: Part, params: Any, known: Any, of_model: OfModel) -> jax.Array:
    """log Λ/q of the proposals for each event, those of its streams one after the other, (events, proposals)."""
    courses = _courses(of_model, part, params)

    def of_event(event: Any) -> Any:
        row, streams = event
        logs = [
            _log_traces(of_model, part, courses[number], number, params, row, latent) - log_q
            for number, (latent, log_q) in enumerate(streams)
        ]
        return jnp.concatenate(logs)

    events = known["rows"], known["streams"]
    # The gradient of all traces at once would take gigabytes.
    return jax.lax.map(jax.checkpoint(of_event), events, batch_size=_size(known["rows"]))


def _worth(network: Network, parts: Sequence[Part], scales: Scales, of_model: OfModel) -> Scales:
    """What proposals are worth for some simulated events, at the middle of the parameters."""

    def judged(data: Any) -> Any:
        read = reading(wide, parts, scales, data, of_model)
        params = _parameters(of_model, scales["z mean"])
        return {part.name: _log_weights(part, params, read[part.name], of_model) for part in parts}

    data = {}
    for part in parts:
        data[part.name] = scales[f"{part.name} node rows"][:_JUDGED]
        data[f"{part.name} weight"] = np.ones(len(data[part.name]))
    with jax.enable_x64(True):
        of_model = of_model._replace(arrays=jax.tree.map(jnp.asarray, of_model.arrays))
        wide = in_double(network)
        logs = {name: np.asarray(own) for name, own in jax.jit(judged)(data).items()}
    found = {}
    for name, own in logs.items():
        # Of n weights (Σ w)²/Σ w² count (Kish), and their mean has the squared relative error 1/that − 1/n.
        worth = np.exp(2 * logsumexp(own, axis=1) - logsumexp(2 * own, axis=1))
        bias = np.mean(0.5 * (1 / worth - 1 / own.shape[1]))
        found[f"{name} worth"] = np.array([worth.mean(), bias, own.shape[1]])
    return found


def _log_expected(part: Part, scales: Mapping[str, Any], params: Any, of_model: OfModel) -> jax.Array:
    """log ν, of a normalised process up to a constant: the traces of the references, reweighted."""
    rows, stream = scales[f"{part.name} node rows"], scales[f"{part.name} node stream"]
    logs = jnp.zeros(len(rows))
    for number, course in enumerate(_courses(of_model, part, params)):
        latent = scales[f"{part.name} node {part.name} latent {number}"]
        there = stream == number
        # Of another stream the sites mean nothing: those of one that is of it stand in their place.
        own = jnp.where(there, jnp.arange(len(rows)), jnp.argmax(there))
        value = _log_traces(of_model, part, course, number, params, rows[own], latent[own])
        logs = jnp.where(there, value, logs)
    return jax.nn.logsumexp(logs - scales[f"{part.name} node log reference"] + scales[f"{part.name} log share"])


def _log_traces(
    of_model: OfModel, part: Part, course: Course, number: int, params: Any, rows: Any, latent: Any
) -> jax.Array:
    """log Λ of traces (n,) of a stream, by what is seen (n, width), or (width,) of all, and what is not (n, sites)."""
    count = len(latent)
    rows = jnp.broadcast_to(rows, (count, part.width))
    sites: dict[str, Any] = {f"{stage} detected": jnp.ones(count, bool) for stage in course.stages}
    sites |= {site: latent[:, place] for place, site in enumerate(course.latent)}
    first = 0
    for name, labels in zip(part.variables, part.labels, strict=True):
        column = rows[:, first : first + max(1, labels)]
        first += max(1, labels)
        sites[course.measured[name]] = jnp.argmax(column, axis=1) if labels else column[:, 0]
    streams = getattr(of_model.functions.module, of_model.functions.generated.streams[part.name])
    stream = streams(params, of_model.arrays)[number]
    sites |= {name: sites[name].astype(int) for name, ends in stream.region.items() if isinstance(ends, int)}
    return log_proposed(stream, sites, params, of_model.arrays)


def _courses(of_model: OfModel, part: Part, params: Any) -> list[Course]:
    return courses_of(of_model.functions, part.name, params, of_model.arrays)


def _size(rows: Any) -> int:
    return min(_AT_ONCE, max(1, len(rows)))


def _parameters(of_model: OfModel, z: Any) -> Any:
    return of_model.functions.module.constrain(z, of_model.arrays)[0]


def _latent_parts(part: Part, groups: Mapping[str, np.ndarray]) -> list[Part]:
    """What nobody sees of each stream, laid out like what is seen."""
    widths: list[int] = []
    while (name := f"{part.name} latent {len(widths)}") in groups:
        widths.append(groups[name].shape[-1])
    return [_latent_part(part, number, width) for number, width in enumerate(widths)]


def _latent_part(part: Part, number: int, width: int) -> Part:
    sites = tuple(str(site) for site in range(width))
    return Part(f"{part.name} latent {number}", True, (), sites, (0,) * width, bounds=(None,) * width)


def _latent_columns(part: Part, scales: Mapping[str, Any]) -> list[tuple[Column, ...]]:
    """The columns of what nobody sees of each stream."""
    found: list[tuple[Column, ...]] = []
    while (known := scales.get(f"{part.name} latent {len(found)} columns")) is not None:
        found.append(columns_of(_latent_part(part, len(found), len(known)), scales))
    return found


def _filled(cells: Any, there: np.ndarray) -> np.ndarray:
    """Cells (groups, GROUP, cells), zeros where there is no event."""
    return np.where(there[..., None], np.asarray(cells), 0.0)
