"""Targets written by hand, after models of posteriordb, with data generated here."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from pdflang.inference import Target


def _flat_start(dimension: int) -> Any:
    return lambda key, arrays: jax.random.uniform(key, (dimension,), minval=-2.0, maxval=2.0)


def gaussian(covariance: np.ndarray, mean: np.ndarray | None = None) -> Target:
    """A normal distribution of given covariance (n, n), known to the sampler by its precision."""
    dimension = len(covariance)
    arrays = {
        "precision": np.linalg.inv(covariance),
        "mean": np.zeros(dimension) if mean is None else mean,
    }
    return Target(dimension, _gaussian_density, _start_of(dimension), arrays)


@cache
def _start_of(dimension: int) -> Any:
    return _flat_start(dimension)


def _gaussian_density(z: Any, arrays: Any) -> Any:
    shift = z - arrays["mean"]
    return -0.5 * shift @ arrays["precision"] @ shift


def badly_scaled_covariance(dimension: int, seed: int = 0) -> np.ndarray:
    """Correlated, with standard deviations from 1e-5 to 1e3."""
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=(dimension, dimension))
    correlated = factor @ factor.T + 0.1 * np.eye(dimension)
    correlated /= np.sqrt(np.outer(np.diag(correlated), np.diag(correlated)))
    scales = 10.0 ** np.linspace(-5, 3, dimension)
    return correlated * np.outer(scales, scales)


def beta_binomial(successes: int, trials: int, a: float, b: float) -> Target:
    """A probability on the logit scale; its posterior is Beta(a + successes, b + trials − successes)."""

    def log_density(z: Any, arrays: Any) -> Any:
        log_p, log_q = jax.nn.log_sigmoid(z[0]), jax.nn.log_sigmoid(-z[0])
        return (arrays["a"] + arrays["k"]) * log_p + (arrays["b"] + arrays["n"] - arrays["k"]) * log_q

    arrays = {"k": float(successes), "n": float(trials), "a": a, "b": b}
    return Target(1, log_density, _flat_start(1), arrays)


def linear_regression(predictors: np.ndarray, response: np.ndarray) -> Target:
    """Coefficients with flat priors and log σ with flat σ: z = (coefficients, log σ)."""
    dimension = predictors.shape[1] + 1

    def log_density(z: Any, arrays: Any) -> Any:
        residuals = arrays["y"] - arrays["x"] @ z[:-1]
        return jnp.sum(norm.logpdf(residuals, 0.0, jnp.exp(z[-1]))) + z[-1]

    return Target(dimension, log_density, _flat_start(dimension), {"x": predictors, "y": response})


def kidiq() -> tuple[Target, np.ndarray, np.ndarray]:
    """A score near 87 ± 20 on a predictor near 100 ± 15, 434 rows."""
    generator = np.random.default_rng(1)
    iq = generator.normal(100, 15, 434)
    x = np.column_stack([np.ones(434), generator.integers(0, 2, 434), iq])
    y = x @ [25.0, 6.0, 0.6] + generator.normal(0, 18, 434)
    return linear_regression(x, y), x, y


def earnings() -> Target:
    """Earnings in dollars on height in inches and sex: coefficients near −80000, 1300 and 10000."""
    generator = np.random.default_rng(2)
    height, male = generator.normal(66, 4, 1192), generator.integers(0, 2, 1192)
    y = -61000 + 1200 * height + 11000 * male + generator.normal(0, 19000, 1192)
    return linear_regression(np.column_stack([np.ones(1192), height, male]), y)


def diamonds() -> Target:
    """24 strongly correlated predictors, 5000 rows."""
    generator = np.random.default_rng(3)
    common = generator.normal(size=(5000, 1))
    x = common + 0.05 * generator.normal(size=(5000, 24))
    x = np.column_stack([np.ones(5000), x * 10.0 ** generator.uniform(-2, 2, 24)])
    y = 8 + common[:, 0] + generator.normal(0, 0.2, 5000)
    return linear_regression(x, y)


def eight_schools(centred: bool) -> Target:
    """z = (mu, log tau, theta or its standardised form): a funnel where it is centred."""

    def log_density(z: Any, arrays: Any) -> Any:
        mu, log_tau, rest = z[0], z[1], z[2:]
        tau = jnp.exp(log_tau)
        prior = norm.logpdf(mu, 0, 5) - jnp.log1p((tau / 5) ** 2) + log_tau
        theta = rest if centred else mu + tau * rest
        inner = norm.logpdf(rest, mu, tau) if centred else norm.logpdf(rest)
        return prior + jnp.sum(inner) + jnp.sum(norm.logpdf(arrays["y"], theta, arrays["s"]))

    y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    return Target(
        10, log_density, _flat_start(10), {"y": y, "s": np.array([15.0, 10, 16, 11, 9, 11, 10, 18])}
    )


def autoregression() -> Target:
    """arK: an autoregression of order five, z = (alpha, beta[5], log sigma)."""
    generator = np.random.default_rng(4)
    y = np.zeros(200)
    for t in range(5, 200):
        y[t] = 0.1 + y[t - 5 : t][::-1] @ [0.7, -0.4, 0.1, 0.03, -0.3] + generator.normal(0, 0.15)

    def log_density(z: Any, arrays: Any) -> Any:
        sigma = jnp.exp(z[6])
        lags = jnp.stack([arrays[4 - k : 199 - k] for k in range(5)], axis=1)
        data = norm.logpdf(arrays[5:], z[0] + lags @ z[1:6], sigma)
        prior = jnp.sum(norm.logpdf(z[:6], 0, 10)) - jnp.log1p((sigma / 2.5) ** 2) + z[6]
        return jnp.sum(data) + prior

    return Target(7, log_density, _flat_start(7), y)


def gaussian_process() -> Target:
    """gp_pois_regr without its latent field: z = log of (length scale, amplitude, noise)."""
    generator = np.random.default_rng(5)
    x = np.linspace(-10, 10, 30)
    y = np.sin(0.5 * x) * 2 + generator.normal(0, 0.5, 30)

    def log_density(z: Any, arrays: Any) -> Any:
        length, amplitude, noise = jnp.exp(z)
        gap = arrays["x"][:, None] - arrays["x"][None, :]
        kernel = amplitude**2 * jnp.exp(-0.5 * (gap / length) ** 2) + noise**2 * jnp.eye(30)
        factor = jnp.linalg.cholesky(kernel)
        white = jax.scipy.linalg.solve_triangular(factor, arrays["y"], lower=True)
        prior = 24 * jnp.log(length) - 4 * length - 0.5 * (amplitude / 3) ** 2 - 0.5 * noise**2 + jnp.sum(z)
        return -0.5 * white @ white - jnp.sum(jnp.log(jnp.diag(factor))) + prior

    return Target(3, log_density, _flat_start(3), {"x": x, "y": y})


def mixture() -> Target:
    """low_dim_gauss_mix: z = (mu 1, log gap, log sigma 1, log sigma 2, logit weight), 1000 points."""
    generator = np.random.default_rng(6)
    first = generator.random(1000) < 0.4
    y = np.where(first, generator.normal(-2.7, 1.0, 1000), generator.normal(2.9, 0.7, 1000))

    def log_density(z: Any, arrays: Any) -> Any:
        low, high = z[0], z[0] + jnp.exp(z[1])
        sigma = jnp.exp(z[2:4])
        one = jax.nn.log_sigmoid(z[4]) + norm.logpdf(arrays, low, sigma[0])
        two = jax.nn.log_sigmoid(-z[4]) + norm.logpdf(arrays, high, sigma[1])
        prior = norm.logpdf(low, 0, 2) + norm.logpdf(high, 0, 2) - 0.125 * jnp.sum(sigma**2)
        weight = 5 * (jax.nn.log_sigmoid(z[4]) + jax.nn.log_sigmoid(-z[4]))
        return jnp.sum(jnp.logaddexp(one, two)) + prior + weight + z[1] + z[2] + z[3]

    return Target(5, log_density, _flat_start(5), y)
