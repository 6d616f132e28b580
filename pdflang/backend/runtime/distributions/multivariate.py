"""Distributions of vectors, which lie along the last axis; all axes in front are plates."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import gammaln, xlogy
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.real_line import Shape
from pdflang.backend.runtime.distributions.support import where_inside

_LOG_2_PI = float(np.log(2.0 * np.pi))


class MvNormal:
    """Mean mu[..., n], covariance L L' with the lower triangle L = scale_tril[..., n, n]."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, scale_tril: ArrayLike) -> Array:
        scale_tril = jnp.asarray(scale_tril)
        residual = jnp.asarray(y) - mu
        if scale_tril.ndim == 2:
            # One triangle for all rows: the rows become the columns of one right-hand side.
            columns = residual.reshape(-1, residual.shape[-1]).T
            white = solve_triangular(scale_tril, columns, lower=True).T.reshape(residual.shape)
        else:
            plates = jnp.broadcast_shapes(residual.shape[:-1], scale_tril.shape[:-2])
            residual = jnp.broadcast_to(residual, (*plates, residual.shape[-1]))
            scale_tril = jnp.broadcast_to(scale_tril, (*plates, *scale_tril.shape[-2:]))
            white = solve_triangular(scale_tril, residual[..., None], lower=True)[..., 0]
        log_det = jnp.sum(jnp.log(jnp.diagonal(scale_tril, axis1=-2, axis2=-1)), axis=-1)
        return -0.5 * jnp.sum(jnp.square(white), axis=-1) - log_det - 0.5 * residual.shape[-1] * _LOG_2_PI

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, scale_tril: ArrayLike) -> Array:
        """Draws of shape (*shape, n)."""
        scale_tril = jnp.asarray(scale_tril)
        white = random.normal(key, (*shape, scale_tril.shape[-1]))
        return mu + jnp.einsum("...ij,...j->...i", scale_tril, white)


def scale_tril_of_covariance(cov: ArrayLike) -> Array:
    """The lower triangle L with cov = L L'; NaN where `cov` is not positive definite."""
    return jnp.linalg.cholesky(jnp.asarray(cov))


def scale_tril_of_precision(precision: ArrayLike) -> Array:
    """The lower triangle L with L L' = precision^-1, without inverting it.

    The Cholesky factor of the precision with its rows and columns reversed, reversed back, is upper
    triangular: precision = U U', so that L = U'^-1.
    """
    precision = jnp.asarray(precision)
    upper = jnp.flip(jnp.linalg.cholesky(jnp.flip(precision, (-2, -1))), (-2, -1))
    identity = jnp.broadcast_to(jnp.eye(precision.shape[-1]), precision.shape)
    return solve_triangular(jnp.swapaxes(upper, -2, -1), identity, lower=True)


class Dirichlet:
    """Positive numbers that add up to 1; concentration[..., n]. A density in all elements but the last."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, concentration: ArrayLike) -> Array:
        y, concentration = jnp.asarray(y), jnp.asarray(concentration, float)
        tolerance = 100.0 * jnp.finfo(float).eps * y.shape[-1]
        on_simplex = jnp.all(y >= 0.0, axis=-1) & (jnp.abs(jnp.sum(y, axis=-1) - 1.0) < tolerance)
        log_norm = gammaln(jnp.sum(concentration, axis=-1)) - jnp.sum(gammaln(concentration), axis=-1)
        return (
            where_inside(
                on_simplex[..., None],
                lambda y: jnp.sum(xlogy(concentration - 1.0, y), axis=-1, keepdims=True),
                y,
                1.0 / y.shape[-1],
            )[..., 0]
            + log_norm
        )

    @staticmethod
    def sample(key: Array, shape: Shape, concentration: ArrayLike) -> Array:
        """Draws of shape (*shape, n)."""
        concentration = jnp.asarray(concentration, float)
        # In logarithms, so that small concentrations do not underflow to 0/0.
        log_draws = random.loggamma(key, concentration, (*shape, concentration.shape[-1]))
        draws = jnp.exp(log_draws - lax.stop_gradient(jnp.max(log_draws, axis=-1, keepdims=True)))
        return draws / jnp.sum(draws, axis=-1, keepdims=True)
