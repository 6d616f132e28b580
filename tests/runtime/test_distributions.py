"""Every univariate distribution: SciPy for its values, its density for its draws, theorems for slopes."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from distribution_cases import ALL, CONTINUOUS, COUNTING
from scipy import stats

from pdflang.backend.runtime.distributions import Binomial, Flat, Normal, Poisson, StudentT
from pdflang.components import library

DRAWS = 4000
# Where each case is evaluated, in one call: over its bulk, outside its support, at the nodes of a rule.
BULK, OUTSIDE, RULE = slice(0, 101), slice(101, 104), slice(104, None)
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(900)


def bulk(case):
    y = np.unique(case.reference.ppf(np.linspace(0.001, 0.999, 101)))
    return y[np.arange(101) % len(y)]


def outside(case):
    start, end = case.reference.support()
    between = case.reference.median() + 0.5 if case.row.discrete else -np.inf
    points = [y for y in (start - 1.0, end + 1.0, between) if np.isfinite(y)]
    return np.array([points[i % len(points)] for i in range(3)]) if points else None


def rule(case):
    """Points and weights whose sum is an expectation."""
    if case.row.discrete:
        y = case.reference.ppf(1e-12) + np.arange(len(NODES))
        return np.minimum(y, case.reference.support()[1]), case.reference.pmf(y)
    # With the mass s^2 (3 - 2 s) the score is softer at the ends of the support.
    s = (NODES + 1) / 2
    return case.reference.ppf(s**2 * (3 - 2 * s)), 3 * NODE_WEIGHTS * s * (1 - s)


@partial(jax.jit, static_argnums=0)
def evaluate(meaning, y, parameters):
    """log_prob, log_cdf and log_sf [n, 3], and their derivatives in y and in each parameter."""

    def functions(y, *parameters):
        return jnp.stack([f(y, *parameters) for f in (meaning.log_prob, meaning.log_cdf, meaning.log_sf)])

    jacobian = jax.jacrev(functions, tuple(range(len(parameters) + 1)))
    return jax.vmap(lambda y: (functions(y, *parameters), jacobian(y, *parameters)))(y)


@cache
def evaluated(case):
    beyond = outside(case)
    y = np.concatenate([bulk(case), bulk(case)[:3] if beyond is None else beyond, rule(case)[0]])
    values, slopes = evaluate(case.meaning, y, case.parameters)
    return y, np.asarray(values), [np.asarray(slope) for slope in slopes]


def test_the_table_has_every_distribution_with_a_distribution_function():
    assert {case.name for case in ALL} == {row.name for row in library if getattr(row, "has_cdf", False)}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_density_and_tails_agree_with_scipy(case):
    y, values, _ = (numbers[BULK] for numbers in evaluated(case))
    density = case.reference.logpmf(y) if case.row.discrete else case.reference.logpdf(y)
    np.testing.assert_allclose(values[:, 0], density, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(np.exp(values[:, 1]), case.reference.cdf(y), 1e-10, 1e-13)
    np.testing.assert_allclose(np.exp(values[:, 2]), case.reference.sf(y), 1e-10, 1e-13)


@pytest.mark.parametrize("case", [case for case in ALL if outside(case) is not None], ids=str)
def test_outside_the_support_nothing_is_possible_and_nothing_is_nan(case):
    _, values, slopes = evaluated(case)
    assert np.all(values[OUTSIDE, 0] == -np.inf)
    assert not np.any(np.isnan(values[OUTSIDE]))
    assert all(np.all(np.isfinite(slope[OUTSIDE])) for slope in slopes)


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_the_density_is_the_derivative_of_the_mass(case):
    _, values, slopes = evaluated(case)
    density = np.exp(values[BULK])
    np.testing.assert_allclose((density * slopes[0][BULK])[5:-5, 1], density[5:-5, 0], rtol=1e-9)
    np.testing.assert_allclose((density * slopes[0][BULK])[5:-5, 2], -density[5:-5, 0], rtol=1e-9)


@pytest.mark.parametrize("case", [case for case in ALL if case.name != "Uniform"], ids=str)
def test_the_expected_score_is_zero(case):
    """The mean of d log p/d parameter is 0, where the support does not move."""
    _, weights = rule(case)
    for slope in evaluated(case)[2][2 if case.name == "Binomial" else 1 :]:
        score = weights * slope[RULE, 0]
        assert abs(np.sum(score)) < 2e-5 * np.sum(np.abs(score))


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
    for function in (case.meaning.log_prob, case.meaning.log_cdf, case.meaning.log_sf):
        assert jax.eval_shape(function, 1, *whole).dtype == jnp.float64
    jax.eval_shape(lambda key: case.meaning.sample(key, (2,), *whole), jax.random.key(0))


def test_draws_with_a_parameter_for_each():
    draws = Normal.sample(jax.random.key(0), (2, 3), np.array([0.0, 100.0, 200.0]), 1.0)
    np.testing.assert_array_equal(np.round(draws / 100.0), [[0, 1, 2], [0, 1, 2]])


def test_certain_counts():
    assert Poisson.log_prob(0, 0.0) == 0.0
    assert Poisson.log_prob(1, 0.0) == -jnp.inf
    values, _ = evaluate(Poisson, np.array([0.0, 0.0, 7.0]), (0.0,))
    np.testing.assert_array_equal(values[0], [0.0, 0.0, -np.inf])
    y = np.array([0.0, 3.0, 7.0])
    values, _ = evaluate(Binomial, y, (7.0, 0.0))
    np.testing.assert_allclose(values[:, 0], [0.0, -np.inf, -np.inf], atol=1e-14)
    np.testing.assert_array_equal(values[:, 1], [0.0, 0.0, 0.0])
    values, _ = evaluate(Binomial, y, (7.0, 1.0))
    np.testing.assert_allclose(values[:, 0], [-np.inf, -np.inf, 0.0], atol=1e-14)
    np.testing.assert_array_equal(values[:, 1], [-np.inf, -np.inf, 0.0])


def test_a_half_student_has_a_derivative_at_its_middle():
    values, slopes = evaluate(StudentT, np.array([0.0]), (3.0, 0.0, 1.0))
    density = np.exp(values[0, 0])
    np.testing.assert_allclose(
        [slope[0, 1] for slope in slopes], [2 * density, 0.0, -2 * density, 0.0], atol=1e-12
    )


def test_flat_is_zero():
    np.testing.assert_array_equal(Flat.log_prob(np.arange(3.0)), np.zeros(3))
