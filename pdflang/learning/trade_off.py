"""How good classifiers are, and what is left of the nuisance in their output: by events that nothing was learned of.

The adversary of a training may be lazy. A fresh one is trained on one half of new events for each penalty, all of them
together, and says what it finds in the other half; it sees ranks of the output, so that no scale hides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.workers import StopRequest
from pdflang.learning.adversary import Adversary, log_densities
from pdflang.learning.hypotheses import Hypotheses, LabelledEvents, hypotheses_of, labelled_events, points_in
from pdflang.learning.layout import Part
from pdflang.learning.networks import stacked
from pdflang.learning.options import PivotOptions, TrainOptions
from pdflang.learning.training import train
from pdflang.results.trade_off import Classified, TradeOff, area_under_curve
from pdflang.results.two_samples import kolmogorov_distance

if TYPE_CHECKING:
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel

_FRESH = TrainOptions(
    epochs=100, patience=15, batch=32, learning_rate=3e-3, validation=0.2, width=32, seed=0
)  # fmt: skip
_KOLMOGOROV = np.sqrt(np.pi / 2) * np.log(2)
"""The mean distance of two samples of n and m points of one distribution, in √(1/n + 1/m)."""

_PRIOR_DRAWS = 8192
_PRIOR_DRAWS_OF_A_STEP = 64
_OUTPUTS = 16
"""Outputs that a mean over them is taken of."""


class PriorDraws(NamedTuple):
    """Many standardised nuisances (n, dimension), and the log-density of their prior there (n,)."""

    z: np.ndarray
    log_density: np.ndarray


def hypotheses_learned(model: CompiledModel, learned: Learned) -> Hypotheses:
    """Those that a training was of."""
    return hypotheses_of(model, points_in(learned.scales), cast(PivotOptions, learned.options))


def trade_offs(
    model: CompiledModel, learned: Learned, draws: int, seed: int, threads: int | None = None,
    monitor: Monitor | None = None, stop: StopRequest | None = None,
) -> tuple[TradeOff, ...] | None:  # fmt: skip
    """Of each observation, by so many draws of the nuisance; None where a stop was requested. Errors: `simulate`."""
    stop, monitor = stop or StopRequest(), monitor or QuietMonitor()
    hypotheses, options = hypotheses_learned(model, learned), cast(PivotOptions, learned.options)
    key = jax.random.key(seed)
    z = hypotheses.drawn(jax.random.fold_in(key, 0), draws)

    def simulated(z: np.ndarray, number: int) -> LabelledEvents | None:
        own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        return labelled_events(hypotheses, learned.parts, options.events, z, own, threads, stop)

    sample = simulated(z, 0)
    if sample is None:
        return None
    ends: list[list[LabelledEvents]] = []
    for place, coordinate in enumerate(hypotheses.coordinates):
        pair = []
        for end, value in enumerate(hypotheses.quantiles()[:, place]):
            number = 1 + 2 * place + end
            at = np.array(hypotheses.drawn(jax.random.fold_in(key, number), max(1, draws // 2)))
            at[:, coordinate] = value
            if (found := simulated(at, number)) is None:
                return None
            pair.append(found)
        ends.append(pair)
    told = []
    for number, part in enumerate(learned.parts):
        one = _Measured(learned, part, hypotheses, sample, ends, jax.random.fold_in(key, 1_000_000 + number))
        if (found_one := one.found(monitor, stop)) is None:
            return None
        told.append(found_one)
    return tuple(told)


class _Measured:
    """An observation by events of draws of the nuisance, and by those at its quantiles."""

    def __init__(
        self, learned: Learned, part: Part, hypotheses: Hypotheses, sample: LabelledEvents,
        ends: list[list[LabelledEvents]], key: Any,
    ) -> None:  # fmt: skip
        self._learned, self._part, self._hypotheses = learned, part, hypotheses
        self._sample, self._ends, self._key = sample, ends, key
        self._penalties = penalties_of(learned)

    def found(self, monitor: Monitor, stop: StopRequest) -> TradeOff | None:
        """What is told of it; None where a stop was requested."""
        logits, weight = self._logits(self._sample), self._sample.draws[f"{self._part.name} weight"]
        log_prior = self._sample.draws["log prior"]
        scales, z = self._learned.scales, self._sample.draws["z"]
        prior = self._prior_draws()
        components = cast(PivotOptions, self._learned.options).components
        standard = (z - scales["z mean"]) / scales["z sd"]
        gains = found_by_fresh(logits, standard, weight, prior, components, self._key, monitor, stop)
        if gains is None:
            return None
        at_ends = [[self._logits(one) for one in pair] for pair in self._ends]
        weights = [[one.draws[f"{self._part.name} weight"] for one in pair] for pair in self._ends]
        labels = np.broadcast_to(np.repeat([0.0, 1.0], weight.shape[1] // 2), weight.shape)
        found = []
        for number, penalty in enumerate(self._penalties):
            own = logits[number]
            loss = np.average(np.logaddexp(0, own) - labels * own, weights=weight)
            distances = tuple(
                kolmogorov_distance(low[number].ravel(), high[number].ravel(), [one.ravel() for one in pair])
                for (low, high), pair in zip(at_ends, weights, strict=True)
            )
            found.append(
                Classified(
                    penalty, float(loss), area_under_curve(own.ravel(), labels.ravel(), weight.ravel()),
                    float(gains[number].mean()), float(gains[number].std(ddof=1) / np.sqrt(gains.shape[1])), distances,
                )
            )  # fmt: skip
        sizes = [np.sum(one) ** 2 / np.sum(one**2) for one in weights[0]]
        return TradeOff(
            self._part.name, self._hypotheses.words, self._hypotheses.names, float(-log_prior.mean()),
            int(np.count_nonzero(weight)), float(_KOLMOGOROV * np.sqrt(sum(1 / size for size in sizes))), tuple(found),
        )  # fmt: skip

    def _logits(self, sample: LabelledEvents) -> np.ndarray:
        """Outputs of all classifiers, (penalties, draws, events)."""
        rows = sample.draws[f"{self._part.name} rows"]
        flat = rows.reshape(-1, rows.shape[-1])
        function = self._learned.of_part("event_outputs", self._part)
        each = [np.asarray(function(number, flat)) for number in range(len(self._penalties))]
        return np.stack(each).reshape(len(each), *rows.shape[:2])

    def _prior_draws(self) -> PriorDraws:
        scales = self._learned.scales
        z = self._hypotheses.drawn(jax.random.fold_in(self._key, 1), _PRIOR_DRAWS)
        log_density = self._hypotheses.log_prior(z) + np.log(scales["z sd"]).sum()
        return PriorDraws((z[:, self._hypotheses.coordinates] - scales["z mean"]) / scales["z sd"], log_density)


def found_by_fresh(
    outputs: np.ndarray, z: np.ndarray, weight: np.ndarray, prior: PriorDraws, components: int, key: Any,
    monitor: Monitor | None = None, stop: StopRequest | None = None,
) -> np.ndarray | None:  # fmt: skip
    """The nats that fresh adversaries find in outputs (classifiers, draws, events), with weights (draws, events).

    They learn from the first half of the standardised nuisances z (draws, dimension): what they find is of each draw of
    the second one, (classifiers, draws). None where a stop was requested.
    """
    scores = np.stack([_normal_scores(own, weight) for own in outputs], axis=1)
    arrays = jax.tree.map(
        lambda array: np.asarray(array, np.float32), {"scores": scores, "z": z, "weight": weight / weight.mean()}
    )
    half, there = len(z) // 2, weight > 0
    places = (np.arange(_OUTPUTS) + 0.5) / _OUTPUTS
    some = np.stack([np.quantile(own[there], places) for own in scores.swapaxes(0, 1)])
    known = {"z": prior.z, "outputs": some}
    with jax.enable_x64(False):
        keys = jax.random.split(key, len(outputs) + 1)
        network = stacked([Adversary(own, z.shape[1], components, _FRESH.width) for own in keys[1:]])
    learned = jax.tree.map(lambda array: array[:half], arrays)
    done = train(
        network, _guessed, known, learned, _FRESH, keys[0], monitor or QuietMonitor(), stop or StopRequest()
    )
    if done.interrupted:
        return None
    rest = jax.tree.map(lambda array: jnp.asarray(array[half:]), arrays)
    with jax.enable_x64(False):
        narrow = [np.asarray(array, np.float32) for array in (some, prior.z)]
        told = eqx.filter_jit(_told)(done.network, rest, *narrow)
        beside, mean = (np.asarray(found, float) for found in told)
    counts = there[half:].any(axis=1)
    own = weight[half:][counts]
    means = np.einsum("pde,de->pd", beside[:, counts], own) / own.sum(axis=1)
    return np.asarray(means + (mean - prior.log_density).mean(axis=1)[:, None])


def penalties_of(learned: Learned) -> tuple[float, ...]:
    """The penalties of the classifiers of a training, of which an interrupted one has not all."""
    return cast(PivotOptions, learned.options).penalty_values[: len(learned.history)]


def _normal_scores(outputs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The quantiles of a normal distribution at the ranks of outputs (draws, events); equal ones stay so."""
    there = weight > 0
    found = np.zeros(outputs.shape)
    found[there] = ndtri((rankdata(outputs[there]) - 0.5) / np.count_nonzero(there))
    return found


