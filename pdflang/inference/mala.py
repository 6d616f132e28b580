"""The Metropolis-adjusted Langevin algorithm (Besag 1994; Roberts & Tweedie 1996), by BlackJAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdflang.inference.chains import sampler
from pdflang.inference.options import MalaOptions
from pdflang.inference.trajectories import Climbing, KeyEach, Told

if TYPE_CHECKING:
    from blackjax.mcmc.hmc import HMCState


@dataclass(frozen=True)
class Langevin(KeyEach, Climbing):
    """A step of the Langevin diffusion, accepted or not: a gradient for each transition."""

    def __call__(
        self, chances: Any, state: HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[HMCState, Any, Any]:
        from blackjax.mcmc import hmc, mala

        moved, info = mala.build_kernel()(chances, mala.MALAState(*state), log_density, step_size)
        return hmc.HMCState(*moved), Told(False, -moved.logdensity, info.acceptance_rate, 1), 0


sample = sampler("mala", MalaOptions, lambda target, options: Langevin())
