"""Cholesky factors of known matrices, which say what is wrong where there is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_ASYMMETRY = 1e-10
"""The largest difference between mirrored entries, relative to the standard deviations: as where data is checked."""

_BLOCKS = 5
_MANY_ROWS = 50


class NotPositiveDefinite(ValueError):
    """A matrix without a Cholesky factor; `site` is its number among the matrices of a model."""

    def __init__(self, matrix: np.ndarray, site: int) -> None:
        super().__init__("the matrix is not positive definite")
        self.matrix = matrix
        self.site = site


def cholesky(matrix: np.ndarray, site: int) -> np.ndarray:
    """The lower triangular L (…, n, n) with L Lᵀ = matrix.

    Raises NotPositiveDefinite, also for one that is asymmetric or not finite.
    """
    size = np.sqrt(np.abs(np.diagonal(matrix, axis1=-2, axis2=-1)))
    if np.any(np.abs(matrix - np.swapaxes(matrix, -2, -1)) > _ASYMMETRY * size[..., None] * size[..., None, :]):
        raise NotPositiveDefinite(matrix, site)
    try:
        found = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise NotPositiveDefinite(matrix, site) from None
    if not np.all(np.isfinite(found)):  # LAPACK takes no offence at NaN
        raise NotPositiveDefinite(matrix, site)
    return found


def cholesky_of_inverse(precision: np.ndarray, site: int) -> np.ndarray:
    """The lower triangular L with L Lᵀ the inverse of `precision`, which itself is never formed."""
    upper = np.flip(cholesky(np.flip(precision), site))
    return np.linalg.solve(upper.T, np.eye(len(precision)))


def whitened(scale_tril: np.ndarray, values: np.ndarray) -> np.ndarray:
    """L⁻¹ v over the first axis of v (n, …), L (n, n) lower triangular; NaN where v is not finite, or below it."""
    from scipy.linalg import solve_triangular

    columns = values.reshape(len(values), -1)
    return solve_triangular(scale_tril, columns, lower=True, check_finite=False).reshape(values.shape)


def triangular_blocks(y: np.ndarray, table: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """What |y − A v|² is a function of, A being a table (n, …) of k columns: no more than k rows, in blocks.

    With A = Q T it is |Qᵀ y − T v|² and a rest that no v changes (Golub & Van Loan, section 5.3.2). A block is some
    rows of the triangular T without the columns before its own, which are zero: of many rows and columns, less than two
    thirds are left. The blocks, Qᵀ y, and the rest.
    """
    columns = table.reshape(len(table), -1)
    count = columns.shape[1]
    triangle = np.asarray(np.linalg.qr(np.column_stack([columns, y]), mode="r"))
    rows, rotated, rest = triangle[:count, :count], triangle[:count, count], triangle[count:, count]
    edges = np.linspace(0, len(rows), 1 + (_BLOCKS if len(rows) >= _MANY_ROWS else 1)).astype(int)
    blocks = tuple(np.ascontiguousarray(rows[begin:end, begin:]) for begin, end in pairwise(edges))
    return blocks, rotated, np.sum(rest**2)


def log_norm_of_normal(scale_tril: np.ndarray) -> np.ndarray:
    """log √det(2π L Lᵀ)."""
    return np.sum(np.log(np.diagonal(scale_tril))) + 0.5 * len(scale_tril) * np.log(2 * np.pi)
