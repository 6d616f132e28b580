"""Long lines of generated code: the same syntax tree on lines that fit."""

import ast

import pytest

from pdflang.backend.folding import LINE_LENGTH, folded

LONG = [
    "x = " + " + ".join(f'a{i} * f(b, "c, ({i}")' for i in range(12)),
    "x = call(" + ", ".join(f"argument_{i} - 1" for i in range(12)) + ")[0] ** 2",
    "x = outer(" + ", ".join(f"inner({', '.join(f'a_{i}_{j}' for j in range(20))})" for i in range(3)) + ")",
    "return {" + ", ".join(f'"key {i}": -value_{i} * (1 + value_{i})' for i in range(9)) + "}",
    "x = -(" + " + ".join(f"number_{i}" for i in range(15)) + ") / f(y, 'it\\'s ,')",
    "first, second = unpack(params, " + repr(" ".join(["name"] * 16)) + ")",
]


@pytest.mark.parametrize("line", LONG)
def test_a_long_line_keeps_its_meaning(line: str) -> None:
    lines = folded("    " + line)
    assert len(lines) > 1 and max(map(len, lines)) <= LINE_LENGTH
    text, original = ("\n".join(["def f():", *body]) for body in (lines, ["    " + line]))
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(original))


@pytest.mark.parametrize("line", ["    x = f(1)", "x" * 200, "    x = " + "a * " * 40 + "b"])
def test_what_fits_and_what_has_no_bracket_stays(line: str) -> None:
    assert folded(line) == [line]
