"""Persistent sampling (Karamanis & Seljak 2024), sequential Monte Carlo that keeps the particles of all temperatures.

Those of earlier temperatures are weighted as draws of the mixture of all: populations can be small, and the evidence is
of all of them. The steps are BlackJAX's, populations adapt as those of `smc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.mcmc import hmc
from blackjax.smc import persistent_sampling, solver
from blackjax.smc.persistent_sampling import PersistentSMCState
from blackjax.smc.resampling import systematic
from scipy.special import logsumexp

from pdflang.inference.calls import strongly_typed
from pdflang.inference.draws import Draws, nothing_drawn
from pdflang.inference.importance import resampled
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.options import PersistentOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import mean_evidence, prior_draws, split_of
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.temperatures import Population, Programs, moves_of, parameters_of, remarks_on
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_ROOM = 16
"""Temperatures that there is room for at first; then twice as many."""

_AT_FIRST = 0.7
"""Share of the particles so far that stays effective, until there are as many as are wanted."""


def sample(
    target: Target,
    options: PersistentOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by the weights of all particles, as many as they are worth, each population a chain; and the evidence.

    The target needs a prior of its own. Raises `NoFiniteStart` where the likelihood is 0 at hardly any draw of it.
    """
    options = options or PersistentOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    assert target.log_prior is not None
    programs = _programs(target.log_density, target.log_prior, target.initial, moves_of(options, target.dimension))
    populations = [_Persistent("persistent", i, target, options, programs, seed) for i in range(options.chains)]
    finished, took = run_all("persistent", populations, 1, options.threads, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "persistent", seconds)
    weighted = [population.weighted() for population in populations]
    count = max(1, int(min(np.exp(-logsumexp(2 * log_weights)) for _, log_weights in weighted)))
    generators = [np.random.default_rng((seed, i)) for i in range(len(weighted))]
    z = np.stack([z[resampled(w, count, g)] for (z, w), g in zip(weighted, generators, strict=True)])
    return Draws(
        z,
        {
            "lp": log_densities(target, z.reshape(-1, target.dimension)).reshape(z.shape[:2]),
            "n_gradients": np.zeros(z.shape[:2], int),
        },
        seed,
        options,
        "persistent",
        warmup_gradients=np.array([population.gradients for population in populations]),
        remarks=tuple(remarks_on(populations)),
        evidence=mean_evidence(np.array([population.log_evidence for population in populations])),
        seconds=seconds,
        details={"temperatures": float(np.mean([int(p.state.particles.iteration) for p in populations]))},
    )


class _Moved(NamedTuple):
    """All particles so far, rows of them by temperature; what the last step gave."""

    particles: PersistentSMCState
    log_increment: Any
    acceptance: Any

    @property
    def temperature(self) -> Any:
        return self.particles.tempering_schedule[self.particles.iteration]


class _Persistent(Population):
    """One population, a temperature at a time; there is room for more of them than there have been."""

    def go_on(self) -> None:
        if self.state is not None and int(self.state.particles.iteration) + 1 == _room(self.state.particles):
            particles = _with_room(self.state.particles, 2 * _room(self.state.particles))
            self.state = self.state._replace(particles=particles)
        super().go_on()

    @property
    def effective(self) -> float:
        """There can be no more than there are particles."""
        return min(self._options.effective, _AT_FIRST * (int(self.state.particles.iteration) + 1))

    def ends(self, before: float) -> bool:
        """Particles have moved at the temperature that a step chose."""
        return float(self.state.temperature) == 1.0

    def state_like(self, saved: Checkpoint) -> Any:
        like = super().state_like(saved)
        room = int(saved.state["room"]) if "room" in saved.state else _ROOM
        shapes = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like.particles)
        return like._replace(particles=_with_room(shapes, room))

    def checkpoint(self) -> Checkpoint | None:
        found = super().checkpoint()
        if found is None:
            return None
        return replace(found, state={**found.state, "room": np.array(_room(self.state.particles))})

    def weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """All particles (count, n), and the log of their weights in the posterior (count,), which sum to 1."""
        with double_precision():
            particles = jax.tree.map(jnp.asarray, persistent_sampling.remove_padding(self.state.particles))
            log_weights, _ = persistent_sampling.compute_log_persistent_weights(
                particles.persistent_log_likelihoods,
                particles.persistent_log_Z,
                particles.tempering_schedule,
                particles.iteration,
                include_current=True,
                normalize_to_one=True,
            )
        return np.asarray(particles.persistent_particles).reshape(-1, self._target.dimension), np.ravel(log_weights)


