"""Where the parameters of a later round come from: the posterior of the observed data, as it is known so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.inference import METHODS, Monitor
from pdflang.inference.options import AutoOptions
from pdflang.inference.platform import double_precision
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import log_prior
from pdflang.learning.points import prior_draws

if TYPE_CHECKING:
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel

_TAIL = 1e-4
"""Of the posterior so far, what may lie outside of where parameters are proposed (Deistler et al. 2022)."""

_TRIALS = 10_000
_MOST_TRIALS = 1_000_000
_CANDIDATES = 256
"""Candidates for each parameter, where too few draws of the prior lie in the region."""


class Region:
    """Where the learned posterior of the observed data is not negligible: for truncated proposals, arXiv:2210.04815.

    The prior within it, proposed from there, needs no correction of the loss.
    """

    def __init__(self, learned: Learned, model: CompiledModel, key: Any) -> None:
        self._model, self._learned = model, learned
        self._own, self._arrays = learned.functions_of(model.functions), learned.arrays(model)
        with double_precision():
            z = np.asarray(self._own["drawn"](key, self._arrays, _TRIALS))
        self.least = float(np.quantile(self.log_density(z), _TAIL))

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """That of the learned posterior, (n,) at z (n, dimension)."""
        with double_precision():
            return np.asarray(self._own["densities"](z, self._arrays))

    def contains(self, z: np.ndarray) -> np.ndarray:
        """Whether points (n, dimension) are in it."""
        return self.log_density(z) >= self.least

    def drawn(self, key: Any, count: int) -> np.ndarray:
        """So many draws (count, dimension) of the prior within the region.

        Draws of the prior that lie in it; where these are too rare, draws of the learned posterior, resampled by
        importance.
        """
        kept: list[np.ndarray] = []
        tried = found = 0
        while found < count and tried < _MOST_TRIALS and (found or tried < 20 * _TRIALS):
            some = prior_draws(self._model, jax.random.fold_in(key, tried), _TRIALS)
            kept.append(some[self.contains(some)])
            tried, found = tried + _TRIALS, found + len(kept[-1])
        z = np.concatenate(kept)
        return z[:count] if found >= count else self._resampled(key, count)

    def _resampled(self, key: Any, count: int) -> np.ndarray:
        generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
        rows = []
        at_once = max(1, _TRIALS // _CANDIDATES)
        density = jax.jit(jax.vmap(lambda z, arrays: log_prior(self._model.functions, z, arrays), in_axes=(0, None)))
        for first in range(0, count, at_once):
            number = min(at_once, count - first)
            with double_precision():
                own = jax.random.fold_in(key, _MOST_TRIALS + first)
                z = np.asarray(self._own["drawn"](own, self._arrays, at_once * _CANDIDATES))[: number * _CANDIDATES]
                before = np.asarray(density(z, self._model.arrays))
            found = self.log_density(z)
            weights = np.where(found >= self.least, before - found, -np.inf).reshape(number, _CANDIDATES)
            chosen = np.argmax(weights + generator.gumbel(size=weights.shape), axis=1)
            rows.append(z.reshape(number, _CANDIDATES, -1)[np.arange(number), chosen])
        return np.concatenate(rows)


def posterior_draws(
    learned: Learned, model: CompiledModel, seed: int, count: int, monitor: Monitor, stop: StopRequest
) -> np.ndarray:
    """So many draws (count, dimension) of the posterior of a learned likelihood or ratio, in random order (SNL, SNRE).

    Fewer than that, or none, where a stop was requested.
    """
    options = AutoOptions(draws=max(1000, -(-count // 4)), seed=seed)
    draws = METHODS["auto"].adapter(learned.target(model), options, monitor, stop)
    z = draws.z.reshape(-1, learned.dimension)
    generator = np.random.default_rng(seed)
    return z[generator.permutation(len(z))[:count]] if len(z) >= count else z[generator.integers(len(z), size=count)]
