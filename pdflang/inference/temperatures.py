"""Populations that follow prior × likelihood^λ from λ = 0 to 1, whatever their steps are: what they adapt to.

Particles move by Hamiltonian trajectories whose metric is the covariance of the population.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.draws import Remark
from pdflang.inference.keeping import leaves_of, shape_of, tree_like
from pdflang.inference.monitor import Progressed
from pdflang.inference.options import PersistentOptions, SmcOptions
from pdflang.inference.platform import double_precision
from pdflang.inference.populations import first_population
from pdflang.inference.target import Target
from pdflang.results.checkpoints import Checkpoint

_ACCEPTANCE = 0.8
_TRAJECTORY = math.pi / 2
"""A quarter of a period of a whitened normal: the end of a trajectory does not depend on its start."""

_SHORTEST, _LONGEST = 0.7, 1.1
"""Of the length of trajectories. Half a period would only mirror the particles, and leave the errors of a metric that
is estimated by the same particles in them.
"""

_MOST_STEPS = 64

_STUCK, _MOST_ROUNDS = 0.3, 25
"""Below this share of accepted moves a temperature is repeated with shorter steps, so many times at most."""

_COPIES = 0.1
"""Below this share at the end, particles are copies of each other."""

_KEPT = (
    "log_evidence", "gradients", "last_gradients", "acceptance", "is_done", "_step_size", "_steps", "_rounds", "_stuck"
)  # fmt: skip
"""Attributes of a population that it goes on from."""

_FOR_A_COVARIANCE = 10
"""So many particles for each dimension are enough to estimate a dense metric by."""


@dataclass(frozen=True)
class Programs:
    """Functions of a target: draws of the prior, the state of a first population, and the next state.

    A state has a `temperature`, and of its last step the `log_increment` of Z and the `acceptance` rate.
    """

    prior_draws: Callable[..., Any]
    first: Callable[[Any, Any], Any]
    step: Callable[..., Any]


def moves_of(options: SmcOptions | PersistentOptions, dimension: int) -> int:
    """Trajectories of each particle at each temperature.

    With fewer the evidence of a hundred dimensions comes out too low, by several of its errors.
    """
    return options.moves or max(5, math.ceil(0.15 * dimension))


class Population:
    """One population, a temperature at a time."""

    def __init__(
        self,
        method: str,
        number: int,
        target: Target,
        options: SmcOptions | PersistentOptions,
        programs: Programs,
        seed: int,
    ) -> None:
        self.progressed = Progressed(number, "starting", 0, 100)
        self.log_evidence = 0.0
        self.gradients = self.last_gradients = 0
        self.acceptance = 0.0
        self.is_done = False
        self.state: Any = None
        self._method = method
        self._target = target
        self._options = options
        self._moves = moves_of(options, target.dimension)
        self._programs = programs
        self._seed = seed
        self._step_size = 0.8 * target.dimension**-0.25
        self._steps = self._rounds = 0
        self._stuck = False

    def go_on(self) -> None:
        """The first population, or the next temperature; after the last one, moves once more at it.

        Where hardly a move is accepted the temperature stays, with shorter steps.
        """
        with double_precision():
            if self.state is None:
                self._begin()
                return
            before = float(self.state.temperature)
            length = min(_MOST_STEPS, math.ceil(_TRAJECTORY / self._step_size))
            self.state = self._programs.step(
                np.uint32(self._seed),
                np.uint32(self.progressed.chain),
                np.uint32(self._steps),
                self.state,
                np.float64(min(self._step_size, _TRAJECTORY / length)),
                np.int32(length),
                np.bool_(self._stuck),
                np.float64(self.effective),
                self._target.arrays,
            )
        self._steps += 1
        self.last_gradients = self._moves * length
        self.gradients += self.last_gradients * self._options.particles
        self.log_evidence += float(self.state.log_increment)
        self._step_size *= math.exp(1.5 * (float(self.state.acceptance) - _ACCEPTANCE))
        self.acceptance = float(self.state.acceptance)
        self._stuck = self.acceptance < _STUCK and self._rounds < _MOST_ROUNDS
        self._rounds = self._rounds + 1 if self._stuck else 0
        self.is_done = self.ends(before) and not self._stuck
        self._show()

    @property
    def effective(self) -> float:
        """How many particles, in units of a population, a step leaves effective."""
        return self._options.effective

    def ends(self, before: float) -> bool:
        """Whether the step from the temperature `before` to the present one was the last."""
        return before == 1.0

    def state_like(self, saved: Checkpoint) -> Any:
        """A state by shapes and types, as one that was saved would have to be."""
        particles = np.zeros((self._options.particles, self._target.dimension))
        return shape_of(self._programs.first, particles, self._target.arrays)

    def _show(self) -> None:
        temperature = float(self.state.temperature)
        self.progressed = Progressed(
            self.progressed.chain, f"temperature {temperature:.2g}", int(100 * temperature), 100, self._step_size
        )

    def checkpoint(self) -> Checkpoint | None:
        """The population and what its steps are adapted to."""
        if self.state is None:
            return None
        numbers = {name: np.array(getattr(self, name)) for name in _KEPT}
        return Checkpoint(self._method, {**leaves_of(self.state), **numbers})

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it is as large a population."""
        state = tree_like(self.state_like(saved), saved.state)
        if state is None:
            return False
        self.state = state
        for name in _KEPT:
            setattr(self, name, saved.state[name].item())
        self._show()
        return True

    def _begin(self) -> None:
        count, chain = self._options.particles, self.progressed.chain
        first = first_population(self._programs.prior_draws, self._target, count, self._seed, chain)
        self.log_evidence = first.log_share
        self.state = self._programs.first(first.z, self._target.arrays)


def parameters_of(particles: Any, weights: Any, key: Any, count: int, step_size: Any, length: Any) -> dict[str, Any]:
    """What BlackJAX's trajectories take: the weighted covariance as metric, for `count` particles that move.

    `particles` (m, n) and their `weights` (m,), which sum to 1, are those that the metric is estimated by.
    """
    centred = particles - weights @ particles
    if count >= _FOR_A_COVARIANCE * particles.shape[1]:
        metric = centred.T @ (weights[:, None] * centred) + 1e-12 * jnp.diag(weights @ centred**2)
    else:
        metric = weights @ centred**2
    spread = jax.random.uniform(key, (count,), minval=_SHORTEST, maxval=_LONGEST)
    return {
        "step_size": step_size * spread,
        "inverse_mass_matrix": metric[None],
        "num_integration_steps": length[None],
    }


def remarks_on(populations: Sequence[Population]) -> Iterator[Remark]:
    """What there is to say of populations that hardly moved."""
    worst = min(population.acceptance for population in populations)
    if worst < _STUCK:
        yield Remark(
            f"only {worst:.0%} of the moves were accepted at the posterior: particles are copies of few, and intervals "
            "and evidence are not reliable",
            "give more `--moves` and `--particles`, or sample with `nuts`: the posterior is too narrow somewhere for "
            "steps that the spread of the whole population sets",
            "error" if worst < _COPIES else "warning",
        )
