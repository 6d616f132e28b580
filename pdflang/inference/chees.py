"""ChEES-HMC (Hoffman, Radul & Sountsov 2021), by BlackJAX: one trajectory length for all chains, tuned across them.

The length maximises the change in the estimator of the expected square, by gradient ascent; it varies from transition
to transition as Halton's sequence does, the same for all chains, so that none waits for another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from blackjax.adaptation import chees_adaptation
from blackjax.adaptation.chees_adaptation import ChEESAdaptationState
from blackjax.mcmc import dynamic_hmc
from blackjax.mcmc.dynamic_hmc import DynamicHMCState
from blackjax.mcmc.hmc import HMCState

from pdflang.inference.draws import Draws
from pdflang.inference.lockstep import Step, sample_lockstep
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import CheesOptions
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints

_LEARNING_RATE = 0.025
_FIRST_STEP = 0.5
_DECAY = 0.5
_MOST_STEPS = 256
_BITS = 16


def sample(
    target: Target,
    options: CheesOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by ChEES-HMC, as `sample_lockstep` makes them."""
    options = options or CheesOptions()
    kernel = _Chees(options.target_acceptance)
    return sample_lockstep("chees", kernel, target, options, monitor, stop, checkpoints)


class _State(NamedTuple):
    chains: DynamicHMCState
    adaptation: ChEESAdaptationState


@dataclass(frozen=True)
class _Chees:
    """Trajectories of all chains that take as many steps."""

    target_acceptance: float

    def start(self, key: Any, w: Any, density: Callable[[Any], Any]) -> _State:
        number = jnp.zeros((), int)
        chains = jax.vmap(lambda place: dynamic_hmc.init(place, density, number))(w)
        return _State(chains, self._adaptation()[0](number, jnp.array(_FIRST_STEP)))

    def tuned(self, key: Any, state: _State, density: Callable[[Any], Any]) -> tuple[_State, Step]:
        here = state.adaptation
        chains, info, step = _moved(key, state.chains, density, here.step_size, here.trajectory_length)
        adaptation = self._adaptation()[1](
            here,
            info.proposal.position,
            info.proposal.momentum,
            state.chains.position,
            info.acceptance_rate,
            info.is_divergent,
            jnp.ones(state.chains.position.shape[1]),
        )
        return _State(chains, adaptation), step

    def moved(self, key: Any, state: _State, density: Callable[[Any], Any]) -> tuple[_State, Step]:
        log_step, log_length = (
            state.adaptation.log_step_size_moving_average,
            state.adaptation.log_trajectory_length_moving_average,
        )
        chains, _, step = _moved(key, state.chains, density, jnp.exp(log_step), jnp.exp(log_length))
        return _State(chains, state.adaptation), step

    def places(self, state: _State) -> HMCState:
        return HMCState(*state.chains[:3])

    def _adaptation(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        functions: tuple[Callable[..., Any], Callable[..., Any]] = chees_adaptation.base(
            _jitter, lambda number: number + 1, optax.adam(_LEARNING_RATE), self.target_acceptance, _DECAY, _MOST_STEPS
        )
        return functions


def _jitter(number: Any) -> Any:
    return dynamic_hmc.halton_sequence(number, _BITS)


def _moved(
    key: Any, chains: DynamicHMCState, density: Callable[[Any], Any], step_size: Any, length: Any
) -> tuple[DynamicHMCState, Any, Step]:  # fmt: skip
    """A trajectory of each chain, of a share of the length that the number of the transition says."""
    count, dimension = chains.position.shape

    def steps_of(number: Any, steps: Any) -> Any:
        return jnp.clip(jnp.ceil(_jitter(number) * steps), 1, _MOST_STEPS).astype(int)

    kernel = dynamic_hmc.build_kernel(next_random_arg_fn=lambda number: number + 1, integration_steps_fn=steps_of)
    keys = jax.random.split(key, count)
    chains, info = jax.vmap(
        lambda key, chain: kernel(key, chain, density, step_size, jnp.ones(dimension), (length / step_size,))
    )(keys, chains)
    step_sizes = jnp.full(count, step_size)
    return chains, info, Step(info.is_divergent, info.acceptance_rate, info.num_integration_steps, step_sizes)
