"""How a transition goes from one place to the next: trajectories that turn back by themselves, or of random length.

They move in whitened coordinates, where masses are 1. The random numbers of many transitions are drawn at once where
that can be: one by one they would cost more than a small density.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from jax.scipy.special import ndtri

from pdflang.inference.start import Start, find_start, unit_covariance

if TYPE_CHECKING:
    from blackjax.mcmc import hmc

    from pdflang.inference.ascent import Evaluation
    from pdflang.inference.target import Target

_LENGTHS = (0.75, 1.25)
_MOST_STEPS = 1024


class Told(NamedTuple):
    """What is to be said of a transition, as of BlackJAX's Hamiltonian kernels: each a scalar."""

    is_divergent: Any
    energy: Any
    acceptance_rate: Any
    num_integration_steps: Any


class Trajectory(Hashable, Protocol):
    """How a chain goes on. Those that are equal share a compiled program.

    The step size is adapted until what a transition says of its `acceptance_rate` is on average what was asked for, and
    `num_integration_steps` counts gradients, or evaluations of the density where it does not go `by_gradients`: then
    the gradient of a state is 0.
    """

    @property
    def by_gradients(self) -> bool:
        """Whether it needs gradients; where it does not, the metric is that of the draws."""

    @property
    def climbs(self) -> bool:
        """Whether starts climb, which takes curvatures."""

    @property
    def has_steps(self) -> bool:
        """Whether it has a step size, which is to be adapted."""

    def start(
        self, target: Target, evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray],
        noise: np.random.Generator,
    ) -> Start:  # fmt: skip
        """Where a chain begins; `initial(attempt)` gives prior draws (n,)."""

    def chances(self, key: Any, numbers: Any, dimension: int) -> Any:
        """What the transitions of these numbers (m,) leave to chance, in columns (m, …)."""

    def __call__(
        self, chances: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        """The next state, what is to be said of the transition, and the depth of its tree, 0 where there is none."""


class Climbing:
    """Chains that begin near the mode that they climb to."""

    by_gradients = has_steps = climbs = True

    def start(
        self, target: Target, evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray],
        noise: np.random.Generator,
    ) -> Start:  # fmt: skip
        """A draw of the normal approximation at the mode."""
        return find_start(evaluated, initial, target.dimension, noise)


class KeyEach:
    """What trajectories leave to chance where how many numbers there will be is not known before: a key for each."""

    def chances(self, key: Any, numbers: Any, dimension: int) -> Any:
        """Keys (m,)."""
        return jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)


