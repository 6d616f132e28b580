"""Metropolis with many proposals at once, one of which is drawn (Calderhead 2014; Glatt-Holtz et al. 2022).

A centre is drawn around where the chain is, and proposals around the centre by the same distribution: seen from the
centre, all of them and the place itself have equal chances, so that the next place is one of them by its density alone.
Densities are computed side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from pdflang.inference.chains import sampler
from pdflang.inference.options import MultiproposalOptions
from pdflang.inference.target import Target
from pdflang.inference.walks import BEST_WIDTH, Walk


@dataclass(frozen=True)
class Cloud(Walk):
    """So many `proposals` around a centre, in units of the best width for a single one."""

    proposals: int

    def move(
        self, key: Any, position: Any, value: Any, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[Any, Any, Any, Any]:
        centre_key, cloud_key, choice_key = jax.random.split(key, 3)
        # Two steps, there and back, are as wide together as one of a random walk.
        width = step_size * BEST_WIDTH / jnp.sqrt(2.0 * position.size)
        centre = position + width * jax.random.normal(centre_key, position.shape)
        cloud = centre + width * jax.random.normal(cloud_key, (self.proposals, position.size))
        places = jnp.concatenate([position[None], cloud])
        values = jnp.concatenate([value[None], jax.vmap(log_density)(cloud)])
        values = jnp.where(jnp.isnan(values), -jnp.inf, values)
        chosen = jax.random.categorical(choice_key, values)
        stays = jax.nn.softmax(values)[0]
        return places[chosen], values[chosen], 1.0 - stays, self.proposals


def _cloud(target: Target, options: MultiproposalOptions) -> Cloud:
    return Cloud(options.moves or max(3, target.dimension), options.proposals)


sample = sampler("multiproposal", MultiproposalOptions, _cloud)
