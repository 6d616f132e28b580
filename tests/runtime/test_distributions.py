"""Every univariate distribution: SciPy for its values, its density for its draws, theorems for slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from distribution_cases import ALL, CONTINUOUS, COUNTING, compiled
from scipy import stats

from pdflang.backend.runtime.distributions import Binomial, Flat, Normal, Poisson, StudentT
from pdflang.components import library

DRAWS = 4000


def points(case):
    """101 points over the bulk of the distribution."""
    y = case.reference.ppf(np.linspace(0.001, 0.999, 101))
    return np.unique(y)[np.arange(101) % len(np.unique(y))] if case.row.discrete else y


def function_of(case, name):
    function = compiled(getattr(case.meaning, name))
    return lambda y: np.asarray(function(jnp.asarray(y), *case.parameters))


def test_the_table_has_every_distribution_with_a_distribution_function():
    assert {case.name for case in ALL} == {row.name for row in library if getattr(row, "has_cdf", False)}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_density_and_tails_agree_with_scipy(case):
    y, reference = points(case), case.reference
    density = reference.logpmf(y) if case.row.discrete else reference.logpdf(y)
    np.testing.assert_allclose(function_of(case, "log_prob")(y), density, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(np.exp(function_of(case, "log_cdf")(y)), reference.cdf(y), 1e-10, 1e-13)
    np.testing.assert_allclose(np.exp(function_of(case, "log_sf")(y)), reference.sf(y), 1e-10, 1e-13)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_outside_the_support_nothing_is_possible_and_nothing_is_nan(case):
    start, end = case.reference.support()
    between = [case.reference.median() + 0.5] if case.row.discrete else []
    outside = jnp.array([y for y in (start - 1.0, end + 1.0, *between) if np.isfinite(y)])
    assert np.all(compiled(case.meaning.log_prob)(outside, *case.parameters) == -jnp.inf)
    numbers = tuple(range(len(case.parameters) + 1))

    def total(*arguments):
        meaning = case.meaning
        return sum(jnp.sum(f(*arguments)) for f in (meaning.log_prob, meaning.log_cdf, meaning.log_sf))

    assert all(np.all(np.isfinite(g)) for g in jax.jit(jax.grad(total, numbers))(outside, *case.parameters))


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_the_density_is_the_derivative_of_the_mass(case):
    y = points(case)[10:-10]
    slopes = jax.jit(mass_slopes, static_argnums=0)(case.meaning, y, case.parameters)
    density = np.exp(case.reference.logpdf(y))
    np.testing.assert_allclose(slopes[0], density, rtol=1e-9)
    np.testing.assert_allclose(slopes[1], -density, rtol=1e-9)


def mass_slopes(meaning, y, parameters):
    return [
        jax.grad(lambda y: jnp.sum(jnp.exp(log_tail(y, *parameters))))(y)  # noqa: B023
        for log_tail in (meaning.log_cdf, meaning.log_sf)
    ]


@pytest.mark.parametrize("case", [c for c in ALL if c.name != "Uniform"], ids=str)
def test_the_expected_score_is_zero(case):
    """The mean of d log p/d parameter over the distribution is 0."""
    if case.row.discrete:
        y = np.arange(case.reference.ppf(1e-12), case.reference.ppf(1 - 1e-12) + 1)
        weights = case.reference.pmf(y)
    else:
        nodes, weights = np.polynomial.legendre.leggauss(400)
        # With the mass s^2 (3 - 2 s) the score is softer at the ends of the support.
        s = (nodes + 1) / 2
        y, weights = case.reference.ppf(s**2 * (3 - 2 * s)), weights * s * (1 - s)
    scores = jax.jit(jax.jacfwd(lambda p: case.meaning.log_prob(y, *p)))(case.parameters)
    for score in scores[1:] if case.name == "Binomial" else scores:
        assert abs(np.sum(weights * score)) < 2e-4 * np.sum(weights * np.abs(score))


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_draws_follow_the_density(case):
    draws = case.meaning.sample(jax.random.key(3), (DRAWS,), *case.parameters)
    assert draws.dtype == jnp.float64
    assert stats.kstest(np.asarray(draws), case.reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize("case", COUNTING, ids=str)
def test_counts_follow_their_probabilities(case):
    draws = np.asarray(case.meaning.sample(jax.random.key(3), (DRAWS,), *case.parameters))
    assert draws.dtype == np.int64
    values = np.arange(draws.min(), draws.max() + 1)
    expected = case.reference.pmf(values) * DRAWS
    observed = np.bincount(draws - draws.min(), minlength=len(values))
    common = expected > 5
    square = np.sum((observed - expected)[common] ** 2 / expected[common])
    assert stats.chi2.sf(square, max(common.sum() - 1, 1)) > 1e-3


@pytest.mark.parametrize("case", ALL, ids=str)
def test_shapes_broadcast(case):
    parameters = [jnp.full((3, 1), p) for p in case.parameters]
    for function in (case.meaning.log_prob, case.meaning.log_cdf, case.meaning.log_sf):
        assert jax.eval_shape(function, jnp.ones(4), *parameters).shape == (3, 4)
    draws = jax.eval_shape(lambda *p: case.meaning.sample(jax.random.key(0), (3, 4), *p), *parameters)
    assert draws.shape == (3, 4)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_whole_numbers_are_numbers(case):
    """Counts and literals such as 2 arrive as ints."""
    whole = [round(p) if p > 1 else p for p in case.parameters]
    for name in ("log_prob", "log_cdf", "log_sf"):
        function = getattr(case.meaning, name)
        assert jax.eval_shape(function, 1, *whole).dtype == jnp.float64
    jax.eval_shape(lambda key: case.meaning.sample(key, (2,), *whole), jax.random.key(0))


def test_draws_with_a_parameter_for_each():
    draws = Normal.sample(jax.random.key(0), (2, 3), jnp.array([0.0, 100.0, 200.0]), 1.0)
    np.testing.assert_array_equal(jnp.round(draws / 100.0), [[0, 1, 2], [0, 1, 2]])


def test_certain_counts():
    assert Poisson.log_prob(0, 0.0) == 0.0
    assert Poisson.log_prob(1, 0.0) == -jnp.inf
    assert Poisson.log_cdf(0, 0.0) == 0.0
    for p, certain in ((0.0, 0), (1.0, 7)):
        assert Binomial.log_prob(certain, 7, p) == pytest.approx(0.0, abs=1e-14)
        assert Binomial.log_prob(3, 7, p) == -jnp.inf
        assert Binomial.log_cdf(3, 7, p) == (0.0 if certain == 0 else -jnp.inf)


def test_a_half_student_has_a_derivative_at_its_middle():
    gradient = jax.jit(jax.grad(StudentT.log_cdf, argnums=(0, 1, 2, 3)))(0.0, 3.0, 0.0, 1.0)
    density = float(jnp.exp(StudentT.log_prob(0.0, 3.0, 0.0, 1.0)))
    np.testing.assert_allclose(gradient, [2 * density, 0.0, -2 * density, 0.0], atol=1e-12)


def test_flat_is_zero():
    np.testing.assert_array_equal(Flat.log_prob(jnp.arange(3.0)), jnp.zeros(3))
