"""Factors that are at most 0 choose among the draws of the prior, against closed forms; others are refused."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang import PdflangError

OBSERVED = "data y[2]\nobserve y ~ Normal(a, 1)\n"
DATA = {"y": [0.0, 1.0]}


def model(text: str, **data: object) -> pdflang.Model:
    return pdflang.loads(OBSERVED + text, data={**DATA, **data})


def drawn(text: str, count: int = 1000) -> np.ndarray:
    compiled = model(text)
    keys = jax.random.split(jax.random.key(1), count)
    return np.asarray(jax.vmap(lambda key: compiled.draw_prior(key)["a"])(keys))


def test_a_gaussian_factor_narrows_a_gaussian_prior() -> None:
    narrow = drawn("param a ~ Normal(0, 2)\nfactor tight = -3*a^2/8")
    assert stats.kstest(narrow, stats.norm(0, 1).cdf).pvalue > 1e-3
    assert stats.kstest(narrow, stats.norm(0, 2).cdf).pvalue < 1e-6


def test_a_factor_may_forbid_and_factors_multiply() -> None:
    text = "param a ~ Normal(0, 1)\nfactor up = if a < 0 then -inf else 0\nfactor tail = -2*abs(a)"
    exact = stats.truncnorm(2, np.inf, loc=-2)  # exp(-a²/2 - 2a) above 0
    assert stats.kstest(drawn(text), exact.cdf).pvalue > 1e-3


def test_simulated_and_predicted_data_come_from_the_density_s_own_prior() -> None:
    compiled = model("param a ~ Normal(0, 2)\nfactor tight = -3*a^2/8")
    found = compiled.predict(draws=2000, seed=3)["prior"]["a"].to_numpy().ravel()
    assert stats.kstest(found, stats.norm(0, 1).cdf).pvalue > 1e-3
    y = np.array([np.asarray(compiled.simulate(seed)["y"])[0] for seed in range(200)])
    assert stats.kstest(y, stats.norm(0, np.sqrt(2)).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("factor up = sin(a)", "could not be proved to be at most 0"),
        ("data s[2]\nfactor seen = -sum(s)^2*a^2", "reads the datum `s`"),
        ("data s[2]\nlet m = sum(s)*a\nfactor seen = -m^2", "reads the datum `s`"),
        ("factor never = -100 - a^2", "none of 100000 draws"),
    ],
)
def test_what_cannot_be_drawn_is_said_at_its_factor(text: str, told: str) -> None:
    data = {"s": [1.0, 2.0]} if " s[" in text else {}
    with pytest.raises(PdflangError) as failure:
        model(f"param a ~ Normal(0, 1)\n{text}", **data).draw_prior(0)
    (diagnostic,) = failure.value.diagnostics
    assert diagnostic.code == "E607" and told in diagnostic.message
    assert diagnostic.span is not None and diagnostic.span.line == 2 + text.count("\n") + 2


def test_what_is_hardly_ever_accepted_is_not_a_number_in_a_traced_function() -> None:
    assert np.isnan(drawn("param a ~ Normal(0, 1)\nfactor never = -100 - a^2", 2)).all()
