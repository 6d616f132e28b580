"""Integrals that converge, that diverge for some parameters, and that always diverge."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdflang import driver
from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile
from pdflang.passes import nearly_divergent_integrals

PREAMBLE = """
param a ~ Normal(-1, 1)
param b ~ Normal(3, 1) in (-1, inf)
param s ~ LogNormal(0, 1)
param p ~ Beta(2, 3)
param n ~ Normal(5, 0.1)
param w[3] ~ Normal(0, 1)
data y
observe y ~ Normal(a + b + s + p + n + sum(w), 1)
"""

CONVERGES = [
    ("x^(b*(1 + s*x))", "0, 1"),
    ("x^p/x^(1 + n*x*(1 - x))", "0, 1"),
    ("x^b", "0, 1"),
    ("x^b", "bins 0, 0.5, 1"),
    ("x^a", "bins 0.1, 0.5, 1"),
    ("x^a", "s, 1"),
    ("exp(b*log(x))", "0, 1"),
    ("(2 - x)^b", "0, 2"),
    ("1/x^p", "0, 1"),
    ("1/sqrt(x*(1 - x))", "0, 1"),
    ("log(x)*x^b", "0, 1"),
    ("log(x)/(1 - x)", "0, 1"),
    ("sin(x)/x", "0, 1"),
    ("(exp(x) - 1)/x", "0, 1"),
    ("(1 - cos(s*x))/x^2", "0, 1"),
    ("tanh(x)/x", "0, 1"),
    ("if x > 0.1 then x^-2 else 0", "0, 1"),
    ("sum(w[k]*x^k for k in 3)", "0, 1"),
    ("1/(x - 1.3)", "0, 1"),
    ("1/(s + x)", "0, 1"),
    ("1/abs(x - n)", "0, 1"),
    ("1/sqrt(abs(x - p))", "0, 1"),
    ("(1 + x)^-2", "0, inf"),
    ("(1 + x)^(-1 - s)", "0, inf"),
    ("x^(-b - 3)", "1, inf"),
    ("exp(-s*x)", "0, inf"),
    ("exp(-n*x)", "0, inf"),
    ("exp(s*x)", "-inf, 0"),
    ("x^b*exp(-x/s)", "0, inf"),
    ("exp(-x^2/2)", "-inf, inf"),
    ("1/(1 + x^2)", "-inf, inf"),
    ("1/((x - a)^2 + s^2)", "-inf, inf"),
    ("x^2/(exp(x) - 1)", "0, inf"),
    ("(1 - x^2)^b", "0, 1"),
    ("x/(exp(x) - 1)", "0, 1"),
    ("(x - sin(x))/x^3.5", "0, 1"),
    ("1/sqrt(sin(x))", "0, pi"),
    ("tan(pi*x/2)", "0, 0.9"),
    ("1/(x^2 + 1e-8)", "0, 1"),
    ("(x^a - x^a*cos(x))/x^3", "0.1, 1"),
    ("1/(x*log(x)^2)", "0, 0.5"),
    ("1/(1/x - 1/sin(x))^0.5", "0, 1"),
    ("exp(-1/x)/x^3", "0, 1"),
    ("exp(-1/x)/(1 - x)^p", "0, 1"),
    ("exp(1/(x - 1))/(x - 1)^2", "0, 1"),
    ("x^x", "0, 1"),
    ("1/(x^2 - 1.25)", "0, 1"),
    ("1/(x^2 + 0.25)", "-1, 1"),
    ("abs(x^2 - 0.25)^-0.5", "0, 1"),
    ("if x < 0.5 then 1 else x^-2", "0, 1"),
    ("if x > 0.5 then (x - 0.5)^b else 1/(x - 0.6)", "0, 1"),
    ("if x < 1 + s then 1 else (1 - x)^-2", "0, 1"),
    ("if x < 0.3 or x > 0.6 then 1 else 1/(x - 0.7)", "0, 1"),
    ("integral((x + z)^-1.5 for z in (0, 1))", "0, 1"),
    ("x^b + integral(exp(-x*z) for z in (0, 1))", "0, 1"),
    ("x^-1.5*integral((z - p)*(1 + 0*x) for z in (0, 1))", "0.1, 1"),
    ("1/integral((x + z)^-2 for z in (0, 1))*x^-1.5", "0, 1"),
]

DIVERGES_AT_TIMES = [
    ("x^(a + s*x)", "0, 1", "0", "any negative number"),
    ("(1 - x)^(a*x - p)", "0, 1", "1", "the power of 1 - x"),
    ("x^a*(1 + w[0]*x) + w[1]*x^0.5 - w[2]*x^0.5", "0, 1", "0", "any negative number"),
    ("x^a", "0, 1", "0", "any negative number"),
    ("x^a", "bins 0, 0.5, 1", "0", "any negative number"),
    ("(1 - x)^a", "bins 0, 0.5, 1", "1", "the power of 1 - x"),
    ("x^(b - 1)", "0, 1", "0", "can be -2"),
    ("exp(a*log(x))", "0, 1", "0", "any negative number"),
    ("(2 - x)^a", "0, 2", "2", "the power of 2 - x"),
    ("(x + 1)^a", "-1, 0", "-1", "the power of x + 1"),
    ("x^b*(1 - x)^a*(1 + s*x + p*sqrt(x))", "0, 1", "1", "the power of 1 - x"),
    ("log(x)^2*(1 - x)^a", "0, 1", "1", "the power of 1 - x"),
    ("sum(x^w[k] for k in 3)", "0, 1", "0", "any negative number"),
    ("(1 + x)^a", "0, inf", "inf", "any positive number"),
    ("x^a", "1, inf", "inf", "any positive number"),
    ("exp(-a*x)", "0, inf", "inf", "the exponential can rise"),
    ("1/abs(x - a)", "0, 1", "`a`", "the power of x - a can be -1"),
    ("1/(2*a + x)", "0, 1", "a zero of the denominator", "can be -1"),
    ("(1 - x^2)^(b - 1)", "0, 1", "1", "the power of 1 - x can be -2"),
    ("(exp(x) - 1)^a", "0, 1", "0", "any negative number"),
    ("(1 - cos(x))^a", "0, 1", "0", "any negative number"),
    ("(1 - cos(x))*x^(b - 3)", "0, 1", "0", "can be -2"),
    ("if x < 0.5 then x^(b - 2) else 1", "0, 1", "0", "can be -3"),
    ("if a > 0 then 1/x else 1", "0, 1", "0", "can be -1"),
    ("if x < a then 1/x else 1", "0, 1", "0", "can be -1"),
    ("exp(a/x)", "0, 1", "0", "the exponential can rise"),
    ("exp(-x) + integral(x^a*z for z in (0, 1))", "0, 1", "0", "any negative number"),
    ("integral(exp(-x*z) for z in (0, 1)) + x^a", "0, 1", "0", "any negative number"),
]

DIVERGES = [
    ("1/x", "0, 1", "0"),
    ("x^-1.5", "bins 0, 0.5, 1", "0"),
    ("exp(-2*log(x))", "0, 1", "0"),
    ("1/x^(p + 1)", "0, 1", "0"),
    ("cos(s*x)/x", "0, 1", "0"),
    ("1/(1 - x)", "0, 1", "1"),
    ("1/(2 - x)", "0, 2", "2"),
    ("1/(x - s)", "s, 9", "`s`"),
    ("1/(x - 0.3)", "0, 1", "0.3"),
    ("3/(3*x - 0.9)^2", "0, 1", "0.3"),
    ("1/x^2", "bins -1, 0.5, 1", "0"),
    ("1/abs(x - p)", "0, 1", "`p`"),
    ("1/(1 + x)", "0, inf", "inf"),
    ("x/(1 + x^2)", "0, inf", "inf"),
    ("exp(s*x)", "0, inf", "inf"),
    ("exp(-s*x)", "-inf, 0", "-inf"),
    ("1/(1 - x^2)", "0, 1", "1"),
    ("1/(1 - x^3)", "bins 0, 0.5, 1", "1"),
    ("1/(exp(x) - 1)", "0, 1", "0"),
    ("1/sin(x)", "0, 1", "0"),
    ("1/sin(x)", "1, pi", "3.14159"),
    ("tan(pi*x/2)", "0, 1", "1"),
    ("1/(x - sin(x))", "0, 1", "0"),
    ("1/(1 - sqrt(x))", "0, 1", "1"),
    ("1/(x*log(x))", "0, 0.5", "0"),
    ("1/log(x)^2", "0, 1", "1"),
    ("1/(x^2 - 0.25)", "0, 1", "0.5"),
    ("1/(exp(x) - 2)", "0, 1", "0.693147"),
    ("exp(1/x)", "0, 1", "0"),
    ("exp(s/x^2)*x^5", "0, 1", "0"),
    ("if x < 0.5 then 1/x else 1", "0, 1", "0"),
    ("if x > 0.5 then 1/(x - 0.5) else 1", "0, 1", "0.5"),
    ("if x < s then 1/x else 1", "0, 1", "0"),
    ("integral(exp(-x*z) for z in (0, 1)) + 1/x", "0, 1", "0"),
    ("x^-1.5*(integral(exp(-x*z) for z in (0, 1)) + 1)", "0, 1", "0"),
]


def _said(integrand: str, region: str) -> list[Diagnostic]:
    if region.startswith("bins "):
        edges = region.removeprefix("bins ")
        first, *_, last = edges.split(", ")
        value = f"sum(({integrand} for x in ({first}, {last})) |> bins([{edges}]))"
    else:
        value = f"integral({integrand} for x in ({region}))"
    try:
        said = driver.check(SourceFile("model.pdfm", f"{PREAMBLE}output result = {value}")).lints
    except PdflangError as failure:
        said = failure.diagnostics
    return [diagnostic for diagnostic in said if diagnostic.code in ("E405", "L405")]


@pytest.mark.parametrize(("integrand", "region"), CONVERGES)
def test_nothing_is_said_of_what_converges(integrand: str, region: str) -> None:
    assert _said(integrand, region) == []


@pytest.mark.parametrize(("integrand", "region", "place", "label"), DIVERGES_AT_TIMES)
def test_what_diverges_for_some_parameters(integrand: str, region: str, place: str, label: str) -> None:
    (diagnostic,) = _said(integrand, region)
    assert (diagnostic.code, diagnostic.severity) == ("L405", "lint")
    assert diagnostic.message.startswith(f"this integral diverges at {place} for parameters")
    assert label in diagnostic.label


@pytest.mark.parametrize(("integrand", "region", "place"), DIVERGES)
def test_what_always_diverges(integrand: str, region: str, place: str) -> None:
    (diagnostic,) = _said(integrand, region)
    assert diagnostic.code == "E405"
    assert diagnostic.message.startswith(f"this integral diverges at {place}: ")


@pytest.mark.slow
def test_a_long_chain_of_functions_is_answered() -> None:
    links = "".join(f"func f{i}(x) = f{i - 1}(2*x) + f{i - 1}(3*x - {i})\n" for i in range(1, 12))
    text = f"func f0(x) = 1/(x + 9)\n{links}{PREAMBLE}output result = integral(f11(x) for x in (0, 1))"
    with pytest.raises(PdflangError, match="E405"):
        driver.check(SourceFile("model.pdfm", text))


def _near(prior: str, integrand: str = "x^(a - 1)*(1 - x)^2") -> list[str]:
    text = f"data m\nparam a ~ {prior}\npdf f(x) = {integrand}\nobserve m ~ Normal(integral(f), 1)"
    return [remark.message for remark in nearly_divergent_integrals(driver.check(SourceFile("model.pdfm", text)))]


def test_what_is_close_to_diverging_at_many_draws() -> None:
    """P(a < 0.05) of a Beta(0.5, 1) is √0.05."""
    (found,) = _near("Beta(0.5, 1)")
    share = float(found.split("for ")[1].split("%")[0]) / 100
    assert found.startswith("this integral is close to diverging at 0")
    assert share == pytest.approx(0.05**0.5, abs=0.03)
    assert _near("Beta(5, 1)") == _near("Normal(2, 1) in (0, inf)") == _near("Beta(0.5, 1)", "x^a") == []


def test_moments_that_diverge_are_told_with_their_share() -> None:
    text = "data m[2]\nparam a ~ Normal(-0.5, 0.5)\npdf u(x) = x^a*(1 - x)^3\nobserve m ~ Normal(u |> moments(2), 0.1)"
    (remark,) = driver.check(SourceFile("model.pdfm", text)).lints
    share = float(remark.notes[0].split("such draws, ")[1].split("%")[0]) / 100
    assert share == pytest.approx(0.159, abs=0.03)  # P(a < -1)


DETECTED = """
data events = table("events.csv")            # one column, y
param a ~ Normal(0, 0.5) in (-0.9, inf)
param c ~ LogNormal(4, 1)
param p ~ Normal(-1, 0.3) in {allowed}
pdf f(x) = c*x^a
detector d(y in (0, 0.9) | x) {{
    smear y ~ Normal(x, {width})
    background {background}
}}
observe events ~ PoissonProcess(f |> d)
"""


def _said_of(text: str) -> list[str]:
    """The codes of what is said of a model whose data are not there yet."""
    try:
        said = driver.check(SourceFile("model.pdfm", text, Path(__file__).parent)).lints
    except PdflangError as failure:
        said = failure.diagnostics
    return [diagnostic.code for diagnostic in said if diagnostic.code in ("E405", "L405")]


@pytest.mark.parametrize(
    ("background", "allowed", "codes"),
    [
        ("3*y^(-1.5)", "(-3, 0)", ["E405"]),
        ("1/y", "(-3, 0)", ["E405"]),
        ("3*y^p", "(-3, -1.1)", ["E405"]),
        ("3*y^p", "(-3, 0)", ["L405"]),
        ("3*y^p", "(-0.9, 0)", []),
        ("3*exp(-y)", "(-3, 0)", []),
    ],
)
def test_the_background_of_a_detector(background: str, allowed: str, codes: list[str]) -> None:
    """What a detector adds to the signal, of whose growth nothing is known, is as large without it."""
    text = DETECTED.format(background=background, allowed=allowed, width=0.1)
    assert _said_of(text) == codes
    binned = text.replace('table("events.csv")            # one column, y', "[3, 5]")
    binned = binned.replace("PoissonProcess(f |> d)", "Poisson(f |> d |> bins([0, 0.4, 0.9]))")
    assert _said_of(binned) == codes


def test_a_kernel_that_narrows_to_nothing_is_not_constant() -> None:
    """∫ x^p N(y | x, x/10) dx is finite for each y > 0, whatever p is."""
    text = DETECTED.format(background="1", allowed="(-3, 0)", width="0.1*x").replace("c*x^a", "c*x^p")
    assert _said_of(text.replace("observe events ~ PoissonProcess(f |> d)", "output r = (f |> d)(0.5)")) == []


@pytest.mark.parametrize(("allowed", "code"), [("(-3, -1.1)", "E405"), ("(-3, 0)", "L405"), ("(-0.9, 0)", None)])
def test_a_region_with_a_condition(allowed: str, code: str | None) -> None:
    rate = "c*x*y^p for x in (0, 1) for y in (0, 1) where y < x"
    text = f"""
        data events = table("events.csv")
        param c ~ LogNormal(0, 1)
        param p ~ Normal(-1, 0.4) in {allowed}
        observe events ~ PoissonProcess({rate})
    """
    assert set(_said_of(text)) == ({code} if code else set())
