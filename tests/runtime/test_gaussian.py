"""What each entry of a normal vector adds to the others, against SciPy's densities of all and of all but one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pdflang.backend.runtime.gaussian import log_conditional


@pytest.fixture
def vectors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two data vectors (2, 5), their mean (5,) and a covariance."""
    random = np.random.default_rng(3)
    root = random.normal(size=(5, 5))
    return random.normal(size=(2, 5)), random.normal(size=5), root @ root.T + 0.3 * np.eye(5)


def ratio(y: np.ndarray, mu: np.ndarray, covariance: np.ndarray, left_out: int) -> float:
    """log p(y) − log p(y without one entry)."""
    rest = np.delete(np.arange(len(y)), left_out)
    whole = stats.multivariate_normal(mu, covariance).logpdf(y)
    return float(whole - stats.multivariate_normal(mu[rest], covariance[np.ix_(rest, rest)]).logpdf(y[rest]))


def test_entries_given_the_others_are_ratios_of_densities(vectors) -> None:
    y, mu, covariance = vectors
    expected = [[ratio(row, mu, covariance, i) for i in range(5)] for row in y]
    scale_tril = np.linalg.cholesky(covariance)
    np.testing.assert_allclose(log_conditional(y, mu, scale_tril), expected, rtol=1e-11)
    plates = np.stack([scale_tril, np.linalg.cholesky(2 * covariance)])
    expected[1] = [ratio(y[1], mu, 2 * covariance, i) for i in range(5)]
    np.testing.assert_allclose(log_conditional(y, mu, plates), expected, rtol=1e-11)


def test_independent_entries_know_nothing_of_each_other(vectors) -> None:
    y, mu, _ = vectors
    sigma = np.array([0.5, 1.0, 2.0, 3.0, 0.1])
    expected = stats.norm.logpdf(y, mu, sigma)
    np.testing.assert_allclose(log_conditional(y, mu, np.diag(sigma)), expected, rtol=1e-13)
