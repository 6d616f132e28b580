"""Weighted events: Σ w log rate − ∫ rate, or − (Σ w) log ∫ where the shape is normalised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pdflang

X, W = np.array([0.1, 0.35, 0.5, 0.9]), np.array([1.5, -0.5, 0.0, 2.0])
PROCESSES = {
    "PoissonProcess(1000 * shape, weights = ev.w)": lambda a: -1000.0,
    "Iid(1000 * shape, weights = ev.w)": lambda a: -W.sum() * np.log(1000.0),
    "PoissonProcess(1000 * shape, over = (0, 0.75), weights = ev.w)": lambda a: -1000 * stats.beta(a + 1, 2).cdf(0.75),
}
TEXT = """
data ev = table("ev.csv")
param a ~ Uniform(-0.5, 3)
theory shape(x in (0, 1)) = x^a * (1 - x) / beta(a + 1, 2)
"""


def events(process: str) -> dict[str, dict[str, np.ndarray]]:
    return {"ev": {"x": np.where(X > 0.75, 0.7, X) if "over" in process else X, "w": W}}


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("a", [-0.25, 1.0, 2.5])
def test_the_weighted_likelihood(process: str, a: float) -> None:
    data = events(process)
    model = pdflang.loads(f"{TEXT}observe ev ~ {process}", data=data)
    logs = np.log(1000) + stats.beta(a + 1, 2).logpdf(data["ev"]["x"])
    expected = (W * logs).sum() + PROCESSES[process](a) - np.log(3.5)
    assert float(model.log_density({"a": a})) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(model.log_likelihood({"a": a})["ev"], W * logs, rtol=1e-12)


def test_weights_of_one_are_no_weights() -> None:
    weighted = pdflang.loads(
        f"{TEXT}observe ev ~ PoissonProcess(1000 * shape, weights = ev.w)", data={"ev": {"x": X, "w": X * 0 + 1}}
    )
    plain = pdflang.loads(f"{TEXT}observe ev ~ PoissonProcess(1000 * shape)", data={"ev": {"x": X}})
    assert float(weighted.log_density({"a": 0.3})) == pytest.approx(float(plain.log_density({"a": 0.3})), rel=1e-14)


def test_weights_that_are_a_datum_of_their_own_and_rebound() -> None:
    arrays = TEXT.replace('data ev = table("ev.csv")', "data ev[N]\ndata w[N]")
    text = f"{arrays}observe ev ~ Iid(shape, weights = 2*w)"
    model = pdflang.loads(text, data={"ev": X, "w": W})
    again = model.rebind({"ev": X[:2], "w": W[:2]})
    expected = 2 * (W[:2] * stats.beta(1.5, 2).logpdf(X[:2])).sum() - np.log(3.5)
    assert float(again.log_density({"a": 0.5})) == pytest.approx(expected, rel=1e-12)


def test_a_rate_that_may_be_negative_has_a_density_where_it_is_positive_at_the_events() -> None:
    text = """
    data ev = table("ev.csv")
    param k ~ Uniform(0.2, 0.6)
    theory s(x in (0, 1)) = 1000*(x - k)
    observe ev ~ PoissonProcess(s{weights})"""
    weighted = text.format(weights=", weights = ev.w")
    model = pdflang.loads(weighted, data={"ev": {"x": X[1:], "w": W[1:]}})
    (lint,) = [lint for lint in model.program.lints if lint.code == "L401"]
    assert "the rate of PoissonProcess could not be proved" in lint.message and "weight -1" in lint.notes[0]
    expected = (W[1:] * np.log(1000 * (X[1:] - 0.3))).sum() - 1000 * (0.5 - 0.3) - np.log(0.4)
    assert float(model.log_density({"k": 0.3})) == pytest.approx(expected, rel=1e-12)
    assert float(model.log_density({"k": 0.5})) == -np.inf
    with pytest.raises(pdflang.PdflangError, match="E401"):
        pdflang.loads(text.format(weights=""), data={"ev": {"x": X[1:]}})
