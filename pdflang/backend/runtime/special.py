"""Elementwise functions that jax.numpy and jax.scipy.special lack."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import betaln
from jax.typing import ArrayLike

# 256 equal steps around the circle, of which the symmetric half is kept: the error is about J_(256-n)(x).
_ANGLES = (np.arange(128) + 0.5) * np.pi / 128


def sign(x: ArrayLike) -> Array:
    """-1, 0 or 1, as an int."""
    return jnp.sign(x).astype(int)


def floor(x: ArrayLike) -> Array:
    """The largest int that is not above x."""
    return jnp.floor(x).astype(int)


def ceil(x: ArrayLike) -> Array:
    """The smallest int that is not below x."""
    return jnp.ceil(x).astype(int)


def round(x: ArrayLike) -> Array:
    """The nearest int; halves go to the even one."""
    return jnp.rint(x).astype(int)


def step(x: ArrayLike) -> Array:
    """0 below 0, 1 from 0 on, as an int."""
    return (jnp.asarray(x) >= 0).astype(int)


def log_choose(n: ArrayLike, k: ArrayLike) -> Array:
    """log(n!/(k! (n - k)!)) by the beta function, -inf where k > n or k < 0."""
    n, k = jnp.broadcast_arrays(jnp.asarray(n, float), jnp.asarray(k, float))
    inside = (k >= 0.0) & (k <= n)
    taken, total = jnp.where(inside, k, 0.0), jnp.where(inside, n, 1.0)
    value = -jnp.log1p(total) - betaln(total - taken + 1.0, taken + 1.0)
    return jnp.where(inside, value, -jnp.inf)


def choose(n: ArrayLike, k: ArrayLike) -> Array:
    """n!/(k! (n - k)!), 0 where k > n."""
    return jnp.exp(log_choose(n, k))


def bessel_j(n: ArrayLike, x: ArrayLike) -> Array:
    """J_n(x) for whole n, by the trapezoidal rule on its integral over a circle (DLMF 10.9.2).

    The absolute error is about 1e-15 for n <= 50, |x| <= 150; beyond that the value is NaN.
    """
    n, x = jnp.asarray(n, float), jnp.asarray(x, float)
    waves = jnp.cos(n[..., None] * _ANGLES - x[..., None] * np.sin(_ANGLES))
    return jnp.where((jnp.abs(x) <= 150.0) & (n <= 50.0), jnp.mean(waves, axis=-1), jnp.nan)
