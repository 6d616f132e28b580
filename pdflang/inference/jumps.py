"""Jumps between modes by a mixture of normals, Hamiltonian trajectories within them (Tjelmeland & Hegstad 2001).

Climbs find the modes, and each is a component with the covariance of its curvature; warmup fits the mixture to its own
draws (as Attia et al. 2018 and Pompe et al. 2020 do). A sweep moves within a component, and then proposes an
independent draw of the whole mixture. The component that it moves in is drawn by its share of the mixture's density at
the place: a variable beside the posterior, which stays what it is, so that every component may have its own metric.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.adaptation.step_size import dual_averaging_adaptation
from blackjax.mcmc.hmc import HMCState
from jax.scipy.linalg import solve_triangular
from scipy.special import logsumexp

from pdflang.inference.bridge import bridged, log_mean
from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import Draws, NoFiniteStart, Remark, Unsuited, nothing_drawn
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.map import maximise
from pdflang.inference.modes import Mode, modes_of
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.options import JumpsOptions, MapOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import mean_evidence
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.sums import with_quick_sums
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.trajectories import RandomLength
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_TOLERANCE, _STEPS = 1e-6, 200
_ACCEPTANCE = 0.8
_CHUNK = 256

_FITS = (0.2, 0.5, 0.8)
"""Parts of warmup at whose ends the mixture is fitted to the draws since the one before."""

_PSEUDO, _PSEUDO_EACH = 20, 5
"""So many draws, and more for each dimension, are what a component was before a fit worth."""

_ENOUGH = 0.05
"""Below this share of accepted jumps the shares of modes are known by a few of them."""

_GAP = 0.15
"""Between log Z by weights of the proposals, and by inverse weights of the draws: both hold where mixture and posterior
cover each other. Of normal modes it is 0.05 in 20 dimensions, of a curved valley 0.4.
"""

_STARTS = 100


def sample(
    target: Target,
    options: JumpsOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
    modes: list[Mode] | None = None,
) -> Draws:
    """Draws of independent chains between the `modes`, or those that climbs find, and the evidence of a proper prior.

    Raises `NoFiniteStart`, and `Unsuited` where no climb reaches a maximum or there are too many dimensions.
    """
    options = options or JumpsOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    if target.dimension > CURVED_DIMENSIONS:
        raise Unsuited(
            f"`jumps` climbs to modes with exact Hessians, in {CURVED_DIMENSIONS} dimensions at most",
            "sample with `nuts`",
        )
    with interrupts(stop) as stop:
        climbed = 0
        if modes is None:
            optima = maximise(target, MapOptions(options.starts, seed, _TOLERANCE, _STEPS, options.threads), stop=stop)
            climbed = sum(optimum.steps for optimum in optima.every) * (1 + target.dimension)
            modes = modes_of(optima)
            if stop.requested:
                return nothing_drawn(target.dimension, options.chains, seed, options, "jumps", {})
            if not modes:
                raise Unsuited(
                    f"`jumps` goes between maxima, and no climb reached one: {optima.best.reason}",
                    "sample with `nuts`, or with `smc` where there may be several modes",
                )
        mixture = Mixture.of([(mode.normal, mode.log_mass) for mode in modes])
        advance = _program(target.log_density, options.length)
        placed = target.placed()
        chains = [_Chain(number, placed, options, advance, mixture, seed) for number in range(options.chains)]
        finished, took = run_all("jumps", chains, 1, options.threads, stop, monitor, checkpoints)
    return _drawn(target, options, seed, chains, climbed, finished, took)


def _drawn(
    target: Target, options: JumpsOptions, seed: int, chains: list[_Chain], climbed: int, finished: bool, took: float
) -> Draws:
    rows = [chain.rows for chain in chains]
    length = min(len(row.lp) for row in rows)
    if not length:
        return nothing_drawn(target.dimension, options.chains, seed, options, "jumps", {"run": took})
    columns = {name: np.stack([getattr(row, name)[:length] for row in rows]) for name in Row._fields}
    z, spent, accepted = columns.pop("z"), columns.pop("n_steps"), float(columns["jumped"].mean())
    gap = abs(log_mean(columns["proposed"]) + log_mean(-columns["weight"]))
    log_z = np.array([bridged(row.weight, row.proposed) for row in rows])
    evidence = None if target.log_prior is None else mean_evidence(log_z)
    kept = {name: columns[name] for name in ("lp", "diverging", "acceptance_rate", "jumped")}
    several = len(chains[0].mixture.log_weights) > 1
    return Draws(
        z,
        {**kept, "n_gradients": spent},
        seed,
        options,
        "jumps",
        warmup_gradients=np.array([chain.warmup_gradients + -(-climbed // len(chains)) for chain in chains]),
        remarks=tuple(_remarks(accepted, gap, several)),
        evidence=evidence,
        interrupted=not finished,
        seconds={"run": took},
        details={"accepted_jumps": accepted, "evidence_gap": gap},
    )


def is_trusted(draws: Draws) -> bool:
    """Whether jumps say enough of the shares of modes, and the mixture reaches all of them."""
    found = draws.details
    return found["accepted_jumps"] >= _ENOUGH and found["evidence_gap"] < _GAP


def _remarks(accepted: float, gap: float, several: bool) -> Iterator[Remark]:
    if gap >= _GAP:
        yield Remark(
            "the posterior has places that the mixture of normals hardly proposes: chains stay there for long, and "
            f"seldom find them (proposals and draws give evidences that differ by a factor of {np.exp(gap):.2g})",
            "sample with `nuts`; with `smc` where there are several modes",
            "warning",
        )
    elif several and accepted < _ENOUGH:
        yield Remark(
            f"only {accepted:.1%} of the jumps between modes were accepted: their shares are not well known",
            "give more `--warmup`, which fits the mixture, or sample with `smc`",
            "warning",
        )


class Mixture(NamedTuple):
    """Normals with log weights (k,), means (k, n) and lower triangles (k, n, n) of their covariances."""

    log_weights: Any
    means: Any
    roots: Any

    @classmethod
    def of(cls, parts: list[tuple[Normal, float]]) -> Mixture:
        """Of normals and the logarithms of their masses, not normalised."""
        masses = np.array([mass for _, mass in parts])
        means, roots = (np.stack([getattr(normal, name) for normal, _ in parts]) for name in ("mean", "root"))
        return cls(masses - logsumexp(masses), means, roots)

    def parts(self, z: Any) -> Any:
        """Of a point (n,) the log-densities of the components with their weights, (k,)."""
        white = jax.vmap(lambda mean, root: solve_triangular(root, z - mean, lower=True))(self.means, self.roots)
        volumes = jnp.log(jnp.diagonal(self.roots, axis1=1, axis2=2)).sum(axis=1)
        return self.log_weights - 0.5 * (white**2).sum(axis=1) - volumes - 0.5 * z.size * jnp.log(2 * jnp.pi)

    def fitted(self, z: np.ndarray) -> Mixture:
        """The mixture of draws (m, n), by one step of expectation and maximisation from this one.

        Half of each weight stays what it is: a mode that these draws missed would not be found again.
        """
        parts = np.asarray(jax.vmap(self.parts)(z))
        shares = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
        pseudo = _PSEUDO + _PSEUDO_EACH * z.shape[1]
        counts = shares.sum(axis=0)[:, None] + pseudo
        means = (shares.T @ z + pseudo * self.means) / counts
        shifts = z[None] - means[:, None]
        squares = np.einsum("mk,kmi,kmj->kij", shares, shifts, shifts)
        squares += pseudo * self.roots @ np.swapaxes(self.roots, 1, 2)
        weights = 0.5 * np.exp(self.log_weights) + 0.5 * shares.mean(axis=0)
        return Mixture(np.log(weights), means, np.linalg.cholesky(squares / counts[:, :, None]))

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """A point (n,)."""
        which = generator.choice(len(self.log_weights), p=np.exp(self.log_weights))
        drawn: np.ndarray = self.means[which] + self.roots[which] @ generator.standard_normal(self.means.shape[1])
        return drawn


class Row(NamedTuple):
    """What a sweep gave; of draw and proposal also the log-density less that of the mixture, for the evidence."""

    z: Any
    lp: Any
    diverging: Any
    acceptance_rate: Any
    jumped: Any
    n_steps: Any
    weight: Any
    proposed: Any


class _State(NamedTuple):
    """Where a chain is, the log-density there, and how its step size is adapting."""

    z: Any
    value: Any
    step_size: Any


class _Chain:
    """One chain, some sweeps at a time."""

    def __init__(
        self, number: int, target: Target, options: JumpsOptions, advance: Callable[..., Any], mixture: Mixture,
        seed: int,
    ) -> None:  # fmt: skip
        self.progressed = Progressed(number, "starting", 0, options.warmup + options.draws)
        self.mixture = mixture
        self.warmup_gradients = 0
        self._target = target
        self._options = options
        self._advance = advance
        self._seed = seed
        self._state: _State | None = None
        self._rows: list[Row] = []
        self._warm: list[np.ndarray] = []
        self._ends = sorted({int(part * options.warmup) for part in _FITS} | {options.warmup})
        self._size = 1

    @property
    def is_done(self) -> bool:
        """Whether it has all draws."""
        return self.progressed.done >= self.progressed.total

    @property
    def rows(self) -> Row:
        """The draws, columns (m, …)."""
        if not self._rows:
            return Row(np.zeros((0, self._target.dimension)), *(np.zeros(0) for _ in Row._fields[1:]))
        return Row(*(np.concatenate(columns) for columns in zip(*self._rows, strict=True)))

    def go_on(self) -> None:
        """The start, or some sweeps, not beyond the next fit of the mixture."""
        with double_precision():
            if self._state is None:
                self._begin()
                return
            begin = time.perf_counter()
            done, warmup = self.progressed.done, self._options.warmup
            end = next((end for end in self._ends if end > done), self.progressed.total)
            count = min(self._size, end - done)
            self._state, columns = self._advance(
                np.uint32(self._seed), np.uint32(self.progressed.chain), np.int32(done), np.int32(count),
                np.bool_(done < warmup), self._state, self.mixture, self._target.arrays,
            )  # fmt: skip
            rows = Row(*(np.asarray(column)[:count] for column in columns))
            self._size = next_size(count, time.perf_counter() - begin, _CHUNK)
            self._keep(rows, done, count)

    def _keep(self, rows: Row, done: int, count: int) -> None:
        warmup = self._options.warmup
        if done < warmup:
            self.warmup_gradients += int(rows.n_steps.sum())
            self._warm.append(rows.z)
            if done + count in self._ends[:-1]:
                self.mixture = self.mixture.fitted(np.concatenate(self._warm))
                # The first ones are those of a chain that was on its way.
                self._warm = self._warm if done + count > self._ends[0] else []
        else:
            self._rows.append(rows)
        phase = "warmup" if done + count < warmup else "sampling"
        self.progressed = Progressed(self.progressed.chain, phase, done + count, self.progressed.total)

    def checkpoint(self) -> Checkpoint | None:
        """Where it is, its mixture, and the draws; those of warmup that the next fit needs are among the state."""
        if self._state is None:
            return None
        empty = np.zeros((0, self._target.dimension))
        numbers = {"done": np.array(self.progressed.done), "warmup gradients": np.array(self.warmup_gradients)}
        warm = {"warm": np.concatenate([empty, *self._warm])}
        rows = self.rows._asdict() if self._rows else {}
        return Checkpoint("jumps", {**leaves_of((self._state, self.mixture)), **numbers, **warm}, rows)

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it has as many modes."""
        point = np.zeros(self._target.dimension)
        like = shape_of(lambda: (_first(point, 0.0), self.mixture))
        found = tree_like(like, saved.state)
        if found is None:
            return False
        self._state, self.mixture = found
        self.warmup_gradients = int(saved.state["warmup gradients"])
        self._rows, self._warm = [Row(**saved.rows)] if saved.rows else [], [saved.state["warm"]]
        done = int(saved.state["done"])
        phase = "warmup" if done < self._options.warmup else "sampling"
        self.progressed = Progressed(self.progressed.chain, phase, done, self.progressed.total)
        return True

    def _begin(self) -> None:
        generator = np.random.default_rng((self._seed, self.progressed.chain))
        places = np.stack([self.mixture.draw(generator) for _ in range(_STARTS)])
        values = log_densities(self._target, places)
        usable = np.flatnonzero(np.isfinite(values))
        if not len(usable):
            raise NoFiniteStart(places[-1])
        first = usable[0]
        self.warmup_gradients += _STARTS
        self._state = jax.tree.map(np.asarray, strongly_typed(_first(places[first], values[first])))


