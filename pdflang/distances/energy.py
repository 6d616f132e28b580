"""Estimates without a likelihood: the parameters whose simulated events have the smallest energy score.

The energy score of a distribution P for an event y is E|X − y| − ½ E|X − X'| (Gneiting & Raftery 2007): its mean over
events is smallest where P is theirs. Events that were simulated at one point of the parameters serve all others by
weights w ∝ exp of the joint log-ratio with their traces held fixed, so that it is a smooth function of the parameters.
Here the second mean leaves out each event with itself, as the unbiased estimate does:
S = Σ w_i mean_k |x_i − y_k| − ½ Σ_{i≠j} w_i w_j |x_i − x_j| / (1 − Σ w_i²), both sums in O(N log N) by sorting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.backend.runtime.replay import log_intensity
from pdflang.inference.map import climb
from pdflang.inference.target import Target
from pdflang.predictive.observed import observed_data
from pdflang.simulator import Simulator

if TYPE_CHECKING:
    from pdflang.inference.optima import Optimum
    from pdflang.inference.options import MapOptions
    from pdflang.inference.workers import StopRequest
    from pdflang.model import CompiledModel

_DIRECTIONS = 32
"""Directions of more than one dimension: the score is the mean of that of projections (sliced)."""


def distances_to(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """mean_k |x_i − y_k| of numbers x (n,), in O((n + m) log m)."""
    ordered = np.sort(y)
    below = np.searchsorted(ordered, x)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    found: np.ndarray = (x * (2 * below - len(y)) + sums[-1] - 2 * sums[below]) / len(y)
    return found


def mean_distance(y: np.ndarray) -> float:
    """The mean of |y_i − y_j| over all pairs i ≠ j of numbers (n,)."""
    ordered, count = np.sort(y), len(y)
    ranks = 2 * np.arange(count) - count + 1
    return float(2 * np.sum(ranks * ordered) / (count * (count - 1)))


def weighted_mean_distance(weights: Any, gaps: Any) -> Any:
    """Σ_{i≠j} w_i w_j |x_i − x_j| / (1 − Σ w_i²) of sorted numbers with `gaps` (n − 1,) and weights (n,) of sum 1."""
    below = jnp.cumsum(weights)[:-1]
    return 2 * jnp.sum(below * (1 - below) * gaps) / (1 - jnp.sum(weights**2))


@dataclass(frozen=True)
class _Events:
    """Simulated events of an observation along each direction (directions, n): sorted, and their places before."""

    directions: np.ndarray
    center: np.ndarray
    order: np.ndarray
    ordered: np.ndarray

    @classmethod
    def of(cls, columns: np.ndarray, random: np.random.Generator) -> _Events:
        """Of columns (n, variables), in units of their spread where there are several."""
        spread, width = columns.std(axis=0), columns.shape[1]
        directions = np.eye(1)
        if width > 1:
            directions = random.standard_normal((_DIRECTIONS, width))
            directions /= np.linalg.norm(directions, axis=1)[:, None] * np.where(spread > 0, spread, 1.0)
        along = (columns - columns.mean(axis=0)) @ directions.T
        order = np.argsort(along, axis=0, kind="stable").T
        return cls(directions, columns.mean(axis=0), order, np.take_along_axis(along.T, order, axis=1))

    def between(self, columns: np.ndarray) -> dict[str, np.ndarray]:
        """Where observed columns (m, variables) lie among the simulated ones, (directions, m) each."""
        along = ((columns - self.center) @ self.directions.T).T
        below = [np.searchsorted(x, y) for x, y in zip(self.ordered, along, strict=True)]
        return {"at": along, "below": np.stack(below)}

    def beside(self, columns: np.ndarray) -> dict[str, np.ndarray]:
        """What the score needs of observed columns (m, variables)."""
        along = (columns - self.center) @ self.directions.T
        return {
            "distances": np.stack([distances_to(x, y) for x, y in zip(self.ordered, along.T, strict=True)]),
            "unit": np.array([mean_distance(y) / 2 for y in along.T]), "count": np.asarray(float(len(columns))),
        }  # fmt: skip


def _weighted_distances(weights: Any, ordered: Any, at: Any, below: Any) -> Any:
    """Σ_i w_i |x_i − y_k| (m,) of sorted numbers x (n,) with weights of sum 1, so many of them `below` each y (m,)."""
    sums = [jnp.concatenate([jnp.zeros(1), jnp.cumsum(values)]) for values in (weights, weights * ordered)]
    (share, moment), (whole, mean) = (one[below] for one in sums), (one[-1] for one in sums)
    return at * (2 * share - whole) - (2 * moment - mean)


class ScoreProgram:
    """The functions of a model that scores have in common, whatever was simulated: they are compiled once."""

    def __init__(self, model: CompiledModel) -> None:
        self._module, self._streams = model.functions.module, model.functions.generated.streams
        processes = {name: one.process for name, one in model.program.observations.items() if one.process is not None}
        self.variables = {name: [variable.name for variable in one.variables] for name, one in processes.items()}
        self._normalised = {name: one.normalised for name, one in processes.items()}
        self._nuisances = [one.name for one in model.program.parameters.values() if one.role == "nuisance"]
        self.slopes = jax.jit(jax.jacfwd(self._terms))
        self.log_intensities = jax.jit(self._log_intensities, static_argnums=0)

    def start(self, key: Any, arrays: Any) -> Any:
        """Where the events were simulated."""
        return arrays["reference"]

    def _log_intensities(self, name: str, z: Any, arrays: Any) -> Any:
        """log Λ of the simulated events (n,), with their traces held fixed."""
        params = self._module.constrain(z, arrays["model"])[0]
        streams = getattr(self._module, self._streams[name])(params, arrays["model"])
        own = arrays["simulated"][name]
        found = jnp.zeros(len(own["before"]))
        for stream, sites in zip(streams, own["sites"], strict=True):
            rest = {site: values for site, values in sites.items() if site != "row"}
            logs = log_intensity(stream, rest, params, arrays["model"])
            found = found.at[sites["row"]].set(logs, mode="drop")
        return found

    def ratios(self, name: str, z: Any, arrays: Any) -> Any:
        """The joint log-ratios (n,) of z and of where they were simulated."""
        return self._log_intensities(name, z, arrays) - arrays["simulated"][name]["before"]

    def log_density(self, z: Any, arrays: Any) -> Any:
        """Minus the score."""
        total = jnp.zeros(())
        for name, normalised in self._normalised.items():
            simulated, own = arrays["simulated"][name], arrays["observed"][name]
            ratios = self.ratios(name, z, arrays)
            weights = jax.nn.softmax(ratios)[simulated["order"]]
            spread = jax.vmap(weighted_mean_distance)(weights, simulated["gaps"])
            scores = (jnp.sum(weights * own["distances"], axis=1) - spread / 2) / own["unit"]
            total -= own["count"] * jnp.mean(scores)
            if not normalised:
                log_expected = self._log_expected(ratios, simulated)
                total += own["count"] * log_expected - jnp.exp(log_expected)
        if self._nuisances:
            params = self._module.constrain(z, arrays["model"])[0]
            priors = self._module.log_prior(params, arrays["model"])
            total += sum(jnp.sum(priors[name]) for name in self._nuisances)
        return total

    def _log_expected(self, ratios: Any, simulated: Any) -> Any:
        """The logarithm of the expected number of events."""
        return jax.nn.logsumexp(ratios) - jnp.log(len(ratios)) + simulated["log expected"]

    def _terms(self, z: Any, arrays: Any, events: Any) -> Any:
        """What each observed event has of minus the score, (events of all lists,)."""
        found = []
        for name, normalised in self._normalised.items():
            simulated, own, there = arrays["simulated"][name], arrays["observed"][name], events[name]
            ratios = self.ratios(name, z, arrays)
            weights = jax.nn.softmax(ratios)[simulated["order"]]
            spread = jax.vmap(weighted_mean_distance)(weights, simulated["gaps"])
            away = jax.vmap(_weighted_distances)(weights, simulated["ordered"], there["at"], there["below"])
            terms = -jnp.mean((away - spread[:, None] / 2) / own["unit"][:, None], axis=0)
            found.append(terms if normalised else terms + self._log_expected(ratios, simulated))
        return jnp.concatenate(found)


class EnergyScore:
    """The energy score of a model whose events were simulated at a `reference` (dimension,), for any data.

    Added up over lists of events with as much weight as N log-probabilities have: N S/G, with G = ½ E|Y − Y'| of the
    observed events, the score's own value where the distribution is theirs. For a normal distribution that is moved it
    is as much as the log-likelihood loses. Of a Poisson process there is the log-probability of the number of events,
    whose expectation follows from the weights. Each list has `factor` times as many simulated events as observed ones.
    """

    def __init__(
        self, model: CompiledModel, program: ScoreProgram, reference: np.ndarray, factor: float, seed: int,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self.reference, self._program, self._factor = reference, program, factor
        wanted = {name: max(64, round(factor * count)) for name, count in model.event_counts().items()}
        with jax.enable_x64(True):
            at = {name: np.asarray(value) for name, value in model.constrain(reference).items()}
        batches, counts, number = [], dict.fromkeys(wanted, 0), 0
        while any(counts[name] < wanted[name] for name in wanted):
            more = _more(counts, wanted, number)
            batches.append(Simulator(model).draw(more, seed, number, at, threads=threads))
            number += more
            for name in wanted:
                counts[name] += int(batches[-1].data[name].splits[-1])
        batch = reduce(lambda one, other: one.followed_by(other), batches)
        random = np.random.default_rng((seed, 1))
        self._events, simulated = {}, {}
        for name, count in wanted.items():
            rows = np.sort(random.choice(counts[name], count, replace=False))
            columns = np.stack([np.asarray(values, float) for values in batch.data[name].columns.values()], axis=1)
            self._events[name] = _Events.of(columns[rows], random)
            assert batch.traces is not None
            simulated[name] = {
                "sites": [_chosen(sites, rows, count) for sites in batch.traces[name].values()],
                "before": np.zeros(count), "log expected": np.log(counts[name] / number),
                "order": self._events[name].order, "gaps": np.diff(self._events[name].ordered, axis=1),
                "ordered": self._events[name].ordered,
            }  # fmt: skip
        self._arrays: dict[str, Any] = {"model": model.whole_arrays, "simulated": simulated, "reference": reference}
        with jax.enable_x64(True):
            for name in wanted:
                simulated[name]["before"] = np.asarray(program.log_intensities(name, reference, self._arrays))

    def target(self, model: CompiledModel) -> Target:
        """Minus the score of the data of a model, as optimizers see it."""
        observed = {name: self._events[name].beside(columns) for name, columns in self._columns(model).items()}
        arrays = {**self._arrays, "observed": observed}
        return Target(model.dimension, self._program.log_density, self._program.start, arrays)

    ends: tuple[str, str] | None = None
    """What its search has to say of its end and how to better it, where that is not what optimisers say."""

    def words(self, value: float) -> list[str]:
        """The value in words."""
        return [f"energy score with yields {value:.7g}, by {self._factor:g} simulated events for each one"]

    def refitted(self, model: CompiledModel, z: np.ndarray, options: MapOptions, stop: StopRequest) -> Optimum:
        """The minimum for the data of a replica, from z (dimension,), by the same simulated events."""
        return climb(self.target(model), z, options, stop)

    def _columns(self, model: CompiledModel) -> dict[str, np.ndarray]:
        """The observed events of each list, (events, variables)."""
        data, found = observed_data(model), {}
        for name, variables in self._program.variables.items():
            columns = data[name] if isinstance(data[name], Mapping) else {variables[0]: data[name]}
            found[name] = np.stack([np.asarray(columns[variable], float) for variable in variables], axis=1)
        return found

    def covariance(self, model: CompiledModel, z: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """That of a minimum, by the inverse C of the Hessian there: C Σ_k g_k g_kᵀ C (Huber 1967).

        g_k are gradients of what single events have of the score; simulated events scatter as observed ones do, and
        add their share.
        """
        events = {name: self._events[name].between(columns) for name, columns in self._columns(model).items()}
        with jax.enable_x64(True):
            slopes = np.asarray(self._program.slopes(z, self.target(model).arrays, events))
        known = ~np.isnan(np.diag(curvature))
        inner = curvature[np.ix_(known, known)]
        found = np.full_like(curvature, np.nan)
        share = 1 + 1 / self._factor
        found[np.ix_(known, known)] = share * inner @ (slopes.T @ slopes)[np.ix_(known, known)] @ inner
        return found

    def effective(self, z: np.ndarray) -> float:
        """The smallest share of simulated events that weights at z are worth."""
        shares = []
        with jax.enable_x64(True):
            for name, simulated in self._arrays["simulated"].items():
                logs = np.asarray(self._program.log_intensities(name, z, self._arrays)) - simulated["before"]
                weights = np.exp(logs - logs.max())
                shares.append(weights.sum() ** 2 / np.sum(weights**2) / len(weights))
        return float(min(shares))


def _more(counts: Mapping[str, int], wanted: Mapping[str, int], number: int) -> int:
    """Further data sets, by how many events the first ones had."""
    if not number:
        return 1
    missing = max((wanted[name] - counts[name]) / max(1, counts[name]) for name in wanted)
    return max(1, min(int(1.1 * missing * number) + 1, 10 * number + 10))


def _chosen(sites: Mapping[str, np.ndarray], rows: np.ndarray, room: int) -> dict[str, np.ndarray]:
    """The sites of a stream at some rows, with their new places; the room that is left has places beyond the last."""
    places = np.searchsorted(rows, sites["row"])
    is_chosen = rows[np.minimum(places, len(rows) - 1)] == sites["row"]
    kept = np.flatnonzero(is_chosen)
    filled = np.resize(kept, room) if len(kept) else np.zeros(room, int)
    if not len(sites["row"]):
        return {name: np.full(room, room if name == "row" else 0.5) for name in sites}
    found = {name: values[filled] for name, values in sites.items()}
    found["row"] = np.where(np.arange(room) < len(kept), np.resize(places[kept], room) if len(kept) else room, room)
    return found
