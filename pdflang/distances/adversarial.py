"""Adversarial variational optimisation (Louppe, Hermans & Cranmer 2019, arXiv:1707.07113), by natural gradients.

A proposal, a normal distribution of the unconstrained parameters, moves to where a critic does not tell the events that
are simulated at its draws from those observed. Nothing is differentiated through the simulator: what the critic D says
of a data set, R = Σ D, is a number for the draw that it was simulated at, and E[R ε], with whitened draws ε, is the
gradient along the mean (the score-function estimator with a baseline). As D is a log-ratio of intensities, that is the
gradient of the log-likelihood to first order; that of priors is added. Errors are those of the information on the
parameters that the critic's features have, B V⁻¹ Bᵀ of their sums over a data set, B being the slopes of their means in
ε, V their covariance, and of the priors. Proposals are half as wide, and a step is one of Fisher's scoring.

Data sets of the last rounds serve the present proposal by weights, its density over the mixture of those they are of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from scipy.sparse import csr_array
from scipy.special import logsumexp

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.distances.critic import Critic, Sample, new_critics, read, trained
from pdflang.distances.statistics import flat
from pdflang.inference.normal import Normal
from pdflang.inference.platform import double_precision
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import constrained
from pdflang.learning.layout import Part, layout_of, numbers_of
from pdflang.predictive.observed import observed_data
from pdflang.simulator import Simulator
from pdflang.simulator.proposals import log_prior

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

SHARE = 0.5
"""The widths of a proposal in units of errors: what is simulated is a mixture, whose excess falls with their square."""

EACH = 64
"""Data sets of a round."""

_WINDOW = 8
"""Rounds whose data sets are used."""

_MOST_ROWS = 256
"""Events of a simulated data set that are looked at: of more, so many count for all."""

_MOST_REFUSED = 1000
_LEAST = 1e-7
_WIDEST = 2.0
"""Widths of the prior that a proposal has at most, where nothing else bounds it."""

_NARROWER, _WIDER = 0.5, 1.2
"""What a round may change of the widths."""

_LEAST_SHARE = 1e-6
"""How near to a bound an event counts as, of the width of the range."""


@dataclass(frozen=True)
class _Simulated:
    """Data sets at draws z (n, dimension) of a proposal: rows of each set with their owners and weights."""

    proposal: Normal
    z: np.ndarray
    rows: Mapping[str, np.ndarray]
    owners: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]


class Contest:
    """A proposal and its critics, for the data of a model; `priors` that count as in `MapOptions`.

    Errors: E607 where the prior cannot be drawn from, E662 where something else is observed than lists of events or
    repeated measurements, and those of `Simulator.draw`.
    """

    def __init__(
        self, model: CompiledModel, priors: str, seed: int, threads: int | None, start: Normal | None = None
    ) -> None:
        self._model, self.seed, self._threads = model, seed, threads
        self._parts = _sets(model)
        self._simulator = Simulator(model)
        data = observed_data(model)
        self._columns = {part.name: _Columns.of(part, numbers_of(model, part, data)) for part in self._parts}
        self._observed = {n: columns.numbers(columns.observed) for n, columns in self._columns.items()}
        self._prior = _Prior(model, priors)
        self._widest = _of_prior(model, seed)
        self.first = self.proposal = start or self._widest
        self.path: list[Normal] = []
        self.scores: list[float] = []
        widths = {name: rows.shape[1] for name, rows in self._observed.items()}
        self._critics = new_critics(jax.random.fold_in(jax.random.key(seed), 1), widths)
        self._window: list[_Simulated] = []
        self._step = np.zeros(model.dimension)

    def round(self, stop: StopRequest) -> None:
        """Data sets at draws of the proposal, critics trained on them, and a step. KeyboardInterrupt if stopped."""
        number = len(self.path)
        self._window = [*self._window, self._simulated(number, stop)][-_WINDOW:]
        z = np.concatenate([one.z for one in self._window])
        log_weights = self.proposal.log_density(z)
        every = [one.proposal.log_density(z) for one in self._window]
        log_weights = log_weights - logsumexp(every, axis=0)
        shares = np.exp(log_weights - logsumexp(log_weights))
        key = jax.random.fold_in(jax.random.key(self.seed), 2 + number)
        samples = {part.name: self._sample(part.name, shares) for part in self._parts}
        self._critics = trained(self._critics, self._observed, {n: one[0] for n, one in samples.items()}, key)
        if stop.requested:
            raise KeyboardInterrupt
        seen = [
            _Seen.of(self._critics[name], self._observed[name], *samples[name], len(z)) for name in self._observed
        ]
        self._require_finite(np.array([one.losses for one in seen]), "the losses of critics are")
        self.proposal = self._moved(z, shares, seen)
        self.path.append(self.proposal)
        self.scores.append(_information(seen))

    # --- simulations ----------------------------------------------------------------------------------------

    def _simulated(self, number: int, stop: StopRequest) -> _Simulated:
        seeds = np.random.SeedSequence((self.seed, number)).generate_state(2)
        z = self._drawn(int(seeds[0]))
        parameters = constrained(self._model, z)
        batch = self._simulator.draw(
            EACH, int(seeds[1]), parameters=parameters, traces=False, threads=self._threads, stop=stop
        )
        random = np.random.default_rng((self.seed, number))
        rows, owners, weights = {}, {}, {}
        for part in self._parts:
            raw, splits = flat(part, batch.data[part.name], EACH)
            counts = np.diff(splits)
            kept = [
                start + (random.choice(count, _MOST_ROWS, replace=False) if count > _MOST_ROWS else np.arange(count))
                for start, count in zip(splits, counts, strict=False)
            ]
            owner = np.repeat(np.arange(EACH), [len(one) for one in kept])
            rows[part.name] = self._columns[part.name].numbers(raw[np.concatenate(kept)])
            owners[part.name], weights[part.name] = owner, np.maximum(counts / _MOST_ROWS, 1.0)[owner]
            self._require_finite(rows[part.name], f"events of `{part.name}` that were simulated are")
        return _Simulated(self.proposal, z, rows, owners, weights)

    def _drawn(self, seed: int) -> np.ndarray:
        """Draws (n, dimension) of the proposal in pairs about its mean, where the prior allows them."""
        random = np.random.default_rng(seed)
        half = random.standard_normal((EACH // 2, self._model.dimension))
        z = self.proposal.mean + np.concatenate([half, -half]) @ self.proposal.root.T
        for _ in range(_MOST_REFUSED):
            bad = np.flatnonzero(~np.isfinite(log_prior(self._model, constrained(self._model, z))))
            if not len(bad):
                break
            noise = random.standard_normal((len(bad), self._model.dimension))
            z[bad] = self.proposal.mean + noise @ self.proposal.root.T
        return z

    def _sample(self, name: str, shares: np.ndarray) -> tuple[Sample, np.ndarray, np.ndarray]:
        """The rows of a set in the window, weighted; how many each stands for in its data set; its data set."""
        counts = np.concatenate([one.weights[name] for one in self._window])
        starts = np.cumsum([0, *(len(one.z) for one in self._window)])
        owner = np.concatenate([one.owners[name] + at for one, at in zip(self._window, starts, strict=False)])
        rows = np.concatenate([one.rows[name] for one in self._window])
        return Sample(rows, counts * shares[owner]), counts, owner

    def _require_finite(self, values: np.ndarray, what: str) -> None:
        """PdflangError (E661) where a number is none."""
        if not np.all(np.isfinite(values)):
            at = ", ".join(f"{n} = {np.asarray(v)}" for n, v in self._model.constrain(self.proposal.mean).items())
            raise PdflangError(
                Diagnostic(
                    "E661", f"{what} not finite, in round {len(self.path) + 1}", notes=(f"near {at}",),
                    remedy="restrict the priors to where the model is defined: nothing is learned from what is no "
                    "number",
                )
            )  # fmt: skip

    # --- a step ---------------------------------------------------------------------------------------------

    def _moved(self, z: np.ndarray, shares: np.ndarray, seen: Sequence[_Seen]) -> Normal:
        """The next proposal."""
        mean, root = self.proposal.mean, self.proposal.root
        whitened = self.proposal.whitened(z)
        information = np.sum([one.information(whitened, shares) for one in seen], axis=0)
        told = np.sum([one.told for one in seen], axis=0)
        gradient = _slopes(whitened, shares, told[:, None])[:, 0]
        slope, curvature = self._prior(mean)
        known = np.linalg.solve(self._widest.root, root)
        whole = information + _positive(root.T @ -curvature @ root) + known.T @ known / _WIDEST**2
        values, directions = np.linalg.eigh((whole + whole.T) / 2)
        steps = np.clip((directions.T @ (gradient + root.T @ slope)) / np.maximum(values, SHARE**2), -1.0, 1.0)
        # As wide as it should be, and no narrower while steps go on in one direction.
        onward = np.maximum(steps * (directions.T @ np.linalg.solve(root, self._step)), 0.0)
        widths = np.clip((SHARE**2 / np.maximum(values, _LEAST) + onward) ** 0.25, _NARROWER, _WIDER)
        self._step = root @ directions @ steps
        covariance = root @ (directions * widths**2) @ directions.T @ root.T
        return Normal(mean + self._step, np.linalg.cholesky((covariance + covariance.T) / 2))


@dataclass(frozen=True)
class _Seen:
    """What a critic makes of data sets: `features` of rows (rows, features), which stand for `counts` of their `owner`.

    `told` (sets,) are the sums of D; `losses` those of observed rows, and of simulated ones times their weights.
    """

    features: np.ndarray
    counts: np.ndarray
    owner: np.ndarray
    told: np.ndarray
    observed: int
    expected: float
    losses: float

    @classmethod
    def of(
        cls, critic: Critic, observed: np.ndarray, sample: Sample, counts: np.ndarray, owner: np.ndarray, sets: int
    ) -> _Seen:
        features, values = read(critic, sample.rows)
        _, of_observed = read(critic, observed)
        losses = np.logaddexp(0, -of_observed).sum() + sample.weights @ np.logaddexp(0, values)
        told = np.bincount(owner, counts * values, sets)
        return cls(features, counts, owner, told, len(observed), float(sample.weights.sum()), float(losses))

    def information(self, whitened: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """That of a data set on whitened parameters (sets, d) with shares (sets,): (d, d)."""
        by_set = csr_array((self.counts, (self.owner, np.arange(len(self.owner)))), (len(shares), len(self.owner)))
        sums = by_set @ self.features
        weights = self.counts * shares[self.owner]
        spread = (self.features * weights[:, None]).T @ self.features
        values, directions = np.linalg.eigh(spread)
        kept = values > _LEAST * values[-1]
        units = directions[:, kept] / np.sqrt(values[kept])
        sums = sums @ units
        slopes = _slopes(whitened, shares, sums)
        # Slopes have errors, whose squares look like information.
        middle = shares @ sums
        left = sums - middle - (whitened - shares @ whitened) @ slopes
        noise = np.sum(shares[:, None] ** 2 * left**2)
        return slopes @ slopes.T - noise * np.eye(len(slopes))


def _slopes(whitened: np.ndarray, shares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Those (d, k) of values (sets, k) along whitened parameters (sets, d), by weighted least squares."""
    centred = whitened - shares @ whitened
    weighted = (centred * shares[:, None]).T
    size = weighted @ centred + _LEAST * np.eye(centred.shape[1])
    return np.linalg.solve(size, weighted @ (values - shares @ values))


