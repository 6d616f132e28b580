"""Products of Chebyshev polynomials, on points whose coordinates go from −1 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pdflang.passes.compression.measure import Array

Exponents = NDArray[np.intp]
"""The orders j, k, … of products T_j(x) T_k(y) …, shape (polynomials, variables)."""

_BLOCK = 1 << 15
_PRODUCTS = 1 << 22


def exponents(variables: int, degree: int, power: float = 1.0) -> Exponents:
    """Those with (j^q + k^q + …)^(1/q) up to a degree: with q = 1 the total degree.

    A lower power leaves out products of high orders in several variables, of which a rate has little where it is
    nearly a product itself (Blatman and Sudret, C. R. Mecanique 336 (2008) 518).
    """
    every = np.indices((degree + 1,) * variables).reshape(variables, -1)
    norms = (every.astype(float) ** power).sum(axis=0) ** (1 / power)
    return every[:, norms <= degree * (1 + 1e-9)].T


def moments(points: Array, weights: Array, polynomials: Exponents, size: int | None = None) -> Array:
    """Σ w φ over each `size` points in their order (all of them if not given), shape (groups, polynomials).

    The products are those of matrices, and memory is that of one block.
    """
    size = size or len(points)
    leading, which = np.unique(polynomials[:, :-1], axis=0, return_inverse=True)
    last = polynomials[:, -1]
    per_block = max(1, min(_BLOCK // size, _PRODUCTS // (len(leading) * (last.max() + 1))))
    sums = np.zeros((-(-len(points) // size), len(polynomials)))
    for first in range(0, len(sums), per_block):
        groups = slice(first, first + per_block)
        for start in range(0, size, _BLOCK):
            places = _places(len(points), size, first, min(first + per_block, len(sums)), start)
            sums[groups] += _products(points, weights, leading, last.max(), places)[:, which, last]
    return sums


def _places(count: int, size: int, first: int, last: int, start: int) -> NDArray[np.intp]:
    """Positions (groups, members) of points; `count` stands for none."""
    members = np.arange(start, min(start + _BLOCK, size))
    return np.minimum(np.arange(first, last)[:, None] * size + members, count)


def _products(
    points: Array, weights: Array, leading: Exponents, highest: int, places: NDArray[np.intp]
) -> Array:
    """Σ w T_j(x) … T_k(z) over the rows of places, shape (groups, leading, highest + 1)."""
    exists = places < len(points)
    places = np.where(exists, places, 0)
    left = np.broadcast_to(np.where(exists, weights[places], 0.0), (len(leading), *places.shape))
    for variable, orders in enumerate(leading.T):
        left = left * _chebyshev(points[places, variable], orders.max())[orders]
    return np.einsum("jgm,kgm->gjk", left, _chebyshev(points[places, -1], highest), optimize=True)


def _chebyshev(points: Array, degree: int) -> Array:
    """T_0 … T_degree by their recurrence, shape (degree + 1, …)."""
    values = np.ones((degree + 1, *points.shape))
    values[1:2] = points
    for k in range(2, degree + 1):
        values[k] = 2 * points * values[k - 1] - values[k - 2]
    return values
