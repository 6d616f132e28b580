"""Certificates hold where rules are as they are, and fail where each is made too coarse on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pdflang import driver
from pdflang.backend.runtime import roots
from pdflang.certify import TOLERANCE, certify, fine_enough
from pdflang.diagnostics import SourceFile
from pdflang.ir.program import BoundProgram
from pdflang.passes import endpoints, integrals, panels, rules

PARAMETERS = "param a ~ Normal(0.5, 0.3) in (-0.9, 3)\nparam c ~ Uniform(0.2, 0.8)\nparam k ~ LogNormal(7, 0.1)\n"
RATE = "pdf f(x) = k * x^a * (1 - x)^3\n"
SMEAR = "nuisance s ~ LogNormal(log(0.03), 0.2)\ndetector d(y in (0, 1) | x) { smear y ~ Normal(x, s) }\n"
COUNTS = "data n[4]: int = [300, 200, 40, 2]\nobserve n ~ Poisson(r)\n"
EVENTS = "data e[N]\nobserve e ~ PoissonProcess(f |> d)\n"
Patch = Callable[[pytest.MonkeyPatch], None]


def _bound(text: str) -> BoundProgram:
    data = {"e": np.linspace(0.05, 0.9, 400)} if "data e[" in text else {}
    return driver.bind(driver.check(SourceFile("model.pdfm", PARAMETERS + text, Path.cwd())), data)


def _few_panels(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(panels, "_WIDTHS", 1e3)
    patch.setattr(panels, "_FEWEST", 1)


def _few_nodes_in_panels(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(panels, "_NODES", 2)


def _few_nodes_at_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(panels, "ROOT_NODES", 2)
    patch.setattr(endpoints, "ROOT_NODES", 2)


def _few_open_nodes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(integrals, "_OPEN_NODES", 2)


def _few_smooth_nodes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "_TOLERANCE", 10.0)
    patch.setattr(rules, "_COUNTS", (1,))


def _few_nodes_on_a_line(patch: pytest.MonkeyPatch) -> None:
    whole = rules.half_line_or_line
    patch.setattr(rules, "half_line_or_line", lambda lower, upper, count: whole(lower, upper, count // 16))


BROKEN: dict[str, tuple[str, Patch]] = {
    "panels, bins": (RATE + SMEAR + "let r = f |> d |> bins([0, 0.25, 0.5, 0.75, 1])\n" + COUNTS, _few_panels),
    "panels, events": (RATE + SMEAR + EVENTS, _few_panels),
    "nodes of panels": (RATE + SMEAR + EVENTS, _few_nodes_in_panels),
    "ends of a smeared rate": (
        "pdf f(x) = k * x^a * exp(-5*sqrt(x))\n" + SMEAR + EVENTS, _few_nodes_at_ends
    ),
    "ends": (
        "pdf f(x) = k * x^a * exp(-5*sqrt(x))\ndata n: int = 300\nobserve n ~ Poisson(integral(f))\n",
        _few_nodes_at_ends,
    ),
    "between parameters": (
        "data n: int = 300\nobserve n ~ Poisson(integral(k*exp(-20*(x - 0.5)^2) for x in (0.1, c)))\n", _few_open_nodes
    ),
    "at a kink": (
        "data n: int = 300\nobserve n ~ Poisson(integral(k*abs(sin(9*x) + 1)*abs(x - c) for x in (0, 1)))\n",
        _few_open_nodes,
    ),
    "inside": (
        "data n: int = 300\nobserve n ~ Poisson(integral(k*(1 + sin(40*c*x)) for x in (0.1, 0.9)))\n", _few_smooth_nodes
    ),
    "half-line": (
        "data n: int = 300\nobserve n ~ Poisson(integral(k*exp(-(x/c)^2) for x in (0, inf)))\n", _few_nodes_on_a_line
    ),
    "in a factor": (
        "factor rule = -0.5*((integral(k*exp(-(x/c)^2) for x in (0, inf)) - 300)/9)^2\n", _few_nodes_on_a_line
    ),
    "in a prior": ("param q ~ LogNormal(integral(exp(-(x/c)^2) for x in (0, inf)), 0.1)\n", _few_nodes_on_a_line),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_that_is_broken_fails_its_certificate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, break_it = BROKEN[name]
    bound = _bound(text)
    (whole,) = certify(bound)
    assert whole.holds and whole.error < 1e-5, whole
    break_it(monkeypatch)
    (broken,) = certify(replace(bound))  # of which no plan is known
    assert not broken.holds and broken.error > TOLERANCE, broken
    assert broken.remark.code == "L410" and broken.span.source.name == "model.pdfm"


def _with_factor(patch: pytest.MonkeyPatch, factor: float, counts: Callable[[int], bool]) -> None:
    """Weights on a half-line are multiplied by a number where there are some counts of nodes."""
    whole = rules.half_line_or_line

    def half_line(lower: float, upper: float, count: int) -> rules.Rule:
        rule = whole(lower, upper, count)
        return rules.Rule(rule.points, rule.weights * (factor if counts(count) else 1.0))

    patch.setattr(rules, "half_line_or_line", half_line)


COUNTED: dict[str, Callable[[int], bool]] = {
    "all": lambda count: True, "few": lambda count: count < 200, "many": lambda count: count > 200
}  # fmt: skip


def test_an_integral_that_is_not_a_number_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = _bound(BROKEN["half-line"][0])
    _with_factor(monkeypatch, np.nan, COUNTED["all"])
    draw = {"a": np.asarray(0.5), "c": np.asarray(0.5), "k": np.asarray(1e3)}
    for (broken,) in (certify(bound), certify(bound, [draw])):
        assert not broken.holds and str(broken).startswith("integrals are not numbers (`n`, model.pdfm, line 5)")
        assert "are not numbers" in broken.remark.message and broken.remark.code == "L410"


def test_more_nodes_are_not_tried_where_an_integral_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_factor(monkeypatch, np.nan, COUNTED["all"])
    fineness, (certificate,) = fine_enough(_bound(BROKEN["half-line"][0]))
    assert fineness == 1 and not certificate.holds


ROOT = "data y = 1\nobserve y ~ Normal(A, 0.1)\n"


def test_a_root_has_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = _bound("solve A in (0, 3) where A*exp(A) == 4*c\n" + ROOT)
    (whole, derived) = certify(bound)
    assert whole.holds and whole.error < 1e-9 and str(whole).startswith("roots change the log-density")
    assert derived.holds and str(derived).startswith("roots change `A` by less than 1e-09 times")
    monkeypatch.setattr(roots, "_BISECTIONS", 1)
    (broken, derived) = certify(replace(bound))
    assert not broken.holds and TOLERANCE < broken.error < np.inf and not derived.holds
    assert "the roots of `y` are not accurate" in broken.remark.message and "bracket" in broken.remark.remedy


def test_a_pair_of_roots_inside_one_cell_fails_where_it_is_beside_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between 0 and 7 sin(x) = c has three roots, of which two lie below 3."""
    bound = _bound("solve A in (0, 7) where sin(A) == c\n" + ROOT)
    assert all(certificate.holds for certificate in certify(bound))
    monkeypatch.setattr(roots, "_CELLS", 2)
    (broken, derived) = certify(replace(bound))
    assert broken.error == np.inf and str(broken).startswith("roots decide whether the log-density is")
    assert derived.error == np.inf and str(derived).startswith("roots decide whether `A` is a finite number (model")
    fineness, certificates = fine_enough(bound)
    assert fineness > 1 and all(certificate.holds for certificate in certificates)


