"""Whether observed data are among those that a model simulates, of which alone networks know something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

from pdflang.learning.layout import layout_of, numbers_of
from pdflang.learning.pairs import MOST_EVENTS, keys_of, packed, simulated_pairs
from pdflang.learning.scaling import scales_of, statistics
from pdflang.predictive.observed import observed_data

if TYPE_CHECKING:
    from pdflang.inference.workers import StopRequest
    from pdflang.model import CompiledModel

_STREAM = 11
_NEIGHBOURS = 5
_SMALLEST = 1e-6
"""Of the variances of what is whitened, beside the largest."""


def share_outside(model: CompiledModel, seed: int, count: int, stop: StopRequest | None = None) -> float | None:
    """The share of simulations that lie as far from others as the observed data do; None where a stop was requested.

    Data are vectors, and of sets of events moments and numbers, whitened; the distance is that to the fifth nearest of
    half of the `count` simulations, of which the other half is judged beside the data. Errors: those of
    `simulated_pairs` and `layout_of`.
    """
    parts = layout_of(model)
    pairs = simulated_pairs(model, parts, keys_of(seed, _STREAM, count), stop=stop)
    if pairs is None:
        return None
    observed = observed_data(model)
    own = packed(parts, [{part.name: numbers_of(model, part, observed) for part in parts}], MOST_EVENTS)
    scales = scales_of(parts, pairs)
    with jax.enable_x64(True):
        function = jax.jit(jax.vmap(lambda data: statistics(parts, scales, data)))
        vectors, ours = np.asarray(function(pairs.data)), np.asarray(function(own))
    near, others = vectors[: count // 2], vectors[count // 2 :]
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(near.T)))
    units = directions / np.sqrt(np.maximum(variances, _SMALLEST * variances.max()))
    far = _distances(np.concatenate([ours, others]) @ units, near @ units)
    return float(1 + np.sum(far[1:] >= far[0])) / len(far)


def _distances(points: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """Of each point to its fifth neighbour in the cloud."""
    from scipy.spatial import cKDTree

    found, _ = cKDTree(cloud).query(points, k=[min(_NEIGHBOURS, len(cloud))])
    return np.asarray(found[:, -1])
