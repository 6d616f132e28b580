"""Distributions of vectors, and mixtures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from pdflang.backend.runtime.bijections import Simplex
from pdflang.backend.runtime.distributions import (
    Dirichlet,
    MvNormal,
    mixture_log_prob,
    mixture_sample,
    scale_tril_of_covariance,
    scale_tril_of_precision,
)
from pdflang.components import reference

COVARIANCE = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.5]])
TRIANGLE = np.linalg.cholesky(COVARIANCE)
MEAN = np.array([0.5, -1.0, 2.0])
CONCENTRATION = np.array([0.7, 2.0, 3.5])


def test_the_multivariate_normal_agrees_with_scipy():
    y = np.random.default_rng(1).normal(size=(5, 3))
    expected = reference.MvNormal(MEAN, TRIANGLE).logpdf(y)
    np.testing.assert_allclose(MvNormal.log_prob(y, MEAN, TRIANGLE), expected, rtol=1e-12)
    np.testing.assert_allclose(MvNormal.log_prob(y[0], MEAN, TRIANGLE), expected[0], rtol=1e-12)
    many = np.broadcast_to(TRIANGLE, (5, 3, 3))
    np.testing.assert_allclose(MvNormal.log_prob(y, MEAN, many), expected, rtol=1e-12)
    np.testing.assert_allclose(
        jax.vmap(MvNormal.log_prob, (0, None, None))(y, MEAN, TRIANGLE), expected, rtol=1e-12
    )
    assert MvNormal.log_prob(y[0], np.zeros((4, 3)), TRIANGLE).shape == (4,)
    assert MvNormal.log_prob(y[0], MEAN, many).shape == (5,)


def test_scale_tril_of_covariance_and_precision():
    np.testing.assert_allclose(scale_tril_of_covariance(COVARIANCE), TRIANGLE, atol=1e-14)
    np.testing.assert_allclose(scale_tril_of_precision(np.linalg.inv(COVARIANCE)), TRIANGLE, atol=1e-13)
    precisions = np.linalg.inv(np.stack([COVARIANCE, 4 * COVARIANCE]))
    np.testing.assert_allclose(scale_tril_of_precision(precisions)[1], 2 * TRIANGLE, atol=1e-13)
    assert np.any(np.isnan(scale_tril_of_covariance(np.diag([1.0, -1.0]))))


def test_multivariate_normal_draws():
    draws = np.asarray(MvNormal.sample(jax.random.key(1), (20000,), MEAN, TRIANGLE))
    white = np.linalg.solve(TRIANGLE, (draws - MEAN).T)
    assert all(stats.kstest(row, "norm").pvalue > 1e-3 for row in white)
    np.testing.assert_allclose(np.cov(draws.T), COVARIANCE, atol=0.08)
    assert MvNormal.sample(jax.random.key(1), (2, 4), MEAN, np.broadcast_to(TRIANGLE, (4, 3, 3))).shape == (
        2,
        4,
        3,
    )


def test_dirichlet_agrees_with_scipy_and_with_its_bijection():
    y = np.asarray(Simplex().forward(np.array([0.4, -0.8])))
    expected = reference.Dirichlet(CONCENTRATION).logpdf(y)
    assert float(Dirichlet.log_prob(y, CONCENTRATION)) == pytest.approx(expected, rel=1e-12)
    far = Simplex().forward(jnp.array([40.0, 40.0]))
    value, slopes = jax.value_and_grad(Dirichlet.log_prob, (0, 1))(far, jnp.ones(3))
    assert float(value) == pytest.approx(np.log(2.0))
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    outside = jnp.array([[0.5, 0.6, 0.2], [-0.1, 0.6, 0.5]])
    np.testing.assert_array_equal(Dirichlet.log_prob(outside, CONCENTRATION), [-np.inf, -np.inf])


def test_dirichlet_draws():
    draws = np.asarray(Dirichlet.sample(jax.random.key(2), (4000,), CONCENTRATION))
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, rtol=1e-14)
    total = CONCENTRATION.sum()
    for column, a in zip(draws.T, CONCENTRATION, strict=True):
        assert stats.kstest(column, stats.beta(a, total - a).cdf).pvalue > 1e-3
    sparse = np.asarray(Dirichlet.sample(jax.random.key(2), (50,), np.full(3, 1e-4)))
    assert np.all(np.isfinite(sparse))


def test_mixtures_agree_with_scipy():
    weights, log_probs = np.array([0.2, 0.5, 0.3]), np.array([[-1.0, -2.0, -0.5], [-1000.0, -1001.0, -999.0]])
    np.testing.assert_allclose(
        mixture_log_prob(weights, log_probs), special.logsumexp(log_probs, b=weights, axis=1), rtol=1e-14
    )


def test_weights_and_densities_of_zero_leave_finite_gradients():
    gradient = jax.jit(jax.grad(lambda w, lp: mixture_log_prob(w, lp), (0, 1)))
    weights, log_probs = gradient(jnp.array([0.0, 1.0]), jnp.array([-1.0, -2.0]))
    np.testing.assert_allclose(weights, [np.e, 1.0])
    np.testing.assert_allclose(log_probs, [0.0, 1.0])
    weights, log_probs = gradient(jnp.array([0.4, 0.6]), jnp.array([-np.inf, -2.0]))
    np.testing.assert_allclose(weights, [0.0, 1 / 0.6])
    np.testing.assert_allclose(log_probs, [0.0, 1.0])
    assert all(np.all(np.isfinite(g)) for g in gradient(jnp.array([0.0, 1.0]), jnp.array([5000.0, -2.0])))
    nothing = jnp.array([-np.inf, -np.inf])
    assert mixture_log_prob(jnp.array([0.4, 0.6]), nothing) == -np.inf
    assert all(np.all(np.isfinite(g)) for g in gradient(jnp.array([0.4, 0.6]), nothing))


def test_mixture_draws_take_components_by_weight():
    draws = np.broadcast_to([10, 20, 30], (20000, 3))
    chosen = np.asarray(mixture_sample(jax.random.key(0), np.array([0.2, 0.8, 0.0]), draws))
    assert set(np.unique(chosen)) == {10, 20}
    assert np.mean(chosen == 10) == pytest.approx(0.2, abs=0.01)
