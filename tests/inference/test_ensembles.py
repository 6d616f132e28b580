"""Chains that learn from each other: in lock step, and ensembles of walkers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from posed_problems import Problem, assert_has_the_moments, banana, correlated, draw, funnel, two_modes

from pdflang.diagnostics import PdflangError
from pdflang.inference.options import CheesOptions, EmceeOptions, MeadsOptions, Options


@pytest.mark.parametrize("options", [CheesOptions(), MeadsOptions()])
def test_chains_in_lock_step_draw_from_a_normal(options: Options) -> None:
    problem = correlated(3)
    assert_has_the_moments(draw(problem, options), problem, 2000)


@pytest.mark.parametrize("options", [CheesOptions(draws=1000), MeadsOptions(draws=600)])
def test_chains_in_lock_step_follow_a_curved_valley(options: Options) -> None:
    assert_has_the_moments(draw(banana(), options), banana(), 300)


@pytest.mark.parametrize("options", [CheesOptions(), MeadsOptions(draws=100)])
def test_chains_in_lock_step_learn_coordinates_where_none_are_climbed_to(options: Options) -> None:
    """Beyond 200 dimensions they start from draws of the prior; widths from 0.1 to 10."""
    import jax
    import jax.numpy as jnp

    scales = np.logspace(-1, 1, 250)
    target = replace(
        correlated(2).target,
        dimension=len(scales),
        log_density=lambda z, arrays: -0.5 * jnp.sum((z / scales) ** 2),
        initial=lambda key, arrays: 10 * jax.random.normal(key, scales.shape),
    )
    wide = Problem(target, np.zeros(len(scales)), scales, np.nan)
    assert_has_the_moments(draw(wide, options), wide, 1500)


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        pytest.param(correlated(2), EmceeOptions(), id="2 dimensions"),
        pytest.param(banana(), EmceeOptions(moves="differential"), id="banana"),
        pytest.param(two_modes(), EmceeOptions(moves="differential"), id="two modes"),
    ],
)
def test_walkers_have_the_moments(problem: Problem, options: Options) -> None:
    draws = draw(problem, options)
    assert draws.remarks == ()
    assert_has_the_moments(draws, problem, 500)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (funnel(), EmceeOptions()),
        (correlated(10), EmceeOptions(moves="differential")),
    ],
)
def test_walkers_in_more_dimensions(problem: Problem, options: Options) -> None:
    assert_has_the_moments(draw(problem, options), problem, 500)


def test_stretches_leave_modes_the_shares_of_their_starts() -> None:
    """Half of the walkers in each: where it fails, and what R-hat of ensembles that start alike does not see."""
    assert abs(np.mean(draw(two_modes(), EmceeOptions(steps=2000)).z[..., 0] > 0) - 0.5) < 0.1


def test_ensembles_that_are_too_short_say_so() -> None:
    (remark,) = draw(correlated(4), EmceeOptions(steps=300)).remarks
    assert remark.severity == "warning" and "autocorrelation times" in remark.sentence


def test_walkers_span_the_space() -> None:
    for walkers in (21, 18):
        said = f"{walkers} walkers are not two equal halves, or too few for a model of dimension 10"
        with pytest.raises(PdflangError, match=said):
            EmceeOptions(walkers=walkers).walkers_for(10)


def test_without_emcee_its_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['emcee'] = None\n"
        "import pdflang\n"
        "model = pdflang.loads('param a ~ Normal(0, 1)')\n"
        "try: model.sample(method='emcee')\n"
        "except pdflang.PdflangError as failure: print(failure)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the method `emcee` needs the package emcee" in done.stdout, done.stderr
    assert 'pip install "pdflang[emcee]"' in done.stdout


def test_folds_are_of_equal_size() -> None:
    with pytest.raises(PdflangError, match="66 chains cannot be 4 folds"):
        MeadsOptions(chains=66)