def test_an_affine_equation_is_exact() -> None:
    assert certify(_bound("solve A where A*c == 2\n" + ROOT)) == ()


def test_draws_where_the_model_itself_has_no_value_do_not_fail() -> None:
    """Where the constant has no root, and where a scale is negative, no rule of the integral gives a number."""
    scale = "integral(exp(-(x/c)^2) for x in (0, inf))"
    for text in (
        f"solve A in (0, 1) where A*exp(A) == 4*c\ndata y = 1\nobserve y ~ Normal(A, {scale})\n",
        f"data y = 1\nobserve y ~ Normal(0, sqrt(0.5 - c) + {scale})\n",
        "data y = 1\nobserve y ~ Normal(0, integral(exp(-(x/c)^2)*sqrt(0.5 - c) for x in (0, inf)))\n",
    ):
        assert all(certificate.holds for certificate in certify(_bound(text)))


@pytest.mark.parametrize("factor", [0.0, np.nan])
@pytest.mark.parametrize("counts", ["few", "many"])
def test_a_density_that_only_one_rule_finds_finite_fails(
    counts: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_factor(monkeypatch, factor, COUNTED[counts])
    (certificate,) = certify(_bound(BROKEN["half-line"][0]))
    assert not certificate.holds and "decide whether the log-density is a finite number" in str(certificate)


def test_a_density_that_is_zero_by_any_rule_does_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_factor(monkeypatch, 0.0, COUNTED["all"])
    (certificate,) = certify(_bound(BROKEN["half-line"][0]))
    assert certificate.holds


def test_what_is_exact_has_no_certificate() -> None:
    text = RATE + "data e[N]\nobserve e ~ PoissonProcess(f)\ndata n: int = 3\nobserve n ~ Poisson(k*c)\n"
    assert certify(_bound(text)) == ()


def test_a_rule_that_is_a_little_coarse_gets_more_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = _bound(RATE + SMEAR + EVENTS)
    assert fine_enough(bound)[0] == 1
    monkeypatch.setattr(panels, "_NODES", 4)
    fineness, certificates = fine_enough(replace(bound))
    assert fineness > 1 and all(certificate.holds for certificate in certificates)


def test_draws_where_a_resolution_is_narrower_than_any_of_the_prior_are_told_apart() -> None:
    """Panels follow the prior: at other parameters, such as draws of the posterior, a certificate may fail."""
    bound = _bound(RATE + SMEAR + EVENTS)
    draw = {"a": np.asarray(0.5), "c": np.asarray(0.5), "k": np.asarray(1e4)}
    (usual,) = certify(bound, [{**draw, "s": np.asarray(0.03)}])
    (narrow,) = certify(bound, [{**draw, "s": np.asarray(0.001)}])
    assert usual.holds and not narrow.holds


def test_a_jump_that_no_rule_finds_fails() -> None:
    text = "data n: int = 300\nobserve n ~ Poisson(integral(k*floor(40*x^2) for x in (0, 1)))\n"
    (certificate,) = certify(_bound(text))
    assert not certificate.holds


PEAK = "param b ~ Uniform(1e-4, 1e-2)\nlet peak = integral(b/((x - c)^2 + b^2) for x in (0, 1))\n"


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("data y = 3\nobserve y ~ Normal(peak, 0.05)\n", "y"),
        ("factor rule = -0.5*((peak - 3)/0.05)^2\n", "rule"),
        ("param q ~ LogNormal(peak, 0.1)\n", "q"),
        ("param q[3] ~ Normal(peak, 0.1)\n", "q"),
    ],
)
def test_each_term_of_the_log_density_is_judged_and_named(term: str, name: str) -> None:
    """A peak that becomes so narrow that no plan resolves it."""
    bound = _bound(PEAK + term)
    for draws in (None, [{"c": np.asarray(0.51), "b": np.asarray(1e-3), "q": np.asarray(3.0)}]):
        (certificate,) = certify(bound, draws)
        assert certificate.name == name and certificate.error > 1, certificate
        assert certificate.span.line == 6 + (name == "y")


