"""What populations and ladders between prior and posterior are said to be good for."""

from __future__ import annotations

import numpy as np
import pytest
from posed_problems import assert_has_the_evidence, correlated, draw, two_modes

from pdflang.inference.options import PersistentOptions, SmcOptions, TemperingOptions
from pdflang.inference.persistent import _rise


def test_particles_of_all_temperatures_are_worth_more_than_those_of_the_last() -> None:
    """For as many gradients there are twice the draws at least, and the evidence is known as well."""
    problem = two_modes()
    smc, persistent = draw(problem, SmcOptions(particles=500)), draw(problem, PersistentOptions(particles=250))
    assert smc.warmup_gradients is not None and persistent.warmup_gradients is not None
    spent = smc.warmup_gradients.sum() + smc.statistics["n_gradients"].sum()
    assert persistent.warmup_gradients.sum() < 1.3 * spent
    assert persistent.z.shape[1] > 2 * 500
    assert_has_the_evidence(persistent, problem, 0.05)


def test_a_ladder_goes_up_and_down_as_often_as_its_barrier_lets_it() -> None:
    """Without backtracking a scan ends 1/(2 + 2Λ) journeys where states move freely (Syed et al. 2022).

    Of a normal prior and likelihood Λ is known: the mean difference |V − V'| of two independent log-likelihoods at each
    temperature, halved and integrated.
    """
    problem = correlated(1)
    draws = draw(problem, TemperingOptions(rungs=16, draws=4000, moves=3))
    generator = np.random.default_rng(0)
    total = before = last = 0.0
    grid = np.concatenate([[0.0], np.geomspace(1e-5, 1, 200)])
    precision = problem.target.arrays["precision"][0, 0]
    for beta in grid:
        z = generator.normal(0.0, (1 / 100 + beta * precision) ** -0.5, (2, 200_000))
        first, second = -0.5 * precision * z**2
        rate = 0.5 * np.mean(np.abs(first - second))
        total += 0.5 * (rate + before) * (beta - last) if beta else 0.0
        before, last = rate, beta
    assert draws.details["barrier"] == pytest.approx(total, rel=0.1)
    possible = 4 * 4000 / (2 + 2 * total)
    assert 0.7 * possible < draws.details["journeys"] < 1.1 * possible


def test_few_journeys_are_told() -> None:
    (remark,) = draw(two_modes(), TemperingOptions(rungs=4, draws=200)).remarks
    assert remark.severity == "warning" and "too few" in remark.sentence


def test_the_next_temperature_is_that_of_blackjax() -> None:
    import jax
    from blackjax.mcmc import hmc
    from blackjax.smc import adaptive_persistent_sampling
    from blackjax.smc.resampling import systematic

    kernel = adaptive_persistent_sampling.build_kernel(
        lambda z: -0.5 * z @ z, lambda z: -200.0 * (z - 1) @ (z - 1), hmc.build_kernel(), hmc.init, systematic, 0.7
    )
    given = {
        "step_size": np.full(1, 0.1), "inverse_mass_matrix": np.ones((1, 2)), "num_integration_steps": np.full(1, 3),
    }  # fmt: skip
    z = jax.random.normal(jax.random.key(0), (100, 2))
    state = adaptive_persistent_sampling.init(z, lambda z: -200.0 * (z - 1) @ (z - 1), 5)
    for number in range(3):
        rise = _rise(state, 0.7)
        before = float(state.tempering_param)
        state, _ = kernel(jax.random.key(number), state, 1, given)
        assert 0 < float(state.tempering_param) - before == pytest.approx(float(rise), rel=1e-6)
