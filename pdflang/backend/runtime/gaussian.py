"""χ² of normal data."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from jax.typing import ArrayLike


def chi2(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
    """Σ ((y − μ)/σ)² of independent data."""
    return jnp.sum(((jnp.asarray(y) - mu) / sigma) ** 2)


def chi2_correlated(y: ArrayLike, mu: ArrayLike, scale_tril: ArrayLike) -> Array:
    """(y − μ)ᵀ (L Lᵀ)⁻¹ (y − μ) with the lower triangle L, for data y[n]."""
    return jnp.sum(solve_triangular(jnp.asarray(scale_tril), jnp.asarray(y) - mu, lower=True) ** 2)
