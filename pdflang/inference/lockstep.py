"""Chains that advance together under vmap and adapt to what all of them see, whatever their transitions are.

They start near the modes that climbs from draws of the prior reach, and move in whitened coordinates that all share: at
first those of the curvature at the highest of these modes, then what draws and gradients of the warmup say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.mcmc.hmc import HMCState

from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import Draws, NoFiniteStart
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import ChainOptions, LockstepOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS, Start, find_start, unit_covariance
from pdflang.inference.surface import Surface, surface_of
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.whitening import Whitening, root_of
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_CLIMBS = 4
"""Climbs from draws of the prior, near whose ends chains start in turn."""

_WINDOWS = (0.1, 0.25, 0.5)
"""Parts of the warmup after which coordinates are learned from the draws since the one before."""

_AT_ONCE = 64
"""Most draws of one call."""


class Step(NamedTuple):
    """What a transition of all chains gave, (chains,) each; the step size is one for all."""

    diverging: Any
    acceptance_rate: Any
    n_steps: Any
    step_size: Any


class Kernel(Hashable, Protocol):
    """Transitions of all chains at once. Those that are equal share a compiled program."""

    def start(self, key: Any, w: Any, density: Callable[[Any], Any]) -> Any:
        """The state of chains at w (chains, n) that have learned nothing."""

    def tuned(self, key: Any, state: Any, density: Callable[[Any], Any]) -> tuple[Any, Step]:
        """A transition that adapts."""

    def moved(self, key: Any, state: Any, density: Callable[[Any], Any]) -> tuple[Any, Step]:
        """A transition with what was adapted."""

    def places(self, state: Any) -> HMCState:
        """Where chains are, with log-density and gradient."""


def sample_lockstep(
    method: str,
    kernel: Kernel,
    target: Target,
    options: LockstepOptions,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of all chains; those so far where an interrupt was heard. Raises `NoFiniteStart`."""
    seed = chosen_seed(options.seed)
    surface = surface_of(target, target.dimension <= CURVED_DIMENSIONS)
    shape = ChainOptions().metric_of(target.dimension)
    programs = _programs(target.log_density, kernel, shape, options.thin)
    flock = _Flock(method, target.placed(), options, surface, programs, seed)
    finished, took = run_all(method, [flock], 2, 1, stop, monitor or QuietMonitor(), checkpoints)
    rows = flock.rows()
    statistics = {} if rows is None else {n: c.T for n, c in rows._asdict().items() if n != "z"}
    if rows is not None:
        statistics["n_gradients"] = statistics["n_steps"]
    return Draws(
        np.zeros((options.chains, 0, target.dimension)) if rows is None else rows.z.swapaxes(0, 1),
        statistics,
        seed,
        options,
        method,
        warmup_gradients=flock.warmup_gradients,
        interrupted=not finished,
        seconds={"run": took},
    )


class _Rows(NamedTuple):
    """Draws of all chains: z (draw, chain, n), the rest (draw, chain)."""

    z: Any
    lp: Any
    diverging: Any
    acceptance_rate: Any
    n_steps: Any
    step_size: Any


class _State(NamedTuple):
    """Chains in their coordinates, and what a window of warmup has gathered."""

    chains: Any
    whitening: Whitening
    window: Any


@dataclass(frozen=True)
class _Programs:
    first: Callable[..., _State]
    advance: Callable[..., tuple[_State, _Rows]]
    end_window: Callable[..., _State]


