"""Logarithms of the regularised incomplete gamma and beta functions, in both tails, with all derivatives.

`jax.scipy.special` underflows where a tail is below 1e-308, and has no derivatives in the parameters of
betainc. Here the tail without the mode is an explicit factor times a smooth, falling integral over (0, inf),
which a fixed rule gives to rounding; the other tail is its complement.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax, nn
from jax.scipy.special import gammaln
from jax.typing import ArrayLike

from pdflang.backend.runtime.special import log_beta

# Trapezoidal rule in t with s = exp(t - exp(-t)), which resolves all scales of a falling exponential
# (Takahasi and Mori 1974, "Double exponential formulas"; Mori and Sugihara 2001, section 3).
_T = np.arange(-3.75, 4.5, 0.125)
_NODES = np.exp(_T - np.exp(-_T))
_WEIGHTS = 0.125 * _NODES * (1.0 + np.exp(-_T))


def log1mexp(x: ArrayLike) -> Array:
    """log(1 - exp(x)) for x <= 0 (Mächler 2012, "Accurately computing log(1 - exp(-|a|))")."""
    x = jnp.asarray(x)
    near = x > -np.log(2.0)
    small = jnp.where(near & (x < 0.0), x, -1.0)
    value = jnp.where(near, jnp.log(-jnp.expm1(small)), jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x))))
    return jnp.where(x < 0.0, value, -jnp.inf)


def falling_integral(exponent: Callable[[Array], Array], slope: Array, curvature: Array) -> Array:
    """The integral of exp(exponent(s)) over s > 0, for an exponent that is 0 at s = 0 and falls from there.

    The exponent starts as -slope*s - curvature*s^2/2, both non-negative; it sees one more axis, the nodes.
    """
    # The scale of s where the exponent is about -1. It places the nodes and has no part in the value.
    scale = lax.stop_gradient(2.0 / (slope + jnp.sqrt(slope**2 + 2.0 * curvature)))[..., None]
    return jnp.sum(scale * _WEIGHTS * jnp.exp(exponent(scale * _NODES)), axis=-1)


def log_gamma_tails(a: ArrayLike, x: ArrayLike) -> tuple[Array, Array]:
    """log P(a, x) and log Q(a, x) (DLMF 8.2.4) for a > 0, x >= 0."""
    a, x = jnp.broadcast_arrays(jnp.asarray(a, float), jnp.asarray(x, float))
    split = jnp.maximum(a, 1.0)
    below = x <= split
    inner = jnp.where(_is_interior(x), x, split)
    log_edge = a * jnp.log(inner) - inner - gammaln(a)
    lower = _log_lower_gamma(a, jnp.where(below, inner, split))
    upper = _log_upper_gamma(a, jnp.where(below, split, inner))
    return _both_tails(log_edge + jnp.where(below, lower, upper), below, x)


def _log_lower_gamma(a: Array, x: Array) -> Array:
    """log(P(a, x) gamma(a) e^x / x^a) for x <= a + 1.

    P(a, x) = P(a + 1, x) + x^a e^-x / gamma(a + 1) (DLMF 8.8.5), so that the integrand t^a e^-t falls from
    t = x with t = x e^-s.
    """
    rise, fall = x[..., None], (a + 1.0)[..., None]
    integral = falling_integral(lambda s: -fall * s - rise * jnp.expm1(-s), a + 1.0 - x, x)
    return jnp.log1p(x * integral) - jnp.log(a)


def _log_upper_gamma(a: Array, x: Array) -> Array:
    """log(Q(a, x) gamma(a) e^x / x^a) for x >= a, with t = x + s in the integral of t^(a - 1) e^-t."""
    power, start = (a - 1.0)[..., None], x[..., None]
    curvature = jnp.maximum(a - 1.0, 0.0) / x**2
    integral = falling_integral(lambda s: power * jnp.log1p(s / start) - s, 1.0 - (a - 1.0) / x, curvature)
    return jnp.log(integral / x)


def log_beta_tails(a: ArrayLike, b: ArrayLike, odds: ArrayLike) -> tuple[Array, Array]:
    """log I_x(a, b) and log I_(1-x)(b, a) (DLMF 8.17.2) at x = odds/(1 + odds), for a, b > 0, odds >= 0.

    Odds keep both x and 1 - x accurate.
    """
    a, b, odds = jnp.broadcast_arrays(*(jnp.asarray(v, float) for v in (a, b, odds)))
    split = (a + 1.0) / (b + 1.0)
    below = odds <= split
    inner = jnp.where(_is_interior(odds), odds, split)
    # Above the split the roles of x and 1 - x, and so those of a and b, are exchanged.
    log_lower = _log_lower_beta(
        jnp.where(below, a, b), jnp.where(below, b, a), jnp.where(below, inner, 1.0 / inner)
    )
    return _both_tails(log_lower - log_beta(a, b), below, odds)


def _log_lower_beta(a: Array, b: Array, odds: Array) -> Array:
    """log(I_x(a, b) beta(a, b)) for odds <= (a + 1)/(b + 1).

    I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a beta(a, b)) (DLMF 8.17.20), so that the integrand
    t^a (1 - t)^(b - 1) falls from t = x with t = x e^-s.
    """
    ratio, fall, power = odds[..., None], (a + 1.0)[..., None], (b - 1.0)[..., None]
    slope = a + 1.0 - (b - 1.0) * odds
    curvature = jnp.maximum(b - 1.0, 0.0) * odds * (1.0 + odds)
    integral = falling_integral(
        lambda s: -fall * s + power * jnp.log1p(-ratio * jnp.expm1(-s)), slope, curvature
    )
    log_edge = -a * nn.softplus(-jnp.log(odds)) - b * jnp.log1p(odds)
    return log_edge - jnp.log(a) + jnp.log1p((a + b) * odds * integral)


def _both_tails(log_tail: Array, is_lower: Array, x: Array) -> tuple[Array, Array]:
    """The lower and the upper tail from one of them; all mass lies above 0 and below infinity."""
    other = log1mexp(log_tail)
    lower, upper = jnp.where(is_lower, log_tail, other), jnp.where(is_lower, other, log_tail)
    nothing_below, interior = jnp.where(x > 0.0, 0.0, -jnp.inf), _is_interior(x)
    return jnp.where(interior, lower, nothing_below), jnp.where(interior, upper, log1mexp(nothing_below))


def _is_interior(x: Array) -> Array:
    return (x > 0.0) & (x < jnp.inf)
