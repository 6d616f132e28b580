"""Approximate Bayesian computation: parameters whose simulated data are near those observed.

Rejection keeps the nearest of simulations at draws of the prior (Pritchard et al. 1999). The sequential algorithm goes
on from there: parameters of the next population are those of the last one, moved by normal kernels of twice its local
covariance, whose data have to be within a smaller ε; weights prior/proposal make up for the proposal (Toni et al. 2009;
Beaumont et al. 2009). ε is a quantile of the distances of the last population (Del Moral, Doucet & Jasra 2012), and
what is compared is fitted anew to that (Prangle 2017): each population has weights of its own, whatever came before.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from pdflang.inference.draws import Draws, Remark, nothing_drawn
from pdflang.inference.experiment import Experiment
from pdflang.inference.importance import resampled
from pdflang.inference.keeping import Keeper
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.nearness import Nearness, Prediction, Scale, adjusted
from pdflang.inference.options import AbcOptions, chosen_seed
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_FEWER, _FEWEST = 2, 200
"""Populations before the last one have so many times fewer draws, but so many at least: it is them that ε falls by."""

_FIRST, _FIRST_SHARE = 10, 0.25
"""Simulations of the first population for each draw that is kept of it, and their share among all at most."""

_FITTED = 20_000
"""Simulations that regressions are fitted to at most: a bound on memory."""

_REPEATED, _REPEATED_EACH, _REPEATED_SHARE = 100, 3, 0.02
"""Simulations at one point of the parameters, what the scatter is known from: at least so many, so many for each number
that is compared, and their share among all at most.
"""

_WIDER = 2.0
"""The covariance of a kernel in units of that of the draws around it (Beaumont et al. 2009)."""

_NEIGHBOURS, _WHOLE = 0.25, 0.01
"""The share of a population that is around a draw, and that of the covariance of all in what is around it."""

_REGULAR = 1e-9

_WIDE, _TOO_WIDE = {"none": 0.5, "linear": 1.0}, {"none": 1.0, "linear": 2.0}
"""ε from where on draws may not be those of the posterior, and are not, by the adjustment that is made."""

_NEXT = 2.0
"""Simulations that the next population takes at least, in units of those of the last one."""

_LEAST = 64
"""Simulations at once, at least."""

_MOST_REFUSED = 1000
"""Proposals in a row that the prior may refuse."""

_ROWS = 128
"""Densities at once: a bound on memory."""


def sample(
    experiment: Experiment,
    options: AbcOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of the last population, chosen by their weights; chains are parts of it.

    An interrupt leaves the last population that was finished. Statistics of a draw are its `distance`. What is kept in
    `checkpoints` are the simulations: a run that goes on chooses among them anew.
    """
    options = options or AbcOptions()
    monitor = monitor or QuietMonitor()
    seed, begin = chosen_seed(options.seed), time.perf_counter()
    with interrupts(stop) as heard:
        run = _Run(experiment, options, seed, monitor, heard, Keeper("abc", checkpoints))
        monitor.start("abc", 1, options.simulations)
        try:
            run.go()
        except KeyboardInterrupt:
            heard.request()
        finally:
            monitor.finish()
        if not heard.urgent:
            run.keep()
    seconds = {"run": time.perf_counter() - begin}
    if run.last is None:
        return nothing_drawn(experiment.dimension, options.chains, seed, options, "abc", seconds)
    return run.drawn(run.last, heard.requested, seconds)


@dataclass(frozen=True)
class _Cloud:
    """Parameters (n, dimension) of simulations, and their statistics (n, k)."""

    z: np.ndarray
    statistics: np.ndarray

    def chosen(self, rows: np.ndarray) -> _Cloud:
        return _Cloud(self.z[rows], self.statistics[rows])

    @classmethod
    def joined(cls, parts: Sequence[_Cloud]) -> _Cloud:
        return cls(np.concatenate([one.z for one in parts]), np.concatenate([one.statistics for one in parts]))


