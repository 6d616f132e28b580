"""A checker that always says *unknown* fails here."""

import pytest
from support_cases import (
    INSIDE,
    OUTSIDE_ALWAYS,
    OUTSIDE_AT_TIMES,
    PREAMBLE,
    PROVED,
    REFUTED,
    SCALES_PROVED,
    SCALES_REFUTED,
    SCALES_UNKNOWN,
    UNKNOWN,
)

from pdflang import driver
from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile


def _verdict(statement: str) -> list[Diagnostic]:
    """What is said about the support of an argument."""
    try:
        said = driver.check(SourceFile("model.pdfm", PREAMBLE + statement)).lints
    except PdflangError as failure:
        said = failure.diagnostics
    return [diagnostic for diagnostic in said if diagnostic.code not in ("L402", "L403", "L417")]


def _rate(text: str) -> list[Diagnostic]:
    return _verdict(f"observe n ~ Poisson({text})")


def _scale(text: str) -> list[Diagnostic]:
    return _verdict(f"observe y ~ Normal(0, {text})")


@pytest.mark.parametrize("text", PROVED.values(), ids=PROVED.keys())
def test_a_rate_is_proved(text: str) -> None:
    assert _rate(text) == []


@pytest.mark.parametrize("text", SCALES_PROVED.values(), ids=SCALES_PROVED.keys())
def test_a_scale_is_proved(text: str) -> None:
    assert _scale(text) == []


@pytest.mark.parametrize("text", REFUTED.values(), ids=REFUTED.keys())
def test_a_rate_is_refuted_with_an_example(text: str) -> None:
    _refuted(_rate(text), text)


@pytest.mark.parametrize("text", SCALES_REFUTED.values(), ids=SCALES_REFUTED.keys())
def test_a_scale_is_refuted_with_an_example(text: str) -> None:
    _refuted(_scale(text), text)


def _refuted(said: list[Diagnostic], text: str) -> None:
    (diagnostic,) = said
    assert diagnostic.code == "E401"
    assert any(words in diagnostic.message for words in ("can be", "can lie", "but this"))
    if "can" in diagnostic.label:
        (example,) = diagnostic.notes
        assert example.startswith("for example where ")


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_stays_open_is_a_lint(text: str) -> None:
    _left_open(_rate(text))


@pytest.mark.parametrize("text", SCALES_UNKNOWN.values(), ids=SCALES_UNKNOWN.keys())
def test_a_scale_that_stays_open_is_a_lint(text: str) -> None:
    _left_open(_scale(text))


def _left_open(said: list[Diagnostic]) -> None:
    (diagnostic,) = said
    assert (diagnostic.code, diagnostic.severity) == ("L401", "lint")


def test_an_array_is_refuted_at_any_size() -> None:
    (diagnostic,) = _verdict("data k[N]: int\nparam r[N] ~ Normal(0, 1)\nobserve k[i in N] ~ Poisson(r[i])")
    assert diagnostic.code == "E401"
    assert diagnostic.notes[0].startswith("for example where r = -")