class _Flock:
    """All chains, some transitions at a time."""

    def __init__(
        self, method: str, target: Target, options: LockstepOptions, surface: Surface, programs: _Programs, seed: int
    ) -> None:
        self.warmup_gradients = np.zeros(options.chains, int)
        self._method = method
        self._target = target
        self._options = options
        self._surface = surface
        self._programs = programs
        self._seed = seed
        self._ends = [round(part * options.warmup) for part in _WINDOWS]
        self._state: _State = None  # type: ignore[assignment]
        self._rows: list[_Rows] = []
        self._done = 0
        self._size = 1

    @property
    def progressed(self) -> Progressed:
        """How far the chains are."""
        phase = "warmup" if self._done < self._options.warmup else "sampling"
        done = 100 * self._done // (self._options.warmup + self._options.draws)
        divergent = sum(int(rows.diverging.sum()) for rows in self._rows)
        return Progressed(0, f"{phase}, {self._options.chains} chains", done, 100, divergences=divergent)

    @property
    def is_done(self) -> bool:
        """Whether all draws are made."""
        return self._done == self._options.warmup + self._options.draws

    def go_on(self) -> None:
        """The starts, or some transitions."""
        with double_precision():
            if self._state is None:
                self._begin()
                return
            begin = time.perf_counter()
            warmup, done = self._options.warmup, self._done
            next_end = next((end for end in [*self._ends, warmup] if end > done), warmup + self._options.draws)
            count, tunes = min(self._size, next_end - done), done < warmup
            numbers = np.uint32(self._seed), np.uint32(done), np.int32(count), np.bool_(tunes)
            self._state, columns = self._programs.advance(*numbers, self._state, self._target.arrays)
            rows = _Rows(*(np.asarray(column)[:count] for column in columns))
            self._done += count
            if tunes:
                self.warmup_gradients = self.warmup_gradients + rows.n_steps.sum(axis=0)
            else:
                self._rows.append(rows)
            self._size = next_size(count, time.perf_counter() - begin, _AT_ONCE)
            if tunes and self._done in self._ends:
                again = np.uint32(self._seed), np.uint32(self._done)
                self._state = self._programs.end_window(*again, self._state, self._target.arrays)

    def checkpoint(self) -> Checkpoint | None:
        """The chains, their coordinates and their cost; draws are the rows."""
        if self._state is None:
            return None
        rows = self.rows()
        self._rows = [] if rows is None else [rows]
        numbers = {"done": np.array(self._done), "warmup gradients": self.warmup_gradients}
        return Checkpoint(
            self._method, {**leaves_of(self._state), **numbers}, {} if rows is None else rows._asdict()
        )

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is as many chains and as long a warmup."""
        n, count = self._target.dimension, self._options.chains
        like = (np.uint32(0), np.zeros((count, n)), np.zeros(n), unit_covariance(n), self._target.arrays)
        state = tree_like(shape_of(self._programs.first, *like), saved.state)
        if state is None:
            return False
        self._state, self._done = state, int(saved.state["done"])
        self.warmup_gradients = saved.state["warmup gradients"]
        self._rows = [_Rows(**saved.rows)] if saved.rows else []
        return True

    def rows(self) -> _Rows | None:
        """All that was drawn; None before the first draw."""
        if not self._rows:
            return None
        return _Rows(*(np.concatenate(columns) for columns in zip(*self._rows, strict=True)))

    def _begin(self) -> None:
        """Chains near the modes that the first of them climb to, in the coordinates of the highest."""
        starts: list[Start] = []
        for chain in range(self._options.chains):
            draws = partial(self._surface.start, self._target, self._seed, 2 * chain)
            mode = starts[chain % _CLIMBS].z if chain >= _CLIMBS else None
            near = draws if mode is None or self._target.dimension > CURVED_DIMENSIONS else partial(_always, mode)
            evaluated = partial(self._surface.evaluated, self._target)
            noise = np.random.default_rng((self._seed, 2 * chain))
            start = find_start(evaluated, near, self._target.dimension, noise)
            if not start.found:
                raise NoFiniteStart(start.z)
            starts.append(start)
        best = max(starts[:_CLIMBS], key=lambda start: start.value)
        self.warmup_gradients = np.array([start.n_gradients for start in starts])
        z = np.stack([start.z for start in starts])
        self._state = self._programs.first(np.uint32(self._seed), z, best.z, best.covariance, self._target.arrays)


def _always(z: np.ndarray, attempt: int) -> np.ndarray:
    return z


@lru_cache(maxsize=32)
def _programs(log_density: Callable[[Any, Any], Any], kernel: Kernel, shape: str, thin: int) -> _Programs:
    """The compiled functions of a target; data are arguments."""

    def density_in(whitening: Whitening, arrays: Any) -> Callable[[Any], Any]:
        return lambda w: log_density(whitening.position(w), arrays)

    def started(key: Any, whitening: Whitening, z: Any, arrays: Any) -> _State:
        w = jax.vmap(whitening.coordinates)(z)
        chains = kernel.start(key, w, density_in(whitening, arrays))
        return strongly_typed(_State(chains, whitening, whitening.root.no_draws()))

    def key_of(seed: Any, number: Any) -> Any:
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 1), number)

    def first(seed: Any, z: Any, center: Any, covariance: Any, arrays: Any) -> _State:
        return started(jax.random.key(seed), Whitening(center, root_of(covariance, shape)), z, arrays)

    def end_window(seed: Any, number: Any, state: _State, arrays: Any) -> _State:
        """The chains in the coordinates that the window asks for, to adapt to them anew."""
        places = kernel.places(state.chains)
        whitening, _ = state.whitening.adapted(state.window, jax.tree.map(lambda leaf: leaf[0], places))
        z = jax.vmap(state.whitening.position)(places.position)
        return started(jax.random.fold_in(key_of(seed, number), 1), whitening, z, arrays)

    def gathered(state: _State) -> Any:
        def one(window: Any, place: HMCState) -> tuple[Any, None]:
            return state.whitening.gathered(window, place), None

        return jax.lax.scan(one, state.window, kernel.places(state.chains))[0]

    def advance(
        seed: Any, begin: Any, count: Any, tunes: Any, state: _State, arrays: Any
    ) -> tuple[_State, _Rows]:  # fmt: skip
        """So many transitions of warmup, or draws; random numbers belong to their number."""
        density = density_in(state.whitening, arrays)
        chains, dimension = kernel.places(state.chains).position.shape

        def tuned(key: Any, state: _State) -> tuple[_State, Step]:
            found, step = kernel.tuned(key, state.chains, density)
            state = state._replace(chains=found)
            return state._replace(window=gathered(state)), step

        def moved(key: Any, state: _State) -> tuple[_State, Step]:
            def again(i: Any, carry: Any) -> Any:
                chains, before = carry
                chains, step = kernel.moved(jax.random.fold_in(key, i), chains, density)
                return chains, Step(
                    before.diverging | step.diverging,
                    before.acceptance_rate + step.acceptance_rate / thin,
                    before.n_steps + step.n_steps,
                    step.step_size,
                )

            nothing = Step(jnp.zeros(chains, bool), jnp.zeros(chains), jnp.zeros(chains, int), jnp.zeros(chains))
            found, step = jax.lax.fori_loop(0, thin, again, (state.chains, nothing))
            return state._replace(chains=found), step

        def one(i: Any, carry: Any) -> Any:
            state, kept = carry
            state, step = jax.lax.cond(tunes, tuned, moved, key_of(seed, begin + i), state)
            places = kernel.places(state.chains)
            row = _Rows(jax.vmap(state.whitening.position)(places.position), places.logdensity, *step)
            return state, jax.tree.map(lambda column, value: column.at[i].set(value), kept, row)

        reals, whole = jnp.zeros((_AT_ONCE, chains)), jnp.zeros((_AT_ONCE, chains), int)
        room = _Rows(jnp.zeros((_AT_ONCE, chains, dimension)), reals, reals != 0, reals, whole, reals)
        return strongly_typed(jax.lax.fori_loop(0, count, one, (state, room)))

    well = compiler_options()
    return _Programs(*(jax.jit(function, compiler_options=well) for function in (first, advance, end_window)))
