"""Log-probabilities of data of which a part was computed when the data was bound."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

_HALF_LOG_2_PI = float(0.5 * np.log(2.0 * np.pi))


def log_prob_of_counts(counts: ArrayLike, rate: ArrayLike, log_factorial: ArrayLike) -> Array:
    """Poisson's log-probability of whole counts >= 0; NaN for a negative rate, 0 of a rate of 0 is certain."""
    # Too small to change any other rate, and the same at every evaluation.
    least = jnp.where(jnp.asarray(counts) == 0, np.finfo(float).tiny, 0.0)
    return counts * jnp.log(rate + least) - rate - log_factorial


def log_prob_of_known_scale(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike, log_sigma: ArrayLike) -> Array:
    """Normal's log-probability."""
    return -0.5 * jnp.square((y - mu) / sigma) - (log_sigma + _HALF_LOG_2_PI)


def log_prob_of_white(y: ArrayLike, mu: ArrayLike, log_norm: ArrayLike) -> Array:
    """The log-probability of a normal vector: y and mu are whitened, log_norm is log √det(2π C)."""
    return -0.5 * jnp.sum(jnp.square(y - mu)) - log_norm


def log_prob_of_linear(
    blocks: tuple[Sequence[ArrayLike], ArrayLike, ArrayLike], v: ArrayLike, log_norm: ArrayLike
) -> Array:
    """The log-probability of a normal vector with mean A v, from the `triangular_blocks` of A and y."""
    rows, y, rest = blocks
    flat = jnp.ravel(v)
    mu = jnp.concatenate([block @ flat[flat.size - np.shape(block)[1] :] for block in rows])
    return -0.5 * (jnp.sum(jnp.square(y - mu)) + rest) - log_norm
