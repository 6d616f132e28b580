"""`std.splines` against SciPy's splines."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import BSpline, CubicSpline

import pdflang

KNOTS = np.array([0.0, 1.0, 1.5, 3.0, 4.0])
POINTS = np.linspace(0, 4, 41)
COEFFICIENTS = np.array([0.5, -1.0, 2.0, 0.3, 1.0, 0.7, -0.2])
VALUES = COEFFICIENTS[:5]

TEXT = """use std.splines: bspline, bspline_basis, natural_spline
const knots = [0, 1, 1.5, 3, 4]
data x[N]
data k[K]
param c[7] ~ Normal(0, 1)
param v[5] ~ Normal(0, 1)
output by_sum = bspline(x, knots, c)
output by_basis = bspline_basis(x, knots) @ c
output of_data_knots = bspline(x, k, c)
output outside = bspline(4.5, knots, c)
output natural = natural_spline(x, knots, v)
output natural_of_data_knots = natural_spline(x, k, v)
output beyond = natural_spline([-1, 6], knots, v)
output through_three = natural_spline(x, [0, 1.5, 4], [v[0], v[1], v[2]])"""


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    model = pdflang.loads(TEXT, data={"x": POINTS, "k": KNOTS})
    return {name: np.asarray(value) for name, value in model.derived({"c": COEFFICIENTS, "v": VALUES}).items()}


@pytest.mark.parametrize("name", ["by_sum", "by_basis", "of_data_knots"])
def test_b_splines_are_scipys(found: dict[str, np.ndarray], name: str) -> None:
    spline = BSpline(np.concatenate([[0.0] * 3, KNOTS, [4.0] * 3]), COEFFICIENTS, 3)
    np.testing.assert_allclose(found[name], spline(POINTS), rtol=1e-13, atol=1e-14)
    assert found["outside"] == 0


@pytest.mark.parametrize("name", ["natural", "natural_of_data_knots"])
def test_natural_splines_are_scipys(found: dict[str, np.ndarray], name: str) -> None:
    spline = CubicSpline(KNOTS, VALUES, bc_type="natural")
    np.testing.assert_allclose(found[name], spline(POINTS), rtol=1e-12, atol=1e-14)
    through_three = CubicSpline([0, 1.5, 4], VALUES[:3], bc_type="natural")
    np.testing.assert_allclose(found["through_three"], through_three(POINTS), rtol=1e-12, atol=1e-14)


def test_natural_splines_go_on_as_straight_lines(found: dict[str, np.ndarray]) -> None:
    spline = CubicSpline(KNOTS, VALUES, bc_type="natural")
    lines = [spline(0) - spline(0, 1), spline(4) + 2 * spline(4, 1)]
    np.testing.assert_allclose(found["beyond"], lines, rtol=1e-12)


def test_a_regression_on_splines_is_linear_in_its_coefficients() -> None:
    """With a normal prior and known noise the posterior is normal: its mean is where the gradient vanishes."""
    text = """use std.splines: bspline_basis
    data x[N]
    data y[N]
    const knots = linspace(0, 4, 5)
    param c[7] ~ Normal(0, 2)
    observe y ~ Normal(bspline_basis(x, knots) @ c, 0.3)"""
    y = np.sin(POINTS) + 0.3 * stats.norm.ppf((np.arange(41) * 0.618) % 1 * 0.98 + 0.01)
    model = pdflang.loads(text, data={"x": POINTS, "y": y})
    basis = BSpline.design_matrix(POINTS, np.concatenate([[0.0] * 3, np.linspace(0, 4, 5), [4.0] * 3]), 3).toarray()
    mean = np.linalg.solve(basis.T @ basis / 0.09 + np.eye(7) / 4, basis.T @ y / 0.09)
    with jax.enable_x64(True):
        gradient = jax.grad(lambda c: model.log_density({"c": c}))(mean)
    np.testing.assert_allclose(gradient, 0, atol=1e-9)
