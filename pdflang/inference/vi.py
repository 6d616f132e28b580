"""Variational inference by normal distributions (Kucukelbir et al. 2017), by BlackJAX.

The optimizer works in coordinates that the curvature at a maximum whitens, or, where there is none, in those of the
model: steps of one size then suit parameters of any scale.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from blackjax.vi import fullrank_vi, meanfield_vi

from pdflang.inference.calls import next_size
from pdflang.inference.draws import Draws, NoFiniteStart, nothing_drawn
from pdflang.inference.importance import importance
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.options import ViOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS, find_start
from pdflang.inference.surface import log_densities, surface_of
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_RATE = 0.05
_AT_ONCE = 200
"""Most steps of one call."""


def sample(
    target: Target,
    options: ViOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of the normal distribution that the optimizer ends at. Raises `NoFiniteStart`."""
    options = options or ViOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    search = _Search(target, options, seed)
    finished, took = run_all("vi", [search], 0, 1, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "vi", seconds)
    normal = search.normal()
    z = normal.draws(options.chains, options.draws, seed)
    flat = z.reshape(-1, target.dimension)
    log_density = log_densities(target, flat)
    judged = importance(log_density, normal.log_density(flat))
    return Draws(
        z,
        {"lp": log_density.reshape(z.shape[:2]), "n_gradients": np.zeros(z.shape[:2], int)},
        seed,
        options,
        "vi",
        warmup_gradients=np.array([search.gradients]),
        evidence=judged.evidence if target.log_prior else None,
        pareto_k=judged.pareto_k,
        remarks=judged.remarks(flat),
        seconds=seconds,
    )


class _Search:
    """The optimization, in coordinates w with z = origin + scale w."""

    def __init__(self, target: Target, options: ViOptions, seed: int) -> None:
        self.gradients = 0
        self._done = 0
        self._target = target
        self._options = options
        self._seed = seed
        self._first, self._advance = _programs(target.log_density, options.family, options.steps, options.step_draws)
        self._state: Any = None
        self._origin = np.zeros(target.dimension)
        self._scale = np.eye(target.dimension)
        self._size = 10

    @property
    def progressed(self) -> Progressed:
        """How far it is, in hundredths."""
        return Progressed(0, "climbing", 100 * self._done // self._options.steps, 100)

    @property
    def is_done(self) -> bool:
        """Whether all steps are made."""
        return self._done >= self._options.steps

    def go_on(self) -> None:
        """The start, or some steps."""
        if self._state is None:
            self._begin()
            return
        count, begin = min(self._size, self._options.steps - self._done), time.perf_counter()
        with double_precision():
            numbers = (np.uint32(self._seed), np.uint32(self._done), np.int32(count))
            coordinates = (self._origin, self._scale)
            self._state = self._advance(*numbers, self._state, *coordinates, self._target.arrays)
            jax.block_until_ready(self._state)
        self._size = next_size(count, time.perf_counter() - begin, _AT_ONCE)
        self.gradients += count * self._options.step_draws
        self._done += count

    def checkpoint(self) -> Checkpoint | None:
        """The optimizer's state, and its coordinates."""
        if self._state is None:
            return None
        own = {"origin": self._origin, "scale": self._scale}
        numbers = {"done": np.array(self._done), "gradients": np.array(self.gradients)}
        return Checkpoint("vi", {**leaves_of(self._state), **own, **numbers})

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is of the same family."""
        state = tree_like(shape_of(self._first, np.zeros(self._target.dimension)), saved.state)
        if state is None:
            return False
        self._state, self._origin, self._scale = state, saved.state["origin"], saved.state["scale"]
        self._done, self.gradients = int(saved.state["done"]), int(saved.state["gradients"])
        return True

    def _begin(self) -> None:
        """From the maximum that a climb reaches, with the scales of that place."""
        surface = surface_of(self._target, self._target.dimension <= CURVED_DIMENSIONS)
        evaluated = partial(surface.evaluated, self._target)
        initial = partial(surface.start, self._target, self._seed, 0)
        start = find_start(evaluated, initial, self._target.dimension, np.random.default_rng((self._seed, 0)))
        if not start.found:
            raise NoFiniteStart(start.z)
        self.gradients = start.n_gradients
        covariance = start.covariance if start.covariance.ndim == 2 else np.diag(start.covariance)
        full = self._options.family == "full-rank"
        # A mean-field approximation has no correlations in the model's coordinates, and so in none but scaled ones.
        self._origin = start.z
        conditional = np.diag(np.linalg.inv(covariance)) ** -0.5
        self._scale = np.linalg.cholesky(covariance) if full else np.diag(conditional)
        with double_precision():
            self._state = self._first(np.zeros(self._target.dimension))

    def normal(self) -> Normal:
        """What was found, in the target's coordinates."""
        mean, root = (np.asarray(part) for part in _mean_and_root(self._state, self._options.family))
        return Normal(self._origin + self._scale @ mean, self._scale @ root)


def _mean_and_root(state: Any, family: str) -> tuple[Any, Any]:
    if family == "mean-field":
        return state.mu, jnp.diag(jnp.exp(state.rho))
    dimension = len(state.mu)
    root = jnp.diag(jnp.exp(state.chol_params[:dimension]))
    return state.mu, root.at[np.tril_indices(dimension, -1)].set(state.chol_params[dimension:])


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any], family: str, steps: int, draws: int
) -> tuple[Callable[[Any], Any], Callable[..., Any]]:
    """The compiled functions of a target; data are arguments."""
    module = fullrank_vi if family == "full-rank" else meanfield_vi
    optimizer = optax.adam(optax.cosine_decay_schedule(_RATE, steps))

    def first(w: Any) -> Any:
        return module.init(w, optimizer)

    def advance(seed: Any, done: Any, count: Any, state: Any, origin: Any, scale: Any, arrays: Any) -> Any:
        key = jax.random.key(seed)

        def density(w: Any) -> Any:
            return log_density(origin + scale @ w, arrays)

        def one(i: Any, state: Any) -> Any:
            return module.step(jax.random.fold_in(key, done + i), state, density, optimizer, draws)[0]

        return jax.lax.fori_loop(0, count, one, state)

    return first, jax.jit(advance, compiler_options=compiler_options())
