"""Distributions on the positive numbers, and Beta on (0, 1)."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, random
from jax.scipy.special import erf, gammaln
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.real_line import Normal, Shape
from pdflang.backend.runtime.distributions.support import where_inside
from pdflang.backend.runtime.incomplete import log1mexp, log_beta_tails, log_gamma_tails
from pdflang.backend.runtime.special import log_beta, log_Phi

_LOG_2 = float(np.log(2.0))
_LOG_2_OVER_PI = float(np.log(2.0 / np.pi))


def _positive(function: Callable[[Array], Array], y: ArrayLike, outside: float = -jnp.inf) -> Array:
    y = jnp.asarray(y)
    return where_inside(y > 0.0, function, y, 1.0, outside)


def _nonnegative(function: Callable[[Array], Array], y: ArrayLike) -> Array:
    y = jnp.asarray(y)
    return where_inside(y >= 0.0, function, y, 1.0)


class LogNormal:
    """log(y) is Normal(mu, sigma)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: Normal.log_prob(jnp.log(y), mu, sigma) - jnp.log(y), y)

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: Normal.log_cdf(jnp.log(y), mu, sigma), y)

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: Normal.log_sf(jnp.log(y), mu, sigma), y, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return jnp.exp(Normal.sample(key, shape, mu, sigma))


class HalfNormal:
    """|y| where y is Normal(0, sigma)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _nonnegative(lambda y: Normal.log_prob(y, 0.0, sigma) + _LOG_2, y)

    @staticmethod
    def log_cdf(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: jnp.log(erf(y / (np.sqrt(2.0) * sigma))), y)

    @staticmethod
    def log_sf(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: log_Phi(-y / sigma) + _LOG_2, y, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, sigma: ArrayLike) -> Array:
        return jnp.abs(sigma * random.normal(key, shape))


class HalfCauchy:
    """|y| where y is Cauchy(0, sigma)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _nonnegative(lambda y: _LOG_2_OVER_PI - jnp.log1p(jnp.square(y / sigma)) - jnp.log(sigma), y)

    @staticmethod
    def log_cdf(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: jnp.log(jnp.arctan(y / sigma)) + _LOG_2_OVER_PI, y)

    @staticmethod
    def log_sf(y: ArrayLike, sigma: ArrayLike) -> Array:
        return _positive(lambda y: jnp.log(jnp.arctan2(sigma, y)) + _LOG_2_OVER_PI, y, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, sigma: ArrayLike) -> Array:
        return jnp.abs(sigma * random.cauchy(key, shape))


class Exponential:
    """rate*exp(-rate*y)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, rate: ArrayLike) -> Array:
        return _nonnegative(lambda y: jnp.log(rate) - rate * y, y)

    @staticmethod
    def log_cdf(y: ArrayLike, rate: ArrayLike) -> Array:
        return _positive(lambda y: log1mexp(-rate * y), y)

    @staticmethod
    def log_sf(y: ArrayLike, rate: ArrayLike) -> Array:
        return _positive(lambda y: -rate * y, y, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, rate: ArrayLike) -> Array:
        return random.exponential(key, shape) / rate


class Gamma:
    """Mean shape/rate."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, shape: ArrayLike, rate: ArrayLike) -> Array:
        log_norm = shape * jnp.log(rate) - gammaln(shape)
        return _positive(lambda y: (shape - 1.0) * jnp.log(y) - rate * y + log_norm, y)

    @staticmethod
    def log_cdf(y: ArrayLike, shape: ArrayLike, rate: ArrayLike) -> Array:
        return _positive(lambda y: log_gamma_tails(shape, rate * y)[0], y)

    @staticmethod
    def log_sf(y: ArrayLike, shape: ArrayLike, rate: ArrayLike) -> Array:
        return _positive(lambda y: log_gamma_tails(shape, rate * y)[1], y, 0.0)

    @staticmethod
    def sample(key: Array, batch: Shape, shape: ArrayLike, rate: ArrayLike) -> Array:
        return random.gamma(key, shape, batch) / rate


class InverseGamma:
    """1/y is Gamma(shape, scale)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        log_norm = shape * jnp.log(scale) - gammaln(shape)
        return _positive(lambda y: -(shape + 1.0) * jnp.log(y) - scale / y + log_norm, y)

    @staticmethod
    def log_cdf(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        return _positive(lambda y: log_gamma_tails(shape, scale / y)[1], y)

    @staticmethod
    def log_sf(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        return _positive(lambda y: log_gamma_tails(shape, scale / y)[0], y, 0.0)

    @staticmethod
    def sample(key: Array, batch: Shape, shape: ArrayLike, scale: ArrayLike) -> Array:
        return scale / random.gamma(key, shape, batch)


class Weibull:
    """(y/scale)^shape is Exponential(1)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        def density(y: Array) -> Array:
            z = y / scale
            return jnp.log(shape / jnp.asarray(scale)) + (shape - 1.0) * jnp.log(z) - z**shape

        return _positive(density, y)

    @staticmethod
    def log_cdf(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        return _positive(lambda y: log1mexp(-((y / scale) ** shape)), y)

    @staticmethod
    def log_sf(y: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> Array:
        return _positive(lambda y: -((y / scale) ** shape), y, 0.0)

    @staticmethod
    def sample(key: Array, batch: Shape, shape: ArrayLike, scale: ArrayLike) -> Array:
        return scale * random.exponential(key, batch) ** (1.0 / jnp.asarray(shape))


class Beta:
    """y^(a - 1) * (1 - y)^(b - 1) / beta(a, b)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
        y, log_norm = jnp.asarray(y), -log_beta(a, b)
        return where_inside(
            (y > 0.0) & (y < 1.0),
            lambda y: (a - 1.0) * jnp.log(y) + (b - 1.0) * jnp.log1p(-y) + log_norm,
            y,
            0.5,
        )

    @staticmethod
    def log_cdf(y: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
        return log_beta_tails(a, b, Beta._odds(y))[0]

    @staticmethod
    def log_sf(y: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
        return log_beta_tails(a, b, Beta._odds(y))[1]

    @staticmethod
    def sample(key: Array, shape: Shape, a: ArrayLike, b: ArrayLike) -> Array:
        return random.beta(key, a, b, shape)

    @staticmethod
    def _odds(y: ArrayLike) -> Array:
        y = jnp.asarray(y)
        inside = (y > 0.0) & (y < 1.0)
        return where_inside(inside, lambda y: y / (1.0 - y), y, 0.5, jnp.where(y > 0.0, jnp.inf, 0.0))
