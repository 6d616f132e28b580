"""Fewer points with positive weights and the same polynomial moments, in any number of variables.

Carathéodory: of a positive measure, as many of its own points as there are polynomials can carry all its
moments (for cubature: Tchakaloff, 1957). The points are put into twice as many groups as polynomials, groups
are made superfluous, and what is left is grouped anew: N points cost as much as their moments, and a factor
log N of small linear algebra (Litterer and Lyons, Ann. Appl. Probab. 22 (2012) 1301; Tchernychova, 2016).
A tensor grid with summed Lagrange weights would need twice the nodes, weights of both signs, and nodes where
there are no events: outside of a region like y < x, for one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dgemv, dger

from pdflang.passes.compression.measure import Array
from pdflang.passes.compression.polynomials import Exponents, moments


def recombine(points: Array, weights: Array, polynomials: Exponents) -> tuple[NDArray[np.intp], Array]:
    """Which points to keep and their weights: exact for these polynomials, of which one must be 1.

    `points` (n, variables) from −1 to 1, `weights` (n,) positive; at most as many points are kept as there are
    polynomials.
    """
    count = len(polynomials)
    kept = np.flatnonzero(weights)
    if len(kept) < len(points):
        points, weights = points[kept], weights[kept]
    while len(kept) > count:
        size = -(-len(kept) // (2 * count))
        factors = _fewest(moments(points, weights, polynomials, size).T)
        chosen = np.flatnonzero(np.repeat(factors > 0, size)[: len(kept)])
        weights = weights[chosen] * factors[chosen // size]
        kept, points = kept[chosen], points[chosen]
    return kept, weights


def _fewest(columns: Array) -> Array:
    """Factors ≥ 0, at most as many not 0 as there are rows, with columns @ factors = the sum of the columns."""
    rows, count = columns.shape
    factors = np.ones(count)
    null = np.ascontiguousarray(np.linalg.qr(columns.T, mode="complete")[0].T[rows:])
    while len(null):
        direction = null[-1] if null[-1].max() > -null[-1].min() else -null[-1]
        steps = np.divide(factors, direction, out=np.full(count, np.inf), where=direction > 0)
        gone = int(np.argmin(steps))
        factors = np.maximum(factors - steps[gone] * direction, 0.0)
        factors[gone] = 0.0
        null = _without(null, gone)
    return factors


def _without(null: Array, gone: int) -> Array:
    """An orthonormal basis (k − 1, n) of the vectors that do not use a position, by a Householder reflection."""
    mirror = null[:, gone].copy()
    mirror[-1] += math.copysign(np.linalg.norm(mirror), mirror[-1])
    mirror /= np.linalg.norm(mirror)
    columns = null.T  # as BLAS has them, so that null −= 2 m (mᵀ null) is done in place
    null = dger(-2.0, dgemv(1.0, columns, mirror), mirror, a=columns, overwrite_a=True).T
    null[:, gone] = 0.0
    return null[:-1]