@dataclass(frozen=True)
class NoUTurn(KeyEach, Climbing):
    """Trajectories that are doubled until they turn back (Hoffman & Gelman 2014), by multinomial sampling."""

    max_tree_depth: int

    def __call__(
        self, chances: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        from blackjax.mcmc import nuts

        kernel = nuts.build_kernel()
        state, info = kernel(chances, state, log_density, step_size, unit_metric(state), self.max_tree_depth)
        return state, info, info.num_trajectory_expansions


@dataclass(frozen=True)
class Jumping(KeyEach):
    """Trajectories that turn back, each followed by the proposal of an independent draw of a unit normal distribution.

    That is for targets which are nearly one, so that chains forget where they were (Gabrié, Rotskoff & Vanden-Eijnden
    2022). Chains start in the middle, and their metric must not adapt: coordinates are those of the target then.
    """

    max_tree_depth: int

    by_gradients: ClassVar[bool] = True
    has_steps: ClassVar[bool] = True
    climbs: ClassVar[bool] = False

    def start(
        self, target: Target, evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray],
        noise: np.random.Generator,
    ) -> Start:  # fmt: skip
        """The middle, from where the first proposal that is accepted goes to a draw."""
        place = evaluated(np.zeros(target.dimension))
        return Start(place.z, place.value, place.gradient, unit_covariance(target.dimension), place.usable, 1)

    def __call__(
        self, chances: Any, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        from blackjax.mcmc import hmc

        move, place, decision = jax.random.split(chances, 3)
        state, info, depth = NoUTurn(self.max_tree_depth)(move, state, log_density, step_size)
        new = jax.random.normal(place, state.position.shape)
        value, gradient = jax.value_and_grad(log_density)(new)
        gain = value - state.logdensity + 0.5 * (new @ new - state.position @ state.position)
        jumps = jnp.log(jax.random.uniform(decision)) < jnp.nan_to_num(gain, nan=-jnp.inf)
        there = hmc.HMCState(new, value, gradient)
        state = jax.tree.map(lambda one, other: jnp.where(jumps, one, other), there, state)
        return state, info._replace(num_integration_steps=info.num_integration_steps + 1), depth


class Chances(NamedTuple):
    """Momentum (n,), standard normal; the length of a trajectory beside its mean; a number that decides, in (0, 1)."""

    momentum: Any
    length: Any
    decision: Any


@dataclass(frozen=True)
class RandomLength(Climbing):
    """Trajectories of a length between 3/4 and 5/4 of `length`, in standard deviations.

    On a unit normal distribution positions at the two ends have the correlation cos(length).
    Lengths are random since one that is a period of the motion returns to its start (Neal 2011, section 3.2).
    """

    length: float

    def chances(self, key: Any, numbers: Any, dimension: int) -> Chances:
        """All that there is."""
        uniform = _uniforms(key, numbers, dimension + 2)
        low, high = _LENGTHS
        return Chances(ndtri(uniform[:, 2:]), low + (high - low) * uniform[:, 0], uniform[:, 1])

    def __call__(
        self, chances: Chances, state: hmc.HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[hmc.HMCState, Any, Any]:
        from blackjax.mcmc import hmc, integrators, metrics

        length = self.length * chances.length
        steps = jnp.clip(jnp.ceil(length / step_size), 1, _MOST_STEPS)
        kinetic_energy = metrics.default_metric(unit_metric(state)).kinetic_energy
        proposal = hmc.hmc_proposal(
            integrators.velocity_verlet(log_density, kinetic_energy),
            kinetic_energy,
            jnp.minimum(length / steps, step_size),
            steps.astype(int),
            sample_proposal=_decided,
        )
        start = integrators.IntegratorState(state.position, chances.momentum, state.logdensity, state.logdensity_grad)
        end, info, _ = proposal(chances.decision, start)
        return hmc.HMCState(end.position, end.logdensity, end.logdensity_grad), info, 0


def _uniforms(key: Any, numbers: Any, count: int) -> Any:
    """So many uniform numbers (m, count) in (0, 1) for each of `numbers` (m,).

    They are the hash of both positions (Salmon et al. 2011), all in one call: keys of their own would cost twice.
    """
    row, column = jnp.broadcast_arrays(numbers.astype(jnp.uint32)[:, None], jnp.arange(count, dtype=jnp.uint32))
    positions = jnp.concatenate([row.ravel(), column.ravel()])
    high, low = jnp.split(threefry_2x32(jax.random.key_data(key), positions).astype(jnp.uint64), 2)
    # 52 bits, and the middle of their interval: neither 0 nor 1, where a normal number would be infinite.
    return (((high << 20) ^ (low >> 12)) & (2**52 - 1)).astype(float).reshape(row.shape) * 2.0**-52 + 2.0**-53


def _decided(decision: Any, log_acceptance: Any, start: Any, end: Any) -> tuple[Any, tuple[Any, Any, None]]:
    """The end of a trajectory, or its start, by a uniform number (Metropolis et al. 1953)."""
    acceptance = jnp.clip(jnp.exp(log_acceptance), max=1)
    accepted = decision < acceptance
    taken = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), end, start)
    return taken, (accepted, acceptance, None)


def unit_metric(state: hmc.HMCState) -> Any:
    """The metric of whitened coordinates (n,)."""
    return jnp.ones_like(state.position)
