"""MEADS (Hoffman & Sountsov 2022), by BlackJAX: generalised Hamiltonian Monte Carlo, tuned across many chains.

A transition is one step, after which momentum is kept but for a part. Chains are folds, each of which takes step size,
scales and damping from the fold before it, by largest eigenvalues; chains change folds at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from blackjax.adaptation import meads_adaptation
from blackjax.adaptation.meads_adaptation import MEADSAdaptationState
from blackjax.mcmc import ghmc
from blackjax.mcmc.ghmc import GHMCState
from blackjax.mcmc.hmc import HMCState

from pdflang.inference.draws import Draws
from pdflang.inference.lockstep import Step, sample_lockstep
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import MeadsOptions
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints


def sample(
    target: Target,
    options: MeadsOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by MEADS, as `sample_lockstep` makes them."""
    options = options or MeadsOptions()
    return sample_lockstep("meads", _Meads(options.folds), target, options, monitor, stop, checkpoints)


class _State(NamedTuple):
    chains: GHMCState
    adaptation: MEADSAdaptationState


@dataclass(frozen=True)
class _Meads:
    """One step of all chains, those of a fold with the same parameters."""

    folds: int

    def start(self, key: Any, w: Any, density: Callable[[Any], Any]) -> _State:
        chains = jax.vmap(lambda place, key: ghmc.init(place, density, key))(w, jax.random.split(key, len(w)))
        adaptation = self._adaptation()[0](chains.position, chains.logdensity_grad)
        return _State(chains, adaptation._replace(current_iteration=jnp.zeros((), int)))

    def tuned(self, key: Any, state: _State, density: Callable[[Any], Any]) -> tuple[_State, Step]:
        """A step of all folds but the one that the next one learns from (algorithm 3 of the paper)."""
        move_key, shuffle_key = jax.random.split(key)
        number, size = state.adaptation.current_iteration, len(state.chains.slice) // self.folds
        source = number % self.folds
        members = source * size + jnp.arange(size)
        adaptation = self._adaptation()[1](
            state.adaptation, state.chains.position[members], state.chains.logdensity_grad[members], source
        )
        of_chain = jnp.arange(len(state.chains.slice)) // size
        parameters = _Parameters(*(leaf[of_chain] for leaf in adaptation[1:]))
        moved, step = _moved(move_key, state.chains, density, parameters)
        rests = of_chain == source

        def resting(new: Any, old: Any) -> Any:
            return jnp.where(rests.reshape(-1, *[1] * (new.ndim - 1)), old, new)

        chains = jax.tree.map(resting, moved, state.chains)
        shuffled = jax.random.permutation(shuffle_key, len(of_chain))
        order = jnp.where(source == self.folds - 1, shuffled, jnp.arange(len(of_chain)))
        return _State(jax.tree.map(lambda leaf: leaf[order], chains), adaptation), step

    def moved(self, key: Any, state: _State, density: Callable[[Any], Any]) -> tuple[_State, Step]:
        """A step with the mean of what the folds have learned."""
        count = len(state.chains.slice)
        means = (jnp.mean(leaf, axis=0) for leaf in state.adaptation[1:])
        parameters = _Parameters(*(jnp.broadcast_to(mean, (count, *mean.shape)) for mean in means))
        chains, step = _moved(key, state.chains, density, parameters)
        return _State(chains, state.adaptation), step

    def places(self, state: _State) -> HMCState:
        return HMCState(state.chains.position, state.chains.logdensity, state.chains.logdensity_grad)

    def _adaptation(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        functions: tuple[Callable[..., Any], Callable[..., Any]] = meads_adaptation.base(self.folds)
        return functions


class _Parameters(NamedTuple):
    """Of each chain: step size, scales (n,) of its coordinates, how much momentum is replaced, shift of the slice."""

    step_size: Any
    scales: Any
    damping: Any
    shift: Any


def _moved(
    key: Any, chains: GHMCState, density: Callable[[Any], Any], parameters: _Parameters
) -> tuple[GHMCState, Step]:  # fmt: skip
    kernel = ghmc.build_kernel()
    keys = jax.random.split(key, len(chains.slice))
    chains, info = jax.vmap(lambda key, chain, of: kernel(key, chain, density, *of))(keys, chains, parameters)
    accepted, steps = info.is_accepted.astype(float), jnp.ones(len(keys), int)
    return chains, Step(info.is_divergent, accepted, steps, parameters.step_size)
