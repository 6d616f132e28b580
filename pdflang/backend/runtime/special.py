"""Elementwise functions that jax.numpy and jax.scipy.special lack."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy import special
from jax.typing import ArrayLike

# 256 equal steps around the circle, of which the symmetric half is kept: the error is about J_(256-n)(x).
_ANGLES = (np.arange(128) + 0.5) * np.pi / 128

_HALF_LOG_2_PI = float(0.5 * np.log(2.0 * np.pi))
# B_2k/(2k(2k - 1)), highest k first.
_STIRLING = np.array([1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12])


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


def digamma(x: ArrayLike) -> Array:
    """The derivative of log(gamma(x)), reflected (DLMF 5.5.4) to x > 0, where JAX differentiates it right."""
    x = jnp.asarray(x, float)
    negative = x < 0.0
    reflection = jnp.where(negative, jnp.pi / jnp.tan(jnp.pi * jnp.where(negative, x, 0.5)), 0.0)
    return special.digamma(jnp.where(negative, 1.0 - x, x)) - reflection


def log_or_floor(x: ArrayLike) -> Array:
    """log(x), and -1e100 for 0: then exp(e*log(x)) is x^e for any e, and its derivatives at 0 are 0, not NaN."""
    x = jnp.asarray(x, float)
    is_zero = x == 0.0
    return jnp.where(is_zero, -1e100, jnp.log(jnp.where(is_zero, 1.0, x)))


def log_Phi(x: ArrayLike) -> Array:
    """log of the standard normal's distribution function, with ten terms of its series below -20."""
    return special.log_ndtr(jnp.asarray(x, float), 10)


def log_beta(a: ArrayLike, b: ArrayLike) -> Array:
    """log(gamma(a) gamma(b)/gamma(a + b)) for a, b > 0, to rounding.

    Stirling's formula for each gamma function with its remainder (DLMF 5.11.1): the large terms cancel on
    paper. `jax.scipy.special.betaln` is wrong in the seventh digit (jax 0.10.2, a = 12, b = 1).
    """
    return _log_beta(*jnp.broadcast_arrays(jnp.asarray(a, float), jnp.asarray(b, float)))


@jax.custom_jvp
def _log_beta(a: Array, b: Array) -> Array:
    powers = -(a - 0.5) * jnp.log1p(b / a) - b * jnp.log1p(a / b) - 0.5 * jnp.log(b)
    remainders = _stirling_remainder(jnp.stack([a, b, a + b]))
    return powers + _HALF_LOG_2_PI + remainders[0] + remainders[1] - remainders[2]


@_log_beta.defjvp
def _log_beta_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    a, b = primals
    slopes = _digamma_of_positive(jnp.stack([a, b, a + b]))
    return _log_beta(a, b), (slopes[0] - slopes[2]) * tangents[0] + (slopes[1] - slopes[2]) * tangents[1]


def _digamma_of_positive(x: Array) -> Array:
    """The derivative of gammaln by the same recurrence and series, so that its own derivatives stay short."""
    inverse = 1.0 / (x + 8.0)
    series = jnp.polyval(_STIRLING * np.arange(13, 0, -2), jnp.square(inverse)) * jnp.square(inverse)
    return jnp.log(x + 8.0) - 0.5 * inverse - series - jnp.sum(1.0 / (x[..., None] + jnp.arange(8.0)), axis=-1)


def _stirling_remainder(x: Array) -> Array:
    """gammaln(x) - ((x - 1/2) log(x) - x + log(2 pi)/2) for x > 0, which falls as 1/(12 x).

    Below 10 by the recurrence gamma(x + 8) = gamma(x) x (x + 1) ... (x + 7): logarithms alone, of which XLA
    compiles derivatives of any order at once, where those of gammaln are long series.
    """
    is_large = x > 10.0
    small = jnp.where(is_large, 10.0, x)
    shifted = jnp.where(is_large, x, small + 8.0)
    inverse = 1.0 / shifted
    series = inverse * jnp.polyval(_STIRLING, jnp.square(inverse))
    rising = jnp.prod(small[..., None] + jnp.arange(8.0), axis=-1)
    down = (small + 7.5) * jnp.log(small + 8.0) - 8.0 - (small - 0.5) * jnp.log(small) - jnp.log(rising)
    return series + jnp.where(is_large, 0.0, down)


def beta(a: ArrayLike, b: ArrayLike) -> Array:
    """gamma(a) gamma(b)/gamma(a + b) for a, b > 0."""
    return jnp.exp(log_beta(a, b))


def log_choose(n: ArrayLike, k: ArrayLike) -> Array:
    """log(n!/(k! (n - k)!)) by the beta function, -inf where k > n or k < 0."""
    n, k = jnp.broadcast_arrays(jnp.asarray(n, float), jnp.asarray(k, float))
    inside = (k >= 0.0) & (k <= n)
    taken, total = jnp.where(inside, k, 0.0), jnp.where(inside, n, 1.0)
    value = -jnp.log1p(total) - log_beta(total - taken + 1.0, taken + 1.0)
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
