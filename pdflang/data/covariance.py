"""Covariance matrices, in NumPy or JAX, whichever the arguments are."""

from __future__ import annotations

from typing import Any


def from_systematics(
    reference: Any,
    correlated_absolute: Any,
    correlated_relative: Any,
    uncorrelated_absolute: Any,
    uncorrelated_relative: Any,
) -> Any:
    """The covariance (n, n) of n data with k correlated and l uncorrelated errors, exactly symmetric.

    `reference` (n,) is what relative errors refer to: the measured values, or a fixed prediction (the t0
    prescription, Ball et al., arXiv:0912.2276). The others are standard deviations, (n, k) and (n, l).
    """
    numpy = reference.__array_namespace__()
    correlated = correlated_absolute + correlated_relative * reference[:, None]
    uncorrelated = uncorrelated_absolute + uncorrelated_relative * reference[:, None]
    # The product need not be symmetric in its last bit.
    matrix = correlated @ correlated.T
    return (matrix + matrix.T) / 2 + numpy.diag((uncorrelated**2).sum(axis=1))
