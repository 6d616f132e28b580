"""Truncation against mpmath, from the middle to 45 standard deviations into either tail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from distribution_cases import ALL, CONTINUOUS, COUNTING
from mpmath import mp
from scipy import stats

from pdflang.backend.runtime.distributions import (
    Bernoulli,
    Flat,
    Gamma,
    Normal,
    Poisson,
    Uniform,
    log_mass,
    truncated_log_prob,
    truncated_sample,
)

DIGITS = 700  # 1 - (a mass of e^-1000) must keep its digits
SPREAD_OUT = [case for case in ALL if case.name != "Bernoulli"]


def intervals(case):
    """Bounds in the middle, on either side and 45 spreads away, as far as the support goes."""
    start, end = case.reference.support()
    centre = float(case.reference.median())
    quartiles = case.reference.ppf([0.25, 0.75])
    spread = max(float(quartiles[1] - quartiles[0]) / 1.35, 1.0 if case.row.discrete else 0.0)
    wanted = [
        (centre - 0.3 * spread, centre + 1.4 * spread),
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
    return [(low, high) for low, high in wanted if high > start + (case.row.discrete - 1e-9) and low < end]


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


def free_parameters(case, offset=0):
    first = 1 if case.name == "Binomial" else 0
    return tuple(range(first + offset, len(case.parameters) + offset))


@pytest.mark.parametrize("case", SPREAD_OUT, ids=str)
def test_mass_and_its_derivatives_agree_with_mpmath(case):
    lower, upper = (jnp.array(ends) for ends in zip(*intervals(case), strict=True))
    values, gradients = jax.jit(
        jax.vmap(
            jax.value_and_grad(
                lambda low, high, *p: log_mass(case.meaning, low, high, *p), free_parameters(case, 2)
            ),
            (0, 0, *(None for _ in case.parameters)),
        )
    )(lower, upper, *case.parameters)
    for i, (low, high) in enumerate(intervals(case)):
        exact = exact_log_mass(case, low, high)
        with mp.workdps(DIGITS):
            parameters = [mp.mpf(p) for p in case.parameters]
            expected = float(exact(*parameters))
            slopes = [derivative(exact, parameters, i) for i in free_parameters(case)]
        assert float(values[i]) == pytest.approx(expected, rel=1e-9, abs=1e-9), (low, high)
        np.testing.assert_allclose(
            [g[i] for g in gradients], slopes, rtol=1e-8, atol=1e-9, err_msg=f"{low, high}"
        )


def derivative(function, parameters, index):
    """Central difference, exact to the digits of a float."""
    step = mp.mpf(10) ** -40
    shifted = [[p + sign * step * (i == index) for i, p in enumerate(parameters)] for sign in (1, -1)]
    return float((function(*shifted[0]) - function(*shifted[1])) / (2 * step))


@pytest.mark.parametrize("case", SPREAD_OUT, ids=str)
def test_draws_lie_between_the_bounds_and_follow_the_density(case):
    lower, upper = (jnp.array(ends)[:, None] for ends in zip(*intervals(case), strict=True))
    draws = draw(case.meaning, lower, upper, case.parameters, (len(lower), 400))
    # The mass below each draw is uniform; for counts the draw's own mass is shared out.
    top = draws + 0.5 if case.row.discrete else draws
    log_prob, log_below, log_all = jax.jit(masses, static_argnums=0)(
        case.meaning, draws, lower, upper, top, case.parameters
    )
    assert np.all(draws >= lower)
    assert np.all(draws <= upper)
    assert np.all(np.isfinite(log_prob))
    below = np.exp(log_below - log_all)
    if case.row.discrete:
        below = below - np.exp(log_prob) * np.random.default_rng(1).uniform(size=draws.shape)
    for row in below:
        assert stats.kstest(row, "uniform").pvalue > 1e-4


def masses(meaning, draws, lower, upper, top, parameters):
    return (
        truncated_log_prob(meaning, draws, lower, upper, *parameters),
        log_mass(meaning, lower, top, *parameters),
        log_mass(meaning, lower, upper, *parameters),
    )


def draw(meaning, lower, upper, parameters, shape=(600,)):
    return jax.jit(truncated_sample, static_argnums=(0, 2))(
        meaning, jax.random.key(5), shape, lower, upper, *parameters
    )


@pytest.mark.parametrize(("lower", "upper"), [(45.0, np.inf), (45.0, 46.0), (-46.0, -45.0)])
@pytest.mark.parametrize("case", CONTINUOUS[:7], ids=str)
def test_density_and_gradient_far_out_are_finite(case, lower, upper):
    middle = np.clip(0.5 * (lower + upper), -45.5, 45.5)
    value, gradient = jax.value_and_grad(
        lambda y, low, *p: truncated_log_prob(case.meaning, y, low, upper, *p),
        argnums=tuple(range(2 + len(case.parameters))),
    )(middle, lower, *case.parameters)
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_the_truncated_density_integrates_to_one(case):
    lower, upper = (float(v) for v in case.reference.ppf([0.35, 0.9]))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    y = lower + (upper - lower) * (nodes + 1) / 2
    density = jnp.exp(truncated_log_prob(case.meaning, y, lower, upper, *case.parameters))
    tolerance = 1e-5 if case.name == "Laplace" else 1e-9  # its kink
    assert float(np.sum(weights * density) * (upper - lower) / 2) == pytest.approx(1.0, abs=tolerance)


@pytest.mark.parametrize("case", COUNTING, ids=str)
def test_truncated_probabilities_add_up_to_one(case):
    start = case.reference.support()[0]
    y = np.arange(start, case.reference.ppf(1 - 1e-12) + 40)
    for lower, upper in ((start, np.inf), (-np.inf, case.reference.median() + 1.5)):
        total = np.exp(truncated_log_prob(case.meaning, y, lower, upper, *case.parameters)).sum()
        assert total == pytest.approx(1.0, abs=1e-10)


def test_bounds_of_counts_are_left_out():
    assert truncated_log_prob(Poisson, 0, 0, jnp.inf, 2.0) == -jnp.inf
    assert float(truncated_log_prob(Poisson, 1, 0, 3, 2.0)) == pytest.approx(np.log(0.5))
    assert float(truncated_log_prob(Bernoulli, 1, 0, jnp.inf, 0.3)) == pytest.approx(0.0)
    np.testing.assert_array_equal(np.unique(draw(Poisson, 0.0, 4.0, (2.0,))), [1, 2, 3])


def test_bounds_may_be_arrays_and_parameters():
    lower, upper = jnp.array([0.0, -jnp.inf, 1.0, -jnp.inf]), jnp.array([jnp.inf, 0.0, 2.0, jnp.inf])
    y = jnp.array([0.5, -0.5, 1.5, 0.5])
    expected = [
        float(truncated_log_prob(Normal, *numbers, 0.0, 1.0)) for numbers in zip(y, lower, upper, strict=True)
    ]
    np.testing.assert_allclose(truncated_log_prob(Normal, y, lower, upper, 0.0, 1.0), expected)
    total = jax.grad(lambda low, mu: jnp.sum(truncated_log_prob(Normal, y, low, upper, mu, 1.0)), (0, 1))
    assert all(np.all(np.isfinite(g)) for g in total(lower, 0.0))
    slope = jax.grad(lambda low: truncated_log_prob(Normal, 0.5, low, jnp.inf, 0.0, 1.0))(0.0)
    assert float(slope) == pytest.approx(2 * np.exp(Normal.log_prob(0.0, 0.0, 1.0)))
    assert truncated_sample(Gamma, jax.random.key(0), (2, 4), lower, jnp.inf, 2.0, 1.0).shape == (2, 4)


def test_bounds_without_mass_and_values_outside():
    for y, lower, upper, expected in ((2.0, 3.0, 4.0, -jnp.inf), (3.5, 3.0, 4.0, -jnp.inf)):
        value, gradient = jax.value_and_grad(
            lambda y, low, high: truncated_log_prob(Uniform, y, low, high, 0.0, 1.0), (0, 1, 2)
        )(y, lower, upper)
        assert value == expected
        assert np.all(np.isfinite(gradient))


def test_flat_is_cut_and_not_normalised():
    np.testing.assert_array_equal(
        truncated_log_prob(Flat, jnp.array([-1.0, 1.0, 9.0]), 0.0, 5.0), [-jnp.inf, 0.0, -jnp.inf]
    )
