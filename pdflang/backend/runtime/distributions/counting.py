"""Distributions of counts. The distribution functions take any real y: the mass at or below it."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, random
from jax.scipy.special import gammaln, xlog1py, xlogy
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.real_line import Shape
from pdflang.backend.runtime.distributions.support import is_whole, where_inside
from pdflang.backend.runtime.incomplete import log_beta_tails, log_gamma_tails
from pdflang.backend.runtime.special import log_beta, log_choose


class Poisson:
    """Expected count `rate`, which may be 0."""

    discrete = True

    @staticmethod
    def log_prob(y: ArrayLike, rate: ArrayLike) -> Array:
        y = jnp.asarray(y, float)
        return where_inside(
            is_whole(y) & (y >= 0.0), lambda y: xlogy(y, rate) - rate - gammaln(y + 1.0), y, 0.0
        )

    @staticmethod
    def log_cdf(y: ArrayLike, rate: ArrayLike) -> Array:
        y = jnp.floor(y)
        return where_inside(y >= 0.0, lambda y: log_gamma_tails(y + 1.0, rate)[1], y, 0.0)

    @staticmethod
    def log_sf(y: ArrayLike, rate: ArrayLike) -> Array:
        y = jnp.floor(y)
        return where_inside(y >= 0.0, lambda y: log_gamma_tails(y + 1.0, rate)[0], y, 0.0, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, rate: ArrayLike) -> Array:
        return random.poisson(key, rate, shape, int)


class NegativeBinomial:
    """Mean mu, variance mu + mu^2/phi: Stan's neg_binomial_2."""

    discrete = True

    @staticmethod
    def log_prob(y: ArrayLike, mu: ArrayLike, phi: ArrayLike) -> Array:
        y = jnp.asarray(y, float)

        def density(y: Array) -> Array:
            # choose(y + phi - 1, y) = 1/((y + phi) beta(y + 1, phi)), without the cancellation for large phi.
            log_ways = -jnp.log(y + phi) - log_beta(y + 1.0, phi)
            return log_ways - phi * jnp.log1p(mu / phi) - y * jnp.log1p(phi / mu)

        return where_inside(is_whole(y) & (y >= 0.0), density, y, 0.0)

    @staticmethod
    def log_cdf(y: ArrayLike, mu: ArrayLike, phi: ArrayLike) -> Array:
        y = jnp.floor(y)
        return where_inside(y >= 0.0, lambda y: log_beta_tails(phi, y + 1.0, phi / mu)[0], y, 0.0)

    @staticmethod
    def log_sf(y: ArrayLike, mu: ArrayLike, phi: ArrayLike) -> Array:
        y = jnp.floor(y)
        return where_inside(y >= 0.0, lambda y: log_beta_tails(phi, y + 1.0, phi / mu)[1], y, 0.0, 0.0)

    @staticmethod
    def sample(key: Array, shape: Shape, mu: ArrayLike, phi: ArrayLike) -> Array:
        rate_key, count_key = random.split(key)
        return random.poisson(count_key, random.gamma(rate_key, phi, shape) * mu / phi, shape, int)


class Binomial:
    """Successes in n trials of probability p, which may be 0 or 1."""

    discrete = True

    @staticmethod
    def log_prob(y: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
        y = jnp.asarray(y, float)
        return where_inside(
            is_whole(y) & (y >= 0.0) & (y <= n),
            lambda y: log_choose(n, y) + xlogy(y, p) + xlog1py(n - y, -jnp.asarray(p)),
            y,
            0.0,
        )

    @staticmethod
    def log_cdf(y: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
        return Binomial._tails(y, n, p)[0]

    @staticmethod
    def log_sf(y: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
        return Binomial._tails(y, n, p)[1]

    @staticmethod
    def sample(key: Array, shape: Shape, n: ArrayLike, p: ArrayLike) -> Array:
        return random.binomial(key, n, p, shape, float).astype(int)

    @staticmethod
    def _tails(y: ArrayLike, n: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        # P(Y <= y) = I_(1-p)(n - y, y + 1) (DLMF 8.17.5).
        y, p = jnp.floor(y), jnp.asarray(p, float)
        inside = (y >= 0.0) & (y < n)
        successes = jnp.where(inside, y, 0.0)
        failures = jnp.where(inside, n - y, 1.0)
        certain = p >= 1.0
        odds_of_failure = jnp.where(p > 0.0, (1.0 - p) / jnp.where(p > 0.0, p, 1.0), jnp.inf)
        log_below, log_above = log_beta_tails(
            failures, successes + 1.0, jnp.where(certain, 0.0, odds_of_failure)
        )
        below, above = jnp.where(y < 0.0, -jnp.inf, 0.0), jnp.where(y < 0.0, 0.0, -jnp.inf)
        return jnp.where(inside, log_below, below), jnp.where(inside, log_above, above)


class Bernoulli:
    """1 with probability p, else 0: one trial of Binomial."""

    discrete = True

    @staticmethod
    def log_prob(y: ArrayLike, p: ArrayLike) -> Array:
        y, p = jnp.asarray(y, float), jnp.asarray(p, float)
        return where_inside((y == 0.0) | (y == 1.0), lambda y: xlogy(y, p) + xlog1py(1.0 - y, -p), y, 0.0)

    @staticmethod
    def log_cdf(y: ArrayLike, p: ArrayLike) -> Array:
        return Binomial.log_cdf(y, 1.0, p)

    @staticmethod
    def log_sf(y: ArrayLike, p: ArrayLike) -> Array:
        return Binomial.log_sf(y, 1.0, p)

    @staticmethod
    def sample(key: Array, shape: Shape, p: ArrayLike) -> Array:
        return random.bernoulli(key, p, shape).astype(int)
