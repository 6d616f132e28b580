"""Gibbs self-tuning of the lengths of trajectories (GIST: Bou-Rabee, Carpenter & Marsden 2024).

The length is drawn among those that have not turned back yet, and the acceptance counts how many these are from the
other end: the U-turn of NUTS without its tree, by BlackJAX.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from pdflang.inference.chains import sampler
from pdflang.inference.options import GistOptions
from pdflang.inference.trajectories import Climbing, KeyEach, Told, unit_metric

if TYPE_CHECKING:
    from blackjax.mcmc.hmc import HMCState


@dataclass(frozen=True)
class SelfTuned(KeyEach, Climbing):
    """Trajectories between a part of the way to where they turn back, and there; of `max_steps` at most."""

    max_steps: int

    def __call__(
        self, chances: Any, state: HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[HMCState, Any, Any]:
        from blackjax.mcmc import hmc
        from blackjax.mcmc.composed import GISTState, trajectory_length

        kernel = trajectory_length.build_kernel(max_num_steps=self.max_steps)
        moved, info = kernel(chances, GISTState(*state), log_density, step_size, unit_metric(state))
        # Steps are as short as energies ask for; that an end is out of reach from the other does not depend on them.
        before = 0.5 * jnp.sum(info.momentum**2) - state.logdensity
        kept = jnp.nan_to_num(jnp.exp(jnp.minimum(before - info.energy, 0.0)), nan=0.0)
        steps = info.num_steps_to_uturn_forward + info.num_steps_to_uturn_reverse
        return hmc.HMCState(*moved), Told(info.is_divergent, info.energy, kept, steps), 0


sample = sampler("gist", GistOptions, lambda target, options: SelfTuned(options.max_steps))
