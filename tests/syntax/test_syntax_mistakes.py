"""Every mistake gets its own message. The golden texts are refreshed by PDFLANG_REFRESH=1."""

import os
from pathlib import Path

import pytest

from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.diagnostics.codes import known_codes, page
from pdflang.syntax import parse

GOLDEN = Path(__file__).parent / "golden"
CODES = [code for code in known_codes() if code.startswith("E1")]

CASES = {
    "E101": [
        "let a = ()",
        "1 + 2",
        "param a in (0, inf)",
        "detector t(y in (0, 1)) { efficiency 1 }",
        "pdfset p(x) { u = x }",
        "pdfset p(x) at mu = 1 { u = x }",
        "index f = [u, d]",
        "func f(x) x^2",
        'use "a.pdfm" a',
        "let a = f(,)",
        "observe y ~ Poisson(a) where b",
        "theory F2(x) at Q = 2",
        "for i in S",
        "data y[] = 3",
    ],
    "E102": [
        "data d = table('x.csv')",
        "data d = table(“x.csv”)",
        "let a = b − c",
        "let σ = x²",
        "let a = b ? c : d",
        "let a =\N{NO-BREAK SPACE}3",
        "let a = \N{INTEGRAL} f",
        "let a = 3\x00",
    ],
    "E103": ['data d = table("x.csv)\nlet a = 3'],
    "E104": [
        "param a ~ Normal(0, 1\nparam b ~ Normal(0, 1)",
        "param a ~ Normal(0, 1 in (0, inf)",
        "let a[i in S = 3",
        "detector t(y | x) { efficiency 3\nparam a ~ Normal(0, 1)",
    ],
    "E105": ["let a = f(x))", "let a = [1, 2)"],
    "E106": [
        "let a = 2x",
        "let a = 1.2.3",
        "let a = 1e",
        "let a = 1_000",
        "let a = 1e999",
        f"let a = {'1' * 500}",
    ],
    "E107": ["let a = x**2"],
    "E108": ["param a = Normal(0, 1)", "observe y = Poisson(a)"],
    "E109": ["let a ~ Normal(0, 1)", "data y ~ Normal(0, 1)"],
    "E110": ["solve A where f(A) = 2", "solve A where f(A)", "let a = if b = 2 then c else d"],
    "E111": [
        "parm a ~ Normal(0, 1)\nparam b ~ Normal(0, 1)\nPdf u(x) = x",
        "param b ~ Normal(0, 1)\na ~ Normal(0, 1)",
        "model {\n    mu ~ normal(0, 1)\n}",
        "something else",
    ],
    "E112": ["param data ~ Normal(0, 1)", "let x = data + 1", "func in(x) = x"],
    "E113": ["let a = b < c < d"],
    "E114": ["let a = (1, 2, 3)", "let a = (1,)"],
    "E115": ["x = 3", "let a = 3\nb = 4", "target += 3"],
    "E116": ["// comment\nlet a = 3 // b is c", "/* a long\n comment */ let b = 3"],
    "E117": ["import numpy as np\nlet a = 3\ndef f(x):\n    return x", "let f = lambda x: x^2"],
    "E118": ["let a = 3;\nlet b = 4;"],
    "E119": ["edition 1\nedition 1", "let a = 3\nedition 1", "edition 2"],
    "E120": ["let a = " + "-" * 300 + "b"],
    "E121": [
        "param a",
        "let a =",
        "observe y ~\nlet a = 3",
        "let a = if b then c",
        "edition",
        "index f = u,\nlet a = 3",
    ],
    "E122": ["let a = f |> g + 3"],
    "E123": [
        "let a = b c",
        "let a = sum(x fro x in S)",
        "let a = f(x y)",
        "detector t(y | x) { efficiency 1 smaer y ~ D }",
    ],
    "E124": ["let a = b && c", "let a <- 3"],
    "E125": ["let a = [x for x in S]"],
    "E126": ["let a = b if c else d", "let a = if c: d"],
}


def _report(text: str) -> PdflangError:
    with pytest.raises(PdflangError) as caught:
        parse(SourceFile("model.pdfm", text))
    return caught.value


def test_each_code_has_its_cases() -> None:
    assert sorted(CASES) == CODES


@pytest.mark.parametrize("code", CASES)
def test_messages(code: str) -> None:
    reports = [_report(text) for text in CASES[code]]
    assert {diagnostic.code for report in reports for diagnostic in report.diagnostics} == {code}
    found = "\n".join(str(report) for report in reports)
    golden = GOLDEN / f"{code}.txt"
    if os.environ.get("PDFLANG_REFRESH"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_pages(code: str) -> None:
    shown = page(code)
    assert {diagnostic.code for diagnostic in _report(shown.wrong).diagnostics} == {code}
    parse(SourceFile("right.pdfm", shown.right))


def test_every_broken_declaration_is_reported() -> None:
    text = "parm a ~ Normal(0, 1)\nlet b = 2 **3\nparam c ~ Normal(0, 1)\nlet d = (1, 2, 3)\nparam e = D(0)\n"
    report = _report(text)
    assert [(d.code, d.span.line) for d in report.diagnostics if d.span] == [
        ("E111", 1),
        ("E107", 2),
        ("E114", 4),
        ("E108", 5),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "index f = let, data,\n    param\nlet a = )",
        "let x = q.let\nlet y = q\n    .data\nlet a = )",
        "detector t(y | x) {\n    let z = x\n    draw y ~ D(z)\n}\nlet a = )",
        "pdfset p(x) at Q = 1 {\n    let = x,\n    param = x\n}\nlet a = )",
        "use std.x as p with\n    b = 4,\n    c ~ D\nlet a = )",
    ],
)
def test_correct_declarations_are_left_alone(text: str) -> None:
    (diagnostic,) = _report(text).diagnostics
    assert diagnostic.span is not None and diagnostic.span.text == ")"
