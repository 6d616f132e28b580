"""The library written in the language, against its formulas and published numbers."""

import numpy as np
import pytest

import pdflang
from pdflang import driver
from pdflang.resources import resource_folder
from pdflang.syntax import format_source

MODULES = sorted(resource_folder("stdlib").glob("*.pdfm"))


def outputs(text, **params):
    """What a model without data computes: each `output`, as NumPy arrays."""
    return {name: np.asarray(value) for name, value in pdflang.loads(text).derived(params).items()}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_check_without_remarks_and_are_formatted(path):
    source = driver.read_source(path)
    # It observes nothing: a library. Chebyshev polynomials may be negative.
    expected = {"L404", "L415"} if path.stem == "msht20" else {"L404"}
    assert {remark.code for remark in driver.check(source).lints} <= expected
    assert format_source(source) == source.text


FORMS = """
use std.pdf: power, les_houches, herapdf, msht, ct18, abmp, neural
const t = [0.3, -0.2, 0.15, 0.1, -0.05, 0.02]
const p = [1, 2, 0.5, 3, 1.5]
const wx = [0.5, -1, 2, 0.1, 0.3, -0.7, 1.1, 0.9]
const wl = [0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7, 0.8]
const ws = [0, 1, -1, 0.5, -0.5, 0.2, 0.3, -0.4]
const wo = [0.2, 0.1, -0.1, 0.3, -0.2, 0.1, 0.05, -0.3]
param x ~ Uniform(0, 1)
output power_ = power(x, 2, 0.5, 3)
output les_houches_ = les_houches(x, 2, 0.5, 3, -1.5, 4)
output herapdf_ = herapdf(x, 2, 0.5, 3, -1.5, 9)
output msht_ = msht(x, 2, 0.5, 3, t)
output ct18_ = ct18(x, 2, 0.5, 3, p)
output abmp_ = abmp(x, 2, 0.5, 3, 0.1, -0.2, 0.3)
output neural_ = neural(x, 2, 0.5, 3, wx, wl, ws, wo)
"""


def test_parametrisations():
    from numpy.polynomial.chebyshev import chebval
    from scipy.special import comb

    wx = np.array([0.5, -1, 2, 0.1, 0.3, -0.7, 1.1, 0.9])
    wl = np.array([0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7, 0.8])
    ws, wo = np.array([0, 1, -1, 0.5, -0.5, 0.2, 0.3, -0.4]), np.array([0.2, 0.1, -0.1, 0.3, -0.2, 0.1, 0.05, -0.3])
    model = pdflang.loads(FORMS)
    for x in (0.003, 0.2, 0.9):
        found = {name.rstrip("_"): float(value) for name, value in model.derived({"x": x}).items()}
        base, y = 2 * x**0.5 * (1 - x) ** 3, np.sqrt(x)
        bernstein = sum(
            c * comb(4, k) * y**k * (1 - y) ** (4 - k) for k, c in enumerate([1, 2, 0.5, 3, 1.5])
        )
        assert found == pytest.approx(
            {
                "power": base,
                "les_houches": base * (1 - 1.5 * y + 4 * x),
                "herapdf": base * (1 - 1.5 * x + 9 * x**2),
                "msht": base * chebval(1 - 2 * y, [1, 0.3, -0.2, 0.15, 0.1, -0.05, 0.02]),
                "ct18": base * bernstein,
                "neural": base * (1 + wo @ np.tanh(wx * x + wl * np.log(x) + ws)),
                "abmp": 2 * (1 - x) ** 3 * x ** (0.5 + 0.1 * x - 0.2 * x**2 + 0.3 * x**3),
            },
            rel=1e-12,
        )


ALPHA = np.linspace(-3, 3, 61)
UP, DOWN = 1.08, 0.94
NOMINAL, HIGH, LOW = np.array([10.0, 20.0]), np.array([12.0, 19.0]), np.array([9.0, 23.0])
INTERPOLATIONS = """
use std.histfactory: normsys, normsys_exponential, histosys, histosys_smooth
param unused ~ Normal(0, 1)
const nominal = [10, 20]
const high = [12, 19]
const low = [9, 23]
output code4 = normsys(a, up = 1.08, down = 0.94) for a in linspace(-3, 3, 61)
output code1 = normsys_exponential(a, up = 1.08, down = 0.94) for a in linspace(-3, 3, 61)
output code0 = histosys(a, nominal, up = high, down = low) for a in linspace(-3, 3, 61)
output code4p = histosys_smooth(a, nominal, up = high, down = low) for a in linspace(-3, 3, 61)
"""


def polynomial_exponential(alpha, up, down):
    """Code 4, from the conditions that define it: value and two derivatives at both ends, 1 in the centre."""
    powers = np.arange(1, 7)
    rows, wanted = [], []
    for end, base, sign in ((1.0, up, 1.0), (-1.0, down, -1.0)):
        rate = sign * np.log(base)
        rows += [end**powers, powers * end ** (powers - 1), powers * (powers - 1) * end ** (powers - 2.0)]
        wanted += [base - 1, base * rate, base * rate**2]
    centre = 1 + alpha[:, None] ** powers @ np.linalg.solve(np.array(rows), np.array(wanted))
    return np.where(alpha >= 1, up**alpha, np.where(alpha <= -1, down**-alpha, centre))


