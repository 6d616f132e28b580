"""Adaptive tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006), by BlackJAX.

Each population follows prior × likelihood^λ from λ = 0 to 1 in steps that leave a share of it effective, and moves by
Hamiltonian trajectories whose metric is the population's covariance. Populations are independent, so that their spread
says how well each is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from blackjax.mcmc import hmc
from blackjax.smc import ess, solver, tempered
from blackjax.smc.resampling import systematic

from pdflang.inference.chain import gradients_of
from pdflang.inference.draws import Draws, Remark, nothing_drawn
from pdflang.inference.keeping import leaves_of, tree_like
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import SmcOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import Split, first_population, mean_evidence, prior_draws, split_of
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_ACCEPTANCE = 0.8
_TRAJECTORY = math.pi / 2
"""A quarter of a period of a whitened normal: the end of a trajectory does not depend on its start."""

_SHORTEST, _LONGEST = 0.7, 1.1
"""Of the length of trajectories. Half a period would only mirror the particles, and leave the errors of a metric that
is estimated by the same particles in them.
"""

_MOST_STEPS = 64

_STUCK, _MOST_ROUNDS = 0.3, 25
"""Below this share of accepted moves a temperature is repeated with shorter steps, so many times at most."""

_COPIES = 0.1
"""Below this share at the end, particles are copies of each other."""

_KEPT = (
    "log_evidence", "gradients", "last_gradients", "acceptance", "is_done", "_step_size", "_steps", "_rounds", "_stuck"
)  # fmt: skip
"""Attributes of a population that it goes on from."""

_FOR_A_COVARIANCE = 10
"""So many particles for each dimension are enough to estimate a dense metric by."""


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
    # With fewer moves the evidence of a hundred dimensions comes out too low, by several of its errors.
    moves = options.moves or max(5, math.ceil(0.15 * target.dimension))
    programs = _programs(target.log_density, target.log_prior, target.initial, moves)
    populations = [_Population(number, target, options, moves, programs, seed) for number in range(options.chains)]
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
        remarks=tuple(_remarks(populations)),
        evidence=mean_evidence(np.array([population.log_evidence for population in populations])),
        seconds=seconds,
    )


def _remarks(populations: list[_Population]) -> Iterator[Remark]:
    worst = min(population.acceptance for population in populations)
    if worst < _STUCK:
        yield Remark(
            f"only {worst:.0%} of the moves were accepted at the posterior: particles are copies of few, and intervals "
            "and evidence are not reliable",
            "give more `--moves` and `--particles`, or sample with `nuts`: the posterior is too narrow somewhere for "
            "steps that the spread of the whole population sets",
            "error" if worst < _COPIES else "warning",
        )


class _Moved(NamedTuple):
    """A population after a step: particles (count, n), weights (count,) and λ; what the step gave."""

    particles: Any
    weights: Any
    temperature: Any
    log_increment: Any
    acceptance: Any


@dataclass(frozen=True)
class _Programs:
    prior_draws: Callable[..., Any]
    step: Callable[..., Any]


class _Population:
    """One population, a temperature at a time."""

    def __init__(
        self, number: int, target: Target, options: SmcOptions, moves: int, programs: _Programs, seed: int
    ) -> None:
        self.progressed = Progressed(number, "starting", 0, 100)
        self.log_evidence = 0.0
        self.gradients = self.last_gradients = 0
        self.acceptance = 0.0
        self.is_done = False
        self.state: _Moved = None  # type: ignore[assignment]
        self._target = target
        self._options = options
        self._moves = moves
        self._programs = programs
        self._seed = seed
        self._step_size = 0.8 * target.dimension**-0.25
        self._steps = self._rounds = 0
        self._stuck = False

    def go_on(self) -> None:
        """The first population, or the next temperature; after the last one, moves once more at it.

        Where hardly a move is accepted the temperature stays, with shorter steps.
        """
        with double_precision():
            if self.state is None:
                self._begin()
                return
            last = float(self.state.temperature) == 1.0
            length = min(_MOST_STEPS, math.ceil(_TRAJECTORY / self._step_size))
            self.state = self._programs.step(
                np.uint32(self._seed),
                np.uint32(self.progressed.chain),
                np.uint32(self._steps),
                self.state.particles,
                self.state.weights,
                self.state.temperature,
                np.float64(min(self._step_size, _TRAJECTORY / length)),
                np.int32(length),
                np.bool_(self._stuck),
                np.float64(self._options.effective),
                self._target.arrays,
            )
        self._steps += 1
        self.last_gradients = self._moves * length
        self.gradients += self.last_gradients * self._options.particles
        self.log_evidence += float(self.state.log_increment)
        self._step_size *= math.exp(1.5 * (float(self.state.acceptance) - _ACCEPTANCE))
        self.acceptance = float(self.state.acceptance)
        self._stuck = self.acceptance < _STUCK and self._rounds < _MOST_ROUNDS
        self._rounds = self._rounds + 1 if self._stuck else 0
        self.is_done = last and not self._stuck
        self._show()

    def _show(self) -> None:
        temperature = float(self.state.temperature)
        self.progressed = Progressed(
            self.progressed.chain, f"temperature {temperature:.2g}", int(100 * temperature), 100, self._step_size
        )

    def checkpoint(self) -> Checkpoint | None:
        """The population and what its steps are adapted to."""
        if self.state is None:
            return None
        numbers = {name: np.array(getattr(self, name)) for name in _KEPT}
        return Checkpoint("smc", {**leaves_of(self.state), **numbers})

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is as large a population."""
        count, one = self._options.particles, np.float64(1)
        particles = np.zeros((count, self._target.dimension))
        state = tree_like(_Moved(particles, np.zeros(count), one, one, one), saved.state)
        if state is None:
            return False
        self.state = state
        for name in _KEPT:
            setattr(self, name, saved.state[name].item())
        self._show()
        return True

    def _begin(self) -> None:
        count, chain = self._options.particles, self.progressed.chain
        first = first_population(self._programs.prior_draws, self._target, count, self._seed, chain)
        self.log_evidence = first.log_share
        self.state = _Moved(first.z, np.full(count, 1 / count), np.float64(0), np.float64(0), np.float64(1))


@lru_cache(maxsize=32)
def _programs(
    log_density: Callable[[Any, Any], Any],
    log_prior: Callable[[Any, Any], Any],
    initial: Callable[[Any, Any], Any],
    moves: int,
) -> _Programs:
    """The compiled functions of a target; data are arguments."""
    split = split_of(log_density, log_prior)

    def step(
        seed: Any, chain: Any, number: Any, particles: Any, weights: Any, temperature: Any, step_size: Any, length: Any,
        stays: Any, effective: Any, arrays: Any,
    ) -> _Moved:  # fmt: skip
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), chain), number)
        spread_key, key = jax.random.split(key)
        mean = weights @ particles
        centred = particles - mean
        if len(particles) >= _FOR_A_COVARIANCE * particles.shape[1]:
            metric = centred.T @ (weights[:, None] * centred) + 1e-12 * jnp.diag(weights @ centred**2)
        else:
            metric = weights @ centred**2
        spread = jax.random.uniform(spread_key, (len(particles),), minval=_SHORTEST, maxval=_LONGEST)
        parameters = {
            "step_size": step_size * spread,
            "inverse_mass_matrix": metric[None],
            "num_integration_steps": length[None],
        }
        return _moved(split, key, particles, weights, temperature, parameters, stays, effective, moves, arrays)

    well = compiler_options()
    return _Programs(
        jax.jit(prior_draws(initial, split), compiler_options=well), jax.jit(step, compiler_options=well)
    )


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
