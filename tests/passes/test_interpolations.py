"""Theories that are linear in evolved densities become products of a matrix with the densities at knots."""

from __future__ import annotations

from importlib.util import find_spec

import jax
import numpy as np
import pytest
from scipy.integrate import quad

import pdflang
from pdflang.evolution import PIDS, Evolution
from pdflang.evolution.grids import polynomial, row_of_places
from pdflang.evolution.operators import operators

pytestmark = pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")

MODEL = """
    param a ~ Normal(0.7, 0.1) in (0, inf)
    param k ~ LogNormal(0, 1)
    data x[N]
    data y[N]
    pdfset low(x) at Q = 2 { g = 2*x^(-0.2)*(1 - x)^5, u = 5*x^a*(1 - x)^3, ubar = 0.3*x^(-0.1)*(1 - x)^7 }
    pdfset high = low |> evolve(Q = 5)
    theory mixed(x in (0, 1)) = k*(high.u(x) - high.ubar(x)/x)
        + integral(exp(-z)*(2*high.u(x/z) - (high.g(x/z) - high.g(x))/z) for z in (x, 1)) + sin(high.d(x)) - x
    output r = mixed(point) for point in x
    observe y ~ Normal(mixed |> at(x), 0.1)
"""
X = [1e-3, 0.05, 0.4]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDFLANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model():
    return pdflang.loads(MODEL, data={"x": X, "y": [1.0, 1.0, 1.0]})


def by_hand(a: float, k: float) -> np.ndarray:
    made = operators(Evolution(), 2.0, [5.0])[0]
    knots = made.x
    low = np.array([
        2 * knots**-0.2 * (1 - knots) ** 5, 5 * knots**a * (1 - knots) ** 3, 0.3 * knots**-0.1 * (1 - knots) ** 7
    ])  # fmt: skip
    high = np.einsum("pxfy,fy->px", made.table([21, 2, -2]), low)

    def f(pid, x):
        return float(polynomial(np.array([x]), knots, high[PIDS.index(pid)])[0])

    def integrand(z, x):
        return np.exp(-z) * (2 * f(2, x / z) - (f(21, x / z) - f(21, x)) / z)

    found = []
    for x in X:
        integral = quad(lambda u, x=x: np.exp(u) * integrand(np.exp(u), x), np.log(x), 0, epsrel=1e-10, limit=400)[0]
        found.append(k * (f(2, x) - f(-2, x) / x) + integral + np.sin(f(1, x)) - x)
    return np.array(found)


def test_values_and_derivatives(model):
    for a, k in ((0.7, 1.0), (0.5, 2.0)):
        assert np.asarray(model.derived({"a": a, "k": k})["r"]) == pytest.approx(by_hand(a, k), rel=1e-6)
    slope = jax.grad(lambda a: model.log_density({"a": a, "k": 1.3}))(0.6)
    up, down = (float(model.log_density({"a": 0.6 + step, "k": 1.3})) for step in (1e-5, -1e-5))
    assert float(slope) == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_the_density_reads_matrices_only(model):
    """What runs at every evaluation has no interpolation, and no node of a rule."""
    text = model.source
    per_draw = text[text.index("constrain, unconstrain") :]
    assert "row_of_places" in text and "polynomial" not in per_draw and "nodes" not in per_draw


def test_rows_are_sums_of_interpolations():
    rng = np.random.default_rng(1)
    made = operators(Evolution(), 2.0, [5.0])[0]
    x, c = rng.uniform(1e-4, 1, (3, 7, 2)), rng.normal(size=(3, 7, 2))
    values = made.x**-0.1 * (1 - made.x) ** 3
    direct = np.sum(c * polynomial(x, made.x, values), axis=(1, 2))
    assert row_of_places(x, c, made.x, 2) @ values == pytest.approx(direct, rel=1e-12)
    one = row_of_places(0.3, 2.0, made.x, 0)
    assert one @ values == pytest.approx(2 * polynomial(np.array([0.3]), made.x, values)[0], rel=1e-12)
