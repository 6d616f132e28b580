"""Nested sampling (Skilling 2006) with slices (Yallup, Kroupa & Handley 2026), by BlackJAX.

Each run replaces its lowest live points by points above them, and so integrates the likelihood over shells of the
prior. No gradient is needed. Runs are independent, so that their spread says how well each is known.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.ns import nss

from pdflang.inference.calls import next_size, strongly_typed
from pdflang.inference.draws import Draws, Evidence, nothing_drawn
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import NestedOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import first_population, prior_draws, split_of
from pdflang.inference.shells import Shells
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_REPLACED = 0.1
"""Share of the live points that are replaced at once: side by side they cost less, and lose little precision."""

_LABEL = 1e-9

_KEPT = ("evaluations", "_log_share", "_done")
"""Attributes of a run that it goes on from."""

_AT_ONCE = 32
"""Most replacements of one call."""


def sample(
    target: Target,
    options: NestedOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of each run by the weights of its points, as many as they are worth, and the evidence.

    The target needs a prior of its own. Raises `NoFiniteStart` where the likelihood is 0 at hardly any draw of it.
    """
    options = options or NestedOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    assert target.log_prior is not None
    moves = options.moves or max(5, 2 * target.dimension)
    replaced = max(1, int(_REPLACED * options.live))
    programs = _programs(target.log_density, target.log_prior, target.initial, moves, replaced)
    runs = [_Run(number, target, options, programs, seed) for number in range(options.chains)]
    finished, took = run_all("nested", runs, 2, options.threads, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "nested", seconds)
    return _drawn(target, options, seed, runs, seconds)


def _drawn(
    target: Target, options: NestedOptions, seed: int, runs: list[_Run], seconds: dict[str, float]
) -> Draws:
    shells = [run.shells() for run in runs]
    count = max(1, int(min(shell.effective for shell in shells)))
    z = np.stack([s.draws(count, np.random.default_rng((seed, i))) for i, s in enumerate(shells)])
    log_density = log_densities(target, z.reshape(-1, target.dimension)).reshape(z.shape[:2])
    return Draws(
        z,
        {"lp": log_density, "n_gradients": np.zeros(z.shape[:2], int)},
        seed,
        options,
        "nested",
        warmup_evaluations=np.array([run.evaluations for run in runs]),
        evidence=_evidence([shell.evidence for shell in shells]),
        seconds=seconds,
    )


def _evidence(runs: list[Evidence]) -> Evidence:
    """The mean of log Z over runs; its error by their spread, or by what each says of itself if that is more."""
    log_z = np.array([run.log_z for run in runs])
    own = math.sqrt(sum(run.error**2 for run in runs)) / len(runs)
    return Evidence(float(log_z.mean()), float(max(np.std(log_z, ddof=1) / math.sqrt(len(runs)), own)))


@dataclass(frozen=True)
class _Programs:
    prior_draws: Callable[..., Any]
    first: Callable[..., Any]
    advance: Callable[..., Any]


class _Points(NamedTuple):
    """Places (…, n) of points, and their log-likelihoods (…)."""

    z: np.ndarray
    log_likelihood: np.ndarray


def _points(particles: Any, which: slice) -> _Points:
    return _Points(np.asarray(particles.position)[which], np.asarray(particles.loglikelihood)[which])


