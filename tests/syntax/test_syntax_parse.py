"""What each form of the language becomes."""

from pathlib import Path

import pytest

from pdflang.diagnostics import SourceFile
from pdflang.syntax import ast, format_expression, parse

GOOD = sorted((Path(__file__).parents[1] / "good").glob("*.pdfm"))


def _parse(text: str) -> ast.Module:
    return parse(SourceFile("model.pdfm", text))


def _only(text: str) -> ast.Use | ast.Declaration:
    (item,) = _parse(text).items
    return item


def _value(text: str) -> ast.Expression:
    item = _only(f"let value = {text}")
    assert isinstance(item, ast.Let)
    return item.value


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_models(path: Path) -> None:
    source = SourceFile(path.name, path.read_text(encoding="utf-8"))
    module = parse(source)
    keywords = ("use ", "index ", "const ", "data ", "param ", "nuisance ", "let ", "solve ", "func ", "pdf ")
    keywords += ("pdfset ", "theory ", "detector ", "observe ", "factor ", "output ")
    assert len(module.items) == sum(line.startswith(keywords) for line in source.text.splitlines())
    for item in module.items:
        assert source.text[item.span.start :].startswith(keywords)
        if isinstance(item, ast.Declaration):
            assert item.name_span.text == item.name


# The whole text of the expression with every operator in brackets, as the precedences have it.
@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a + b - c", "(a + b) - c"),
        ("a - b * c @ d", "a - ((b * c) @ d)"),
        ("-x^2", "-(x^2)"),
        ("2^-x", "2^(-x)"),
        ("2^-x^2", "2^(-(x^2))"),
        ("a^b^c", "a^(b^c)"),
        ("- -a * b", "(-(-a)) * b"),
        ("a * -b", "a * (-b)"),
        ("lumi*sigma |> tracker", "(lumi*sigma) |> tracker"),
        ("signal + other |> tracker |> bins(edges)", "((signal + other) |> tracker) |> bins(edges)"),
        ("p |> F2[0].x < a + b", "(p |> F2[0].x) < (a + b)"),
        ("not a == b and c or d", "((not (a == b)) and c) or d"),
        ("not not a", "not (not a)"),
        (
            "if a or b then c else if d then e else f + g",
            "if (a or b) then c else (if d then e else (f + g))",
        ),
        ("if a then b else c for x in S", "(if a then b else c) for x in S"),
        (
            "f(x) |> g for x in S where x < y for k in 1:N",
            "(f(x) |> g) for x in S where (x < y) for k in 1:N",
        ),
        ("a.b(c)[d].e", "((a.b)(c))[d].e"),
    ],
)
def test_precedence(text: str, grouped: str) -> None:
    assert _value(text) == _value(grouped)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(a, b)", ast.Interval),
        ("[a, b]", ast.ArrayLiteral),
        ("[]", ast.ArrayLiteral),
        ("[1, 2,]", ast.ArrayLiteral),
        ("(a)", ast.Name),
        ("((a for x in S))", ast.Comprehension),
        ("true", ast.Boolean),
        ('"text"', ast.Text),
        ("box(x = (0, 1))", ast.Call),
        ("f()", ast.Call),
        ("X[:, 1:, :2, k]", ast.Subscript),
        ("q.in.let.data.true", ast.Member),
        ("a < b", ast.Binary),
    ],
)
def test_forms(text: str, kind: type) -> None:
    assert type(_value(text)) is kind


@pytest.mark.parametrize("word", ["edition", "as", "at", "Q", "efficiency", "smear", "background", "draw"])
def test_words_in_their_place_are_names_elsewhere(word: str) -> None:
    _parse(f"let {word} = {word}({word} = {word}) |> {word}({word})[{word}].{word}")
    _parse(f"func {word}({word} in {word}) = {word} for {word} in {word}")
    _parse(f"param {word}[{word} in {word}]: {word} ~ {word} in {word}")
    _parse(f"index {word} = {word}, {word}")
    _parse(f"use {word}.{word}: {word} as {word}, {word} with {word} = {word}, {word} ~ {word}")
    _parse(f"pdfset {word}({word}) at Q = {word} {{ {word} = {word} }}")
    _parse(f"pdfset {word} = {word} at Q = {word}")
    statements = f"efficiency {word} smear {word} ~ {word} smear ({word}, {word}) ~ {word} background {word}"
    _parse(f"detector {word}({word} | {word}) {{ {statements} draw {word} ~ {word} let {word} = {word} }}")


def test_reserved_words_are_labels_flavours_and_members() -> None:
    index = _only("index flavour = let, in, data, true")
    assert isinstance(index, ast.Index) and index.labels == ("let", "in", "data", "true")
    pdfset = _only("pdfset p(x) at Q = 2 { let = x, if = 2*x, }")
    assert isinstance(pdfset, ast.Pdfset) and [entry.name for entry in pdfset.entries] == ["let", "if"]


