"""What must hold for a covariance matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pdflang.data.checks import check_finite
from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    import numpy as np

_ASYMMETRY = 1e-10
"""The largest difference between mirrored entries, relative to the product of the standard deviations."""

_ROWS_SHOWN = 3


def check_covariance(
    matrix: np.ndarray, context: DataContext, row_name: Callable[[int], str] | None = None
) -> np.ndarray:
    """A symmetric and positive definite matrix (n, n), returned as its Cholesky factor, lower triangular.

    `row_name` says what a row is called; by default its number from 1. Errors: E511, which names the entry
    that is not symmetric, or the smallest eigenvalue and the rows of its eigenvector; E507, E508.
    """
    import numpy as np

    name_of = row_name or (lambda position: f"row {position + 1}")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        shape = " × ".join(map(str, matrix.shape)) or "that of a single number"
        raise data_error("E511", f"`{context.name}` is no square matrix: its shape is {shape}", context)
    check_finite(matrix, context)
    _check_symmetric(matrix, context, name_of)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise _not_positive(matrix, context, name_of) from None


def _check_symmetric(matrix: np.ndarray, context: DataContext, name_of: Callable[[int], str]) -> None:
    import numpy as np

    size = np.sqrt(np.abs(np.diag(matrix)))
    difference = np.abs(matrix - matrix.T)
    if np.all(difference <= _ASYMMETRY * np.outer(size, size)):
        return
    row, column = (int(i) for i in np.unravel_index(np.argmax(difference), matrix.shape))
    raise data_error(
        "E511",
        f"`{context.name}` is not symmetric: {name_of(row)} with {name_of(column)} has "
        f"{matrix[row, column]:.10g}, and the other way {matrix[column, row]:.10g}",
        context,
        remedy="write a covariance with the same number on both sides of the diagonal",
    )


def _not_positive(matrix: np.ndarray, context: DataContext, name_of: Callable[[int], str]) -> PdflangError:
    import numpy as np

    values, vectors = np.linalg.eigh(matrix)
    weights = vectors[:, 0] ** 2
    largest = [int(i) for i in np.argsort(-weights, kind="stable")[:_ROWS_SHOWN] if weights[i] > 0.01]
    rows = ", ".join(f"{name_of(i)} ({100 * weights[i]:.0f}%)" for i in largest)
    return data_error(
        "E511",
        f"`{context.name}` is not positive definite: its smallest eigenvalue is {values[0]:.4g}, the largest "
        f"{values[-1]:.4g}",
        context,
        notes=(f"The combination of data without a variance is made of {rows}.",),
        remedy="a datum that is there twice, one without an uncorrelated error, or rounded entries do this: "
        "leave out a row or add its uncorrelated error",
    )