@dataclass(frozen=True)
class _Population:
    """The simulations that are `near`, within `epsilon`, of so many that were `tried`, with log weights (n,).

    `others` are some of those tried, to which the next measure of nearness is fitted.
    """

    near: _Cloud
    log_weights: np.ndarray
    nearness: Nearness
    epsilon: float
    tried: int
    others: _Cloud

    @property
    def weights(self) -> np.ndarray:
        """Normalised weights (n,)."""
        return _normalised(self.log_weights)

    @property
    def middle(self) -> np.ndarray:
        """The draw (dimension,) that is nearest to the mean: of several modes it is in one."""
        mean = self.weights @ self.near.z
        far = np.sum(_whitened(self.near.z - mean, self.near.z, self.weights) ** 2, axis=1)
        found: np.ndarray = self.near.z[int(np.argmin(far))]
        return found


class _Kernels:
    """Normal kernels at the draws of a population, half of them as wide as all, half as wide as the draws around.

    The wide ones see to it that nothing is left out at the rim, where a weight would be large (Beaumont et al. 2009),
    the others keep modes apart: their covariances are those of the nearest neighbours (Filippi et al. 2013).
    """

    def __init__(self, population: _Population) -> None:
        self._centers, self._weights = population.near.z, population.weights
        count, dimension = self._centers.shape
        whole = _covariance(self._centers, self._weights)
        white = _whitened(self._centers, self._centers, self._weights)
        neighbours = min(count, max(int(_NEIGHBOURS * count), 2 * (dimension + 1)))
        local = np.empty((count, dimension, dimension))
        for number in range(count):
            near = np.argsort(np.sum((white - white[number]) ** 2, axis=1), kind="stable")[:neighbours]
            local[number] = _covariance(self._centers[near], self._weights[near]) + _WHOLE * whole
        scale = math.sqrt(_WIDER)
        self._wide, self._local = scale * np.linalg.cholesky(whole), scale * np.linalg.cholesky(local)

    def drawn(self, count: int, random: np.random.Generator) -> np.ndarray:
        """So many draws (count, dimension)."""
        chosen = random.choice(len(self._weights), count, p=self._weights)
        moves = random.standard_normal((count, self._centers.shape[1]))
        triangles = np.where(random.random((count, 1, 1)) < 0.5, self._wide, self._local[chosen])
        found: np.ndarray = self._centers[chosen] + np.einsum("nij,nj->ni", triangles, moves)
        return found

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """The log-density (n,) of draws, up to a constant."""
        wide, local = (np.linalg.inv(triangles) for triangles in (self._wide, self._local))
        with np.errstate(divide="ignore"):
            logs = np.log(self._weights)
        log_wide = logs + np.log(np.abs(np.diag(wide))).sum()
        log_local = logs + np.log(np.abs(np.diagonal(local, axis1=1, axis2=2))).sum(axis=1)
        found = np.empty(len(z))
        for first in range(0, len(z), _ROWS):
            apart = z[first : first + _ROWS, None] - self._centers
            of_wide = log_wide - np.sum((apart @ wide.T) ** 2, axis=2) / 2
            of_local = log_local - np.sum(np.einsum("nij,pnj->pni", local, apart) ** 2, axis=2) / 2
            found[first : first + _ROWS] = logsumexp(np.concatenate([of_wide, of_local], axis=1), axis=1)
        return found


