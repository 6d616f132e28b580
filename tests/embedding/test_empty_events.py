"""Lists without events: what is left of their likelihood is the yield."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy import integrate, stats

import pdflang

PRIOR = "param c ~ Gamma(2, 0.2)\nparam a ~ Normal(0.5, 0.5) in (-1, inf)\n"
EMPTY = {
    "a sum of powers": (
        "data ev[N]\npdf q(x) = c*x^a*(1 - x)^3 + c*(1 - x)\nobserve ev ~ PoissonProcess(q)",
        lambda x, c, a: c * x**a * (1 - x) ** 3 + c * (1 - x),
    ),
    "a rate that is 0 in the middle": (
        "data ev[N]\ntheory q(x in (0, 1)) = if abs(x - 0.5) < 0.3 then 0 else c*x^a\nobserve ev ~ PoissonProcess(q)",
        lambda x, c, a: np.where(abs(x - 0.5) < 0.3, 0, c * x**a),
    ),
}


@pytest.mark.parametrize(("text", "rate"), EMPTY.values(), ids=EMPTY.keys())
@pytest.mark.parametrize("before", [[], [0.1, 0.9]])
def test_a_list_without_events_has_its_yield(text: str, rate: Any, before: list[float]) -> None:
    """Also where there were some before; the room for more must not count, nor be 0 times infinity."""
    model = pdflang.loads(PRIOR + text, data={"ev": before}).rebind({"ev": []})
    total, _ = integrate.quad(rate, 0, 1, args=(3.0, 0.2), points=[0.2, 0.8])
    expected = stats.gamma(2, scale=5).logpdf(3) + stats.truncnorm(-3, np.inf, 0.5, 0.5).logpdf(0.2) - total
    assert float(model.log_density({"c": 3.0, "a": 0.2})) == pytest.approx(expected, rel=1e-6)
    slope = jax.grad(lambda c: model.log_density({"c": c, "a": 0.2}))(3.0)
    assert float(slope) == pytest.approx(1 / 3 - 0.2 - total / 3, rel=1e-5)
    assert model.log_likelihood({"c": 3.0, "a": 0.2})["ev"].shape == (0,)


def test_an_empty_table_with_labels_and_weights() -> None:
    text = """
    index run = early, late
    data ev = table("e.csv")
    param c ~ Gamma(2, 0.2)
    theory s(x in (0, 1), y in (0, 1), r in run) = if y < x then 0 else c*x
    observe ev ~ PoissonProcess(s, weights = ev.w)
    """
    model = pdflang.loads(text, data={"ev": {"x": [], "y": [], "r": [], "w": []}})
    assert float(model.log_density({"c": 3.0})) == pytest.approx(stats.gamma(2, scale=5).logpdf(3) - 1, rel=1e-8)
    assert model.map().converged
