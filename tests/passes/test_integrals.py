"""`integral` against mpmath, to 1e-8 over what the shipped priors allow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

import mpmath
import numpy as np
import pytest

import pdflang

TOLERANCE = 1e-8

# Powers of x and of 1 - x: beyond the central 99.9% of the priors of the examples.
POWERS = [(a, b) for a in (-0.999, -0.9, -0.5, 0.01, 0.5, 1.7) for b in (-0.5, 0.3, 3.0, 7.3, 13.6)]
FACTORS: dict[str, Callable[[Any], Any]] = {
    "1": lambda x: mpmath.mpf(1),
    "(1 + 0.7*sqrt(x) - 0.4*x + 2*x^2)": lambda x: 1 + 0.7 * mpmath.sqrt(x) - 0.4 * x + 2 * x**2,
    "exp(-1.5*x)": lambda x: mpmath.exp(-1.5 * x),
    "1/(1 + x)": lambda x: 1 / (1 + x),
    "sqrt(1 + 2*x)": lambda x: mpmath.sqrt(1 + 2 * x),
    "log(1 + x)": lambda x: mpmath.log(1 + x),
    "exp(-sqrt(x))": lambda x: mpmath.exp(-mpmath.sqrt(x)),
}
REGIONS = [(0, 1), (0, 0.4), (0.3, 1), (0.001, 0.999), (0.2, 0.25), (1e-5, 0.9)]


@lru_cache(maxsize=64)
def model_of(output: str, parameters: str = "a b") -> pdflang.embedding.Model:
    declared = "".join(f"param {name} ~ Normal(0, 3) in (-0.99999, 20)\n" for name in parameters.split())
    return pdflang.loads(f"{declared}output r = {output}\n")


def value_of(output: str, **params: float) -> Any:
    """The output `r` of a model of nothing but parameters."""
    return np.asarray(model_of(output, " ".join(params)).derived(params)["r"])


def exact(factor: Callable[[Any], Any], a: float, b: float, low: float, high: float) -> float:
    """∫ x^a (1 − x)^b g(x) dx: the power at 0 is substituted away, tanh-sinh does the other end."""
    with mpmath.workdps(60):
        bottom, top, half = (mpmath.mpf(repr(end)) for end in (low, high, min(high, 0.5)))
        total = mpmath.mpf(0)
        if low == 0:
            scale = half ** (a + 1) / (mpmath.mpf(a) + 1)

            def from_zero(t: Any) -> Any:
                x = half * t ** (1 / (mpmath.mpf(a) + 1))
                return scale * (1 - x) ** b * factor(x)

            total += mpmath.quad(from_zero, [0, 0.5, 1])
            bottom = half
        if bottom < top:
            points = [
                bottom,
                *(p for p in map(mpmath.mpf, ("0.001", "0.01", "0.1", "0.5", "0.9")) if bottom < p < top),
            ]
            total += mpmath.quad(
                lambda x: x ** mpmath.mpf(a) * (1 - x) ** mpmath.mpf(b) * factor(x), [*points, top]
            )
        return float(total)


@pytest.mark.parametrize("region", REGIONS, ids=str)
@pytest.mark.parametrize("factor", FACTORS)
def test_powers_at_both_ends(factor: str, region: tuple[float, float]) -> None:
    low, high = region
    text = f"integral(x^a * (1 - x)^b * {factor} for x in ({low}, {high}))"
    chosen = POWERS if factor == "exp(-1.5*x)" else POWERS[::3]
    for a, b in chosen:
        expected = exact(FACTORS[factor], a, b, low, high)
        assert value_of(text, a=a, b=b) == pytest.approx(expected, rel=TOLERANCE), (text, a, b)


@pytest.mark.parametrize("factor", ["1", "exp(-1.5*x)", "exp(-sqrt(x))"])
def test_bins_that_touch_both_ends(factor: str) -> None:
    edges = np.linspace(0, 1, 6)
    text = f"(x^a * (1 - x)^b * {factor} for x in (0, 1)) |> bins(linspace(0, 1, 6))"
    for a, b in POWERS[::4]:
        expected = [exact(FACTORS[factor], a, b, *map(float, ends)) for ends in pairwise(edges)]
        np.testing.assert_allclose(
            value_of(text, a=a, b=b), expected, rtol=TOLERANCE, err_msg=f"{text} {a} {b}"
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integral(exp(-(x - a)^2/2) for x in (-inf, inf))", lambda a, b: np.sqrt(2 * np.pi)),
        ("integral(exp(-(1 + b)*x) for x in (0, inf))", lambda a, b: 1 / (1 + b)),
        ("integral(1/(1 + x^2) for x in (-inf, 1))", lambda a, b: 3 * np.pi / 4),
        ("integral(x*exp(-x^2/(1 + b)) for x in (1, inf))", lambda a, b: (1 + b) / 2 * np.exp(-1 / (1 + b))),
        ("integral(x^a for x in (0, 1 + b))", lambda a, b: (1 + b) ** (a + 1) / (a + 1)),
        ("integral(exp(a*x) for x in (b, 1 + 2*b))", lambda a, b: (np.exp(a * (1 + 2 * b)) - np.exp(a * b)) / a),
        ("integral(integral(x*y + a for y in (0, x)) for x in (0, 1))", lambda a, b: 1 / 8 + a / 2),
        ("integral(integral(x^b*y^a for y in (0, 1)) for x in (0, 1))", lambda a, b: 1 / (1 + a) / (1 + b)),
        ("sum(integral(x^(a + k) for x in (0, 1)) for k in 3)", lambda a, b: sum(1 / (a + k + 1) for k in range(3))),
        ("integral(cos(a*x) for x in (-1, 2))", lambda a, b: (np.sin(2 * a) + np.sin(a)) / a),
        ("integral(x^2*(1 - x^2) for x in (-1, 1))", lambda a, b: 4 / 15),
    ],
)  # fmt: skip
def test_other_regions(text: str, expected: Callable[[float, float], float]) -> None:
    for a, b in ((0.3, 0.7), (1.5, 0.2), (-0.6, 2.0)):
        assert value_of(text, a=a, b=b) == pytest.approx(expected(a, b), rel=TOLERANCE), (text, a, b)


def test_bounds_of_data() -> None:
    text = (
        "data top[N]\nparam a ~ Normal(0, 1) in (-0.9, 3)\n"
        "output r = integral(x^a for x in (0, top[i])) for i in N\n"
    )
    model = pdflang.loads(text, data={"top": [0.2, 0.7, 1.0]})
    expected = np.array([0.2, 0.7, 1.0]) ** 0.4 / 0.4
    np.testing.assert_allclose(model.derived({"a": -0.6})["r"], expected, rtol=TOLERANCE)


def test_integrals_of_a_family() -> None:
    text = (
        "index g = u, d\nparam a[g] ~ Normal(0, 1) in (-0.99, 3)\n"
        "pdf q[f in g](x) = x^a[f] * (1 - x)^3 * exp(-x)\n"
        "output r[f in g] = integral(q[f](x) for x in (0, 1))\n"
    )
    found = pdflang.loads(text).derived({"a": np.array([-0.95, 0.8])})["r"]
    expected = [exact(lambda x: mpmath.exp(-x), a, 3, 0, 1) for a in (-0.95, 0.8)]
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


def around(place: float, a: float, low: float, high: float, g: Callable[[Any], Any]) -> float:
    """∫ |x − c|^a g(x) dx over a region around c, the power substituted away on either side."""
    with mpmath.workdps(40):
        c, power = mpmath.mpf(place), mpmath.mpf(a) + 1

        def side(sign: int, length: Any) -> Any:
            reach = length**power
            return mpmath.quad(lambda t: g(c + sign * t ** (1 / power)), [0, reach / 100, reach / 4, reach]) / power

        return float(side(1, high - c) + side(-1, c - low))


@pytest.mark.parametrize(
    ("text", "g"),
    [
        ("abs(x - 0.3)^a", lambda x: mpmath.mpf(1)),
        ("abs(x - k)^a", lambda x: mpmath.mpf(1)),
        ("abs(3*k - 3*x)^a*exp(-x)", lambda x: mpmath.exp(-x)),
        ("abs(x - k)^a*(1 - x)^2.5", lambda x: abs(1 - x) ** mpmath.mpf(2.5)),
        ("(if x < k then (k - x)^a else 2*(x - k)^a)", None),
    ],
)
def test_powers_inside_of_the_region(text: str, g: Callable[[Any], Any] | None) -> None:
    model = pdflang.loads(
        f"param a ~ Uniform(-0.9999, 3)\nparam k ~ Uniform(0.05, 0.95)\noutput r = integral({text} for x in (0, 1))\n"
    )
    for a, k in product((-0.999, -0.9, -0.5, 0.3, 2.2), (0.06, 0.8)):
        place = 0.3 if "0.3" in text else k
        if g is None:
            expected = (k ** (a + 1) + 2 * (1 - k) ** (a + 1)) / (a + 1)
        else:
            expected = around(place, a, 0, 1, g) * (3.0**a if "3*" in text else 1)
        assert model.derived({"a": a, "k": k})["r"] == pytest.approx(expected, rel=TOLERANCE), (text, a, k)


def test_powers_at_both_ends_of_a_piece() -> None:
    """∫₀^c x^b (c − x)^a dx = c^(a+b+1) B(a + 1, b + 1)."""
    model = pdflang.loads(
        "param a ~ Uniform(-0.9999, 3)\nparam b ~ Uniform(-0.9999, 3)\nparam k ~ Uniform(0.05, 0.95)\n"
        "output r = integral(if x < k then x^b*(k - x)^a else 0 for x in (0, 1))\n"
    )
    for a, b, k in product((-0.9, -0.4), (-0.9, -0.5, 0.5), (0.1, 0.7)):
        expected = k ** (a + b + 1) * float(mpmath.beta(a + 1, b + 1))
        assert model.derived({"a": a, "b": b, "k": k})["r"] == pytest.approx(expected, rel=TOLERANCE), (a, b, k)


def test_a_power_in_an_infinite_region() -> None:
    """∫₀^∞ of x^(a) (1 + x)^(b) = B(a + 1, −a − b − 1): powers at an end, and a base that grows towards infinity."""
    model = pdflang.loads(
        "param a ~ Uniform(-0.5, 1)\nparam b ~ Uniform(-9, -4)\noutput r = integral(x^a*(1 + x)^b for x in (0, inf))\n"
    )
    expected = float(mpmath.beta(1.5, 5.5))
    assert model.derived({"a": 0.5, "b": -7.0})["r"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("a", [0.15, 0.6, 1.4])
@pytest.mark.parametrize("b", [0.5, 3.4])
def test_powers_whose_exponents_follow_x(a: float, b: float) -> None:
    """x^(a P(x)), as ABMP has it: towards the ends the power is that at the end."""
    at_zero = "integral((1 - x)^b * x^(a*(1 + 1.3*x - 0.7*x^2))/x for x in (0, 1))"
    expected = exact(lambda x: x ** (a * (1.3 * x - 0.7 * x**2)), a - 1, b, 0, 1)
    assert value_of(at_zero, a=a, b=b) == pytest.approx(expected, rel=1e-6)
    at_one = "integral((1 - x)^(b*x + 0.3) * x^a/x for x in (0, 1))"
    expected = exact(lambda x: (1 - x) ** (b * (x - 1)), a - 1, b + 0.3, 0, 1)
    assert value_of(at_one, a=a, b=b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("integrand", ["(s - s)/x", "s/x - s/x", "(s - 0.5*s*2)/x"])
def test_parts_that_cancel_do_not_diverge(integrand: str) -> None:
    """∫ (s − s̄)/x of densities that are alike, each of which has no number of quarks."""
    written = integrand.replace("s", "(b*x^a*(1 - x)^3)")
    assert float(value_of(f"integral({written} for x in (0, 1))", a=-0.2, b=1.5)) == 0.0
