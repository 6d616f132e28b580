"""Problems of inference with a prior, and the exact answer: moments of the posterior and the evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from scipy import integrate, stats

import pdflang
from pdflang.inference import Draws, Target, method_of
from pdflang.inference.options import EmceeOptions, FlowNutsOptions, Options


class Problem(NamedTuple):
    """A target, and the means, standard deviations (n,) and log Z of its posterior."""

    target: Target
    mean: np.ndarray
    sd: np.ndarray
    log_z: float


def _normal_prior(dimension: int, width: float) -> tuple[Any, Any]:
    """Its log-density, and its draws."""
    return (
        lambda z, arrays: norm.logpdf(z, 0, width).sum(),
        lambda key, arrays: width * jax.random.normal(key, (dimension,)),
    )


def correlated(dimension: int, correlation: float = 0.9, width: float = 10.0) -> Problem:
    """A normal likelihood with equal correlations under a wide normal prior."""
    center = np.arange(dimension) / dimension
    covariance = correlation * np.ones((dimension, dimension)) + (1 - correlation) * np.eye(dimension)
    prior, draw = _normal_prior(dimension, width)

    def log_density(z: Any, arrays: Any) -> Any:
        shift = z - arrays["center"]
        return prior(z, arrays) - 0.5 * shift @ arrays["precision"] @ shift - arrays["constant"]

    arrays = {
        "center": center,
        "precision": np.linalg.inv(covariance),
        "constant": 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1],
    }
    posterior = np.linalg.inv(arrays["precision"] + np.eye(dimension) / width**2)
    log_z = stats.multivariate_normal.logpdf(center, np.zeros(dimension), covariance + width**2 * np.eye(dimension))
    mean = posterior @ arrays["precision"] @ center
    return Problem(Target(dimension, log_density, draw, arrays, prior), mean, np.sqrt(np.diag(posterior)), float(log_z))


def banana() -> Problem:
    """x ~ N(0, 1), and y measured as x² by N(·, 0.2) under y ~ N(0, 3): a curved valley; numbers by quadrature."""

    def prior(z: Any, arrays: Any) -> Any:
        return norm.logpdf(z[0], 0, 1) + norm.logpdf(z[1], 0, 3)

    def draw(key: Any, arrays: Any) -> Any:
        return jax.random.normal(key, (2,)) * jnp.array([1.0, 3.0])

    def log_density(z: Any, arrays: Any) -> Any:
        return prior(z, arrays) + norm.logpdf(0.0, z[1] - z[0] ** 2, 0.2)

    # y is normal given x: its mean m(x) and variance v are those of two measurements, x² ± 0.2 and 0 ± 3.
    v = 1 / (1 / 0.2**2 + 1 / 3**2)

    def weight(x: float) -> float:
        return float(stats.norm.pdf(x) * stats.norm.pdf(x**2, 0, np.hypot(0.2, 3)))

    def expected(f: Any) -> float:
        return float(integrate.quad(lambda x: f(x) * weight(x), -8, 8, epsabs=1e-13)[0])

    z = expected(lambda x: 1.0)
    m = v / 0.2**2
    mean = np.array([0.0, expected(lambda x: m * x**2) / z])
    square = np.array([expected(lambda x: x**2) / z, expected(lambda x: v + (m * x**2) ** 2) / z])
    return Problem(Target(2, log_density, draw, {}, prior), mean, np.sqrt(square - mean**2), float(np.log(z)))


def funnel() -> Problem:
    """Neal's funnel with a measurement of its mouth: v ~ N(0, 1.5), x_i ~ N(0, exp(v/2)), 1 measured as x_0 ± 1."""
    count = 4

    def prior(z: Any, arrays: Any) -> Any:
        return norm.logpdf(z[0], 0, 1.5) + norm.logpdf(z[1:], 0, jnp.exp(z[0] / 2)).sum()

    def draw(key: Any, arrays: Any) -> Any:
        one, two = jax.random.split(key)
        v = 1.5 * jax.random.normal(one)
        return jnp.concatenate([v[None], jnp.exp(v / 2) * jax.random.normal(two, (count,))])

    def log_density(z: Any, arrays: Any) -> Any:
        return prior(z, arrays) + norm.logpdf(1.0, z[1], 1.0)

    def expected(f: Any) -> float:
        def term(v: float) -> float:
            return float(f(v) * stats.norm.pdf(v, 0, 1.5) * stats.norm.pdf(1, 0, np.sqrt(1 + np.exp(v))))

        return float(integrate.quad(term, -15, 15, epsabs=1e-13, limit=200)[0])

    z = expected(lambda v: 1.0)
    v_mean = expected(lambda v: v) / z
    v_square = expected(lambda v: v**2) / z
    variance = expected(lambda v: np.exp(v)) / z
    # x_0 given v: mean s/(1+s), variance s/(1+s), with s = exp(v).
    x_mean = expected(lambda v: np.exp(v) / (1 + np.exp(v))) / z
    x_square = expected(lambda v: np.exp(v) / (1 + np.exp(v)) + (np.exp(v) / (1 + np.exp(v))) ** 2) / z
    mean = np.array([v_mean, x_mean, *[0.0] * (count - 1)])
    square = np.array([v_square, x_square, *[variance] * (count - 1)])
    return Problem(Target(1 + count, log_density, draw, {}, prior), mean, np.sqrt(square - mean**2), float(np.log(z)))


