"""Constants that need each other's solutions, against NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import pdflang

TEXT = """
    param a ~ Normal(0, 1)
    let shift = 2*a
    solve A where 3*A + B == shift + 1
    solve B where B - integral(x*(C + A) for x in (0, 1)) == a
    solve C where C + a*B == 2
    solve D where D == A + B
    factor f = -(A^2 + D^2)
"""


def system(a: float) -> np.ndarray:
    matrix = np.array([[3, 1, 0], [-0.5, 1, -0.5], [0, a, 1]])
    return np.linalg.solve(matrix, [2 * a + 1, a, 2])


def test_three_equations_that_are_linear_in_all() -> None:
    model = pdflang.loads(TEXT)
    found = model.derived({"a": 0.7})
    A, B, C = system(0.7)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {"A": A, "B": B, "C": C, "D": A + B}, rel=1e-13
    )


def test_gradients_go_through_the_system() -> None:
    model = pdflang.loads(TEXT)

    def density(a: float) -> float:
        A, B, _ = system(a)
        return -(a**2) / 2 - A**2 - (A + B) ** 2

    step = 1e-5
    slope = (density(0.7 + step) - density(0.7 - step)) / (2 * step)
    assert jax.grad(lambda a: model.log_density({"a": a}))(0.7) == pytest.approx(slope, rel=1e-6)


def test_a_system_without_a_solution_has_density_zero() -> None:
    model = pdflang.loads("""
        param a ~ Normal(0, 1)
        solve A where A + B == 1
        solve B where a*A + B == 2
        factor f = -A^2
    """)
    assert np.isfinite(model.log_density({"a": 0.5}))
    assert model.log_density({"a": 1.0}) == -np.inf
