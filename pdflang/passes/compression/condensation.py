"""Any number of points in one variable become a few thousand in one pass, exact to rounding for what is smooth.

The points are laid out in θ = arccos of their place between the first and the last, in which a polynomial of
degree n is a sum of cosines up to cos(nθ). In each of many narrow cells of θ the points give way to the two
of the local Gauss rule (exact to the third power of the width), then groups of cells to a larger rule of
theirs. All weights stay positive, each node lies among the points that it stands for, and lonely points at
the ends stay as they are: none of this holds for methods that go through moments of the whole.
"""

from __future__ import annotations

import numpy as np

from pdflang.passes.compression.gauss import gauss_rule
from pdflang.passes.compression.measure import Array

_CELLS = 1 << 17
_GROUPS = 1 << 9
_GROUP_NODES = 8
LARGEST = _GROUPS * _GROUP_NODES
_BLOCK = 1 << 16
_FLAT = 1e-10
"""Below this variance, in units of half a cell, its points count as one."""


def condense(points: Array, weights: Array) -> tuple[Array, Array]:
    """At most `LARGEST` points and positive weights for positive weights (n,) on points (n,).

    Sums of polynomials up to degree 255 agree to about 1e-12 of the sum of moduli; fewer points stay as they are.
    """
    if len(points) <= LARGEST:
        return points, weights
    low, high = points.min(), points.max()
    middle, half = (low + high) / 2, max((high - low) / 2, np.finfo(float).tiny)
    theta, mass = _grouped(*_two_in_each(_moments(points, weights, middle, half)))
    kept = mass > 0
    return np.clip(middle + half * np.cos(theta[kept]), low, high), mass[kept]


def _moments(points: Array, weights: Array, middle: float, half: float) -> Array:
    """Σ w, Σ w u, Σ w u², Σ w u³ by cell, shape (4, cells), u from −1 to 1 across the cell."""
    moments = np.zeros((4, _CELLS))
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        place = np.arccos(np.clip((points[block] - middle) / half, -1, 1)) * (_CELLS / np.pi)
        cell = np.minimum(place.astype(np.intp), _CELLS - 1)
        u, power = 2 * (place - cell) - 1, np.array(weights[block])
        for moment in moments:
            moment += np.bincount(cell, power, _CELLS)
            power *= u
    return moments


def _two_in_each(moments: Array) -> tuple[Array, Array]:
    """The Gauss rules of two nodes: θ and weights, each (cells, 2); cells without points weigh 0."""
    mass = moments[0]
    mean, second, third = np.divide(moments[1:], mass, out=np.zeros_like(moments[1:]), where=mass > 0)
    variance = second - mean**2
    spread = variance > _FLAT
    skew = np.divide(third - 3 * mean * variance - mean**3, variance, out=np.zeros_like(mean), where=spread)
    reach = np.where(spread, np.sqrt(np.maximum(variance, 0) + skew**2 / 4), 1.0)
    offsets = np.stack([skew / 2 - reach, skew / 2 + reach])
    shares = np.where(spread, np.stack([offsets[1], -offsets[0]]) / (2 * reach), 0.5)
    u = np.clip(mean + np.where(spread, offsets, 0.0), -1, 1)
    return ((np.arange(_CELLS) + (u + 1) / 2) * (np.pi / _CELLS)).T, (mass * shares).T


def _grouped(theta: Array, mass: Array) -> tuple[Array, Array]:
    """Neighbouring cells together, a Gauss rule for each group that has points."""
    theta, mass = theta.reshape(_GROUPS, -1), mass.reshape(_GROUPS, -1)
    occupied = mass.any(axis=1)
    return gauss_rule(theta[occupied], mass[occupied], _GROUP_NODES)