def two_modes(dimension: int = 3, share: float = 0.3, place: float = 0.0) -> Problem:
    """Two normals at ±4 of width ½, the upper with a share of the whole: no chain goes from one to the other.

    The prior, wide and around `place`, only says where methods start.
    """

    def prior(z: Any, arrays: Any) -> Any:
        return norm.logpdf(z, place, 5.0).sum()

    def draw(key: Any, arrays: Any) -> Any:
        return place + 5.0 * jax.random.normal(key, (dimension,))

    def log_density(z: Any, arrays: Any) -> Any:
        upper, lower = (norm.logpdf(z, place, 0.5).sum() for place in (4.0, -4.0))
        return jnp.logaddexp(jnp.log(share) + upper, jnp.log(1 - share) + lower)

    mean = np.full(dimension, 4 * (2 * share - 1))
    sd = np.sqrt(0.25 + 16 - mean**2)
    return Problem(Target(dimension, log_density, draw, {}, prior), mean, sd, 0.0)


def measured_often(rows: int = 200) -> Problem:
    """A line through many points: a normal posterior, and rows that can be divided."""
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, rows)
    y = 0.5 + 2 * x + random.normal(0, 0.5, rows)
    text = "data x[N]\ndata y[N]\nparam a ~ Normal(0, 1)\nparam b ~ Normal(0, 1)\nobserve y ~ Normal(a + b * x, 0.5)\n"
    design = np.stack([np.ones(rows), x], axis=1)
    covariance = np.linalg.inv(np.eye(2) + design.T @ design / 0.25)
    mean = covariance @ design.T @ y / 0.25
    log_z = stats.multivariate_normal.logpdf(y, np.zeros(rows), 0.25 * np.eye(rows) + design @ design.T)
    target = pdflang.loads(text, data={"x": x, "y": y}).target()
    return Problem(target, mean, np.sqrt(np.diag(covariance)), float(log_z))


def two_bananas() -> Problem:
    """Two curved valleys, y = x² ± 0.1, around x = ±10 with equal shares."""
    base = two_modes(2)

    def valley(x: Any, y: Any) -> Any:
        return norm.logpdf(x) + norm.logpdf(y, x**2, 0.1)

    def log_density(z: Any, arrays: Any) -> Any:
        return jnp.logaddexp(valley(z[0] - 10, z[1]), valley(z[0] + 10, z[1])) - jnp.log(2)

    target = replace(base.target, log_density=log_density)
    return Problem(target, np.array([0.0, 1.0]), np.sqrt([101.0, 2.01]), 0.0)


PACKAGES = {EmceeOptions: "emcee", FlowNutsOptions: "flowjax"}
"""What methods need beside the core."""


def draw_from(target: Any, options: Options, **given: Any) -> Draws:
    """Draws of a method, where its package is installed."""
    if type(options) in PACKAGES:
        pytest.importorskip(PACKAGES[type(options)])
    return method_of(options).adapter(target, options, **given)


def draw(problem: Problem, options: Options, **given: Any) -> Draws:
    return draw_from(problem.target, options, **given)


def assert_has_the_moments(draws: Draws, problem: Problem, effective: float, width: float = 0.0) -> None:
    """Means and widths within five standard errors of so many independent draws; widths also to a relative `width`."""
    z = draws.z.reshape(-1, problem.target.dimension)
    pulls = (z.mean(axis=0) - problem.mean) / problem.sd * np.sqrt(effective)
    assert np.all(np.abs(pulls) < 5), pulls
    kurtosis = np.mean((z - problem.mean) ** 4, axis=0) / problem.sd**4
    errors = np.sqrt(np.maximum(kurtosis - 1, 1) / 4 / effective)
    ratios = z.std(axis=0) / problem.sd
    assert np.all(np.abs(ratios - 1) < 5 * errors + width), ratios


def assert_has_the_evidence(draws: Draws, problem: Problem, slack: float = 0.0) -> None:
    assert draws.evidence is not None
    log_z, error = draws.evidence
    # The error of four runs is known to a half only.
    assert abs(log_z - problem.log_z) < 5 * error + slack, (draws.evidence, problem.log_z)
    assert error < 0.5
