"""The bound of Cramér and Rao against closed forms, and beside posteriors."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import pdflang
from pdflang.predictive.information import bound
from pdflang.results import summarise
from pdflang.results.efficiency import efficiencies, to_csv, to_text

LINE = """
    param a ~ Normal(0, 100)
    param b ~ Normal(0, 0.1)
    nuisance idle ~ Normal(0, 1)
    data x[N] = [0, 1, 2, 3]
    data y[N] = [0.1, 0.2, 0.1, 0.3]
    observe y ~ Normal(a + b*x + 0*idle, 0.5)
"""


def test_a_linear_model_has_the_covariance_of_least_squares() -> None:
    design = np.stack([np.ones(4), np.arange(4.0)], axis=1)
    expected = np.sqrt(np.diag(0.25 * np.linalg.inv(design.T @ design)))
    found = pdflang.loads(LINE).cramer_rao({"a": 0.0, "b": 0.0, "idle": 0.0})
    assert [float(found[name]) for name in "ab"] == pytest.approx(expected, rel=1e-9)
    assert found["idle"] == np.inf


def test_counts_and_events() -> None:
    """√μ of a Poisson mean, √(c/s) of a rate of which a share s is seen; τ/√n of a mean life."""
    counts = pdflang.loads("data n[2]: int = [5, 9]\nparam mu[2] ~ Gamma(2, 0.1)\nobserve n ~ Poisson(mu)")
    assert counts.cramer_rao({"mu": [100.0, 400.0]})["mu"] == pytest.approx([10.0, 20.0], rel=0.1)
    lives = pdflang.loads(
        "data t[N]\nparam tau ~ Gamma(2, 1)\ntheory f(t in (0, inf)) = exp(-t/tau)\nobserve t ~ Iid(f)",
        data={"t": np.linspace(0.01, 6, 400)},
    )
    assert float(lives.cramer_rao({"tau": 2.0})["tau"]) == pytest.approx(0.1, rel=0.03)


def test_a_direction_without_information_is_infinite_and_others_are_not() -> None:
    """a + b alone is measured, and c: of a and b nothing is known, of their sum all."""
    information = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    assert bound(information, np.eye(3)) == pytest.approx([np.inf, np.inf, 0.5])
    assert bound(information, np.array([[1.0, 1.0, 0.0]])) == pytest.approx([1.0])


def test_posteriors_beside_the_bound() -> None:
    """Of a the prior says nothing, and b is as good as known: a is as if it were alone."""
    model = pdflang.loads(LINE.replace("Normal(0, 0.1)", "Normal(0, 1e-3)"))
    rows = summarise(model.sample(method="nuts", chains=2, warmup=300, draws=1000))
    found = efficiencies(rows, model.cramer_rao({"a": 0.2, "b": 0.0, "idle": 0.0}))
    ratios = {one.name: one.ratio for one in found}
    assert ratios["a"] == pytest.approx(0.5 * np.sqrt(0.7) / 0.25, rel=0.1)
    assert ratios["b"] == pytest.approx(0.5 / np.sqrt(5) / 1e-3, rel=0.1)
    table = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [row["name"] for row in table] == ["a", "b", "idle"] and table[2]["ratio"] == "inf"
    assert "(a) to 2" in to_text(found) and "for 1 more the data have no information" in to_text(found)


def test_weights_have_none() -> None:
    model = pdflang.loads(
        'data h = table("h.csv")\nparam c ~ Gamma(2, 1)\ntheory r(x in (0, 1)) = c\n'
        "observe h ~ PoissonProcess(r, weights = h.w)",
        data={"h": {"x": [0.1, 0.5], "w": [1.0, 0.5]}},
    )
    with pytest.raises(pdflang.PdflangError, match="E614"):
        model.cramer_rao({"c": 1.0})
