"""Distributions on all real numbers, and Uniform between two of them."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, nn, random
from jax.scipy.special import erfc
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.support import where_inside
from pdflang.backend.runtime.incomplete import log1mexp, log_beta_tails
from pdflang.backend.runtime.special import log_beta, log_Phi

Shape = tuple[int, ...]
_LOG_2 = float(np.log(2.0))
_LOG_PI = float(np.log(np.pi))
_HALF_LOG_2_PI = float(0.5 * np.log(2.0 * np.pi))


class Normal:
    """Location mu, standard deviation sigma."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return -0.5 * jnp.square((y - mu) / sigma) - jnp.log(sigma) - _HALF_LOG_2_PI

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return log_Phi((y - mu) / sigma)

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return log_Phi((mu - y) / sigma)

    @staticmethod
    def probability(lower: ArrayLike, upper: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        # Both ends are mirrored to the left of the mean where the interval lies right of it.
        scale = -1.0 / (sigma * math.sqrt(2.0))
        left, right = (lower - mu) * scale, (upper - mu) * scale
        side = jnp.where(left + right < 0.0, -1.0, 1.0)
        return 0.5 * jnp.abs(erfc(side * right) - erfc(side * left))

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return mu + sigma * random.normal(key, shape)


class StudentT:
    """nu degrees of freedom, location mu, scale sigma."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, nu: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        z = (y - mu) / sigma
        log_kernel = -0.5 * (nu + 1.0) * jnp.log1p(jnp.square(z) / nu)
        return log_kernel - log_beta(0.5 * nu, 0.5) - 0.5 * jnp.log(nu) - jnp.log(sigma)

    @staticmethod
    def log_cdf(y: ArrayLike, nu: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return StudentT._log_below((y - mu) / sigma, nu)

    @staticmethod
    def log_sf(y: ArrayLike, nu: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return StudentT._log_below((mu - y) / sigma, nu)

    @staticmethod
    def sample(key: Array, shape: Shape, nu: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return mu + sigma * random.t(key, nu, shape)

    @staticmethod
    def _log_below(z: Array, nu: ArrayLike) -> Array:
        # P(|T| > |z|) = I_x(nu/2, 1/2), x = nu/(nu + z^2) (DLMF 8.17.4 and Abramowitz and Stegun 26.7.1). At
        # z = 0 that has a kink, which a tiny shift avoids without losing the derivative.
        z = jnp.where(jnp.abs(z) < 1e-30, z - 1e-30, z)
        outer = log_beta_tails(0.5 * jnp.asarray(nu, float), 0.5, nu / jnp.square(z))[0] - _LOG_2
        return jnp.where(z < 0.0, outer, log1mexp(outer))


class Cauchy:
    """Location mu, half width at half maximum sigma."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return -jnp.log1p(jnp.square((y - mu) / sigma)) - jnp.log(sigma) - _LOG_PI

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return jnp.log(jnp.arctan2(1.0, (mu - y) / sigma)) - _LOG_PI

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return jnp.log(jnp.arctan2(1.0, (y - mu) / sigma)) - _LOG_PI

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return mu + sigma * random.cauchy(key, shape)


class Laplace:
    """Location mu, scale sigma: the mean distance from mu."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return -jnp.abs((y - mu) / sigma) - jnp.log(sigma) - _LOG_2

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return Laplace._log_below((y - mu) / sigma)

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return Laplace._log_below((mu - y) / sigma)

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return mu + sigma * random.laplace(key, shape)

    @staticmethod
    def _log_below(z: Array) -> Array:
        outer = -jnp.where(z < 0.0, -z, z) - _LOG_2
        return jnp.where(z < 0.0, outer, jnp.log1p(-jnp.exp(outer)))


class Logistic:
    """Location mu, scale sigma: the standard deviation is sigma*pi/sqrt(3)."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        z = (y - mu) / sigma
        return -nn.softplus(z) - nn.softplus(-z) - jnp.log(sigma)

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return -nn.softplus((mu - y) / sigma)

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return -nn.softplus((y - mu) / sigma)

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, sigma: ArrayLike) -> Array:
        return mu + sigma * random.logistic(key, shape)


class Flat:
    """1 everywhere: improper, so it has no distribution function and no sample."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike) -> Array:
        return jnp.zeros(jnp.shape(y))


class Uniform:
    """Between lower and upper, which belong to it."""

    discrete = False

    @staticmethod
    def log_prob(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Array:
        inside = (y >= lower) & (y <= upper)
        return jnp.where(inside, -jnp.log(jnp.asarray(upper) - lower), -jnp.inf)

    @staticmethod
    def log_cdf(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Array:
        return Uniform._log_share(jnp.asarray(y) - lower, jnp.asarray(upper) - lower)

    @staticmethod
    def log_sf(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Array:
        return Uniform._log_share(jnp.asarray(upper) - y, jnp.asarray(upper) - lower)

    @staticmethod
    def sample(key: Array, shape: Shape, lower: ArrayLike, upper: ArrayLike) -> Array:
        return lower + (jnp.asarray(upper) - lower) * random.uniform(key, shape)

    @staticmethod
    def _log_share(part: Array, width: Array) -> Array:
        inside = (part > 0.0) & (part < width)
        return where_inside(
            inside, lambda p: jnp.log(p / width), part, 0.5 * width, jnp.where(part > 0.0, 0.0, -jnp.inf)
        )