def _joined(parts: list[_Points]) -> _Points:
    return _Points(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class _Run:
    """One run, some replacements at a time."""

    def __init__(self, number: int, target: Target, options: NestedOptions, programs: _Programs, seed: int) -> None:
        self.progressed = Progressed(number, "starting", 0, 100)
        self.evaluations = 0
        self.is_done = False
        self._target = target
        self._options = options
        self._programs = programs
        self._seed = seed
        self._state: Any = None
        self._dead: list[_Points] = []
        self._log_share = 0.0
        self._done = 0
        self._size = 1

    def go_on(self) -> None:
        """The first live points, or some replacements."""
        chain = self.progressed.chain
        with double_precision():
            if self._state is None:
                first = first_population(
                    self._programs.prior_draws, self._target, self._options.live, self._seed, chain
                )
                self._log_share = first.log_share
                self._state = self._programs.first(first.z, self._target.arrays)
                return
            begin = time.perf_counter()
            numbers = (np.uint32(self._seed), np.uint32(chain), np.uint32(self._done), np.int32(self._size))
            remainder = np.float64(math.log(self._options.remainder))
            self._state, dead, count, evaluations = self._programs.advance(
                *numbers, remainder, self._state, self._target.arrays
            )
            count = int(count)
            self._dead.append(_points(dead, slice(count)))
        self.evaluations += int(evaluations)
        self._done += count
        self._size = next_size(count, time.perf_counter() - begin, _AT_ONCE)
        self._judge()

    def _judge(self) -> None:
        """Whether the live points hold so little of the evidence that it ends."""
        integral = self._state.integrator
        log_left, wanted = float(_log_left(self._state)), math.log(self._options.remainder)
        self.is_done = log_left < wanted
        # The share that is left falls exponentially in the end, but stays near 1 until the bulk is reached.
        done = int(100 * min(1.0, log_left / wanted))
        self.progressed = Progressed(self.progressed.chain, f"log Z {float(integral.logZ):.1f}", done, 100)

    def checkpoint(self) -> Checkpoint | None:
        """The live points and what they stand for; those that died are the rows."""
        if self._state is None:
            return None
        self._dead = self._dead and [_joined(self._dead)]
        numbers = {name: np.array(getattr(self, name)) for name in _KEPT}
        rows = self._dead[0]._asdict() if self._dead else {}
        return Checkpoint("nested", {**leaves_of(self._state), **numbers}, rows)

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is as many live points."""
        live = np.zeros((self._options.live, self._target.dimension))
        state = tree_like(shape_of(self._programs.first, live, self._target.arrays), saved.state)
        if state is None:
            return False
        self._state, self._dead = state, [_Points(**saved.rows)] if saved.rows else []
        for name in _KEPT:
            setattr(self, name, saved.state[name].item())
        self._judge()
        return True

    def shells(self) -> Shells:
        """All points that died, and those that live at the end."""
        dead, live = _joined(self._dead), _points(self._state.particles, slice(None))
        replaced = dead.log_likelihood.shape[1]
        flat = dead.z.reshape(-1, self._target.dimension), dead.log_likelihood.ravel()
        z, log_likelihood = (np.concatenate(columns) for columns in zip(flat, live, strict=True))
        generator = np.random.default_rng((self._seed, self.progressed.chain, 1))
        return Shells.of(z, log_likelihood, self._options.live, replaced, self._log_share, generator)


def _labelled(log_likelihood: Any, z: Any) -> Any:
    """The log-likelihood with a label that makes equal values differ (Murray 2007; Skilling 2006, section 9).

    On a plateau points would be replaced by points that are no higher. The label is a function of the place, as good as
    random from one place to the next, and far below what matters.
    """
    scrambled = jnp.sin(1e4 * jnp.sum(z * jnp.sqrt(2.0 + jnp.arange(z.shape[0])))) * 1e4
    return log_likelihood + _LABEL * (1.0 + jnp.abs(log_likelihood)) * (scrambled - jnp.floor(scrambled))


def _log_left(state: Any) -> Any:
    """The log of the live points' share of the evidence."""
    integral = state.integrator
    return integral.logZ_live - jnp.logaddexp(integral.logZ, integral.logZ_live)


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any],
    log_prior: Callable[[Any, Any], Any],
    initial: Callable[[Any, Any], Any],
    moves: int,
    replaced: int,
) -> _Programs:
    """The compiled functions of a target; data are arguments."""
    split = split_of(log_density, log_prior)

    def algorithm(arrays: Any) -> Any:
        def log_likelihood(z: Any) -> Any:
            return _labelled(split.log_likelihood(z, arrays), z)

        return nss.as_top_level_api(lambda z: split.log_prior(z, arrays), log_likelihood, moves, replaced)

    def first(z: Any, arrays: Any) -> Any:
        return strongly_typed(algorithm(arrays).init(z))

    def advance(seed: Any, chain: Any, done: Any, count: Any, remainder: Any, state: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), 1)
        step = algorithm(arrays).step

        def goes_on(carry: Any) -> Any:
            state, _, i, _ = carry
            return (i < count) & (_log_left(state) >= remainder)

        def one(carry: Any) -> Any:
            state, dead, i, evaluations = carry
            state, info = step(jax.random.fold_in(key, done + i), state)
            dead = jax.tree.map(lambda column, row: column.at[i].set(row), dead, info.particles)
            slices = info.update_info
            return state, dead, i + 1, evaluations + (slices.num_expansions + slices.num_shrink).sum()

        room = jax.tree.map(lambda c: jnp.zeros((_AT_ONCE, replaced, *c.shape[1:]), c.dtype), state.particles)
        return strongly_typed(jax.lax.while_loop(goes_on, one, (state, room, jnp.int32(0), 0)))

    well = compiler_options()
    functions = (prior_draws(initial, split), first, advance)
    return _Programs(*(jax.jit(function, compiler_options=well) for function in functions))
