"""The Metropolis algorithm with normal proposals (Metropolis et al. 1953; Haario, Saksman & Tamminen 2001)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from pdflang.inference.chains import sampler
from pdflang.inference.options import RandomWalkOptions
from pdflang.inference.target import Target
from pdflang.inference.walks import BEST_WIDTH, Walk


@dataclass(frozen=True)
class Proposals(Walk):
    """Steps in all directions, in units of the best width for a normal posterior."""

    def move(
        self, key: Any, position: Any, value: Any, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[Any, Any, Any, Any]:
        from blackjax.mcmc import random_walk

        width = step_size * BEST_WIDTH / jnp.sqrt(1.0 * position.size)
        state = random_walk.RWState(position, value)
        kernel = random_walk.build_additive_step()
        moved, info = kernel(key, state, log_density, random_walk.normal(width * jnp.ones(position.size)))
        return moved.position, moved.logdensity, info.acceptance_rate, 1


def _proposals(target: Target, options: RandomWalkOptions) -> Proposals:
    return Proposals(options.moves or max(10, 3 * target.dimension))


sample = sampler("random-walk", RandomWalkOptions, _proposals)
