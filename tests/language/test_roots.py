"""`solve A in (lo, hi) where …`: values against SciPy's root finder, gradients against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.stats import norm

import pdflang

TEXT = """param a ~ Uniform(0.5, 2)
solve A in (0, {upper}) where A*exp(A)*a == 2
data y
observe y ~ Normal(A, 1)"""


@pytest.mark.parametrize("a", [0.6, 1.0, 1.9])
def test_the_root_is_that_of_brentq_and_its_derivative_the_implicit_one(a: float) -> None:
    model = pdflang.loads(TEXT.format(upper=3), data={"y": 1.0})

    def root(a: float) -> float:
        return optimize.brentq(lambda x: x * np.exp(x) * a - 2, 0, 3, xtol=1e-15)

    def density(a: float) -> float:
        return float(model.log_density({"a": a}))

    assert float(model.derived({"a": a})["A"]) == pytest.approx(root(a), rel=1e-12)
    slope = jax.grad(lambda a: model.log_density({"a": a}))(jnp.asarray(a))
    assert float(slope) == pytest.approx((density(a + 1e-5) - density(a - 1e-5)) / 2e-5, rel=1e-7)


def test_the_density_vanishes_where_there_is_no_root() -> None:
    model = pdflang.loads(TEXT.format(upper=0.1), data={"y": 1.0})
    assert float(model.log_density({"a": 1.0})) == -np.inf


WAVY = """{source}
solve A in (0, {upper}) where sin(A) == c
data y
observe y ~ Normal(A, 1)"""


@pytest.mark.parametrize("source", ["param c ~ Uniform(-1, 1)", "data c"])
def test_the_density_vanishes_where_there_are_several_roots(source: str) -> None:
    """sin x = c > 0 has one root below π/2, two below π, three below 2.5 π."""
    for upper, expected in ((1.5, np.arcsin(0.3)), (3.1, None), (7.5, None)):
        model = pdflang.loads(WAVY.format(source=source, upper=upper), data={"y": 1.0, "c": 0.3})
        params = {"c": 0.3} if source.startswith("param") else {}
        found = float(model.log_likelihood(params)["y"])
        if expected is None:
            assert float(model.log_density(params)) == -np.inf
        else:
            assert found == pytest.approx(norm.logpdf(1.0, expected, 1), rel=1e-12)


@pytest.mark.parametrize("end", ["(0, 1)", "(-1, 0)", "(-3, 5)"])
def test_a_root_may_lie_at_an_end_or_on_the_grid(end: str) -> None:
    text = f"param a ~ Normal(0, 1)\nsolve A in {end} where sinh(A) == a - 1\noutput found = A"
    assert float(pdflang.loads(text).derived({"a": 1.0})["found"]) == pytest.approx(0.0, abs=1e-15)


def test_an_equation_with_an_integral() -> None:
    text = """param b ~ Uniform(1, 4)
    solve A in (0.1, 5) where integral(x^A*(1 - x)^b for x in (0, 1)) == 0.1
    data y
    observe y ~ Normal(A, 1)"""
    model = pdflang.loads(text, data={"y": 1.0})

    def equation(x: float) -> float:
        return integrate.quad(lambda t: t**x * (1 - t) ** 2.3, 0, 1, epsabs=1e-13)[0] - 0.1

    expected = optimize.brentq(equation, 0.1, 5, xtol=1e-14)
    assert float(model.derived({"b": 2.3})["A"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("source", ["const c = 2.5", "data c = 2.5"])
def test_a_root_that_is_known_before_the_parameters(source: str) -> None:
    text = f"""{source}
    solve A in (0, 3) where A*exp(A)*c == 2
    param a ~ Normal(A, 1)
    data y
    observe y ~ Normal(a, 1)"""
    model = pdflang.loads(text, data={"y": 1.0})
    root = optimize.brentq(lambda x: x * np.exp(x) * 2.5 - 2, 0, 3, xtol=1e-15)
    expected = -0.5 * (0.4 - root) ** 2 - 0.5 * 0.6**2 - np.log(2 * np.pi)
    assert float(model.log_density({"a": 0.4})) == pytest.approx(expected, rel=1e-12)
