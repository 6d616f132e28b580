"""Ratios of the intensities of single events, log Λ(x | θ)/Λ_ref(x), as a network of events times one of parameters.

log r(x | θ) = a(θ)·b(x) + c(θ). Over the events of a data set b is summed once: however many there are, the likelihood
then depends on a few numbers. Of a Poisson process it is Σ log r(x_i | θ) − ν(θ), with ν the sum of r over simulated
events of the reference, so that the density of an event is normalised whatever the network says. Some of these events
stand for all, with weights by which sums at many θ are those of all (calibrated weights: Deville and Särndal 1992).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.learning.event_sample import EventSample
from pdflang.learning.layout import Part
from pdflang.learning.networks import in_double, still_at_first
from pdflang.learning.options import EventOptions
from pdflang.learning.scaling import Scales, spread_of, standard_z, typical

_DEPTH = 3
_AT_ONCE = 4096
"""Events that the network sees at once, where there are many."""

_NODES = 4096
_CALIBRATED_AT = 256
"""Events that stand for all of the reference, and parameters at which their sums are those of all."""


class EventNetwork(eqx.Module):
    """The two networks of an observation."""

    of_event: eqx.nn.MLP
    of_parameters: eqx.nn.MLP

    def __init__(self, key: Any, width: int, dimension: int, options: EventOptions) -> None:
        first, second = jax.random.split(key)
        count, units = options.summaries, options.width
        self.of_event = eqx.nn.MLP(width, count, units, _DEPTH, jax.nn.silu, key=first)
        network = eqx.nn.MLP(dimension, count + 1, units, _DEPTH, jax.nn.silu, key=second)
        self.of_parameters = still_at_first(network)

    def at(self, z: jax.Array) -> tuple[jax.Array, jax.Array]:
        """a (summaries,) and c at standardised parameters (dimension,)."""
        found = self.of_parameters(z)
        return found[:-1], found[-1]

    def __call__(self, rows: jax.Array, z: jax.Array) -> jax.Array:
        """log r (contrasts, GROUP) of rows (GROUP, width) at parameters (contrasts, dimension)."""
        b = jax.vmap(self.of_event)(rows)
        a, c = jax.vmap(self.at)(z)
        return a @ b.T + c[:, None]


class Network(eqx.Module):
    """That of each observation."""

    observations: dict[str, EventNetwork]


def prepared(parts: Sequence[Part], sample: EventSample, options: EventOptions) -> tuple[Scales, Any]:
    """The scales that simulations ask for, and what the loss reads of each group."""
    scales = event_scales(parts, sample)
    return scales, event_arrays(parts, scales, sample)


def event_arrays(parts: Sequence[Part], scales: Scales, sample: EventSample) -> Any:
    """What losses read of each group: parameters, rows, weights, the guess of yields, and what traces told."""
    arrays: dict[str, Any] = {"z": np.asarray(standard_z(scales, sample.groups["z"]))}
    for part in parts:
        own = of_part(part, scales, sample)
        guess = guessed(part.name, scales, arrays["z"])
        own["guess"] = guess
        if (logs := sample.groups.get(f"{part.name} log ratio")) is not None:
            own["ratio"] = np.exp(logs - guess[..., None])
        if (scores := sample.groups.get(f"{part.name} score")) is not None:
            # What is beside the guess, by standardised parameters.
            own["score"] = scores * scales["z sd"] - scales[f"{part.name} guess"][1:]
        arrays[part.name] = own
    return jax.tree.map(lambda array: np.asarray(array, np.float32), arrays)


def averaged(network: Any, batch: Any, terms: Callable[[Any, Any, jax.Array], jax.Array]) -> jax.Array:
    """A loss: `terms(own, part, logs)` (groups, contrasts, GROUP) averaged over the events of each observation.

    `own` is the network of an observation, `part` what it reads of the batch, `logs` what it says at the contrasts.
    """
    total = jnp.zeros(())
    for name, own in network.observations.items():
        part = batch[name]
        logs = jax.vmap(own)(part["rows"], batch["z"])
        total += jnp.mean(part["weight"][:, None] * terms(own, part, logs))
    return total


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: EventSample) -> Scales:
    """The scales with what stands for the events of the reference: b of some of them, and their shares."""
    found = dict(scales)
    generator = np.random.default_rng(0)
    z = sample.groups["z"].reshape(-1, sample.groups["z"].shape[-1])
    standard = standard_z(scales, z[generator.permutation(len(z))[:_CALIBRATED_AT]])
    for part in parts:
        own = network.observations[part.name]
        rows, share = events_of(part, scales, sample)
        with jax.enable_x64(True):
            wide = in_double(own)
            b = np.asarray(jax.jit(lambda some, wide=wide: mapped(wide.of_event, some))(rows))
            a, c = jax.vmap(wide.at)(standard)
        a, c = np.asarray(a), np.asarray(c)
        sums = np.zeros(len(a))
        for first in range(0, len(b), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            with np.errstate(over="ignore", invalid="ignore"):
                sums += share[some] @ np.exp(b[some] @ a.T + c)
        if not (np.isfinite(sums) & (sums > 0)).all():
            raise PdflangError(_runs_away(part))
        chosen = generator.permutation(len(b))[:_NODES]
        few = share[chosen] * share.sum() / share[chosen].sum()
        values = np.exp(b[chosen] @ a.T + c) / sums
        # The nearest weights, in the sense of chi-squared, by which the sums at all these parameters are right.
        change = np.linalg.lstsq((values.T * few) @ values, 1 - few @ values, rcond=1e-10)[0]
        found[f"{part.name} nodes"], found[f"{part.name} share"] = b[chosen], few * (1 + values @ change)
    return found


def _runs_away(part: Part) -> Diagnostic:
    return Diagnostic(
        "E661", f"the ratio that was learned of the events of `{part.name}` is not finite",
        notes=("where negative weights outweigh the others there is no ratio of intensities",) if part.weights else (),
        remedy="learn from more events, or from a narrower prior",
    )  # fmt: skip


def mapped(function: Any, rows: Any) -> Any:
    """A function of a row, of many rows, some at once."""
    return jax.lax.map(function, rows, batch_size=min(_AT_ONCE, max(1, len(rows))))


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: EventOptions) -> Network:
    """A network before training."""
    keys = jax.random.split(key, len(parts))
    return Network({p.name: EventNetwork(k, p.width, dimension, options) for k, p in zip(keys, parts, strict=True)})


def reading(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """What the likelihood reads of a data set: Σ b and the number of its events, which count by their weights."""
    found = {}
    for part in parts:
        own, weight = network.observations[part.name], data[f"{part.name} weight"]
        rows = (data[part.name] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
        each = mapped(own.of_event, rows)
        found[part.name] = {"sum": weight @ each, "count": weight.sum()}
    return found


def log_value(network: Network, parts: Sequence[Part], scales: Mapping[str, Any], z: Any, read: Any) -> jax.Array:
    """log p(x | θ)/p_ref(x) of a data set at unconstrained parameters z (dimension,), up to a constant."""
    standard, total = standard_z(scales, z), jnp.zeros(())
    for part in parts:
        own, known = network.observations[part.name], read[part.name]
        a, c = own.at(standard)
        c = c + guessed(part.name, scales, standard)
        log_expected = _log_expected(part, scales, a, c)
        total += known["sum"] @ a + known["count"] * c
        total -= known["count"] * log_expected if part.is_normalised else jnp.exp(log_expected)
    return total


def _log_expected(part: Part, scales: Mapping[str, Any], a: Any, c: Any) -> Any:
    """log of the sum of r over the events of the reference: the expected number ν, where it is not normalised."""
    return jax.nn.logsumexp(scales[f"{part.name} nodes"] @ a + c, b=scales[f"{part.name} share"])


def event_values(network: Network, part: Part, scales: Mapping[str, Any], z: Any, rows: Any) -> jax.Array:
    """log p(x | θ) of rows (n, width) as they are in the data, at unconstrained z (dimension,): (n,), up to p_ref."""
    own, standard = network.observations[part.name], standard_z(scales, z)
    a, c = own.at(standard)
    inner = (rows - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
    return mapped(own.of_event, inner) @ a + c - _log_expected(part, scales, a, c)


# --- scales ---------------------------------------------------------------------------------------------------


def event_scales(parts: Sequence[Part], sample: EventSample) -> Scales:
    """The units of parameters and events, and a guess of the yields."""
    z = sample.groups["z"].reshape(-1, sample.groups["z"].shape[-1])
    scales: Scales = {"z mean": z.mean(axis=0), "z sd": spread_of(z)}
    for part in parts:
        there = sample.groups[f"{part.name} weight"] != 0
        center, spread = typical(sample.groups[f"{part.name} rows"][there])
        scales[f"{part.name} center"], scales[f"{part.name} spread"] = center, spread
        scales[f"{part.name} guess"] = _guess(part, scales, sample)
    return scales


def events_of(part: Part, scales: Scales, sample: EventSample) -> tuple[np.ndarray, np.ndarray]:
    """All events of an observation in units of their spread (n, width), and their shares (n,) of a mean data set.

    Those of Poisson processes add up to its number of events, others to 1.
    """
    weight = sample.groups[f"{part.name} weight"]
    rows = (sample.groups[f"{part.name} rows"] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
    share = weight[weight != 0]
    return rows[weight != 0], share / (share.sum() if part.is_normalised else sample.sets)


def of_part(part: Part, scales: Scales, sample: EventSample) -> dict[str, Any]:
    """The events of an observation in units of their spread, and weights of mean 1."""
    weight = sample.groups[f"{part.name} weight"]
    rows = (sample.groups[f"{part.name} rows"] - scales[f"{part.name} center"]) / scales[f"{part.name} spread"]
    return {"rows": np.where((weight != 0)[..., None], rows, 0.0), "weight": weight / np.abs(weight).mean()}


def guessed(name: str, scales: Mapping[str, Any], standard: Any) -> Any:
    """log ν(θ)/ν_ref as a line in standardised parameters (…, dimension): what the network learns is beside it."""
    line = scales[f"{name} guess"]
    return line[0] + standard @ line[1:]


def _guess(part: Part, scales: Scales, sample: EventSample) -> np.ndarray:
    """The line through the numbers of events at the references, for Poisson processes of many events."""
    numbers, sets = sample.yields[part.name]
    line = np.zeros(1 + sample.reference.shape[1])
    if part.is_normalised or len(numbers) < 2:
        return line
    mean = np.average(numbers, weights=sets)
    if numbers.min() < 0:
        return line  # of signed weights, which here and there outweigh the others
    design = np.column_stack([np.ones(len(numbers)), standard_z(scales, sample.reference)])
    ridge = np.diag([0.0, *np.ones(design.shape[1] - 1)])
    logs = np.log((numbers + 1) / (mean + 1))
    weighted = design.T * sets
    return np.asarray(np.linalg.solve(weighted @ design + ridge, weighted @ logs))
