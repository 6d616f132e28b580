"""Errors of both signs against closed forms, and our own search against MINUIT's on the same models."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import pdflang

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NEEDS_IMINUIT = pytest.mark.skipif(importlib.util.find_spec("iminuit") is None, reason="needs iminuit")
COUNT = "data n: int\nparam mu ~ Flat() in (0, inf)\nobserve n ~ Poisson(mu)"


@NEEDS_IMINUIT
def test_a_poisson_mean_has_the_errors_of_its_likelihood() -> None:
    """μ − n + n log(n/μ) = ½, for both optimizers; of no events the upper one is ½."""
    for optimizer in ("newton", "minuit"):
        fit = pdflang.loads(COUNT, data={"n": 4}).map(minos=True, optimizer=optimizer)
        ends = [optimize.brentq(lambda mu: mu - 4 + 4 * np.log(4 / mu) - 0.5, *within) for within in ((1, 4), (4, 9))]
        assert fit.params["mu"] == pytest.approx(4.0, rel=1e-5)
        assert fit.minos is not None and not fit.minos.higher
        accuracy = 1e-8 if optimizer == "newton" else 1e-3
        assert fit.minos.errors["mu"] == pytest.approx([4 - ends[0], ends[1] - 4], rel=accuracy)
    fit = pdflang.loads(COUNT, data={"n": 0}).map(minos=True)
    assert fit.minos is not None
    assert fit.minos.errors["mu"] == pytest.approx([np.nan, 0.5], nan_ok=True, rel=1e-8)


@NEEDS_IMINUIT
@pytest.mark.parametrize("example", ["proxy", "detector"])
def test_both_optimizers_agree(example: str) -> None:
    """MINUIT expects to gain 1e-8 at its end, a few 1e-5 of a standard error; MINOS is content with 1e-3 or so."""
    model = pdflang.load(EXAMPLES / example / "model.pdfm")
    ours, theirs = (model.map(minos=True, optimizer=optimizer) for optimizer in ("newton", "minuit"))
    assert ours.converged and theirs.converged
    assert theirs.log_density == pytest.approx(ours.log_density, abs=1e-6)
    assert ours.minos is not None and theirs.minos is not None
    for name, errors in ours.standard_errors.items():
        assert np.all(abs(theirs.params[name] - ours.params[name]) < 2e-3 * errors)
        assert theirs.standard_errors[name] == pytest.approx(errors, rel=1e-3)
        assert theirs.minos.errors[name] == pytest.approx(ours.minos.errors[name], rel=2e-3)
    assert theirs.covariance == pytest.approx(ours.covariance, abs=2e-3 * abs(ours.covariance).max())


@NEEDS_IMINUIT
def test_a_tolerance_ends_both_optimizers_early() -> None:
    model = pdflang.load(EXAMPLES / "proxy" / "model.pdfm")
    for optimizer in ("newton", "minuit"):
        near, far = (model.map(optimizer=optimizer, starts=1, tolerance=tolerance) for tolerance in (1e-12, 1e-1))
        steps = [fit.optima.best.steps for fit in (near, far)]
        assert steps[1] < steps[0] and 0 <= near.log_density - far.log_density < 0.2


def test_entries_that_bound_each_other_have_none() -> None:
    text = "data y[2] = [0, 1]\nparam m[2]: ordered ~ Normal(0, 1)\nobserve y ~ Normal(m, 1)"
    fit = pdflang.loads(text).map(minos=True)
    assert fit.minos is not None and np.isnan(fit.minos.errors["m"]).all()


def test_a_profile_above_the_maximum_is_told() -> None:
    """Two maxima with less than ½ between the lower of them and the way to the other."""
    text = """
        param a ~ Uniform(-6, 6)
        data y = 0
        observe y ~ Normal(0, 1)
        factor modes = log(exp(-0.5*((a - 1)/0.55)^2) + 5*exp(-0.5*((a + 1)/0.55)^2))
    """
    model = pdflang.loads(text)
    fits = [model.map(minos=True, starts=1, seed=seed) for seed in range(8)]
    best = max(fit.log_density for fit in fits)
    told = [fit.minos is not None and fit.minos.higher for fit in fits]
    assert any(told) and not all(told)
    assert told == [fit.log_density < best - 0.1 for fit in fits]


@NEEDS_IMINUIT
def test_ends_of_minuit_at_a_bound() -> None:
    model = pdflang.loads(
        "param tau ~ Normal(0, 1) in (0, inf)\ndata y[N] = [-3.0, -2.0, -4.0]\nobserve y ~ Normal(tau, 1)"
    )
    fit = model.map(optimizer="minuit")
    assert fit.at_bound == ("tau",) and fit.optima.best.status == "at bound"


def test_without_iminuit_its_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['iminuit'] = None\n"
        "import pdflang\n"
        f"model = pdflang.loads({COUNT!r}, data={{'n': 3}})\n"
        "try: model.map(optimizer='minuit')\n"
        "except pdflang.PdflangError as failure: print(failure)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "error[E620]: `minuit` as `optimizer` needs the package iminuit" in done.stdout
    assert 'pip install "pdflang[minuit]"' in done.stdout
