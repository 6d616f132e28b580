"""Parallel tempering (Geyer 1991) without backtracking (Syed, Bouchard-Côté, Deligiannidis & Doucet 2022).

Each chain is a ladder of states between the prior, of which the lowest draws independently, and the posterior. All move
by Hamiltonian Monte Carlo in coordinates of their own, then every other pair of neighbours may swap: even and odd pairs
in turn, so that a state that rises keeps rising. The ladder is tuned in rounds that double in length.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.adaptation.step_size import dual_averaging_adaptation
from blackjax.mcmc.hmc import HMCState

from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import Draws, Remark, nothing_drawn
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.ladders import geometric, respaced, stepping_stones
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import DENSE_DIMENSIONS, TemperingOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import first_population, mean_evidence, prior_draws, split_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import RandomLength
from pdflang.inference.turns import run_all
from pdflang.inference.whitening import Whitening, root_of
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_TRAJECTORY = RandomLength(2.0)
_ACCEPTANCE = 0.8

_FIRST = 200
"""Draws of the prior that say how wide it is, and where the likelihood begins to matter."""

_FIRST_RUNGS, _MOST_RUNGS = 8, 256
"""Where their number is not given it is a power of two, so that few programs are compiled."""

_FOR_THE_NUMBER, _FOR_A_METRIC = 16, 32
"""Scans of a round by which the number of rungs is chosen, and coordinates are learned from."""

_AT_ONCE = 64
"""Most scans of one call."""

_FEW_TRIPS = 20
"""Fewer journeys from the prior to the posterior do not tell the weights of modes."""

_KEPT = ("gradients", "spent", "trips", "barrier", "_round", "_done")
"""Attributes of a ladder that it goes on from."""


def sample(
    target: Target,
    options: TemperingOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """The states at the top of each ladder, and the evidence. The target needs a prior of its own.

    Raises `NoFiniteStart` where the likelihood is 0 at hardly any draw of the prior.
    """
    options = options or TemperingOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    assert target.log_prior is not None
    programs = _programs(target.log_density, target.log_prior, target.initial, options.moves)
    runs = [_Ladder(number, target, options, programs, seed) for number in range(options.chains)]
    finished, took = run_all("tempering", runs, 2, options.threads, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "tempering", seconds)
    rows = [run.rows() for run in runs]
    barrier = float(np.mean([run.barrier for run in runs]))
    trips = sum(run.trips for run in runs)
    return Draws(
        np.stack([row.z for row in rows]),
        {"lp": np.stack([row.lp for row in rows]), "n_gradients": np.stack([row.n_gradients for row in rows])},
        seed,
        options,
        "tempering",
        warmup_gradients=np.array([run.spent for run in runs]),
        remarks=tuple(_remarks(trips, barrier, options)),
        evidence=mean_evidence(np.array([run.log_evidence() for run in runs])),
        seconds=seconds,
        details={"barrier": barrier, "journeys": float(trips), "rungs": float(max(run.rungs for run in runs))},
    )


def _remarks(trips: int, barrier: float, options: TemperingOptions) -> Iterator[Remark]:
    share = trips / (options.chains * options.draws) * (2 + 2 * barrier)
    told = (
        f"states went {trips} times from the prior to the posterior in {options.chains} × {options.draws} draws, "
        f"{share:.0%} of what is possible with a barrier Λ = {barrier:.2g}"
    )
    if trips < _FEW_TRIPS * options.chains:
        yield Remark(
            f"{told}: too few to tell the weights of modes that lie apart",
            "give more `--rungs`, `--rounds` or `--draws`",
            "warning",
        )
    else:
        yield Remark(told, "nothing needs to be done: the more journeys, the better modes are weighed")


class _State(NamedTuple):
    """A ladder of R rungs in n dimensions, from the prior up; what moves is above the lowest."""

    betas: Any
    z: Any
    log_likelihood: Any
    from_below: Any
    """(R,): whether the state that is there came from the lowest rung since it was last at the top."""

    coordinates: Any
    windows: Any
    step_sizes: Any
    rejected: Any
    """(R - 1,): the sum over scans of a round of rejection probabilities between neighbours."""


class _Rows(NamedTuple):
    """What scans gave: of the top z (count, n) and lp; log-likelihoods (count, R); journeys that ended; gradients."""

    z: Any
    lp: Any
    log_likelihood: Any
    trips: Any
    n_gradients: Any


@dataclass(frozen=True)
class _Programs:
    prior_draws: Callable[..., Any]
    likelihoods: Callable[..., Any]
    first: Callable[..., _State]
    advance: Callable[..., tuple[_State, _Rows]]
    end_round: Callable[..., _State]


class _Ladder:
    """One ladder, some scans at a time: rounds of 2, 4, 8, … scans that tune it, then as many as draws are wanted."""

    def __init__(self, number: int, target: Target, options: TemperingOptions, programs: _Programs, seed: int) -> None:
        self.progressed = Progressed(number, "starting", 0, 100)
        self.gradients = self.spent = self.trips = 0
        self.barrier = 0.0
        self._target = target
        self._options = options
        self._programs = programs
        self._seed = seed
        self._state: _State = None  # type: ignore[assignment]
        self._rows: list[_Rows] = []
        self._round = 1
        self._done = 0
        self._size = 1

    @property
    def is_done(self) -> bool:
        """Whether all draws are made."""
        return self._round > self._options.rounds and self._done >= self._options.draws

    @property
    def rungs(self) -> int:
        """How many there are."""
        return len(self._state.betas)

    def go_on(self) -> None:
        """The first states, or some scans of a round."""
        with double_precision():
            if self._state is None:
                self._begin()
                return
            begin = time.perf_counter()
            tunes = self._round <= self._options.rounds
            length = 2**self._round if tunes else self._options.draws
            count = min(self._size, length - self._done)
            numbers = np.uint32(self._seed), np.uint32(self.progressed.chain), np.uint32(self._round)
            self._state, rows = self._programs.advance(
                *numbers, np.uint32(self._done), np.int32(count), np.bool_(tunes), self._state, self._target.arrays
            )
            self._keep(_Rows(*(np.asarray(column)[:count] for column in rows)), tunes)
            self._size = next_size(count, time.perf_counter() - begin, _AT_ONCE)
            if tunes and self._done == length:
                self._end_round(length)
        self._show()

    def _begin(self) -> None:
        """States of the prior, and a ladder that begins where the likelihood varies by about 1."""
        chain, programs, arrays = self.progressed.chain, self._programs, self._target.arrays
        first = first_population(programs.prior_draws, self._target, _FIRST, self._seed, chain).z
        low, high = np.quantile(np.asarray(programs.likelihoods(first, arrays)), [0.16, 0.84])
        betas = geometric(float(np.clip(1 / max(high - low, 1e-300), 1e-12, 0.1)), self._options.rungs or _FIRST_RUNGS)
        lower, upper = np.quantile(first, [0.16, 0.84], axis=0)
        variance = np.maximum((upper - lower) / 2, 1e-12) ** 2
        self._state = programs.first(betas, np.resize(first, (len(betas), first.shape[1])), variance, arrays)

    def _keep(self, rows: _Rows, tunes: bool) -> None:
        cost = int(rows.n_gradients.sum())
        self._done += len(rows.lp)
        self.gradients += cost
        if tunes:
            self.spent += cost
        else:
            self._rows.append(rows)
            self.trips += int(rows.trips.sum())

    def _end_round(self, length: int) -> None:
        """The ladder and the coordinates of its rungs by what a round says."""
        rejections = np.asarray(self._state.rejected) / length
        self.barrier = float(rejections.sum())
        last = self._round + 2 > self._options.rounds  # the rest is for coordinates of these rungs
        count = self.rungs
        if self._options.rungs is None and length >= _FOR_THE_NUMBER and not last:
            count = _rungs_for(self.barrier)
        before = np.asarray(self._state.betas)
        betas = respaced(before, rejections, count)
        # A new rung goes on from the old one that is nearest by number.
        nearest = np.rint(np.interp(betas, before, np.arange(len(before)))).astype(np.int32)
        nearest[1:] = np.maximum(nearest[1:], 1)
        self._state = self._programs.end_round(self._state, betas, nearest, np.bool_(length >= _FOR_A_METRIC))
        self._round, self._done = self._round + 1, 0

    def _show(self) -> None:
        tunes = self._round <= self._options.rounds
        scans = 2**self._round - 2 + self._done if tunes else 2 ** (self._options.rounds + 1) - 2 + self._done
        whole = 2 ** (self._options.rounds + 1) - 2 + self._options.draws
        phase = f"round {self._round}" if tunes else "sampling"
        told = f"{phase}, {self.rungs} rungs"
        self.progressed = Progressed(self.progressed.chain, told, int(100 * scans / whole), 100)

    def checkpoint(self) -> Checkpoint | None:
        """The ladder and what it has cost; draws are the rows."""
        if self._state is None:
            return None
        self._rows = self._rows and [self.rows()]
        numbers = {name: np.array(getattr(self, name)) for name in _KEPT}
        state = {**leaves_of(self._state), **numbers, "rungs": np.array(self.rungs)}
        return Checkpoint("tempering", state, self._rows[0]._asdict() if self._rows else {})

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is as high a ladder as is wanted."""
        rungs, dimension = saved.state["rungs"].item(), self._target.dimension
        point = np.zeros(dimension)
        like = (np.zeros(rungs), np.zeros((rungs, dimension)), point, self._target.arrays)
        state = tree_like(shape_of(self._programs.first, *like), saved.state)
        if state is None or (self._options.rungs or rungs) != rungs:
            return False
        self._state, self._rows = state, [_Rows(**saved.rows)] if saved.rows else []
        for name in _KEPT:
            setattr(self, name, saved.state[name].item())
        self._show()
        return True

    def rows(self) -> _Rows:
        """All that was drawn."""
        return _Rows(*(np.concatenate(columns) for columns in zip(*self._rows, strict=True)))

    def log_evidence(self) -> float:
        """log Z by its draws."""
        return stepping_stones(np.asarray(self._state.betas), self.rows().log_likelihood)


