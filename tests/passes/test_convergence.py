"""Where an integral diverges the density is zero, and where it converges it is what it was: against mpmath."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import pdflang

EVENT = {"x": [0.3, 0.7]}


def _yield_of(model: pdflang.embedding.Model, **params: float) -> float:
    return -float(model.log_likelihood(params)["x yield"])


def _process(rate: str) -> pdflang.embedding.Model:
    """Events of a rate in (0, 1) that follows a."""
    text = f"data x[N]\nparam a ~ Normal(0, 1)\npdf f(x) = {rate}\nobserve x ~ PoissonProcess(f)"
    return pdflang.loads(text, data=EVENT)


def _exact(rate: Any, a: float, split: float = 0.5) -> float:
    with mpmath.workdps(30):
        return float(mpmath.quad(lambda x: rate(x, mpmath.mpf(a)), [0, split, 1]))


@pytest.mark.parametrize(
    ("rate", "exact", "finite", "infinite"),
    [
        ("(1 - x^2)^(a - 1)", lambda x, a: (1 - x**2) ** (a - 1), (1.2, 1.5), (-0.5, 0.0)),
        ("if x < 0.5 then x^(a - 2) else 1", lambda x, a: x ** (a - 2) if x < 0.5 else 1, (1.3, 2.5), (-0.5, 0.5, 1)),
        ("(exp(x) - 1)^a", lambda x, a: mpmath.expm1(x) ** a, (-0.5, 1.5), (-1.0, -1.5, -2.5)),
        ("exp(a/x)", lambda x, a: mpmath.exp(a / x), (-0.5, -2.0), (0.3, 2.0)),
        ("if a > 0 then 1/x else exp(a*x)", lambda x, a: mpmath.exp(a * x), (-0.5, -2.0), (0.3, 2.0)),
        ("sin(x)*x^(a - 1.5)", lambda x, a: mpmath.sin(x) * x ** (a - 1.5), (-0.1, 0.8), (-0.5, -1.6)),
        ("1/abs(x - a)", lambda x, a: 1 / abs(x - a), (1.5, -0.7), (0.1, 0.55)),
    ],
)
def test_yields(rate: str, exact: Any, finite: tuple[float, ...], infinite: tuple[float, ...]) -> None:
    model = _process(rate)
    for a in finite:
        assert _yield_of(model, a=a) == pytest.approx(_exact(exact, a), rel=1e-6)
        assert np.isfinite(model.log_density({"a": a}))
    for a in infinite:
        assert float(model.log_density({"a": a})) == -math.inf


DETECTED = """
data {data}
param c ~ LogNormal(4, 1)
param p ~ Normal(-1, 0.3) in (-3, 0)
pdf f(x) = c
detector d(y in (0, 0.9) | x) {{
    smear y ~ Normal(x, 0.1)
    background 3*y^p
}}
observe {observed}
"""


def test_the_background_of_a_detector() -> None:
    """3 ∫ y^p over (0, 0.9) where it is finite; 6.32 is its continuation to p = −1.5, with the sign reversed."""
    text = DETECTED.format(data='ev = table("e.csv")', observed="ev ~ PoissonProcess(f |> d)")
    model = pdflang.loads(text, data={"ev": {"y": [0.3, 0.5, 0.6]}})
    found = model.log_likelihood({"c": 1e-12, "p": -0.5})
    assert float(found["ev yield"]) == pytest.approx(-6 * math.sqrt(0.9), rel=1e-9)
    for p in (-1.0, -1.5, -2.5):
        assert float(model.log_density({"c": 1.0, "p": p})) == -math.inf


def test_only_the_bin_that_ends_there_is_infinite() -> None:
    text = DETECTED.format(data="n[2]: int", observed="n ~ Poisson(f |> d |> bins([0, 0.4, 0.9]))")
    model = pdflang.loads(text, data={"n": [3, 4]})
    assert np.isfinite(model.log_density({"c": 1.0, "p": -0.5}))
    first, second = np.asarray(model.log_likelihood({"c": 1e-12, "p": -1.5})["n"])
    expected = 6 * (0.4**-0.5 - 0.9**-0.5)
    assert np.isnan(first) and second == pytest.approx(4 * math.log(expected) - expected - math.log(24), rel=1e-8)


def test_a_region_with_a_condition() -> None:
    """∫₀¹ x ∫₀ˣ y^p dy dx = 1/((p + 1) (p + 3))."""
    rate = "c*x*y^p for x in (0, 1) for y in (0, 1) where y < x"
    text = f"""
        data ev = table("e.csv")
        param c ~ LogNormal(0, 1)
        param p ~ Normal(-1, 0.4) in (-3, 0)
        observe ev ~ PoissonProcess({rate})
    """
    model = pdflang.loads(text, data={"ev": {"x": [0.5], "y": [0.2]}})
    assert float(model.log_likelihood({"c": 1.0, "p": -0.4})["ev yield"]) == pytest.approx(-1 / (0.6 * 2.6), rel=1e-9)
    assert float(model.log_density({"c": 1.0, "p": -1.5})) == -math.inf


def test_the_branch_that_is_not_taken_is_not_read() -> None:
    """An integral that diverges in a branch is none of the other's, where an integral stands around both."""
    text = "integral(if a > 0 then 1 + x*integral(z^(a - 3) for z in (0, 1)) else 2 for x in (0, 1))"
    model = pdflang.loads(f"param a ~ Normal(0, 1)\ndata y\nobserve y ~ Normal({text}, 1)", data={"y": 2.0})
    assert float(model.log_likelihood({"a": -0.5})["y"]) == pytest.approx(-0.5 * math.log(2 * math.pi), rel=1e-12)


def test_gradients_are_those_of_the_integral() -> None:
    """d/da ∫ x^(a − 2) over (0, 0.5) = 0.5^(a − 1) (log(0.5) − 1/(a − 1))/(a − 1)."""
    import jax

    model, a = _process("if x < 0.5 then x^(a - 2) else 1"), 1.7
    with jax.enable_x64(True):
        slope = jax.grad(lambda value: model.log_likelihood({"a": value})["x yield"])(a)
    expected = 0.5 ** (a - 1) * (math.log(0.5) - 1 / (a - 1)) / (a - 1)
    assert float(slope) == pytest.approx(-expected, rel=1e-7)


def test_draws_of_the_prior_where_an_integral_diverges_are_no_fault_of_the_rule() -> None:
    """A third of the prior has density zero, as the remark L405 says; elsewhere the integral is accurate."""
    (certificate,) = _process("if x < 0.5 then x^(a - 0.6) else 1").certificates
    assert certificate.is_number and certificate.holds
