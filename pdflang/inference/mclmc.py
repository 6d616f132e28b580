"""Microcanonical Langevin Monte Carlo (Robnik et al. 2023), with a Metropolis step (Robnik et al. 2025) or without.

The speed is the same everywhere, and only the direction changes with the gradient. BlackJAX has the dynamics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from pdflang.inference.chains import sample_chains
from pdflang.inference.draws import Draws, Remark, Unsuited
from pdflang.inference.options import MclmcOptions
from pdflang.inference.target import Target
from pdflang.inference.trajectories import Climbing, KeyEach, Told

if TYPE_CHECKING:
    from blackjax.mcmc.hmc import HMCState

_MOST_STEPS = 1024

_ENERGY_ERROR = 5e-4
"""Mean square of the energy error of a step for each dimension where nothing corrects it (Robnik & Seljak 2024)."""

_GRADIENTS = 2
"""Of a step of McLachlan's integrator."""


@dataclass(frozen=True)
class Corrected(KeyEach, Climbing):
    """Trajectories of a length between 0 and twice the mean, in √n standard deviations, accepted or not."""

    length: float

    def __call__(
        self, chances: Any, state: HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[HMCState, Any, Any]:
        from blackjax.mcmc import adjusted_mclmc_dynamic as mclmc
        from blackjax.mcmc import dynamic_hmc, hmc

        unit = jnp.sqrt(1.0 * state.position.size)
        length_key, key = jax.random.split(chances)
        here = dynamic_hmc.DynamicHMCState(*state, length_key)
        steps = jnp.clip(self.length / step_size, 1.0, _MOST_STEPS)
        kernel = mclmc.build_kernel(mclmc.make_random_trajectory_length_fn(True))
        moved, info = kernel(key, here, log_density, unit * step_size, integration_steps_params=(steps,))
        gradients = _GRADIENTS * info.num_integration_steps
        told = Told(info.is_divergent, info.energy, info.acceptance_rate, gradients)
        return hmc.HMCState(moved.position, moved.logdensity, moved.logdensity_grad), told, 0


@dataclass(frozen=True)
class Uncorrected(KeyEach, Climbing):
    """Trajectories of one length, in √n standard deviations, that nothing accepts: energies must be kept well."""

    length: float
    target_acceptance: float

    def __call__(
        self, chances: Any, state: HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[HMCState, Any, Any]:
        from blackjax.mcmc import hmc, mclmc

        dimension = state.position.size
        unit = jnp.sqrt(1.0 * dimension)
        steps = jnp.clip(jnp.ceil(self.length / step_size), 1, _MOST_STEPS).astype(int)
        kernel = mclmc.build_kernel()

        def step(i: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            here, squares = carry
            key = jax.random.fold_in(chances, i)
            there, info = kernel(key, here, log_density, jnp.ones(dimension), unit * self.length, unit * step_size)
            return there, squares + jnp.where(info.nonans, info.energy_change**2, jnp.inf)

        begin = mclmc.init(state.position, log_density, jax.random.fold_in(chances, steps))
        end, squares = jax.lax.fori_loop(0, steps, step, (begin, jnp.array(0.0)))
        # What warmup aims at, in place of a rate of acceptance: it is the target where the error is what it may be.
        kept = self.target_acceptance ** (squares / (steps * dimension * _ENERGY_ERROR))
        told = Told(~jnp.isfinite(squares), -end.logdensity, kept, 1 + _GRADIENTS * steps)
        return hmc.HMCState(end.position, end.logdensity, end.logdensity_grad), told, 0


def sample(target: Target, options: MclmcOptions | None = None, *given: Any, **named: Any) -> Draws:
    """Draws as `sample_chains` makes them. Raises `Unsuited` in one dimension, where a direction cannot turn."""
    options = options or MclmcOptions()
    if target.dimension < 2:
        raise Unsuited(
            "`mclmc` moves with constant speed and turns, which takes two parameters at least",
            "sample with `hmc` or `nuts`",
        )
    if options.correction == "metropolis":
        return sample_chains("mclmc", Corrected(options.length), target, options, *given, **named)
    trajectory = Uncorrected(options.length, options.target_acceptance)
    draws = sample_chains("mclmc", trajectory, target, options, *given, **named)
    return replace(draws, remarks=(*draws.remarks, _BIASED)) if draws.z.shape[1] else draws


_BIASED = Remark(
    "nothing corrects the energy errors of `mclmc` without a Metropolis step: widths are off by about a percent, more "
    "where the posterior is far from normal",
    "compare with `--correction metropolis`, or let `pdflang bench` measure the bias",
)