def _rungs_for(barrier: float) -> int:
    """2 Λ + 1 rungs, half of whose swaps are rejected, would be best: the next power of two."""
    return int(min(_MOST_RUNGS, max(4, 2 ** math.ceil(math.log2(2 * barrier + 1)))))


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any],
    log_prior: Callable[[Any, Any], Any],
    initial: Callable[[Any, Any], Any],
    moves: int,
) -> _Programs:
    """The compiled functions of a target; data are arguments, and so is the number of rungs but for its shapes."""
    split = split_of(log_density, log_prior)
    draws = prior_draws(initial, split)
    step_init, step_update, step_final = dual_averaging_adaptation(_ACCEPTANCE)

    def likelihoods(z: Any, arrays: Any) -> Any:
        return jax.vmap(lambda point: split.log_likelihood(point, arrays))(z)

    def first(betas: Any, z: Any, variance: Any, arrays: Any) -> _State:
        moving = len(betas) - 1
        shape = "dense" if z.shape[1] <= DENSE_DIMENSIONS else "diagonal"
        one = Whitening(z[0], root_of(variance, shape))
        parts = (one, one.root.no_draws(), step_init(jnp.array(1.0)))
        coordinates, windows, steps = jax.tree.map(lambda leaf: jnp.repeat(jnp.asarray(leaf)[None], moving, 0), parts)
        below, rejected = jnp.zeros(len(betas), bool), jnp.zeros(moving)
        return strongly_typed(
            _State(betas, z, likelihoods(z, arrays), below, coordinates, windows, steps, rejected)
        )

    def move(tunes: Any, key: Any, state: _State, arrays: Any) -> tuple[_State, Any]:
        """Trajectories of all rungs but the lowest; and how many steps the longest one took."""
        beta = state.betas[1:]
        log_step = jnp.where(tunes, state.step_sizes.log_step_size, state.step_sizes.log_step_size_avg)
        chances = _TRAJECTORY.chances(key, jnp.arange(len(beta)), state.z.shape[1])

        def one(beta: Any, z: Any, coordinates: Whitening, step_size: Any, chances: Any) -> Any:
            def density(w: Any) -> Any:
                there = coordinates.position(w)
                return split.log_prior(there, arrays) + beta * split.log_likelihood(there, arrays)

            w = coordinates.coordinates(z)
            here = HMCState(w, *jax.value_and_grad(density)(w))
            there, info, _ = _TRAJECTORY(chances, here, density, step_size)
            # A state that stays keeps all its digits.
            z = jnp.where(jnp.all(there.position == w), z, coordinates.position(there.position))
            return z, there, info

        z, there, info = jax.vmap(one)(beta, state.z[1:], state.coordinates, jnp.exp(log_step), chances)
        asked = jax.vmap(step_update)(state.step_sizes, info.acceptance_rate)
        gathered = jax.vmap(Whitening.gathered)(state.coordinates, state.windows, there)
        steps, windows = jax.tree.map(
            lambda new, old: jnp.where(tunes, new, old), (asked, gathered), (state.step_sizes, state.windows)
        )
        moved = state._replace(z=state.z.at[1:].set(z), step_sizes=steps, windows=windows)
        return moved, info.num_integration_steps.max()

    def swapped(even: Any, key: Any, state: _State) -> _State:
        """Neighbours in each other's place, by Metropolis' rule: pairs from an even rung up, or from an odd one."""
        rungs = jnp.arange(len(state.betas))
        gain = jnp.diff(state.betas) * -jnp.diff(state.log_likelihood)
        chance = jnp.exp(jnp.minimum(gain, 0.0))
        swaps = (jax.random.uniform(key, chance.shape) < chance) & (rungs[:-1] % 2 == jnp.where(even, 0, 1))
        source = rungs + jnp.append(swaps, False) - jnp.append(False, swaps)
        z, log_likelihood, below = (part[source] for part in (state.z, state.log_likelihood, state.from_below))
        return state._replace(
            z=z, log_likelihood=log_likelihood, from_below=below, rejected=state.rejected + 1.0 - chance
        )

    def scan(tunes: Any, number: Any, key: Any, state: _State, arrays: Any) -> tuple[_State, _Rows]:
        prior_key, move_key, swap_key = jax.random.split(key, 3)
        lowest, _ = draws(prior_key[None], arrays)
        state = state._replace(z=state.z.at[0].set(lowest[0]), from_below=state.from_below.at[0].set(True))

        def again(i: Any, carry: Any) -> Any:
            state, cost = carry
            state, steps = move(tunes, jax.random.fold_in(move_key, i), state, arrays)
            return state, cost + (len(state.betas) - 1) * (steps + 1)

        state, cost = jax.lax.fori_loop(0, moves, again, (state, 0))
        state = state._replace(log_likelihood=likelihoods(state.z, arrays))
        state = swapped(number % 2 == 0, swap_key, state)
        arrived = state.from_below[-1]
        state = state._replace(from_below=state.from_below.at[-1].set(False))
        top = state.z[-1]
        lp = split.log_prior(top, arrays) + state.log_likelihood[-1]
        return state, _Rows(top, lp, state.log_likelihood, arrived.astype(int), cost)

    def advance(
        seed: Any, chain: Any, round: Any, begin: Any, count: Any, tunes: Any, state: _State, arrays: Any
    ) -> tuple[_State, _Rows]:  # fmt: skip
        """The scans of a round from number `begin` on; random numbers belong to the scan."""
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), 1)
        key = jax.random.fold_in(key, round)

        def one(i: Any, carry: Any) -> Any:
            state, kept = carry
            state, row = scan(tunes, begin + i, jax.random.fold_in(key, begin + i), state, arrays)
            return state, jax.tree.map(lambda column, value: column.at[i].set(value), kept, row)

        reals, whole = jnp.zeros(_AT_ONCE), jnp.zeros(_AT_ONCE, int)
        places, likelihood = (jnp.zeros((_AT_ONCE, size)) for size in (state.z.shape[1], len(state.betas)))
        room = _Rows(places, reals, likelihood, whole, whole)
        return strongly_typed(jax.lax.fori_loop(0, count, one, (state, room)))

    def end_round(state: _State, betas: Any, nearest: Any, learns: Any) -> _State:
        """The state on new rungs, each with what its nearest one had; with the coordinates that windows ask for."""

        def learned(coordinates: Whitening, window: Any, z: Any) -> tuple[Whitening, Any]:
            here = HMCState(coordinates.coordinates(z), 0.0, jnp.zeros_like(z))
            asked, _ = coordinates.adapted(window, here)
            chosen = jax.tree.map(lambda new, old: jnp.where(learns, new, old), asked, coordinates)
            return chosen, chosen.root.no_draws()

        coordinates, windows = jax.vmap(learned)(state.coordinates, state.windows, state.z[1:])
        steps = jax.vmap(lambda steps: step_init(step_final(steps)))(state.step_sizes)
        moving = nearest[1:] - 1
        coordinates, windows, steps = jax.tree.map(lambda leaf: leaf[moving], (coordinates, windows, steps))
        z, log_likelihood, below = state.z[nearest], state.log_likelihood[nearest], jnp.zeros(len(betas), bool)
        rejected = jnp.zeros(len(moving))
        return strongly_typed(_State(betas, z, log_likelihood, below, coordinates, windows, steps, rejected))

    well = compiler_options()
    functions = (draws, likelihoods, first, advance, end_round)
    return _Programs(*(jax.jit(function, compiler_options=well) for function in functions))