def _near(count: int, **narrow: float) -> list[dict[str, np.ndarray]]:
    """Draws of all parameters around one point."""
    generator = np.random.default_rng(1)
    means = {"a": 0.5, "c": 0.51, "k": 1e3, "b": 0.05, **narrow}
    return [{n: np.asarray(m * generator.uniform(0.9, 1.1)) for n, m in means.items()} for _ in range(count)]


def test_an_output_has_a_certificate() -> None:
    """In parts of its standard deviation, which is what an error is to be compared with."""
    bound = _bound(PEAK + "output m = peak\noutput exact = c*k\n")
    (prior,) = certify(bound)
    assert prior.name == "m" and prior.is_wrong and prior.remark.code == "L410" and prior.span.line == 6
    assert "the integrals of `m` are not accurate" in prior.remark.message
    assert prior.remark.message.endswith("times its standard deviation")
    (wide,), (narrow,) = certify(bound, _near(16)), certify(bound, _near(16, b=1e-3))
    assert wide.holds and not narrow.holds
    assert str(narrow).startswith("integrals change `m` by less than") and "(model.pdfm, line 6)" in str(narrow)


def test_the_worst_entry_of_an_output_counts() -> None:
    text = PEAK.splitlines()[0] + "\noutput m = integral(b/((x - c)^2 + b^2) for x in (0, 1/10^i)) for i in 4\n"
    (certificate,) = certify(_bound(text), _near(16, b=1e-3))
    assert certificate.is_wrong


def test_an_output_at_one_point_is_compared_with_its_size() -> None:
    bound = _bound(PEAK + "output m = peak\n")
    (wide,), (narrow,) = certify(bound, _near(1)), certify(bound, _near(1, b=1e-3))
    assert wide.holds and "times its size" in str(wide) and not narrow.holds


def test_what_cancels_is_compared_with_the_terms_that_do() -> None:
    """Such as a sum rule that is printed to be seen: what is left of it are rounding errors."""
    total = "let total = integral(exp(-(x/c)^2) for x in (0, inf))\n"
    bound = _bound(total + "output m = integral(exp(-(x/c)^2)/total for x in (0, inf)) - 1\n")
    for draws in (None, _near(16), _near(1)):
        (certificate,) = certify(bound, draws)
        assert certificate.holds and certificate.error < 1e-9, certificate


def test_an_output_that_no_rule_helps_costs_the_density_no_nodes() -> None:
    bound = _bound(RATE + SMEAR + EVENTS + PEAK + "output m = peak\n")
    fineness, certificates = fine_enough(bound)
    assert fineness == 1 and [c.name for c in certificates if not c.holds] == ["m"]


def test_an_output_gets_more_nodes_where_they_help() -> None:
    bound = _bound("output m = integral(1 + sin(120*c*x)*x for x in (0.1, 0.9))\n")
    assert not any(certificate.holds for certificate in certify(bound))
    fineness, (certificate,) = fine_enough(bound)
    assert fineness == 2 and certificate.holds


def test_an_output_without_entries_is_exact_enough() -> None:
    text = PARAMETERS + "data y[N]\nobserve y ~ Normal(c, 1)\noutput p = y*integral(exp(-(x/c)^2) for x in (0, inf))\n"
    program = driver.check(SourceFile("model.pdfm", text, Path.cwd()))
    (certificate,) = certify(driver.bind(program, {"y": np.zeros(0)}))
    assert certificate.holds and certificate.name == "p"
