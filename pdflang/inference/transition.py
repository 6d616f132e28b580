"""One chain as a compiled function that makes any number of transitions, warmup or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from blackjax.adaptation.step_size import DualAveragingAdaptationState, dual_averaging_adaptation
from blackjax.mcmc.hmc import HMCState

from pdflang.inference.chunks import BLOCK, SAMPLING, Transitions
from pdflang.inference.trajectories import Trajectory
from pdflang.inference.whitening import Whitening, root_of


class Chain(NamedTuple):
    """State of a chain: where it is, in its whitened coordinates, and how its step size and these are adapting."""

    state: HMCState
    step_size: DualAveragingAdaptationState
    window: Any
    whitening: Whitening


def first_state(z: Any, value: Any, gradient: Any, covariance: Any, shape: str, by_gradients: bool) -> Chain:
    """The chain at its start, in the coordinates of that place and with a step size of 1, which whitened targets want.

    `covariance` (n, n) or (n,), where it is diagonal, becomes a root of that `shape`, which learns `by_gradients` or
    by draws alone.
    """
    root = root_of(covariance, shape, by_gradients)
    state = HMCState(jnp.zeros_like(z), value, root.gradient(gradient))
    step_size_init, _, _ = dual_averaging_adaptation(0.8)
    return Chain(state, step_size_init(jnp.array(1.0)), root.no_draws(), Whitening(z, root))


def advance(
    log_density: Callable[[Any], Any],
    chain: Chain,
    key: Any,
    begin: Any,
    count: Any,
    stages: Any,
    target_acceptance: Any,
    trajectory: Trajectory,
) -> tuple[Chain, Transitions]:
    """Make `count` transitions, at most a chunk, the first being number `begin`; `stages` (chunk,) are theirs.

    Random numbers belong to the transition's number, so that the chunks' sizes do not matter. One that ends a window is
    the last, and `end_window` comes next: XLA makes one kernel of a loop that calls no library.
    """
    dimension = chain.state.position.shape[0]

    def one_transition(i: Any, here: Any, chain: Chain, kept: Transitions) -> tuple[Chain, Transitions]:
        sampling = stages[i] == SAMPLING
        log_step = jnp.where(sampling, chain.step_size.log_step_size_avg, chain.step_size.log_step_size)
        step_size = jnp.exp(log_step)
        position = chain.whitening.position
        state, info, tree_depth = trajectory(here, chain.state, lambda w: log_density(position(w)), step_size)
        row = Transitions(
            z=position(state.position),
            lp=state.logdensity,
            diverging=info.is_divergent,
            energy=info.energy,
            acceptance_rate=info.acceptance_rate,
            tree_depth=tree_depth,
            n_steps=info.num_integration_steps,
            step_size=step_size,
        )
        kept = jax.tree.map(lambda column, value: column.at[i].set(value), kept, row)
        chain = chain._replace(state=state)
        told = info.acceptance_rate if trajectory.has_steps else None
        return _adapted(chain, stages[i], told, target_acceptance), kept

    def block(number: Any, carry: tuple[Chain, Transitions]) -> tuple[Chain, Transitions]:
        first = number * BLOCK
        chances = trajectory.chances(key, begin + first + jnp.arange(BLOCK), dimension)

        def one(i: Any, carry: tuple[Chain, Transitions]) -> tuple[Chain, Transitions]:
            return one_transition(i, jax.tree.map(lambda column: column[i - first], chances), *carry)

        return jax.lax.fori_loop(first, jnp.minimum(count, first + BLOCK), one, carry)

    nothing = _no_transitions(len(stages), dimension)
    return jax.lax.fori_loop(0, (count + BLOCK - 1) // BLOCK, block, (chain, nothing))


def end_window(chain: Chain, target_acceptance: Any) -> Chain:
    """The chain in the coordinates that its window asks for, with a step size to be found anew."""
    init, _, final = dual_averaging_adaptation(target_acceptance)
    whitening, state = chain.whitening.adapted(chain.window, chain.state)
    return Chain(state, init(final(chain.step_size)), whitening.root.no_draws(), whitening)


def _adapted(chain: Chain, stage: Any, acceptance_rate: Any, target_acceptance: Any) -> Chain:
    """Warmup's lesson from a transition (Hoffman & Gelman 2014, section 3.2; Stan's windows)."""
    _, update, _ = dual_averaging_adaptation(target_acceptance)

    def adapt_step_size(chain: Chain) -> Chain:
        if acceptance_rate is None:  # there are no steps
            return chain
        return chain._replace(step_size=update(chain.step_size, acceptance_rate))

    def gather(chain: Chain) -> Chain:
        return adapt_step_size(chain)._replace(window=chain.whitening.gathered(chain.window, chain.state))

    return jax.lax.switch(stage, (adapt_step_size, gather, gather, lambda chain: chain), chain)


def _no_transitions(count: int, dimension: int) -> Transitions:
    reals, whole = jnp.zeros(count), jnp.zeros(count, dtype=int)
    return Transitions(
        z=jnp.zeros((count, dimension)),
        lp=reals,
        diverging=jnp.zeros(count, dtype=bool),
        energy=reals,
        acceptance_rate=reals,
        tree_depth=whole,
        n_steps=whole,
        step_size=reals,
    )