def test_use() -> None:
    use = _only('use "ew.pdfm" as ew with b = 4, c ~ Normal(0, 1) in (0, inf)')
    assert isinstance(use, ast.Use)
    assert (use.path, use.is_file, use.alias, use.imported) == ("ew.pdfm", True, "ew", ())
    assert [(setting.name, setting.is_prior) for setting in use.settings] == [("b", False), ("c", True)]
    use = _only("use std.pdf: power, other as o")
    assert isinstance(use, ast.Use)
    assert (use.path, use.is_file, use.alias) == ("std.pdf", False, None)
    assert [(name.name, name.alias) for name in use.imported] == [("power", None), ("other", "o")]


def test_data_and_parameters() -> None:
    data = _only('data d[30, hit]: module = table("d.csv") where x > 0.1')
    assert isinstance(data, ast.Data) and isinstance(data.source, ast.Where)
    assert data.type_name == "module" and len(data.axes) == 2
    data = _only('data d = table("d.csv").x for k in S where k > 1')
    assert isinstance(data, ast.Data) and isinstance(data.source, ast.Comprehension)
    param = _only("nuisance m[i in 1:N]: ordered ~ Normal(0, 1) in (0, inf)")
    assert isinstance(param, ast.Param) and param.is_nuisance and param.constraint == "ordered"
    assert param.axes[0].binder == "i" and isinstance(param.axes[0].over, ast.Slice)
    assert isinstance(param.prior, ast.Truncated) and isinstance(param.prior.bounds, ast.Interval)


def test_solve_observe_theory() -> None:
    solve = _only("solve A in (lo, hi) where f(A) == 2")
    assert isinstance(solve, ast.Solve) and isinstance(solve.bracket, ast.Interval)
    observe = _only("observe ew.muons[t in 1:N] ~ Normal(a*y[t-1], s)")
    assert isinstance(observe, ast.Observe) and observe.name == "ew.muons" == observe.name_span.text
    theory = _only('theory F2 = fktable("f2.npz", rows = bcdms)')
    assert isinstance(theory, ast.Theory) and theory.variables is None
    theory = _only("theory rate[r in run](c in (-1, 1), k in point) = c")
    assert isinstance(theory, ast.Theory) and theory.variables is not None
    assert [variable.name for variable in theory.variables] == ["c", "k"]


def test_detector() -> None:
    detector = _only(
        "detector t[r in run](u in (0, 1), v | x, y) { efficiency e(x) smear (u, v) ~ MvNormal([x, y], S) }"
    )
    assert isinstance(detector, ast.Detector)
    assert [v.name for v in detector.measured] == ["u", "v"] and [v.name for v in detector.true] == ["x", "y"]
    efficiency, smear = detector.statements
    assert isinstance(efficiency, ast.Efficiency) and isinstance(smear, ast.Smear)
    assert smear.variables == ("u", "v")
    trigger = _only("detector trigger(x | x) { }")
    assert isinstance(trigger, ast.Detector) and trigger.statements == ()


def test_edition_and_empty_files() -> None:
    assert _parse("edition 1\nlet a = 1").edition == 1
    for text in ("", "\n \t\n", "# only a comment", "\ufeff", "\r\n"):
        assert _parse(text) == ast.Module(None, (), span=_parse("").span)


def test_spans_are_exact() -> None:
    text = "let b = 2\nlet α = (b + 1) * f(b, c = [b, 2])  # note\nlet d = 1"
    let = _parse(text).declarations[1]
    assert isinstance(let, ast.Let)
    assert let.span.text == "let α = (b + 1) * f(b, c = [b, 2])"
    assert let.name_span.text == "α"
    product = let.value
    assert isinstance(product, ast.Binary) and product.span.text == "(b + 1) * f(b, c = [b, 2])"
    assert product.left.span.text == "b + 1"
    call = product.right
    assert isinstance(call, ast.Call) and call.arguments[1].span.text == "c = [b, 2]"
    assert _parse(text).span.text.endswith("let d = 1")


def test_look_alikes_are_one_name() -> None:
    assert _only("let µ = 1").name == _only("let μ = 1").name == "μ"


@pytest.mark.parametrize(
    "text",
    [
        "a - (b - c)",
        "(a |> f) + b",
        "-(a + b)^-2",
        "(-a)^2",
        "not (a and b)",
        "(a for x in S) |> f",
        "f(x for x in 1:N, above = 0)[1:, :][:2]",
        "(if a then b else c) + 1",
        "if a then b else c for x in (0, 1) where x < y for k in K",
        "(a, b)",
        "[a, -b, (c for x in S)]",
        '"text"',
        "true",
        "(2).x",
        "(a < b) == c",
        "a*b/c @ d",
        "f(w, N(0, 1) in (0, inf) for k in K)",
        "f([N(0, 1) in (0, inf), N(3, 1)], d = N(0, 1) in (0, 1))",
    ],
)
def test_expressions_to_text_and_back(text: str) -> None:
    assert format_expression(_value(text)) == text
