"""What a method sees of a model that it only simulates: no density of data, no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    from pdflang.inference.workers import StopRequest


class Experiment(Protocol):
    """A model whose data are drawn and described by statistics, as many numbers of every data set.

    A statistic may be NaN, where a data set is too small for it. `observed` (statistics,) are those of the data.
    """

    dimension: int
    observed: np.ndarray

    @property
    def at_once(self) -> int:
        """Simulations between two looks at an interrupt."""

    def simulate(
        self, seed: int, count: int, z: np.ndarray | None, threads: int | None, stop: StopRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (count, dimension) on the unconstrained scale, and statistics (count, statistics).

        At draws of the prior, or at given `z`. The same seed gives the same, on any number of threads.
        KeyboardInterrupt where a stop was requested.
        """

    def log_prior(self, z: np.ndarray) -> np.ndarray:
        """The log-density (count,) of the prior of z, up to a constant; −∞ where nothing is to be simulated."""
