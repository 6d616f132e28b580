"""Gauss rules of discrete measures by Lanczos and Golub–Welsch, one at a time or many at once."""

from __future__ import annotations

import numpy as np

from pdflang.passes.compression.measure import Array

_BREAKDOWN = 1e-14
"""A residual this small beside the unit vectors is rounding: the measure has no further distinct points."""
_NEGLIGIBLE = 1e-30


def gauss_rule(points: Array, weights: Array, count: int) -> tuple[Array, Array]:
    """Nodes and weights (…, count) of the Gauss rules of positive measures on points (…, n).

    They are exact for polynomials up to the degree 2·count − 1, the nodes lie between the first and the last
    point, and the weights are positive; a measure with fewer distinct points gets those, and weights of 0
    for the rest. Memory is count·n. Source: Golub and Welsch (1969), Gautschi (2004), section 2.2.3, with
    every vector orthogonalised twice against all before it, without which Lanczos goes wrong.
    """
    low, high = points.min(axis=-1, keepdims=True), points.max(axis=-1, keepdims=True)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, np.finfo(float).tiny)
    diagonal, off = _lanczos((points - middle) / half, weights, count)
    nodes, vectors = np.linalg.eigh(_tridiagonal(diagonal, off))
    total = weights.sum(axis=-1, keepdims=True)
    shares = vectors[..., 0, :] ** 2
    return np.clip(middle + half * nodes, low, high), total * np.where(shares > _NEGLIGIBLE, shares, 0.0)


def _lanczos(points: Array, weights: Array, count: int) -> tuple[Array, Array]:
    """Recurrence coefficients of the orthonormal polynomials: diagonal (…, count), off-diagonal (…, count − 1)."""
    basis = np.zeros((*points.shape[:-1], count, points.shape[-1]))
    diagonal, norms = np.zeros(basis.shape[:-1]), np.zeros(basis.shape[:-1])
    vector = np.sqrt(weights / np.maximum(weights.sum(axis=-1, keepdims=True), np.finfo(float).tiny))
    for k in range(count):
        norm = np.linalg.norm(vector, axis=-1)
        norms[..., k] = np.where(norm > _BREAKDOWN, norm, 0.0)
        basis[..., k, :] = vector * np.divide(1, norm, out=np.zeros_like(norm), where=norm > _BREAKDOWN)[..., None]
        vector = points * basis[..., k, :]
        diagonal[..., k] = np.sum(vector * basis[..., k, :], axis=-1)
        vector = _orthogonal(_orthogonal(vector, basis[..., : k + 1, :]), basis[..., : k + 1, :])
    return diagonal, norms[..., 1:]


def _orthogonal(vector: Array, basis: Array) -> Array:
    """What is left of vectors (…, n) beside an orthonormal basis (…, k, n)."""
    shares = basis @ vector[..., None]
    return vector - (np.swapaxes(shares, -1, -2) @ basis)[..., 0, :]


def _tridiagonal(diagonal: Array, off: Array) -> Array:
    places = np.arange(diagonal.shape[-1])
    matrix = np.zeros((*diagonal.shape, len(places)))
    matrix[..., places, places] = diagonal
    matrix[..., places[1:], places[:-1]] = off  # eigh reads the lower triangle
    return matrix
