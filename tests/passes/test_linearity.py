"""Integrals of sums of the same functions: fewer integrals, the same values, and none where terms might cancel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import quad

import pdflang

TWO_SECTIONS = """
const edges = linspace(0.05, 0.95, 10)
param a ~ Normal(0.5, 0.3) in (0, inf)
param b ~ Normal(3, 1) in (0, inf)
param c ~ LogNormal(0, 1)
param e ~ LogNormal(0, 1)
pdf u(x) = c*x^a*(1 - x)^b
pdf d(x) = x^b*exp(-e*x)
"""
PARAMS = {"a": 0.4, "b": 2.5, "c": 1.7, "e": 0.8}


def u(x: float) -> float:
    return float(1.7 * x**0.4 * (1 - x) ** 2.5)


def d(x: float) -> float:
    return float(x**2.5 * np.exp(-0.8 * x))


def binned(function: object) -> np.ndarray:
    edges = np.linspace(0.05, 0.95, 10)
    return np.array([quad(function, low, high, epsabs=1e-13)[0] for low, high in pairwise(edges)])


def test_two_sections_of_two_densities_need_two_integrals() -> None:
    model = pdflang.loads(
        TWO_SECTIONS
        + """
theory of_p(x) = 2*(4*u(x) + d(x)/3)
output p = of_p |> bins(edges)
theory of_n(x) = u(x) + c*(4*d(x) + u(x))
output n = of_n |> bins(edges)
"""
    )
    assert model.source.count("jnp.sum(") == 2
    found = model.derived(PARAMS)
    np.testing.assert_allclose(found["p"], binned(lambda x: 2 * (4 * u(x) + d(x) / 3)), rtol=1e-10)
    np.testing.assert_allclose(found["n"], binned(lambda x: u(x) + 1.7 * (4 * d(x) + u(x))), rtol=1e-10)


def test_more_functions_than_integrals_stay_together() -> None:
    model = pdflang.loads(
        TWO_SECTIONS
        + """
theory of_p(x) = 4*u(x) + d(x) + sqrt(x)
output p = of_p |> bins(edges)
theory of_n(x) = u(x) + 4*d(x)
output n = of_n |> bins(edges)
"""
    )
    found = model.derived(PARAMS)
    np.testing.assert_allclose(found["p"], binned(lambda x: 4 * u(x) + d(x) + np.sqrt(x)), rtol=1e-10)
    np.testing.assert_allclose(found["n"], binned(lambda x: u(x) + 4 * d(x)), rtol=1e-10)


def test_terms_that_cancel_are_integrated_together() -> None:
    """Each of the terms has an integral that diverges at 0.5; none of the sums has."""
    model = pdflang.loads(
        TWO_SECTIONS
        + """
output p = integral((exp(-e*(x - 0.5)) - 1)/(x - 0.5) for x in (0.1, 0.8))
output n = integral((2*exp(-e*(x - 0.5)) - 2)/(x - 0.5) for x in (0.1, 0.8))
"""
    )
    found = model.derived(PARAMS)
    expected = quad(lambda x: np.expm1(-0.8 * (x - 0.5)) / (x - 0.5), 0.1, 0.8, epsabs=1e-13)[0]
    np.testing.assert_allclose([found["p"], found["n"]], [expected, 2 * expected], rtol=1e-8)
