"""What chains share that need the density alone: where they begin, and several moves for a draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from pdflang.inference.start import Start, best_draw
from pdflang.inference.trajectories import KeyEach, Told

if TYPE_CHECKING:
    import numpy as np
    from blackjax.mcmc.hmc import HMCState

    from pdflang.inference.ascent import Evaluation
    from pdflang.inference.target import Target


BEST_WIDTH = 2.38
"""Of a normal proposal in many dimensions n, times √n (Gelman, Roberts & Gilks 1996)."""


@dataclass(frozen=True)
class Walk(KeyEach):
    """So many `moves` for a draw."""

    moves: int
    by_gradients, has_steps, climbs = False, True, False

    def start(
        self, target: Target, evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray],
        noise: np.random.Generator,
    ) -> Start:  # fmt: skip
        """The best of some draws of the prior."""
        return best_draw(evaluated, initial, target.dimension)

    def __call__(
        self, chances: Any, state: HMCState, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[HMCState, Any, Any]:
        """The state after all moves; rates of acceptance are their mean."""

        def one(i: Any, carry: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
            position, value, accepted, evaluations = carry
            key = jax.random.fold_in(chances, i)
            position, value, rate, spent = self.move(key, position, value, log_density, step_size)
            return position, value, accepted + rate, evaluations + spent

        begin = (state.position, state.logdensity, jnp.array(0.0), jnp.array(0))
        position, value, accepted, evaluations = jax.lax.fori_loop(0, self.moves, one, begin)
        told = Told(False, -value, accepted / self.moves, evaluations)
        return state._replace(position=position, logdensity=value), told, 0

    def move(
        self, key: Any, position: Any, value: Any, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[Any, Any, Any, Any]:
        """Of a position (n,) and its log-density the next ones, the rate of acceptance, and evaluations."""
        raise NotImplementedError
