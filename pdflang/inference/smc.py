"""Adaptive tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006), by BlackJAX.

Each population follows prior × likelihood^λ from λ = 0 to 1 in steps that leave a share of it effective, and moves by
Hamiltonian trajectories whose metric is the population's covariance. Populations are independent, so that their spread
says how well each is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.mcmc import hmc
from blackjax.smc import ess, solver, tempered
from blackjax.smc.resampling import systematic

from pdflang.inference.chain import gradients_of
from pdflang.inference.draws import Draws, nothing_drawn
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.options import SmcOptions, chosen_seed
from pdflang.inference.platform import compiler_options
from pdflang.inference.populations import Split, mean_evidence, prior_draws, split_of
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.temperatures import Population, Programs, moves_of, parameters_of, remarks_on
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints


def sample(
    target: Target,
    options: SmcOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """The populations at λ = 1, each a chain, and the evidence. The target needs a prior of its own.

    Raises `NoFiniteStart` where the likelihood is 0 at hardly any draw of the prior.
    """
    options = options or SmcOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    assert target.log_prior is not None
    moves = moves_of(options, target.dimension)
    programs = _programs(target.log_density, target.log_prior, target.initial, moves)
    populations = [Population("smc", number, target, options, programs, seed) for number in range(options.chains)]
    for population in populations:
        saved = checkpoints.load(population.progressed.chain) if checkpoints else None
        if saved is not None and saved.method != "smc":
            population.gradients = gradients_of(saved)  # of chains in whose place it is
    finished, took = run_all("smc", populations, 1, options.threads, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "smc", seconds)
    z = np.stack([population.state.particles for population in populations])
    last = np.array([population.last_gradients for population in populations])
    return Draws(
        z,
        {
            "lp": log_densities(target, z.reshape(-1, target.dimension)).reshape(z.shape[:2]),
            "n_gradients": np.repeat(last[:, None], z.shape[1], axis=1),
        },
        seed,
        options,
        "smc",
        warmup_gradients=np.array([p.gradients - p.last_gradients * z.shape[1] for p in populations]),
        remarks=tuple(remarks_on(populations)),
        evidence=mean_evidence(np.array([population.log_evidence for population in populations])),
        seconds=seconds,
    )


class _Moved(NamedTuple):
    """A population after a step: particles (count, n), weights (count,) and λ; what the step gave."""

    particles: Any
    weights: Any
    temperature: Any
    log_increment: Any
    acceptance: Any


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
        count = len(z)
        return _Moved(z, np.full(count, 1 / count), np.float64(0), np.float64(0), np.float64(1))

    def step(
        seed: Any, chain: Any, number: Any, state: _Moved, step_size: Any, length: Any, stays: Any, effective: Any,
        arrays: Any,
    ) -> _Moved:  # fmt: skip
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), number)
        spread_key, key = jax.random.split(key)
        particles, weights, temperature = state[:3]
        parameters = parameters_of(particles, weights, spread_key, len(particles), step_size, length)
        return _moved(split, key, particles, weights, temperature, parameters, stays, effective, moves, arrays)

    well = compiler_options()
    draws = jax.jit(prior_draws(initial, split), compiler_options=well)
    return Programs(draws, first, jax.jit(step, compiler_options=well))


def _moved(
    split: Split, key: Any, particles: Any, weights: Any, temperature: Any, parameters: dict[str, Any], stays: Any,
    effective: Any, moves: int, arrays: Any,
) -> _Moved:  # fmt: skip
    """Resampled and moved at the present temperature, then weighted for the next.

    The next one is found for the resampled particles: those before were the last temperature's.
    """
    resample_key, key = jax.random.split(key)
    particles = particles[systematic(resample_key, weights, len(particles))]
    weights = jnp.full(len(particles), 1 / len(particles))

    def log_prior(z: Any) -> Any:
        return split.log_prior(z, arrays)

    def log_likelihood(z: Any) -> Any:
        return split.log_likelihood(z, arrays)

    kernel = tempered.build_kernel(log_prior, log_likelihood, hmc.build_kernel(), hmc.init, systematic)
    left = jnp.where(stays, 0.0, 1.0 - temperature)
    delta = ess.ess_solver(jax.vmap(log_likelihood), particles, effective, left, solver.dichotomy)
    next_temperature = jnp.where(left > 0, temperature + jnp.clip(delta, 0.0, left), temperature)
    state = tempered.TemperedSMCState(particles, weights, temperature)
    state, info = kernel(key, state, moves, next_temperature, parameters)
    return _Moved(
        state.particles,
        state.weights,
        next_temperature,
        info.log_likelihood_increment,
        info.update_info.acceptance_rate.mean(),
    )
