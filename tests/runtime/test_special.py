"""Special functions against SciPy and mpmath, with their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp
from scipy import special

from pdflang.backend.runtime.incomplete import log1mexp, log_beta_tails, log_gamma_tails
from pdflang.backend.runtime.special import bessel_j, choose, log_beta, log_choose, log_Phi


def test_bessel_functions_and_their_derivatives():
    x = np.linspace(-50.0, 50.0, 401)
    orders = np.arange(11)[:, None]
    np.testing.assert_allclose(bessel_j(orders, x), special.jv(orders, x), atol=1e-13)
    slopes = jax.jit(jax.vmap(jax.grad(bessel_j, 1), (None, 0)))(3, x)
    np.testing.assert_allclose(slopes, special.jvp(3, x), atol=1e-12)
    assert np.isnan(bessel_j(0, 151.0))


def test_choose():
    n = np.arange(12)[:, None]
    k = np.arange(14)
    np.testing.assert_allclose(choose(n, k), np.where(k > n, 0, special.comb(n, k)), rtol=1e-13)
    assert float(log_choose(1e6, 3e5)) == pytest.approx(
        float(mp.log(mp.binomial(10**6, 3 * 10**5))), rel=1e-13
    )
    assert np.isfinite(jax.grad(log_choose)(5.0, 0.0))


@pytest.mark.parametrize(
    ("a", "b"), [(1e-4, 2.0), (12.0, 1.0), (9.0, 5.0), (1e4, 0.5), (1e6, 2.0), (10.0, 10.0)]
)
def test_log_beta(a, b):
    assert float(log_beta(a, b)) == pytest.approx(float(mp.log(mp.beta(a, b))), rel=1e-13)
    slope = float(mp.digamma(a) - mp.digamma(a + b))
    assert float(jax.grad(log_beta)(a, b)) == pytest.approx(slope, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("x", [-1e4, -45.0, -20.5, -19.5, -3.0, 0.0, 2.0])
def test_log_Phi(x):
    with mp.workdps(30):
        value = mp.log(mp.ncdf(x))
        slope = mp.npdf(x) / mp.ncdf(x)
        assert float(log_Phi(x)) == pytest.approx(float(value), rel=1e-14)
        assert float(jax.grad(log_Phi)(x)) == pytest.approx(float(slope), rel=1e-8)


def test_log1mexp():
    x = np.array([-1e-300, -1e-10, -0.5, -1.0, -50.0])
    with mp.workdps(40):
        np.testing.assert_allclose(
            log1mexp(x), [float(mp.log(-mp.expm1(number))) for number in x], rtol=1e-14
        )
    np.testing.assert_array_equal(log1mexp(np.array([-np.inf, 0.0])), [0.0, -np.inf])
    assert np.isfinite(jax.grad(log1mexp)(0.0))


def test_incomplete_functions_over_many_scales():
    a, x = (v.ravel() for v in np.meshgrid(np.geomspace(1e-3, 1e4, 12), np.geomspace(1e-6, 3e4, 15)))
    below, above = jax.jit(log_gamma_tails)(a, x)
    np.testing.assert_allclose(jnp.exp(below), special.gammainc(a, x), rtol=2e-11, atol=1e-300)
    np.testing.assert_allclose(jnp.exp(above), special.gammaincc(a, x), rtol=2e-11, atol=1e-300)
    a, b, p = (
        v.ravel()
        for v in np.meshgrid([1e-2, 0.5, 3.0, 80.0, 2e3], [1e-2, 0.5, 7.0, 90.0], [1e-5, 0.1, 0.5, 0.95])
    )
    below, above = jax.jit(log_beta_tails)(a, b, p / (1 - p))
    np.testing.assert_allclose(jnp.exp(below), special.betainc(a, b, p), rtol=2e-11, atol=1e-300)
    np.testing.assert_allclose(jnp.exp(above), special.betaincc(a, b, p), rtol=2e-11, atol=1e-300)
