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
    correlated = shifts(reference, correlated_absolute, correlated_relative)
    # The product need not be symmetric in its last bit.
    matrix = correlated @ correlated.T
    variances = _variances(reference, uncorrelated_absolute, uncorrelated_relative)
    return (matrix + matrix.T) / 2 + numpy.diag(variances)


def shifts(reference: Any, correlated_absolute: Any, correlated_relative: Any) -> Any:
    """What one standard deviation of each correlated error does to the data, (n, k)."""
    return correlated_absolute + correlated_relative * reference[:, None]


def errors(reference: Any, uncorrelated_absolute: Any, uncorrelated_relative: Any) -> Any:
    """The standard deviations of what is uncorrelated, (n,)."""
    return _variances(reference, uncorrelated_absolute, uncorrelated_relative) ** 0.5


def _variances(reference: Any, absolute: Any, relative: Any) -> Any:
    return ((absolute + relative * reference[:, None]) ** 2).sum(axis=1)
