"""The formatter keeps the meaning, the comments and, done twice, everything."""

from pathlib import Path
from random import Random

import pytest
from random_texts import random_text

from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.syntax import format_source, parse
from pdflang.syntax.layout import LONGEST_LINE
from pdflang.syntax.parser import tokenize

GOOD = sorted((Path(__file__).parents[1] / "good").glob("*.pdfm"))


def _format(text: str) -> str:
    return format_source(SourceFile("model.pdfm", text))


def _check(text: str) -> str:
    formatted = _format(text)
    assert parse(SourceFile("a", formatted)) == parse(SourceFile("b", text))
    assert _format(formatted) == formatted
    return formatted


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_models(path: Path) -> None:
    formatted = _check(path.read_text(encoding="utf-8"))
    assert max(map(len, formatted.splitlines())) <= max(LONGEST_LINE, 2 + max(map(len, _comments(formatted))))


def _comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if "#" in line] or [""]


@pytest.mark.parametrize(
    "mark", [" # {} \n", "\n# {}\n", "\n\n# {}\n\n# and\n"], ids=["behind", "alone", "apart"]
)
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_comment_in_every_gap_survives(path: Path, mark: str) -> None:
    text = path.read_text(encoding="utf-8")
    tokens = tokenize(text)
    parts = [mark.format(0)]
    for number, token in enumerate(tokens, start=1):
        parts += [token, mark.format(number)]
    formatted = _check("".join(parts))
    found = [line.partition("#")[2].strip() for line in _comments(formatted)]
    assert [comment for comment in found if comment != "and"] == [str(n) for n in range(len(tokens) + 1)]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
@pytest.mark.parametrize("gap", [" ", "\n", "\r\n\r\n\r\n"])
def test_any_spacing_of_the_same_tokens(path: Path, gap: str) -> None:
    tokens = tokenize(path.read_text(encoding="utf-8"))
    _check(gap.join(tokens))


@pytest.mark.parametrize("seed", range(300))
def test_texts_of_the_grammar(seed: int) -> None:
    _check(random_text(Random(seed)))


@pytest.mark.slow
def test_many_texts_of_the_grammar() -> None:
    for seed in range(300, 10_300):
        _check(random_text(Random(seed)))


STYLE = [
    ("", ""),
    ("\n\n# alone", "# alone\n"),
    ("let   a=1   #note  \n\n\n\nlet b=- 2", "let a = 1  # note\n\nlet b = -2\n".replace("# note", "#note")),
    ("let a = 1 let b = 2", "let a = 1\nlet b = 2\n"),
    ("let a=f (x , y=2)[ 1 : ]. b ^ - 2", "let a = f(x, y = 2)[1:].b^-2\n"),
    ("let a = b*c + d * e/f- g", "let a = b*c + d * e/f - g\n"),
    ("data n [30]:int", "data n[30]: int\n"),
    ("use std.pdf:power as p,q", "use std.pdf: power as p, q\n"),
    ("let y=a for t in 1 : N", "let y = a for t in 1:N\n"),
    ("let y = X[: , 1 :]", "let y = X[:, 1:]\n"),
    ("let a = not(b) and(c)", "let a = not (b) and (c)\n"),
    (
        "detector t(y in(0,1)|x){efficiency efficiency(x) smear(u,v)~D draw z~E let y=-z}",
        "detector t(y in (0, 1) | x) {\n    efficiency efficiency(x)\n    smear (u, v) ~ D\n    draw z ~ E\n"
        "    let y = -z\n}\n",
    ),
    (
        "pdfset p(x) at Q=1.65{g=x,u=x,\n\n# sea\nubar=x\n* 2}",
        "pdfset p(x) at Q = 1.65 {\n    g = x, u = x,\n\n    # sea\n    ubar = x\n        * 2\n}\n",
    ),
    ("let a =\n(b +\nc(\nd))", "let a =\n    (b +\n        c(\n            d))\n"),
]


@pytest.mark.parametrize(("text", "formatted"), STYLE)
def test_style(text: str, formatted: str) -> None:
    assert _check(text) == formatted


def test_long_lines_are_broken_where_it_reads_well() -> None:
    names = ", ".join(f"term_of[{k}] * second[{k}]" for k in range(5))
    assert _check(f"let total = concat({names}) + 1") == (
        "let total = concat(term_of[0] * second[0], term_of[1] * second[1], term_of[2] * second[2],\n"
        "    term_of[3] * second[3], term_of[4] * second[4]) + 1\n"
    )
    name = "x" * 150
    assert _check(f"let a = {name}") == f"let a =\n    {name}\n"


def test_a_broken_file_is_not_touched() -> None:
    with pytest.raises(PdflangError, match="E101"):
        _format("let a = ,")
