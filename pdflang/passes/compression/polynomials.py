"""Products of Chebyshev polynomials up to a total degree, on points whose coordinates go from −1 to 1."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pdflang.passes.compression.measure import Array

_BLOCK = 1 << 15


def polynomial_count(variables: int, degree: int) -> int:
    """The number of polynomials up to a total degree."""
    return math.comb(variables + degree, variables)


def moments(points: Array, weights: Array, degree: int, size: int | None = None) -> Array:
    """Σ w φ over each `size` points in their order (all of them if not given), shape (groups, polynomials).

    The products are those of matrices: 2·n·(degree + 1)^variables operations at the speed of these, and
    memory for one block.
    """
    size = size or len(points)
    per_block = max(1, _BLOCK // size)
    chosen = np.indices((degree + 1,) * points.shape[1]).sum(axis=0).ravel() <= degree
    sums = np.zeros((-(-len(points) // size), chosen.sum()))
    for first in range(0, len(sums), per_block):
        groups = slice(first, first + per_block)
        for start in range(0, size, _BLOCK):
            places = _places(len(points), size, first, min(first + per_block, len(sums)), start)
            sums[groups] += _products(points, weights, degree, places)[:, chosen]
    return sums


def _places(count: int, size: int, first: int, last: int, start: int) -> NDArray[np.intp]:
    """Positions (groups, members) of points; `count` stands for none."""
    members = np.arange(start, min(start + _BLOCK, size))
    return np.minimum(np.arange(first, last)[:, None] * size + members, count)


def _products(points: Array, weights: Array, degree: int, places: NDArray[np.intp]) -> Array:
    """Σ w T_j(x) T_k(y) … over the rows of places, shape (groups, all products)."""
    exists = places < len(points)
    places = np.where(exists, places, 0)
    first, *others = (_chebyshev(points[places, k], degree) for k in range(points.shape[1]))
    left = first * np.where(exists, weights[places], 0.0)
    for other in others[:-1]:
        left = (left[:, None] * other[None]).reshape(-1, *places.shape)
    return np.einsum("jgm,kgm->gjk", left, others[-1], optimize=True).reshape(len(places), -1)


def _chebyshev(points: Array, degree: int) -> Array:
    """T_0 … T_degree by their recurrence, shape (degree + 1, …)."""
    values = np.ones((degree + 1, *points.shape))
    values[1:2] = points
    for k in range(2, degree + 1):
        values[k] = 2 * points * values[k - 1] - values[k - 2]
    return values
