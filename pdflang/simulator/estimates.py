"""Expected numbers of accepted events by simulation, where the model has no integral of their rate.

With Λ the intensity of traces, E Σ ∇ log Λ over the events of a data set is ∇ν: its mean over further data sets at the
same parameters estimates that without bias. Weighted by Λ(θ₀)/Λ(θ), the same events estimate ν at other parameters θ₀.
Data sets of a batch that have the same parameters share what was drawn for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

from pdflang.simulator.records import Slopes, matrix

if TYPE_CHECKING:
    from pdflang.simulator.batch import Batch
    from pdflang.simulator.drawing import Simulator

_APART = 1 << 30
"""The numbers of further data sets begin here, so that none is one of a batch."""

Params = dict[str, np.ndarray]


class Estimates:
    """Those of one simulator. The further data sets of a batch are kept until others are asked for."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._kept: tuple[object, Batch] | None = None

    def expected(self, name: str, params: Params, batch: Batch) -> tuple[np.ndarray, Slopes, Slopes]:
        """ν at parameters (count, …), ∇ log ν and its standard error; ν is 1 where events are independent draws."""
        further = self._further(params, batch)
        shared = _Shared(matrix(params), self._simulator.yield_sets)
        counts = further.data[name].counts
        sums = further.totals(name, further.parameters)
        if self._is_normalised(name):
            sums = {n: values / _wide(counts, values) for n, values in sums.items()}
            number = np.ones(batch.count)
        else:
            number = shared.mean(counts.astype(float))
        least = np.where(number > 0, number, 1.0)
        slopes = {n: shared.mean(values) / _wide(least, values) for n, values in sums.items()}
        return number, slopes, {n: shared.error(values) / _wide(least, values) for n, values in sums.items()}

    def reweighted(self, name: str, batch: Batch, params0: Params, params1: Params) -> tuple[np.ndarray, np.ndarray]:
        """ν at two parameters for each data set of a batch; up to a common factor of independent events."""
        further = self._further(batch.parameters, batch)
        points = np.concatenate([matrix(params) for params in (batch.parameters, params0, params1)], axis=1)
        shared = _Shared(points, self._simulator.yield_sets)
        before, events = further.log_intensities(name, further.parameters), further.data[name]
        found = []
        for params in (params0, params1):
            weights = np.exp(further.log_intensities(name, self._repeated(params)) - before)
            sums = events.sums(weights)
            found.append(shared.mean(sums / events.counts if self._is_normalised(name) else sums))
        return found[0], found[1]

    def _is_normalised(self, name: str) -> bool:
        process = self._simulator.model.program.observations[name].process
        assert process is not None
        return process.normalised

    def _repeated(self, params: Params) -> Params:
        return {name: np.repeat(values, self._simulator.yield_sets, axis=0) for name, values in params.items()}

    def _further(self, params: Params, batch: Batch) -> Batch:
        """So many data sets at each of some parameters, one behind the other."""
        asked = (batch.seed, batch.first, batch.count, batch.sizes, matrix(params).tobytes())
        if self._kept is None or self._kept[0] != asked:
            sets = self._simulator.yield_sets
            numbers = _APART + sets * batch.first + np.arange(sets * batch.count)
            key = jax.random.key(batch.seed)
            keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
            self._kept = asked, self._simulator.drawn_at(keys, self._repeated(params), dict(batch.sizes))
        return self._kept[1]


class _Shared:
    """Values of `sets` data sets for each of some points (count, n), as means over those of equal points."""

    def __init__(self, points: np.ndarray, sets: int) -> None:
        which = np.unique(points, axis=0, return_inverse=True)[1]
        self._point = np.ravel(which)
        self._owner = np.repeat(self._point, sets)
        self._number = np.bincount(self._owner)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Means (count, …) of values (count * sets, …)."""
        return self._means(values)[self._point]

    def error(self, values: np.ndarray) -> np.ndarray:
        """Their standard errors; infinite for a single data set."""
        squares = self._means((values - self._means(values)[self._owner]) ** 2)
        with np.errstate(divide="ignore"):
            factor = 1.0 / np.maximum(self._number - 1, 0)
        return np.sqrt(squares * _wide(factor, squares))[self._point]

    def _means(self, values: np.ndarray) -> np.ndarray:
        found = np.zeros((len(self._number), *values.shape[1:]))
        np.add.at(found, self._owner, values)
        return found / _wide(self._number, found)


def _wide(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Numbers (n,) that broadcast along values (n, …)."""
    return numbers.reshape(-1, *[1] * (values.ndim - 1))