class _Run:
    """The populations, one after the other; `last` is the last one that was finished."""

    def __init__(
        self, experiment: Experiment, options: AbcOptions, seed: int, monitor: Monitor, stop: StopRequest,
        keeper: Keeper,
    ) -> None:  # fmt: skip
        self._experiment, self._options, self._seed = experiment, options, seed
        self._monitor, self._stop, self._keeper = monitor, stop, keeper
        self._wanted = options.chains * options.draws
        self._few = min(self._wanted, max(_FEWEST, self._wanted // _FEWER))
        self._calls = self._spent = self._populations = 0
        self._made: list[_Cloud] = []
        self._there = 0
        self.last: _Population | None = None
        keeper.restore([self])

    def go(self) -> None:
        """All populations, until ε has fallen enough or simulations are spent."""
        population: _Population | None = self._first()
        while population is not None:
            self.last, self._populations = population, self._populations + 1
            if len(population.near.z) == self._wanted:
                return
            population = self._next(population)

    @property
    def _left(self) -> int:
        return self._options.simulations - self._spent

    def _simulated(self, count: int, z: np.ndarray | None = None) -> _Cloud:
        """So many simulations, at draws of the prior or at given parameters."""
        seeds = np.random.SeedSequence((self._seed, self._calls))
        self._calls += 1
        parts = []
        for first, seed in zip(range(0, count, self._experiment.at_once), _numbers(seeds), strict=False):
            size = min(self._experiment.at_once, count - first)
            parts.append(self._earlier(size) or self._new(seed, size, None if z is None else z[first : first + size]))
            self._spent += size
            self._monitor.update(self.progressed)
        return _Cloud.joined(parts)

    def _earlier(self, size: int) -> _Cloud | None:
        """Those that an earlier run made in their place, if it came so far."""
        if self._spent + size > self._there:
            return None
        return self._made[0].chosen(np.arange(self._spent, self._spent + size))

    def _new(self, seed: int, size: int, z: np.ndarray | None) -> _Cloud:
        made = _Cloud(*self._experiment.simulate(seed, size, z, self._options.threads, self._stop))
        if self._keeper.keeps:
            self._made.append(made)
            self._keeper.worked(self)
        return made

    @property
    def progressed(self) -> Progressed:
        """The simulations that are made."""
        phase = f"ε {self.last.epsilon:.2g}" if self.last else "the prior"
        return Progressed(0, phase, self._spent, self._options.simulations)

    def checkpoint(self) -> Checkpoint | None:
        """All simulations are rows."""
        if not self._made:
            return None
        self._made = [_Cloud.joined(self._made)]
        return Checkpoint("abc", {}, {"z": self._made[0].z, "statistics": self._made[0].statistics})

    def restore(self, saved: Checkpoint) -> bool:
        """Take those simulations, if they are of as many statistics."""
        z, statistics = saved.rows["z"], saved.rows["statistics"]
        if (z.shape[1], statistics.shape[1:]) != (self._experiment.dimension, self._experiment.observed.shape):
            return False
        self._made, self._there = [_Cloud(z, statistics)], len(z)
        return True

    def keep(self) -> None:
        """No simulation is at work: keep what is new."""
        self._keeper.end([self])

    # --- the first population -------------------------------------------------------------------------------

    def _first(self) -> _Population:
        """The nearest of simulations at draws of the prior."""
        kept = self._wanted if self._options.algorithm == "rejection" else self._few
        cloud = self._simulated(max(kept, min(_FIRST * kept, int(_FIRST_SHARE * self._options.simulations))))
        scale = Scale.of(cloud.statistics)
        prediction = Prediction.first(cloud.z, scale(cloud.statistics)) if self._predicts(scale) else None
        # Where the scatter at one point is not known yet, that of all has to do.
        rough = Nearness.of(scale, prediction, self._experiment.observed, cloud.statistics, cloud.statistics)
        near, _ = self._nearest(cloud, rough, kept)
        guess = _Population(cloud.chosen(near), np.zeros(len(near)), rough, np.inf, len(cloud.z), cloud)
        nearness = self._measured(guess)
        near, epsilon = self._nearest(cloud, nearness, kept)
        nearest, tried = cloud.chosen(near), len(cloud.z)
        while self._options.algorithm == "rejection" and self._left > 0:
            more = self._simulated(min(self._experiment.at_once, self._left))
            together, tried = _Cloud.joined([nearest, more]), tried + len(more.z)
            near, epsilon = self._nearest(together, nearness, kept)
            nearest = together.chosen(near)
        return _Population(nearest, np.zeros(len(near)), nearness, epsilon, tried, cloud)

    def _predicts(self, scale: Scale) -> bool:
        """Whether what is compared are predictions of parameters."""
        if self._options.summaries == "auto":
            return len(scale.varying) > self._experiment.dimension
        return self._options.summaries == "semi-automatic"

    def _nearest(self, cloud: _Cloud, nearness: Nearness, count: int) -> tuple[np.ndarray, float]:
        """So many of some simulations that are the nearest, and how far the last of them is."""
        distances = nearness.distances(cloud.statistics)
        near = np.argsort(distances, kind="stable")[:count]
        return near, float(distances[near[-1]])

    @property
    def _repeats(self) -> int:
        """Simulations at one point, at most."""
        return max(_REPEATED, int(_REPEATED_SHARE * self._options.simulations))

    def _measured(self, population: _Population) -> Nearness:
        """Nearness in units of the scatter in the middle of a population, by what predicts best around it."""
        scale, prediction, others = population.nearness.scale, population.nearness.prediction, population.others
        compared = len(scale.varying)
        if prediction is not None:
            # The nearer half, where parameters follow statistics more nearly by a straight line.
            local = others.chosen(self._nearest(others, population.nearness, len(others.z) // 2)[0])
            prediction, compared = prediction.refitted(local.z, scale(local.statistics)), len(prediction.chosen)
        count = min(max(_REPEATED, _REPEATED_EACH * compared), self._repeats)
        repeated = self._simulated(count, np.repeat(population.middle[None], count, axis=0)).statistics
        return Nearness.of(scale, prediction, self._experiment.observed, repeated, others.statistics)

    # --- the next ones --------------------------------------------------------------------------------------

    def _next(self, last: _Population) -> _Population | None:
        """The next population; None where the simulations that are left bring none.

        It is the last one, with as many draws as are wanted, where ε has fallen enough or simulations come to their
        end: then those that are left are all made, and the nearest are kept.
        """
        if self._left < self._repeats + self._wanted:
            return None
        nearness = self._measured(last)
        before = nearness.distances(last.near.statistics)
        reached = last.epsilon <= self._options.epsilon
        is_last = reached or self._left < _NEXT * last.tried * self._wanted / self._few
        wanted = self._wanted if is_last else self._few
        following = _quantile(before, last.weights, self._options.share)
        epsilon = self._options.epsilon if is_last else max(following, self._options.epsilon)
        kernels, random = _Kernels(last), np.random.default_rng((self._seed, self._populations, 1))
        parts: list[_Cloud] = []
        others: list[_Cloud] = []
        accepted = tried = 0
        while self._left > 0 and accepted < wanted:
            size = min(self._size(wanted - accepted, accepted, tried), self._left)
            cloud = self._simulated(size, self._proposed(kernels, size, random))
            if tried < _FITTED:
                others.append(cloud)
            parts.append(cloud)
            accepted, tried = accepted + int(np.sum(nearness.distances(cloud.statistics) <= epsilon)), tried + size
        found = _Cloud.joined(parts)
        if accepted >= wanted:
            near = np.flatnonzero(nearness.distances(found.statistics) <= epsilon)[:wanted]
        elif tried >= self._wanted:
            near, epsilon = self._nearest(found, nearness, self._wanted)
        else:
            return None
        chosen = found.chosen(near)
        log_weights = self._experiment.log_prior(chosen.z) - kernels.log_density(chosen.z)
        return _Population(chosen, log_weights, nearness, epsilon, tried, _Cloud.joined(others))

    def _size(self, missing: int, accepted: int, tried: int) -> int:
        """Simulations that will bring what is missing, by the share that was accepted so far."""
        share = (accepted + 1) / (tried + 1) if tried else 0.5
        return int(min(max(1.1 * missing / share, _LEAST), 8 * self._experiment.at_once))

    def _proposed(self, kernels: _Kernels, count: int, random: np.random.Generator) -> np.ndarray:
        """Parameters (count, dimension) of the last population, moved; once more where the prior forbids it."""
        found, missing = np.empty((count, self._experiment.dimension)), np.arange(count)
        for _ in range(_MOST_REFUSED):
            found[missing] = kernels.drawn(len(missing), random)
            missing = missing[~np.isfinite(self._experiment.log_prior(found[missing]))]
            if not len(missing):
                break
        return found

    # --- what comes of it -----------------------------------------------------------------------------------

    def drawn(self, last: _Population, interrupted: bool, seconds: dict[str, float]) -> Draws:
        """Draws by the weights of a population, and what there is to say of it."""
        options, z, log_weights = self._options, last.near.z, last.log_weights
        distances = last.nearness.distances(last.near.statistics)
        if options.adjustment == "linear" and last.epsilon > 0:
            # Epanechnikov's kernel: nearer draws count more.
            log_weights = log_weights + np.log(np.maximum(1 - (distances / last.epsilon) ** 2, _REGULAR))
            z = adjusted(z, _normalised(log_weights), last.nearness.differences(last.near.statistics))
        rows = resampled(log_weights, self._wanted, np.random.default_rng((self._seed, 0, 2)))
        shape = options.chains, options.draws
        details = {
            "epsilon": last.epsilon, "acceptance": len(z) / last.tried, "simulations": self._spent,
            "populations": self._populations, "effective": float(1 / np.sum(_normalised(log_weights) ** 2)),
        }  # fmt: skip
        return Draws(
            z[rows].reshape(*shape, -1), {"distance": distances[rows].reshape(shape)}, self._seed, options, "abc",
            remarks=(self._remark(details),), interrupted=interrupted, seconds=seconds, details=details,
        )  # fmt: skip

    def _remark(self, details: dict[str, float]) -> Remark:
        epsilon, made = details["epsilon"], self._options.adjustment
        after = f"after {details['populations']} populations and {details['simulations']} simulations"
        one = details["populations"] == 1
        sentence = (
            f"draws are within ε = {epsilon:.2g} of the data, in units of the scatter of what is compared, "
            f"{'after ' + str(details['simulations']) + ' simulations' if one else after}; "
            f"{details['acceptance']:.2g} of the last ones were as near, and the draws are worth "
            f"{details['effective']:.0f}"
        )
        wider = f"intervals are {math.sqrt(1 + epsilon**2) - 1:.0%} too wide where data decide"
        effect = wider if made == "none" else f"without the regression {wider}"
        more = "raise `--simulations`, or ask for fewer `--draws`"
        if epsilon > _TOO_WIDE[made]:
            return Remark(f"ε has not fallen enough: {sentence}: {effect}", more, "error")
        if epsilon > _WIDE[made]:
            return Remark(f"ε has hardly fallen enough: {sentence}: {effect}", more, "warning")
        return Remark(f"{sentence}: {effect}", "to come nearer, lower `--epsilon` and raise `--simulations`")


def _normalised(log_weights: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(log_weights - logsumexp(log_weights))
    return found


def _numbers(seeds: np.random.SeedSequence) -> list[int]:
    """Seeds for parts of simulations, more than there are of them."""
    return [int(number) for number in seeds.generate_state(1 << 12)]


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), share))
    return float(values[order[min(place, len(order) - 1)]])


def _covariance(z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The covariance of draws (n, dimension) with weights; a small part of the variances keeps it regular."""
    shares = weights / max(weights.sum(), np.finfo(float).tiny)
    centred = z - shares @ z
    found: np.ndarray = (centred * shares[:, None]).T @ centred
    return found + _REGULAR * np.diag(np.maximum(np.diag(found), _REGULAR))


def _whitened(values: np.ndarray, z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values (n, dimension) in units in which draws z have the covariance 1."""
    return np.asarray(solve_triangular(np.linalg.cholesky(_covariance(z, weights)), values.T, lower=True)).T
