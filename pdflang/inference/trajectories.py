"""How a transition goes from one place to the next: trajectories that turn back by themselves, or of random length.

They move in whitened coordinates, where masses are 1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from blackjax.mcmc import hmc, nuts

_LENGTHS = (0.75, 1.25)
_MOST_STEPS = 1024


class Trajectory(Hashable, Protocol):
    """A kernel of Hamiltonian Monte Carlo. Those that are equal share a compiled program."""

    def __call__(
        self, key: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        """The next state, what BlackJAX says of the transition, and the depth of its tree, 0 where there is none."""


@dataclass(frozen=True)
class NoUTurn:
    """Trajectories that are doubled until they turn back (Hoffman & Gelman 2014), by multinomial sampling."""

    max_tree_depth: int

    def __call__(
        self, key: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        kernel = nuts.build_kernel()
        state, info = kernel(key, state, log_density, step_size, _unit(state), self.max_tree_depth)
        return state, info, info.num_trajectory_expansions


@dataclass(frozen=True)
class RandomLength:
    """Trajectories of a length between 3/4 and 5/4 of `length`, in standard deviations.

    On a unit normal distribution positions at the two ends have the correlation cos(length).
    Lengths are random since one that is a period of the motion returns to its start (Neal 2011, section 3.2).
    """

    length: float

    def __call__(
        self, key: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        for_length, for_move = jax.random.split(key)
        length = self.length * jax.random.uniform(for_length, minval=_LENGTHS[0], maxval=_LENGTHS[1])
        steps = jnp.clip(jnp.ceil(length / step_size), 1, _MOST_STEPS)
        kernel = hmc.build_kernel()
        step = jnp.minimum(length / steps, step_size)
        state, info = kernel(for_move, state, log_density, step, _unit(state), steps.astype(int))
        return state, info, 0


def _unit(state: hmc.HMCState) -> Any:
    return jnp.ones_like(state.position)