def test_histfactory_interpolations():
    found = outputs(INTERPOLATIONS, unused=0.0)
    alpha = ALPHA[:, None]
    np.testing.assert_allclose(found["code4"], polynomial_exponential(ALPHA, UP, DOWN), rtol=1e-12)
    np.testing.assert_allclose(found["code1"], np.where(ALPHA >= 0, UP**ALPHA, DOWN**-ALPHA), rtol=1e-12)
    linear = np.where(alpha >= 0, alpha * (HIGH - NOMINAL), alpha * (NOMINAL - LOW))
    np.testing.assert_allclose(found["code0"], NOMINAL + linear, rtol=1e-12)
    s, a = (HIGH - LOW) / 2, (HIGH + LOW - 2 * NOMINAL) / 16
    smooth = alpha * s + a * (15 * alpha**2 - 10 * alpha**4 + 3 * alpha**6)
    np.testing.assert_allclose(
        found["code4p"], NOMINAL + np.where(np.abs(alpha) >= 1, linear, smooth), rtol=1e-12
    )


def test_interpolations_have_finite_gradients_at_their_joints():
    import jax

    model = pdflang.loads("""
        use std.histfactory: normsys, histosys
        data y
        param alpha ~ Normal(0, 1)
        observe y ~ Normal(normsys(alpha, up = 1.08, down = 0.94) * histosys(alpha, 10, up = 12, down = 9), 1)
    """, data={"y": 10.0})  # fmt: skip
    for alpha in (-1.0, 0.0, 1.0, 5.0):
        assert np.isfinite(jax.grad(lambda a: model.log_density({"alpha": a}))(alpha))


HERAPDF = {
    "a_uv": 0.810476, "b_uv": 4.823512, "e_uv": 9.921366, "a_dv": 1.029995, "b_dv": 4.846279,
    "a_g": -0.061953, "b_g": 5.562367, "c_g2": 0.166092, "a_g2": -0.3831, "a_sea": -0.1273,
    "c_dbar": 0.26883, "b_dbar": 9.586246, "b_ubar": 7.059694, "d_ubar": 1.548098,
}  # fmt: skip


def test_herapdf20_solves_the_published_normalisations():
    fixed = ", ".join(f"{name} = {value}" for name, value in HERAPDF.items())
    found = outputs(
        f"use std.herapdf20 as p with {fixed}\n"
        "output up = p.A_uv\noutput down = p.A_dv\noutput gluon = p.A_g\n"
        "output momentum = "
        "integral(p.xg(x) + p.xuv(x) + p.xdv(x) + 2*p.xUbar(x) + 2*p.xDbar(x) for x in (0, 1))"
    )
    assert f"{found['up']:.6f} {found['down']:.6f} {found['gluon']:.6f}" == "5.547988 6.283442 2.271754"
    assert found["momentum"] == pytest.approx(1, abs=1e-12)


def test_herapdf20_solves_them_for_its_parameters_too():
    found = outputs("use std.herapdf20 as p", **{f"p.{name}": value for name, value in HERAPDF.items()})
    assert {name: round(float(value), 6) for name, value in found.items()} == {
        "p.A_uv": 5.547988,
        "p.A_dv": 6.283442,
        "p.A_g": 2.271754,
    }


def test_herapdf20_with_a_parameter_fixed_or_another_prior():
    model = pdflang.loads("use std.herapdf20 as p with b_uv = 4, a_g ~ Normal(0, 0.1)\noutput u = p.xuv(0.1)")
    names = {f"p.{name}" for name in HERAPDF} - {"p.b_uv"}
    assert set(model.program.parameters) == names
    params = {f"p.{name}": value for name, value in HERAPDF.items() if name != "b_uv"}
    from scipy.special import beta

    a, e = HERAPDF["a_uv"], HERAPDF["e_uv"]
    normalisation = 2 / (beta(a, 5) + e * beta(a + 2, 5))
    assert model.derived(params)["u"] == pytest.approx(
        normalisation * 0.1**a * 0.9**4 * (1 + e * 0.01), rel=1e-12
    )


def test_les_houches_toy_obeys_its_sum_rules():
    found = outputs("""
        use std.les_houches2001 as lh
        output up = integral(lh.xuv(x)/x for x in (0, 1))
        output down = integral(lh.xdv(x)/x for x in (0, 1))
        output momentum = integral(lh.xg(x) + lh.xuv(x) + lh.xdv(x)
            + 2*(lh.xubar(x) + lh.xdbar(x) + lh.xs(x)) for x in (0, 1))
    """)
    assert found["up"] == pytest.approx(2, abs=1e-5)
    assert found["down"] == pytest.approx(1, abs=1e-5)
    assert found["momentum"] == pytest.approx(0.99999998, abs=5e-9)
