"""χ² of normal data, and what each datum adds to the others."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular
from jax.typing import ArrayLike

_HALF_LOG_2_PI = float(0.5 * np.log(2.0 * np.pi))


def chi2(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
    """Σ ((y − μ)/σ)² of independent data."""
    return jnp.sum(((jnp.asarray(y) - mu) / sigma) ** 2)


def chi2_correlated(y: ArrayLike, mu: ArrayLike, scale_tril: ArrayLike) -> Array:
    """(y − μ)ᵀ (L Lᵀ)⁻¹ (y − μ) with the lower triangle L, for data y[n]."""
    return jnp.sum(solve_triangular(jnp.asarray(scale_tril), jnp.asarray(y) - mu, lower=True) ** 2)


def log_conditional(y: ArrayLike, mu: ArrayLike, scale_tril: ArrayLike) -> Array:
    """log p(yᵢ | all other entries) of normal vectors y[..., n] with the lower triangle L[..., n, n].

    With K = (L Lᵀ)⁻¹ it is normal: variance 1/Kᵢᵢ, mean yᵢ − [K (y − μ)]ᵢ/Kᵢᵢ (Sundararajan & Keerthi,
    Neural Computation 13 (2001) 1103; for leave-one-out see Bürkner, Gabry & Vehtari, Comput. Stat. 36 (2021) 1243).
    """
    scale_tril, residual = jnp.asarray(scale_tril), jnp.asarray(y) - mu
    unit = jnp.broadcast_to(jnp.eye(scale_tril.shape[-1]), scale_tril.shape)
    inverse = solve_triangular(scale_tril, unit, lower=True)
    slope = jnp.einsum("...ji,...jk,...k->...i", inverse, inverse, residual, optimize="optimal")
    precision = jnp.sum(jnp.square(inverse), axis=-2)
    return 0.5 * (jnp.log(precision) - jnp.square(slope) / precision) - _HALF_LOG_2_PI
