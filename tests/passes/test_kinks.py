"""Integrands with kinks and jumps against closed forms, to 1e-9; the places follow constants, parameters, variables."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest

import pdflang

A, C = 0.3, 0.37
HALF = C / 2
Closed = Callable[[float, float], Any]


def _between(a: float, low: float, high: float) -> float:
    """∫ x^a dx."""
    return (high ** (a + 1) - low ** (a + 1)) / (a + 1)


CASES: dict[str, tuple[str, Closed]] = {
    "abs": ("integral(abs(x - c) for x in (0, 1))", lambda a, c: (c**2 + (1 - c) ** 2) / 2),
    "abs, falling": ("integral(abs(c - 2*x) for x in (0, 1))", lambda a, c: (c**2 + (2 - c) ** 2) / 4),
    "abs, nowhere": ("integral(abs(x + c) for x in (0, 1))", lambda a, c: 0.5 + c),
    "abs to a power": ("integral(abs(x - 0.3)^1.5 for x in (0, 1))", lambda a, c: (0.3**2.5 + 0.7**2.5) / 2.5),
    "root of abs": ("integral(sqrt(abs(x - c)) for x in (0, 1))", lambda a, c: (c**1.5 + (1 - c) ** 1.5) / 1.5),
    "abs of a square": (
        "integral(abs(x^2 - c) for x in (0, 1))", lambda a, c: 4 / 3 * c**1.5 + 1 / 3 - c
    ),
    "abs of a logarithm": (
        "integral(abs(log(x) - log(c)) for x in (0.1, 1))",
        lambda a, c: (c - 0.1 - 0.1 * math.log(c / 0.1)) + (c - 1 - math.log(c)),
    ),
    "max": (
        "integral(max(x, c)*x^a for x in (0, 1))", lambda a, c: c * _between(a, 0, c) + _between(a + 1, c, 1)
    ),
    "min": (
        "integral(min(x, c)*x^a for x in (0, 1))", lambda a, c: c * _between(a, c, 1) + _between(a + 1, 0, c)
    ),
    "clip": ("integral(clip(x, 0.2, c) for x in (0, 1))", lambda a, c: 0.04 + (c**2 - 0.04) / 2 + c * (1 - c)),
    "step": ("integral(step(x - c)*x for x in (0, 1))", lambda a, c: (1 - c**2) / 2),
    "sign": ("integral(sign(x - c)*x for x in (0, 1))", lambda a, c: 0.5 - c**2),
    "if at a constant": (
        "integral((if x < 0.4 then x^a else 2) for x in (0, 1))", lambda a, c: _between(a, 0, 0.4) + 1.2
    ),
    "if": ("integral((if x < c then x^a else 2) for x in (0, 1))", lambda a, c: _between(a, 0, c) + 2 - 2 * c),
    "if with and": (
        "integral((if x < c and x > 0.1 then x^a else 2) for x in (0, 1))",
        lambda a, c: _between(a, 0.1, c) + 2 * (1.1 - c),
    ),
    "if with or": (
        "integral((if x < 0.1 or x >= c then x^a else 2) for x in (0, 1))",
        lambda a, c: _between(a, 0, 0.1) + _between(a, c, 1) + 2 * (c - 0.1),
    ),
    "if with not": (
        "integral((if not (x <= c) then x^a else 2) for x in (0, 1))", lambda a, c: _between(a, c, 1) + 2 * c
    ),
    "a count of conditions": ("integral((x > c) + (x > 0.5) for x in (0, 1))", lambda a, c: 1.5 - c),
    "several": (
        "integral(abs(x - c) + abs(x - 0.8) + abs(2*x - 1) for x in (0, 1))",
        lambda a, c: (c**2 + (1 - c) ** 2) / 2 + 0.34 + 0.5,
    ),
    "where": ("integral(x^a for x in (0, 1) where x < c)", lambda a, c: _between(a, 0, c)),
    "bins": (
        "(abs(x - c) for x in (0, 1)) |> bins([0, 0.2, 0.5, 1])",
        lambda a, c: np.array([c**2 - (c - 0.2) ** 2, (c - 0.2) ** 2 + (0.5 - c) ** 2, (1 - c) ** 2 - (0.5 - c) ** 2])
        / 2,
    ),
    "bins with a power at 0": (
        "(if x < c then x^a else 1 for x in (0, 1)) |> bins([0, 0.2, 0.5, 1])",
        lambda a, c: np.array([_between(a, 0, 0.2), _between(a, 0.2, c) + 0.5 - c, 0.5]),
    ),
    "each of an array": (
        "integral((if y < x then y^a else 0) for y in (0, 1)) for x in [0.2, 0.5]",
        lambda a, c: np.array([_between(a, 0, 0.2), _between(a, 0, 0.5)]),
    ),
    "triangle": ("integral(x^a*y for x in (0, 1) for y in (0, 1) where y < x)", lambda a, c: 0.5 / (a + 3)),
    "triangle by bounds": ("integral(x^a*y for x in (0, 1) for y in (0, x))", lambda a, c: 0.5 / (a + 3)),
    "triangle, powers inside": (
        "integral(x*y^a for x in (0, 1) for y in (0, x))", lambda a, c: 1 / (a + 1) / (a + 3)
    ),
    "triangle, other order": ("integral(x^a*y for y in (0, 1) for x in (y, 1))", lambda a, c: 0.5 / (a + 3)),
    "a band": (
        "integral(1 for x in (0, 1) for y in (0, 1) where abs(x - y) < c)", lambda a, c: 1 - (1 - c) ** 2
    ),
    "distance of two": ("integral(abs(x - y) for x in (0, 1) for y in (0, 1))", lambda a, c: 1 / 3),
    "simplex of three": (
        "integral(1 for x in (0, 1) for y in (0, 1) for z in (0, 1) where x + y + z < 1)", lambda a, c: 1 / 6
    ),
    "quarter of a circle": (
        "integral(1 for x in (0, 1) for y in (0, 1) where x^2 + y^2 < 1)", lambda a, c: math.pi / 4
    ),
    "circle by bounds": ("integral(1 for x in (0, 1) for y in (0, sqrt(1 - x^2)))", lambda a, c: math.pi / 4),
    "line": ("integral(exp(-abs(x - c)) for x in (-inf, inf))", lambda a, c: 2.0),
    "half-line": ("integral(exp(-max(x, c)) for x in (0, inf))", lambda a, c: (c + 1) * math.exp(-c)),
}  # fmt: skip

POINTS = ((0.3, 0.37), (-0.6, 0.29), (1.7, 0.48))


@lru_cache(maxsize=1)
def _model() -> pdflang.embedding.Model:
    outputs = "".join(f"output r{i} = {text}\n" for i, (text, _) in enumerate(CASES.values()))
    return pdflang.loads(f"param a ~ Normal(0, 1) in (-0.9, 3)\nparam c ~ Uniform(0.2, 0.5)\n{outputs}")


@lru_cache(maxsize=8)
def _values(a: float, c: float) -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in _model().derived({"a": a, "c": c}).items()}


@pytest.mark.parametrize("name", CASES)
def test_kinks(name: str) -> None:
    key = f"r{list(CASES).index(name)}"
    for a, c in POINTS:
        np.testing.assert_allclose(_values(a, c)[key], CASES[name][1](a, c), rtol=1e-9, err_msg=f"at {a}, {c}")


def test_derivatives_by_the_place_of_a_kink() -> None:
    """Jumps, whose places move, against differences of the closed forms: the derivative is that of the bounds."""
    model = _model()
    a, c = POINTS[0]
    with jax.enable_x64(True):
        slopes = jax.jacfwd(lambda c: model.derived({"a": a, "c": c}))(c)
    step = 1e-6
    for i, (name, (_, closed)) in enumerate(CASES.items()):
        expected = (np.asarray(closed(a, c + step)) - np.asarray(closed(a, c - step))) / (2 * step)
        np.testing.assert_allclose(slopes[f"r{i}"], expected, rtol=1e-6, atol=1e-7, err_msg=name)


def test_a_kink_beyond_the_region_has_finite_derivatives() -> None:
    """Where a place is clipped to an end, a piece has no width: powers of its width still have derivatives."""
    text = (
        "param a ~ Normal(0, 1) in (-0.9, 3)\nparam c ~ Normal(0, 1)\n"
        "output r = integral((if x < c then x^a else 2) for x in (0, 1))\n"
    )
    model = pdflang.loads(text)
    for c, expected in ((-0.4, 2.0), (0.5, _between(-0.5, 0, 0.5) + 1), (1.4, _between(-0.5, 0, 1))):
        parameters = {"a": -0.5, "c": c}
        with jax.enable_x64(True):
            value, slopes = jax.value_and_grad(lambda p: model.derived(p)["r"])(parameters)
        assert float(value) == pytest.approx(expected, rel=1e-9)
        assert all(np.isfinite(slope) for slope in slopes.values()), (c, slopes)
