"""A normal distribution on the unconstrained scale, as methods that approximate by one leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

_NARROW = 1e-12
"""Of the mean variance: what rounding leaves of a direction that has none."""


@dataclass(frozen=True)
class Normal:
    """Mean (n,) and the lower triangle L (n, n) of the covariance L Lᵀ."""

    mean: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, draws: np.ndarray) -> Normal:
        """The normal with mean and covariance of draws (m, n); where these do not move, it is very narrow."""
        covariance = np.atleast_2d(np.cov(draws.T))
        floor = _NARROW * np.trace(covariance) / len(covariance) + 1e-100
        return cls(draws.mean(axis=0), np.linalg.cholesky(covariance + floor * np.eye(len(covariance))))

    @property
    def log_volume(self) -> float:
        """½ log det(2π L Lᵀ): what the log-density at the mean falls short of 0."""
        return float(0.5 * len(self.mean) * np.log(2 * np.pi) + np.log(np.diag(self.root)).sum())

    def draws(self, chains: int, draws: int, seed: int) -> np.ndarray:
        """Independent draws (chain, draw, n); those of a chain do not depend on how many others there are."""
        generators = [np.random.default_rng((seed, chain)) for chain in range(chains)]
        noise = np.stack([generator.standard_normal((draws, len(self.mean))) for generator in generators])
        return self.mean + noise @ self.root.T

    def whitened(self, z: np.ndarray) -> np.ndarray:
        """L⁻¹ (z − mean) of points (m, n)."""
        return np.asarray(solve_triangular(self.root, (z - self.mean).T, lower=True)).T

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """The log-density (m,) at points (m, n)."""
        return -0.5 * np.sum(self.whitened(z) ** 2, axis=1) - self.log_volume