def _room(particles: PersistentSMCState) -> int:
    return len(particles.tempering_schedule)


def _with_room(particles: PersistentSMCState, room: int) -> PersistentSMCState:
    """The same with so many rows for temperatures."""
    more = room - _room(particles)
    *columns, iteration = (np.asarray(leaf) for leaf in particles)
    return PersistentSMCState(*(np.pad(c, [(0, more), *[(0, 0)] * (c.ndim - 1)]) for c in columns), iteration)


def _rise(particles: PersistentSMCState, effective: Any) -> Any:
    """How much higher the next temperature is, which leaves so many effective draws, in units of a population.

    BlackJAX's own search computes the mixture of all temperatures anew at each trial, though it does not depend on it.
    """
    here, number = particles.tempering_schedule[particles.iteration], particles.iteration + 1
    log_likelihood = particles.persistent_log_likelihoods
    log_weights, _ = persistent_sampling.compute_log_persistent_weights(
        log_likelihood, particles.persistent_log_Z, particles.tempering_schedule.at[number].set(here), number
    )

    def left(rise: Any) -> Any:
        raised = log_weights + rise * log_likelihood
        size = 2 * jax.scipy.special.logsumexp(raised) - jax.scipy.special.logsumexp(2 * raised)
        return size - jnp.log(effective * particles.num_particles)

    return jnp.clip(jnp.nan_to_num(solver.dichotomy(left, 0.0, 1.0 - here)), 0.0, 1.0 - here)


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any],
    log_prior: Callable[[Any, Any], Any],
    initial: Callable[[Any, Any], Any],
    moves: int,
) -> Programs:
    """The compiled functions of a target; data are arguments."""
    split = split_of(log_density, log_prior)

    def first(z: Any, arrays: Any) -> _Moved:
        particles = persistent_sampling.init(z, lambda point: split.log_likelihood(point, arrays), _ROOM - 1)
        return strongly_typed(_Moved(particles, jnp.array(0.0), jnp.array(1.0)))

    def step(
        seed: Any, chain: Any, number: Any, state: _Moved, step_size: Any, length: Any, stays: Any, effective: Any,
        arrays: Any,
    ) -> _Moved:  # fmt: skip
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), number)
        spread_key, key = jax.random.split(key)
        before = state.particles
        every = before.persistent_particles.reshape(-1, before.persistent_particles.shape[-1])
        weights = before.persistent_weights.ravel()
        parameters = parameters_of(
            every, weights / weights.sum(), spread_key, before.num_particles, step_size, length
        )
        kernel = persistent_sampling.build_kernel(
            lambda z: split.log_prior(z, arrays),
            lambda z: split.log_likelihood(z, arrays),
            hmc.build_kernel(),
            hmc.init,
            systematic,
        )
        next_temperature = state.temperature + jnp.where(stays, 0.0, _rise(before, effective))
        after, info = kernel(key, before, moves, next_temperature, parameters)
        return strongly_typed(_Moved(after, after.log_Z - before.log_Z, info.update_info.acceptance_rate.mean()))

    well = compiler_options()
    functions = (prior_draws(initial, split), first, step)
    return Programs(*(jax.jit(function, compiler_options=well) for function in functions))
