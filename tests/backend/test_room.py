"""Room in the arrays of events is seen by nothing but the sum over them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pdflang

X = np.linspace(0.05, 0.95, 20)
Z = np.random.default_rng(0).normal(size=20)
LIST = """
    data x[N]
    data z[N]
    param c ~ Normal(0, 1)
    theory rate(x in (0, 1)) = exp(c*x)
    observe x ~ PoissonProcess(rate)
"""
LOG_RATE = float(-np.expm1(1.0) + X.sum() + stats.norm.logpdf(1.0))
"""At c = 1, with its prior."""


def load(text: str, **data: np.ndarray) -> pdflang.Model:
    return pdflang.loads(LIST + text, data=data or {"x": X, "z": Z})


def test_another_observation_of_each_event_is_as_long_as_the_events() -> None:
    model = load("observe z ~ Normal(c, 1)")
    expected = stats.norm.logpdf(Z, 1.0)
    assert model.log_density({"c": 1.0}) == pytest.approx(LOG_RATE + expected.sum(), rel=1e-12)
    assert model.log_likelihood({"c": 1.0})["z"] == pytest.approx(expected, rel=1e-12)
    fewer = model.rebind({"x": X[:5], "z": Z[:5]})
    assert fewer.log_likelihood({"c": 1.0})["z"] == pytest.approx(expected[:5], rel=1e-12)


def test_an_output_of_each_event_is_as_long_as_the_events() -> None:
    model = load("output share[i in N] = exp(c*x[i])/(1 + exp(c*x[i]))\noutput all = sum(c*z[i] for i in N)")
    derived = model.derived({"c": 1.0})
    assert derived["share"] == pytest.approx(1 / (1 + np.exp(-X)), rel=1e-12)
    assert derived["all"] == pytest.approx(Z.sum(), rel=1e-12)


def test_binders_run_over_the_rows_of_a_table() -> None:
    model = pdflang.loads(
        """
        data hits = table("hits.csv")
        param c ~ Normal(0, 1)
        theory rate(x in (0, 1)) = exp(c*x)
        observe hits ~ PoissonProcess(rate)
        output rates[i in hits] = rate(hits.x[i])
        output all = sum(c*hits.x[i] for i in hits)
        """,
        data={"hits": {"x": X}},
    )
    derived = model.derived({"c": 1.0})
    assert derived["rates"] == pytest.approx(np.exp(X), rel=1e-12)
    assert derived["all"] == pytest.approx(X.sum(), rel=1e-12)


def test_factors_and_priors_sum_over_as_many() -> None:
    text = "param a ~ Normal(sum(c*z[i] for i in N), 1)\nfactor small = -sum((c*z[i])^2 for i in N)"
    found = load(text).log_density({"c": 1.0, "a": 0.3})
    assert found == pytest.approx(LOG_RATE + stats.norm.logpdf(0.3, Z.sum()) - (Z**2).sum(), rel=1e-12)


def test_two_lists_on_an_axis() -> None:
    found = load("theory other(z in (-inf, inf)) = exp(-z^2/2)\nobserve z ~ Iid(other)").log_density({"c": 1.0})
    assert found == pytest.approx(LOG_RATE + stats.norm.logpdf(Z).sum(), rel=1e-9)


def test_a_rate_may_read_data_of_that_axis_as_a_whole() -> None:
    """A sum of kernels, with the widths that a parameter has."""
    model = pdflang.loads(
        """
        data x[N]
        data z[N]
        param c ~ Normal(0, 1)
        theory rate(x in (-inf, inf)) = sum(exp(-((x - z[i])/c)^2/2) for i in N)
        observe x ~ Iid(rate)
        """,
        data={"x": X, "z": Z},
    )
    kernels = stats.norm.pdf(X[:, None], Z, 2.0).mean(axis=1)
    expected = np.log(kernels).sum() + stats.norm.logpdf(2.0)
    assert model.log_density({"c": 2.0}) == pytest.approx(expected, rel=1e-9)


def test_what_is_as_long_by_chance_stays_so() -> None:
    model = pdflang.loads(
        """
        data x[4] = [0.1, 0.2, 0.5, 0.7]
        data n[4] = [1, 2, 3, 4]
        param c ~ Normal(0, 1)
        theory rate(x in (0, 1)) = exp(c*x)
        observe x ~ PoissonProcess(rate)
        observe n ~ Normal(c, 1)
        """
    )
    expected = 1.5 - np.expm1(1.0) + stats.norm.logpdf([1.0, 1, 2, 3, 4], [0, 1, 1, 1, 1]).sum()
    assert model.log_density({"c": 1.0}) == pytest.approx(expected, rel=1e-12)


def test_a_list_alone_keeps_its_room() -> None:
    model = load("")
    fewer = model.rebind({"x": X[:7], "z": Z[:7]})
    assert {n: a.shape for n, a in fewer.arrays.items()} == {n: a.shape for n, a in model.arrays.items()}
    assert fewer.functions.generated.source == model.functions.generated.source
    assert load("output share[i in N] = c*x[i]").capacities == {}
