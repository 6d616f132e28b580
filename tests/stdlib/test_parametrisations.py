"""The modules of parton densities: sum rules at draws of their priors, by a quadrature of NumPy alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pdflang
from pdflang import driver
from pdflang.passes.prior import prior_draws
from pdflang.resources import resource_folder
from pdflang.semantics.prior import undrawable

MODULES = {
    "herapdf20": "b_uv = 4", "msht20": "t_uv = [0.1, 0, 0, 0, 0, 0], Q0 = 1.65", "ct18": "p_uv ~ LogNormal(0, 0.1)",
    "abmp16": "g3_uv = 0, Q0 = 1.65", "neural_pdf": "hidden = 4, size = 0.5", "gp_pdf": "amplitude = 0.5, length = 2",
}  # fmt: skip
FLAVOURS = ("g", "u", "ubar", "d", "dbar", "s", "sbar")
RULES = {"u": 2, "d": 1, "s": 0}
DRAWS = 3
INEXACT = {"gp_pdf": 1e-3}
"""Where nothing is observed, no certificate asks for more nodes than the fewest."""

# ∫₀¹ f(x) dx with x = t⁸: powers at 0 are harmless, and fewer nodes near 1 are enough for what vanishes there.
_t, _w = np.polynomial.legendre.leggauss(400)
X = ((_t + 1) / 2) ** 8
WEIGHTS = _w / 2 * 8 * ((_t + 1) / 2) ** 7


def densities(module: str, settings: str = "") -> tuple[pdflang.embedding.Model, list[dict[str, np.ndarray]]]:
    """x·f of each flavour at X, at draws of the prior."""
    lines = [f"use std.{module} as p{settings and ' with ' + settings}", "data x[N]"]
    lines += [f"output {flavour} = p.proton.{flavour}(x[i]) for i in N" for flavour in FLAVOURS]
    model = pdflang.loads("\n".join(lines), data={"x": X})
    draws = prior_draws(model.bound, DRAWS)
    return model, [{n: np.asarray(v) for n, v in model.derived(draw).items()} for draw in draws]


@pytest.mark.parametrize("settings", ["", "with"])
@pytest.mark.parametrize("module", MODULES)
def test_sum_rules_at_draws_of_the_prior(module: str, settings: str) -> None:
    _, found = densities(module, settings and MODULES[module])
    for draw in found:
        assert all(np.isfinite(values).all() for values in draw.values())
        for quark, number in RULES.items():
            valence = WEIGHTS @ ((draw[quark] - draw[f"{quark}bar"]) / X)
            assert valence == pytest.approx(number, abs=INEXACT.get(module, 2e-5)), quark
        momentum = WEIGHTS @ sum(draw[flavour] for flavour in FLAVOURS)
        assert momentum == pytest.approx(1, abs=INEXACT.get(module, 2e-6))


def test_what_is_set_is_set() -> None:
    for module, settings in MODULES.items():
        name = settings.split()[0]
        program = driver.check(driver.SourceFile("model.pdfm", f"use std.{module} as p with {settings}"))
        assert (f"p.{name}" in program.parameters) == ("~" in settings)
        if "Q0 = 1.65" in settings:
            assert program.pdfsets["p.proton"].scale == 1.65


@pytest.mark.parametrize("module", sorted({*MODULES} - {"msht20"}))
def test_priors_keep_quarks_positive(module: str) -> None:
    """Chebyshev polynomials may take densities below 0, which `check` tells; others do not."""
    _, found = densities(module)
    for draw in found:
        for flavour in FLAVOURS[1:]:
            assert (draw[flavour][X < 0.7] > 0).all(), flavour


def test_forms_are_those_of_the_publications() -> None:
    """One density of each module, by its formula."""
    from numpy.polynomial.chebyshev import chebval

    model, (draw, *_) = densities("msht20")
    params = prior_draws(model.bound, DRAWS)[0]
    p = {name.removeprefix("p."): value for name, value in params.items()}

    def msht(c: float, a: float, b: float, t: np.ndarray) -> np.ndarray:
        return c * X**a * (1 - X) ** b * chebval(1 - 2 * np.sqrt(X), [1, *t])

    sea = msht(p["c_sea"], p["a_sea"], p["b_sea"], p["t_sea"])
    strange = msht(p["f_strange"] * p["c_sea"], p["a_sea"], p["b_strange"], p["t_strange"])
    ratio = msht(p["c_ratio"], 0, p["b_ratio"], p["t_ratio"])
    np.testing.assert_allclose(draw["s"] + draw["sbar"], strange, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(2 * (draw["ubar"] + draw["dbar"]) + strange, sea, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(draw["dbar"], ratio * draw["ubar"], rtol=1e-9, atol=1e-12)


def test_a_process_is_known_at_its_knots_and_smooth_between_them() -> None:
    """The conditional mean of a Gaussian process, by NumPy."""
    model, (draw, *_) = densities("gp_pdf")
    p = {name.removeprefix("p."): value for name, value in prior_draws(model.bound, DRAWS)[0].items()}
    knots = np.linspace(-9, -0.1, 12)
    kernel = lambda a, b: np.exp(-(((a[:, None] - b) / p["length"]) ** 2) / 2)  # noqa: E731
    cov = kernel(knots, knots) + 1e-8 * np.eye(12)
    process = kernel(np.log(X), knots) @ np.linalg.solve(cov, np.linalg.cholesky(cov) @ p["z_ubar"])
    expected = p["c_sea"] * X ** p["a_sea"] * (1 - X) ** p["b_ubar"] * np.exp(p["amplitude"] * process)
    np.testing.assert_allclose(draw["ubar"], expected, rtol=1e-5, atol=1e-12)


def test_penalties() -> None:
    """NNPDF's Lagrange multipliers, by NumPy; a positive density costs next to nothing."""
    text = """
        use std.penalties: positive, integrable
        param d ~ Normal(0, 2)
        pdf sea(x) = 0.2*x^(-0.2)*(1 - x)^7*(1 + d*x)
        pdfset p(x) at Q = 1.65 { u = sea(x), ubar = sea(x), d = x^0.3*sea(x) }
        factor positivity = positive(p.ubar, 1e3)
        factor integrability = integrable(p.T3, 100)
    """
    model = pdflang.loads(text)
    points = np.concatenate([np.geomspace(5e-7, 0.1, 10), np.linspace(0.18, 0.9, 10)])
    for d in (-3.0, -1.05, 0.5):
        sea = lambda x, d=d: 0.2 * x**-0.2 * (1 - x) ** 7 * (1 + d * x)  # noqa: E731
        f = sea(points)
        elu = np.where(f < 0, -f + 1e-7, 1e-7 * np.exp(-f))
        small = np.array([1e-9, 1e-8, 1e-7])
        triplet = 2 * sea(small) - small**0.3 * sea(small)
        expected = -500 * elu.sum() - 50 * (triplet**2).sum() - (d / 2) ** 2 / 2
        prior = -np.log(2) - np.log(2 * np.pi) / 2
        assert model.log_density({"d": d}) == pytest.approx(expected + prior, rel=1e-10)
    assert undrawable(model.program) is None  # penalties are at most 0


def test_every_module_is_named_in_the_language_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    for path in resource_folder("stdlib").glob("*.pdfm"):
        assert f"`std.{path.stem}`" in page, path.stem
