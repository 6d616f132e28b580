"""How far two sets of draws are from each other, and how far two sets of the same posterior would be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_DIRECTIONS = 64
_SPLITS = 20
_PER_DIMENSION = 5
"""Draws for each dimension that tell a covariance; with fewer, there are only variances."""

_FLOORS = 5.0
"""A distance is more than chance where it is above the floor by so many of its standard deviations."""


class Distance(NamedTuple):
    """The distance from the reference; the `floor`, which as many draws of the reference have, and its spread."""

    value: float
    floor: float
    spread: float

    @property
    def is_significant(self) -> bool:
        return self.value > self.floor + _FLOORS * self.spread


def distance_between(draws: np.ndarray, reference: np.ndarray, seed: int) -> Distance | None:
    """The sliced Wasserstein distance W₁ of draws (n, d) from those of a reference (m, d), both nearly independent.

    It is the mean over directions of the mean distance between sorted projections (Bonneel et al. 2015), in standard
    deviations of the reference in each direction: coordinates are whitened by its covariance. Half of the reference
    is the most that is compared at once, so that there are two sets for the floor. None for fewer than two draws.
    """
    count = min(len(draws), len(reference) // 2)
    if count < 2 or not np.all(np.isfinite(draws)):
        return None
    generator = np.random.default_rng(seed)
    scale = _whitening(reference)
    own, known = (draws - reference.mean(axis=0)) @ scale, (reference - reference.mean(axis=0)) @ scale
    directions = generator.normal(size=(own.shape[1], _DIRECTIONS if own.shape[1] > 1 else 1))
    directions /= np.linalg.norm(directions, axis=0)
    own, known = own @ directions, known @ directions
    values, floors = [], []
    for _ in range(_SPLITS):
        places = generator.permutation(len(known))
        first, second = np.sort(known[places[:count]], axis=0), np.sort(known[places[count : 2 * count]], axis=0)
        some = np.sort(own[generator.permutation(len(own))[:count]], axis=0)
        values.append(np.abs(some - first).mean())
        floors.append(np.abs(second - first).mean())
    return Distance(float(np.mean(values)), float(np.mean(floors)), float(np.std(floors, ddof=1)))


def _whitening(reference: np.ndarray) -> np.ndarray:
    """What reference draws (m, d) are multiplied by, (d, d), to have unit variance in each direction."""
    dimension = reference.shape[1]
    if len(reference) > _PER_DIMENSION * dimension:
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(reference.T)))
        floor = np.finfo(float).eps * max(float(values.max()), np.finfo(float).tiny)
        return np.asarray(vectors / np.sqrt(np.maximum(values, floor)))
    spread = reference.std(axis=0)
    return np.diag(1 / np.where(spread > 0, spread, 1.0))
