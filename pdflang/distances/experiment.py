"""A model as an experiment that can be repeated: parameters, data drawn at them, and their statistics."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.distances.statistics import Statistics
from pdflang.inference.platform import double_precision
from pdflang.learning.coordinates import constrained, unconstrained
from pdflang.learning.layout import layout_of
from pdflang.predictive.observed import observed_data
from pdflang.simulator import Simulator
from pdflang.simulator.proposals import log_prior
from pdflang.simulator.tables import in_blocks

if TYPE_CHECKING:
    from pdflang.inference.workers import StopRequest
    from pdflang.model import CompiledModel

_AT_ONCE = 2048
_EVENTS_AT_ONCE = 256
_BLOCK = 64


class ModelExperiment:
    """A model with its data, as `Experiment` has it.

    Errors: E662 where nothing is observed or events have weights, which simulated ones do not have; `simulate` has
    those of `Simulator.draw`.
    """

    def __init__(self, model: CompiledModel) -> None:
        self._model = model
        self._simulator = Simulator(model)
        self._statistics = Statistics(model, layout_of(model))
        self.dimension = model.dimension
        self.observed = self._statistics.of_observed(model, observed_data(model))

    @property
    def at_once(self) -> int:
        return _EVENTS_AT_ONCE if self._simulator.has_events else _AT_ONCE

    def simulate(
        self, seed: int, count: int, z: np.ndarray | None, threads: int | None, stop: StopRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Parameters and statistics, as `Experiment` has it."""
        if stop.requested:
            raise KeyboardInterrupt
        parameters = None if z is None else self._constrained(z)
        batch = self._simulator.draw(count, seed, parameters=parameters, traces=False, threads=threads, stop=stop)
        if z is None:
            z = in_blocks(lambda some: unconstrained(self._model, some), _BLOCK, batch.parameters)
        return np.asarray(z), self._statistics.of_many(batch.data, count)

    def log_prior(self, z: np.ndarray) -> np.ndarray:
        """That of the prior with all factors."""
        log_jacobians = _log_jacobians(self._model.functions.module.constrain)
        with double_precision():
            of_parameters = log_prior(self._model, self._constrained(z))
            return of_parameters + in_blocks(lambda some: log_jacobians(some, self._model.arrays), _BLOCK, z)

    def _constrained(self, z: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = in_blocks(lambda some: constrained(self._model, some), _BLOCK, z)
        return found


@lru_cache(maxsize=32)
def _log_jacobians(constrain: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    return jax.jit(jax.vmap(lambda z, arrays: constrain(z, arrays)[1], in_axes=(0, None)))