STEPS = {
    "a value that is positive": ("let w = 0.02 + 0.1*x", ""),
    "a value that is positive where a prior has mass": ("let w = l*(1 + x)", ""),
    "a value of a value": ("let v = x let w = 1 + v", ""),
    "a value that may be negative": ("let w = x - 0.5", "E401"),
    "a negative value": ("let w = -x", "E401"),
    "a value whose range is wider than its values": ("let w = 0.3 + x*x - x", "L401"),
    "a positive draw": ("draw w ~ Gamma(2, 20)", ""),
    "a value of a count": ("draw n ~ Poisson(5) let w = 0.1/sqrt(n + 1)", ""),
    "a truncated draw": ("draw w ~ Normal(0, 1) in (0.1, 0.5)", ""),
    "a draw between values": ("draw w ~ Uniform(0.01*x, 0.1)", ""),
    "a draw of positive components": ("draw w ~ Mixture([0.5, 0.5], [Gamma(2, 20), LogNormal(0, 1)])", ""),
    "a draw of any sign": ("draw w ~ Normal(0.05, 0.001)", "L401"),
    "a draw that follows its ends": ("draw v ~ Uniform(0.5*x, x) let w = x - 0.4*v", "L401"),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_a_detector_makes_on_the_way_has_a_range(name: str) -> None:
    steps, code = STEPS[name]
    said = _verdict(f"""
param l ~ Normal(0.05, 0.005)
data e[K]
theory g(x in (0, 1)) = s*(1 - x)
detector d(z in (0, 1) | x) {{ {steps} draw z ~ Normal(x, w) }}
observe e ~ PoissonProcess(g |> d)""")
    assert [diagnostic.code for diagnostic in said] == ([code] if code else [])


NAMED = {
    "a resolution": ("q in (0, 1) | x", "smear q ~ Normal(x, x - 0.5)", "x = 0.27"),
    "what the detector calls it": ("q in (0, 1) | t", "smear q ~ Normal(t, t - 0.5)", "t = 0.27"),
    "an efficiency": ("q in (0, 1) | x", "efficiency 2*x smear q ~ Normal(x, 1)", "x = 0.637"),
    "a background": ("q in (0, 1) | x", "smear q ~ Normal(x, 1) background q - 0.5", "q = 0.27"),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_variable_of_an_example_has_the_name_that_the_model_gives_it(name: str) -> None:
    head, body, place = NAMED[name]
    (diagnostic,) = _verdict(f"""
data e[K]
theory g(x in (0, 1)) = s
detector d({head}) {{ {body} }}
observe e ~ PoissonProcess(g |> d)""")
    assert diagnostic.code == "E401" and diagnostic.notes == (f"for example where {place}",)


FUNCTIONS = "param narrow ~ Normal(0, 0.01)\nlet lazy = log(a)\nfunc helper(z) = sqrt(z)\n"


def _mean(text: str) -> list[Diagnostic]:
    needed = "\n".join(line for line in FUNCTIONS.splitlines() if line.split()[1].partition("(")[0] in text)
    return _verdict(f"{needed}\nobserve y ~ Normal({text}, 1)")


@pytest.mark.parametrize("text", INSIDE.values(), ids=INSIDE.keys())
def test_a_function_inside_of_its_domain(text: str) -> None:
    assert _mean(text) == []


@pytest.mark.parametrize("text", OUTSIDE_AT_TIMES.values(), ids=OUTSIDE_AT_TIMES.keys())
def test_a_function_that_can_leave_its_domain(text: str) -> None:
    (diagnostic,) = _mean(text)
    assert (diagnostic.code, diagnostic.severity) == ("L401", "lint")
    assert " can be " in diagnostic.message or " can lie in " in diagnostic.message
    example, consequence = diagnostic.notes
    assert example.startswith("for example where ")
    assert "density zero" in consequence
    assert diagnostic.span is not None and diagnostic.span.line > 1


@pytest.mark.parametrize("text", OUTSIDE_ALWAYS.values(), ids=OUTSIDE_ALWAYS.keys())
def test_a_function_outside_of_its_domain(text: str) -> None:
    (diagnostic,) = _mean(text)
    assert diagnostic.code in ("E401", "E408")


def test_an_output_outside_of_a_domain_costs_no_draw() -> None:
    (diagnostic,) = _verdict("observe y ~ Normal(a, 1)\noutput root = sqrt(a)")
    assert diagnostic.code == "L401"
    assert diagnostic.notes[-1] == "the value is not a number there"


def test_what_a_detector_draws_lies_in_its_support() -> None:
    detector = "detector d(y | x) { draw leak ~ Beta(2, 20) let y = x*(1 - leak)^1.5 }\n"
    observed = "data e[N]\npdf g(x) = s*x\nobserve e ~ PoissonProcess(g |> d)"
    assert _verdict(detector + observed) == []


def test_what_changes_by_jumps_alone_is_told_where_gradients_do_not_see_it() -> None:
    def codes(mean: str) -> list[str]:
        declared = "param a ~ Normal(0, 1)\ndata y[3]\ntheory f(x in (0, 1)) = 1 + step(x - a)\n"
        text = f"{declared}observe y ~ Normal({mean}, 1)"
        return [lint.code for lint in driver.check(SourceFile("model.pdfm", text)).lints]

    for jumps in ("floor(a)", "a*sign(a + 0.1)", "2 - ceil(exp(a))"):
        assert codes(jumps) == ["L417"]
    for smooth in ("a + floor(2.5)", "abs(a)", "integral(f)", "if a > 0 then a else 2*a"):
        assert codes(smooth) == []