def _positive(matrix: np.ndarray) -> np.ndarray:
    """A symmetric matrix without its negative part."""
    values, directions = np.linalg.eigh((matrix + matrix.T) / 2)
    return (directions * np.maximum(values, 0)) @ directions.T


def _information(seen: Sequence[_Seen]) -> float:
    """What critics tell of an event, in nats: log 2 where they know each, and its numbers are equal, 0 for nothing."""
    total, bits = 0.0, 0.0
    for one in seen:
        both = one.observed + one.expected
        total += both
        bits += one.observed * np.log(both / one.observed) + one.expected * np.log(both / max(one.expected, 1e-9))
        bits -= one.losses
    return float(bits / total)


@dataclass(frozen=True)
class _Columns:
    """How rows of a set become numbers of order 1: in units of those observed; logarithms of distances to bounds."""

    part: Part
    observed: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, part: Part, observed: np.ndarray) -> _Columns:
        columns = cls(part, observed, np.zeros(1), np.ones(1))
        raw = columns._raw(observed)
        spread = raw.std(axis=0)
        return cls(part, observed, raw.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Of rows (n, width): (n, numbers)."""
        found: np.ndarray = (self._raw(rows) - self.center) / self.spread
        return found

    def _raw(self, rows: np.ndarray) -> np.ndarray:
        found, place = [rows], 0
        for labels, bounds in zip(self.part.labels, self.part.bounds, strict=True):
            column, place = rows[:, place], place + max(1, labels)
            if labels or bounds is None:
                continue
            width = bounds[1] - bounds[0]
            for distance in (column - bounds[0], bounds[1] - column):
                found.append(np.log(np.maximum(distance / width, _LEAST_SHARE))[:, None])
        return np.concatenate(found, axis=1)


class _Prior:
    """Slope (d,) and curvature (d, d) of the log-density of the parameters that priors and factors give."""

    def __init__(self, model: CompiledModel, priors: str) -> None:
        module, self._arrays = model.functions.module, model.arrays
        kept = [p.name for p in model.program.parameters.values() if priors == "all" or p.role == "nuisance"]

        def value(z: Any, arrays: Any) -> Any:
            from pdflang.backend.runtime.density import total

            params = module.constrain(z, arrays)[0]
            terms = module.log_prior(params, arrays)
            factors = module.log_factors(params, arrays) if hasattr(module, "log_factors") else {}
            return total({name: term for name, term in terms.items() if name in kept}, factors)

        self._derivatives = jax.jit(lambda z, arrays: (jax.grad(value)(z, arrays), jax.hessian(value)(z, arrays)))

    def __call__(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with double_precision():
            slope, curvature = self._derivatives(z, self._arrays)
        return np.nan_to_num(np.asarray(slope)), np.nan_to_num(np.asarray(curvature))


def _of_prior(model: CompiledModel, seed: int) -> Normal:
    """The normal distribution with mean and covariance of the prior."""
    from pdflang.learning.points import prior_draws

    model.draw_prior(jax.random.key(seed))  # says what cannot be drawn
    z = prior_draws(model, jax.random.fold_in(jax.random.key(seed), 0), 1024)
    covariance = np.atleast_2d(np.cov(z.T)) + _LEAST * np.eye(z.shape[1])
    return Normal(z.mean(axis=0), np.linalg.cholesky(covariance))


def _sets(model: CompiledModel) -> tuple[Part, ...]:
    """The parts of the data. Error: E662 where one of them is not a set of two rows at least, or has weights."""
    parts = layout_of(model)
    for part in parts:
        why = "" if part.is_set else "is one array, and not many events or measurements that are alike"
        if part.is_events and model.event_counts()[part.name] < 2:
            why = "has fewer than two events"
        if why:
            raise PdflangError(
                Diagnostic(
                    "E662", f"a critic learns nothing of `{part.name}`, which {why}",
                    model.program.observations[part.name].span,
                    remedy="sample with `--method abc`, which compares any data",
                )
            )  # fmt: skip
    return parts
