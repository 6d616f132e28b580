"""Truncation against mpmath, from the middle to 45 standard deviations into either tail."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from distribution_cases import ALL
from mpmath import mp
from scipy import stats

from pdflang.backend.runtime.distributions import (
    Bernoulli,
    Flat,
    Gamma,
    Laplace,
    Logistic,
    Normal,
    Poisson,
    StudentT,
    Uniform,
    log_mass,
    truncated_log_prob,
    truncated_sample,
)

SPREAD_OUT = [case for case in ALL if case.name != "Bernoulli"]
# The way of drawing is the same for all; the others are drawn from in the slow tier.
DRAWN = [
    case
    if case.name in ("Normal", "StudentT", "Gamma", "Poisson")
    else pytest.param(case, marks=pytest.mark.slow)
    for case in SPREAD_OUT
]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


def intervals(case):
    """Nine bounds in the middle, on either side, at the ends and 45 spreads away, as the support allows."""
    start, end = case.reference.support()
    centre = float(case.reference.median())
    quartiles = case.reference.ppf([0.25, 0.75])
    spread = max(float(quartiles[1] - quartiles[0]) / 1.35, 1.0 if case.row.discrete else 0.0)
    wanted = [
        (centre - 0.4 * spread, centre + 0.3 * spread),
        (centre, np.inf),
        (-np.inf, centre),
        (centre + 45 * spread, np.inf),
        (centre + 45 * spread, centre + 46 * spread),
        (-np.inf, centre - 45 * spread),
        (centre - 46 * spread, centre - 45 * spread),
    ]
    if np.isfinite(start):
        wanted += [(start - 1.0, start + (centre - start) / 40), (-np.inf, start + (centre - start) / 40)]
    if np.isfinite(end):
        wanted += [(end - (end - centre) / 40, end + 1.0), (end - (end - centre) / 40, np.inf)]
    if case.row.discrete:
        wanted = [(np.floor(low) - 0.5, np.ceil(high) + 0.5) for low, high in wanted]
    inside = [(low, high) for low, high in wanted if high > start + (case.row.discrete - 1e-9) and low < end]
    return list(itertools.islice(itertools.cycle(inside), 9))


def exact_log_mass(case, lower, upper):
    """log P(lower < y < upper) as a function of the parameters, by mpmath."""
    start, end = (mp.mpf(float(v)) if np.isfinite(v) else v for v in case.reference.support())
    if case.row.discrete:
        lower, upper = np.floor(lower), np.ceil(upper) - 1

    def above(y, parameters):
        past = y >= end if case.row.discrete or np.isfinite(float(end)) else y == np.inf
        before = y < start if case.row.discrete else y <= start
        return mp.mpf(1) if before else mp.mpf(0) if past else case.above(mp.mpf(float(y)), *parameters)

    return lambda *parameters: mp.log(above(lower, parameters) - above(upper, parameters))


def mass_and_slopes(meaning, bounds, parameters):
    """log_mass for each pair of bounds [n, 2], and its derivative in each parameter."""

    def masses(parameters):
        return jax.vmap(lambda pair: log_mass(meaning, pair[0], pair[1], *parameters))(bounds)

    return masses(parameters), jax.jacfwd(masses)(parameters)


compiled_mass_and_slopes = jax.jit(mass_and_slopes, static_argnums=0)


@pytest.mark.parametrize("case", SPREAD_OUT, ids=str)
def test_mass_and_its_derivatives_agree_with_mpmath(case):
    bounds = intervals(case)
    values, slopes = compiled_mass_and_slopes(case.meaning, jnp.array(bounds), case.parameters)
    for (lower, upper), value, *slope in list(zip(bounds, map(float, values), *slopes, strict=True))[
        : len(set(bounds))
    ]:
        exact = exact_log_mass(case, lower, upper)
        # 1 - (a mass of e^-1000) must keep its digits.
        with mp.workdps(80 + int(abs(value) / 2)):
            parameters = [mp.mpf(p) for p in case.parameters]
            assert value == pytest.approx(float(exact(*parameters)), rel=1e-9, abs=1e-9), (lower, upper)
            for index in range(1 if case.name == "Binomial" else 0, len(parameters)):
                expected = derivative(exact, parameters, index)
                assert float(slope[index]) == pytest.approx(expected, rel=1e-8, abs=1e-9), (
                    lower,
                    upper,
                    index,
                )


def derivative(function, parameters, index):
    """Central difference, exact to the digits of a float."""
    step = mp.mpf(10) ** -30
    shifted = [[p + sign * step * (i == index) for i, p in enumerate(parameters)] for sign in (1, -1)]
    return float((function(*shifted[0]) - function(*shifted[1])) / (2 * step))


def sampled_masses(meaning, bounds, parameters):
    """Draws between each pair of bounds, their log-density and the mass up to them; the density at nodes."""
    lower, upper = bounds[:, :1], bounds[:, 1:]
    shape = (len(bounds), len(NODES))
    draws = truncated_sample(meaning, jax.random.key(5), shape, lower, upper, *parameters)
    top = draws + 0.5 if meaning.discrete else draws
    log_below = log_mass(meaning, lower, top, *parameters) - log_mass(meaning, lower, upper, *parameters)
    nodes = lower + (upper - lower) * (NODES + 1) / 2
    log_probs = [truncated_log_prob(meaning, y, lower, upper, *parameters) for y in (draws, nodes)]
    return draws, log_below, *log_probs


compiled_sampled_masses = jax.jit(sampled_masses, static_argnums=0)


@pytest.mark.parametrize("case", DRAWN, ids=str)
def test_draws_lie_between_the_bounds_and_follow_the_density_which_integrates_to_one(case):
    bounds = np.array(intervals(case))
    draws, log_below, log_prob, at_nodes = compiled_sampled_masses(case.meaning, bounds, case.parameters)
    assert np.all((draws >= bounds[:, :1]) & (draws <= bounds[:, 1:]))
    assert np.all(np.isfinite(log_prob))
    # The mass below a draw is uniform; for counts the draw's own mass is shared out.
    own = np.exp(log_prob) * np.random.default_rng(1).uniform(size=draws.shape) if case.row.discrete else 0.0
    for below in np.exp(log_below) - own:
        assert stats.kstest(below, "uniform").pvalue > 1e-4
    if not case.row.discrete:
        lower, upper = bounds[0]
        integral = np.sum(WEIGHTS * np.exp(at_nodes[0])) * (upper - lower) / 2
        assert integral == pytest.approx(1.0, abs=1e-4 if case.name == "Laplace" else 1e-9)  # its kink


@pytest.mark.parametrize(("meaning", "parameters"), [(Poisson, (3.7,)), (Bernoulli, (0.3,))])
def test_truncated_probabilities_add_up_to_one(meaning, parameters):
    y = jnp.arange(60)
    for lower, upper in ((0.0, np.inf), (-np.inf, 2.5), (-0.5, 2.0)):
        total = jnp.exp(
            jax.jit(lambda y, a, b: truncated_log_prob(meaning, y, a, b, *parameters))(y, lower, upper)
        )
        assert float(jnp.sum(total)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("meaning", "parameters"),
    [(Normal, (0.0, 1.0)), (Logistic, (0.0, 1.0)), (Laplace, (0.0, 1.0)), (StudentT, (3.0, 0.0, 1.0))],
)
def test_density_and_gradient_far_out_are_finite(meaning, parameters):
    numbers = tuple(range(3 + len(parameters)))
    function = jax.jit(jax.value_and_grad(lambda *a: truncated_log_prob(meaning, *a), argnums=numbers))
    for y, lower, upper in (
        (45.2, 45.0, np.inf),
        (45.2, 45.0, 46.0),
        (-45.9, -46.0, -45.0),
        (-45.9, -np.inf, -45.0),
    ):
        assert all(np.isfinite(number) for number in jax.tree.leaves(function(y, lower, upper, *parameters)))


@pytest.mark.parametrize(
    ("lower", "upper"), [(45.0, np.inf), (-np.inf, -45.0), (-np.inf, np.inf), (0, np.inf)]
)
def test_infinite_bounds_may_be_literal_or_computed(lower, upper):
    literal = log_mass(Normal, lower, upper, 0.5, 2.0)
    computed = log_mass(Normal, jnp.asarray(lower), jnp.asarray(upper), 0.5, 2.0)
    assert float(literal) == pytest.approx(float(computed), rel=1e-15)
    assert float(log_mass(Poisson, lower, upper, 900.0)) == pytest.approx(
        float(log_mass(Poisson, jnp.asarray(lower), jnp.asarray(upper), 900.0)), rel=1e-15
    )


def test_bounds_of_counts_are_left_out():
    assert truncated_log_prob(Poisson, 0, 0, jnp.inf, 2.0) == -jnp.inf
    assert float(truncated_log_prob(Poisson, 1, 0, 3, 2.0)) == pytest.approx(np.log(0.5))
    draws = truncated_sample(Poisson, jax.random.key(5), (200,), 0.0, 4.0, 2.0)
    np.testing.assert_array_equal(np.unique(draws), [1, 2, 3])


def test_bounds_may_be_arrays_and_parameters():
    lower, upper = jnp.array([0.0, -jnp.inf, 1.0, -jnp.inf]), jnp.array([jnp.inf, 0.0, 2.0, jnp.inf])
    y = jnp.array([0.5, -0.5, 1.5, 0.5])
    function = jax.jit(lambda y, low, high, mu: truncated_log_prob(Normal, y, low, high, mu, 1.0))
    expected = [float(function(*numbers, 0.0)) for numbers in zip(y, lower, upper, strict=True)]
    np.testing.assert_allclose(function(y, lower, upper, 0.0), expected)
    gradient = jax.jit(jax.grad(lambda low, mu: jnp.sum(function(y, low, upper, mu)), (0, 1)))(lower, 0.0)
    assert all(np.all(np.isfinite(g)) for g in gradient)
    slope = jax.grad(lambda low: function(0.5, low, jnp.inf, 0.0))(0.0)
    assert float(slope) == pytest.approx(2 * np.exp(Normal.log_prob(0.0, 0.0, 1.0)))
    draws = jax.eval_shape(
        lambda key: truncated_sample(Gamma, key, (2, 4), lower, jnp.inf, 2.0, 1.0), jax.random.key(0)
    )
    assert draws.shape == (2, 4)


def test_bounds_without_mass_and_values_outside():
    for y, lower, upper in ((2.0, 3.0, 4.0), (3.5, 3.0, 4.0)):
        value, gradient = jax.value_and_grad(
            lambda y, low, high: truncated_log_prob(Uniform, y, low, high, 0.0, 1.0), (0, 1, 2)
        )(y, lower, upper)
        assert value == -jnp.inf
        assert np.all(np.isfinite(gradient))


def test_flat_is_cut_and_not_normalised():
    np.testing.assert_array_equal(
        truncated_log_prob(Flat, jnp.array([-1.0, 1.0, 9.0]), 0.0, 5.0), [-jnp.inf, 0.0, -jnp.inf]
    )
