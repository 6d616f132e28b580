"""What data cannot determine, found before sampling, in the words of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.identifiability import information_at, remarks, shrinkage
from pdflang.prior_checks import conflicts, impossible

PRIORS = "param a ~ Normal(0, 1)\nparam b ~ Normal(0, 3)\nparam d ~ Normal(0, 300)\n"
POSITIVE = "param c ~ LogNormal(0, 1)\nparam lumi ~ LogNormal(3, 1)\nparam eff ~ Beta(2, 2)\n"
SHAPE = "data t[20] = linspace(1, 2, 20)\ndata y[20] = linspace(0, 1, 20)\n"


def said(text: str, data: Any = None) -> list[str]:
    model = pdflang.loads(text, data=data)
    return [f"{remark.code} {remark.message}" for remark in remarks(model, information_at(model))]


@pytest.mark.parametrize(
    ("declared", "mean", "expected"),
    [
        (POSITIVE, "c*lumi*eff", ["L413 c, lumi and eff enter observations only as c*lumi*eff:"]),
        (POSITIVE, "c^2/lumi + eff*t[i]", ["L413 c and lumi enter observations only as c^2/lumi:"]),
        (POSITIVE, "log(c*lumi)*eff^t[i]", ["L413 c and lumi enter observations only as c*lumi:"]),
        (POSITIVE, "c*t[i] + lumi*t[i]^2 + eff*sqrt(t[i])", []),
        (PRIORS, "a + 2*b - d", ["L413 a, b and d enter observations only as a + 2*b - d:"]),
        (PRIORS, "sin(a + b)*t[i] + d", ["L413 a and b enter observations only as a + b:"]),
        (PRIORS, "a*b + d*t[i]", ["L413 in some direction of a and b, another one at each place"]),
        (PRIORS, "(a + b)*t[i] + max(d, 1e6)", ["L413 a and b enter observations only as a + b:", "L412 `d` has no"]),
        (PRIORS, "a + b*t[i] + 1e-4*d*t[i]^2", ["L412 `d` has hardly any influence"]),
    ],
)
def test_combinations(declared: str, mean: str, expected: list[str]) -> None:
    found = said(f"{SHAPE}{declared}let m[i in 20] = {mean}\nobserve y ~ Normal(m, 1)\n")
    assert len(found) == len(expected), found
    for sentence in expected:
        assert any(remark.startswith(sentence) for remark in found), found


def test_counts_events_and_joint_distributions() -> None:
    """Whatever the observation, and however few terms its likelihood has."""
    rate = "param c ~ LogNormal(3, 0.5)\nparam k ~ LogNormal(0, 0.5)\nparam p ~ Normal(1, 0.3) in (0, inf)\n"
    product = "L413 c and k enter observations only as c*k:"
    counts = said(f"{rate}data n[8]: int\nobserve n ~ Poisson(c*k*p^linspace(0, 1, 8))", {"n": np.arange(8) + 20})
    x = np.linspace(0.1, 0.9, 30)
    events = said(f"{rate}data x[N]\ntheory r(x in (0, 1)) = c*k*x^p\nobserve x ~ PoissonProcess(r)", {"x": x})
    joint = said(
        f"{rate}data y[5]\ndata C[5, 5]\nlet m[i in 5] = c*k + p*i\nobserve y ~ MvNormal(m, cov = C)",
        {"y": np.arange(5.0), "C": np.eye(5) + 0.5},
    )
    for found in (counts, events, joint):
        assert len(found) == 1 and found[0].startswith(product), found


def test_many_silent_entries_make_one_remark() -> None:
    (found,) = said("data y[3]\nparam h[50] ~ Normal(0, 1)\nobserve y ~ Normal(h[0:3], 1)", {"y": np.zeros(3)})
    assert found.startswith("L412 `h[3]`, `h[4]`, `h[5]`, … and `h[49]` (47 of them) have no influence")


def test_a_hierarchy_is_left_alone() -> None:
    text = "param mu ~ Normal(0, 5)\nparam tau ~ HalfNormal(5)\nparam z[8] ~ Normal(0, 1)\ndata y[8]\n"
    assert said(f"{text}observe y ~ Normal(mu + tau*z, 10)", {"y": np.arange(8.0)}) == []


def test_shrinkage_is_that_of_a_conjugate_model() -> None:
    """Of N(0, s) and n data of width 1 the variance falls to 1/(n + 1/s²)."""
    model = pdflang.loads("data y[12]\nparam mu ~ Normal(0, 0.5)\nobserve y ~ Normal(mu, 1)", data={"y": np.zeros(12)})
    # The squares of twelve scores are near their expectation only.
    expected = 1 - 1 / (1 + 12 * 0.25)
    assert shrinkage(information_at(model)) == pytest.approx([expected], abs=0.15)


def test_conflicts_of_prior_and_data() -> None:
    def codes(prior: str, y: list[float]) -> list[str]:
        model = pdflang.loads(f"data y[3]\nparam mu ~ {prior}\nobserve y ~ Normal(mu, 1)", data={"y": y})
        return [remark.message for remark in conflicts(model)]

    assert codes("Normal(0, 10)", [1, 2, 1.5]) == []
    assert "farther from what the prior predicts" in codes("Normal(0, 1)", [30, 31, 29])[0]
    assert "times as much as the data are large" in codes("Normal(0, 1e5)", [1, 2, 1.5])[0]


def test_data_that_are_impossible_at_draws_of_the_prior() -> None:
    """The share is P(longest < 9); nothing is said where the prior's bound keeps them possible, or it is improper."""

    def found(prior: str) -> list[str]:
        text = f"data t[3]\nparam longest ~ {prior}\nobserve t ~ Uniform(0, longest)"
        model = pdflang.loads(text, data={"t": [7.0, 9.0, 2.0]})
        return [f"{remark.message}; {remark.notes[0]}" for remark in impossible(model)]

    (told,) = found("LogNormal(2, 0.5)")
    expected = stats.lognorm(0.5, scale=np.exp(2)).cdf(9)
    share = float(told.split("zero at ")[1].split("%")[0]) / 100
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 200))
    assert float(told.rpartition("longest = ")[2]) < 9
    assert found("LogNormal(2, 0.5) in (9, inf)") == found("Flat() in (0, inf)") == []


def test_an_observation_is_named_whose_rate_turns_negative() -> None:
    text = """
        param a ~ Normal(0, 1)
        data y[2] = [0.1, 0.2]
        data n[2]: int = [7, 9]
        data pull[2]
        observe y ~ Normal(a, 1)
        observe n ~ Poisson(8 + a*pull)
    """
    (remark,) = impossible(pdflang.loads(text, data={"pull": [8.0, -8.0]}))
    assert remark.code == "L416" and remark.message.startswith("`n` as observed has density zero at 3")