def _first(z: Any, value: Any) -> _State:
    init, _, _ = dual_averaging_adaptation(_ACCEPTANCE)
    return _State(jnp.asarray(z), jnp.asarray(value), init(jnp.array(1.0)))


@lru_cache(maxsize=32)
def _program(log_density: Callable[[Any, Any], Any], length: float) -> Callable[..., Any]:
    """Some sweeps, compiled; data and the mixture are arguments."""
    trajectory = RandomLength(length)
    _, update, _ = dual_averaging_adaptation(_ACCEPTANCE)
    quick = with_quick_sums(log_density)

    def sweep(key: Any, warming: Any, state: _State, mixture: Mixture, arrays: Any) -> tuple[_State, Row]:
        label_key, move_key, which_key, noise_key, decision_key = jax.random.split(key, 5)
        label = jax.random.categorical(label_key, mixture.parts(state.z))
        mean, root = mixture.means[label], mixture.roots[label]

        def share(z: Any) -> Any:
            parts = mixture.parts(z)
            return parts[label] - jax.nn.logsumexp(parts)

        def within(w: Any) -> Any:
            z = mean + root @ w
            return quick(z, arrays) + share(z)

        w = solve_triangular(root, state.z - mean, lower=True)
        here = HMCState(w, *jax.value_and_grad(within)(w))
        steps = state.step_size
        step = jnp.exp(jnp.where(warming, steps.log_step_size, steps.log_step_size_avg))
        chances = jax.tree.map(lambda column: column[0], trajectory.chances(move_key, jnp.arange(1), w.size))
        there, told, _ = trajectory(chances, here, within, step)
        z = mean + root @ there.position
        value = there.logdensity - share(z)

        which = jax.random.categorical(which_key, mixture.log_weights)
        new = mixture.means[which] + mixture.roots[which] @ jax.random.normal(noise_key, z.shape)
        new_value = jnp.nan_to_num(quick(new, arrays), nan=-jnp.inf)
        weight, proposed = (v - jax.nn.logsumexp(mixture.parts(x)) for x, v in ((z, value), (new, new_value)))
        jumped = jnp.log(jax.random.uniform(decision_key)) < proposed - weight
        z, value = jnp.where(jumped, new, z), jnp.where(jumped, new_value, value)

        adapted = update(steps, told.acceptance_rate)
        steps = jax.tree.map(lambda a, b: jnp.where(warming, a, b), adapted, steps)
        spent = told.num_integration_steps + 2
        kept = jnp.where(jumped, proposed, weight)
        row = Row(z, value, told.is_divergent, told.acceptance_rate, jumped, spent, kept, proposed)
        return _State(z, value, steps), row

    def advance(
        seed: Any, chain: Any, first: Any, count: Any, warming: Any, state: _State, mixture: Mixture, arrays: Any
    ) -> tuple[_State, Row]:
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), 7)

        def one(i: Any, carry: tuple[_State, Row]) -> tuple[_State, Row]:
            state, kept = carry
            state, row = sweep(jax.random.fold_in(key, first + i), warming, state, mixture, arrays)
            return strongly_typed(state), jax.tree.map(lambda column, value: column.at[i].set(value), kept, row)

        like = jax.eval_shape(lambda: sweep(key, warming, state, mixture, arrays)[1])
        room = jax.tree.map(lambda leaf: jnp.zeros((_CHUNK, *leaf.shape), leaf.dtype), like)
        return jax.lax.fori_loop(0, count, one, (strongly_typed(state), room))

    return jax.jit(advance, compiler_options=compiler_options())