def _each(network: Any, batch: Any) -> jax.Array:
    """log r of each penalty, (penalties, draws, events)."""
    return eqx.filter_vmap(log_densities, in_axes=(eqx.if_array(0), 1, None))(network, batch["scores"], batch["z"])


def _told(network: Any, batch: Any, outputs: Any, z: Any) -> tuple[jax.Array, jax.Array]:
    """log r − log r̄ of draws (penalties, draws, events), and log r̄ (penalties, n) at many z.

    r̄ is the mean of r over some outputs (penalties, outputs).

    The means of both add up to that of log r. That the nuisances of a few draws are not those of the prior is in the
    second one alone, for which there are as many as one likes: it is neither taken for information, nor an error.
    """

    def mean(adversary: Adversary, outputs: jax.Array, z: jax.Array) -> jax.Array:
        logs = log_densities(adversary, jnp.broadcast_to(outputs, (len(z), len(outputs))), z)
        return jax.nn.logsumexp(logs, axis=1) - jnp.log(len(outputs))

    of_all = eqx.filter_vmap(mean, in_axes=(eqx.if_array(0), 0, None))
    return _each(network, batch) - of_all(network, outputs, batch["z"])[..., None], of_all(network, outputs, z)


def _guessed(network: Any, scales: Mapping[str, Any], batch: Any, key: Any, options: TrainOptions) -> jax.Array:
    """−log r of all penalties."""
    some = jax.random.choice(key, scales["z"], (_PRIOR_DRAWS_OF_A_STEP,))
    beside, mean = _told(network, batch, scales["outputs"], some)
    return -jnp.mean(batch["weight"] * beside, axis=(1, 2)).sum() - mean.mean(axis=1).sum()
