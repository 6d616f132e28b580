"""What the grammar lets through and the language does not: excessive texts, an equation without `==`.

The limits keep every later stage, which recurses over the tree, far from the limits of Python. No model that
a person writes comes near them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pdflang.diagnostics import Diagnostic, SourceFile, Span
from pdflang.syntax import ast
from pdflang.syntax.parser import Token

LARGEST_TEXT = 1_000_000
DEEPEST_NESTING = 200
LONGEST_CHAIN = 10_000
LONGEST_NUMBER = 400

_OPENING = ("LPAR", "LSQB", "LBRACE")
_CLOSING = ("RPAR", "RSQB", "RBRACE")


def too_large(source: SourceFile) -> Diagnostic | None:
    """A file so large that it is data, not a model."""
    if len(source.text) <= LARGEST_TEXT:
        return None
    return Diagnostic(
        "E120",
        f"this file has {len(source.text):,} characters; a model may have {LARGEST_TEXT:,}",
        Span(source, 0, 0),
        remedy='keep numbers in a data file and name it: `data y = table("y.csv")`',
    )


def too_many_brackets(source: SourceFile, tokens: Sequence[Token]) -> Diagnostic | None:
    """The first bracket that nests too deep."""
    depth = 0
    for token in tokens:
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if depth > DEEPEST_NESTING:
            return _too_deep(Span(source, token.start_pos or 0, token.end_pos or 0))
    return None


def check_tree(module: ast.Module) -> Iterator[Diagnostic]:
    """Everything in a file that parses and yet says nothing that the language knows."""
    for item in module.items:
        if isinstance(item, ast.Solve) and not _is_equation(item.equation):
            yield _no_equation(item)
        yield from _check_node(item)


def _check_node(top: ast.Node) -> Iterator[Diagnostic]:
    """Numbers and depth, without recursion; the first place that is too deep ends the walk."""
    waiting: list[tuple[ast.Node, int, int]] = [(top, 0, 0)]
    while waiting:
        node, depth, links = waiting.pop()
        if depth > DEEPEST_NESTING:
            yield _too_deep(node.span)
            return
        if links > LONGEST_CHAIN:
            yield _too_long(node.span)
            return
        if isinstance(node, ast.Number):
            yield from _check_number(node)
        for child in ast.children(node):
            if isinstance(node, ast.Binary) and isinstance(child, ast.Binary) and child is node.left:
                waiting.append((child, depth, links + 1))
            else:
                waiting.append((child, depth + isinstance(child, ast.Expression), 0))


def _check_number(number: ast.Number) -> Iterator[Diagnostic]:
    if len(number.text) > LONGEST_NUMBER:
        yield Diagnostic(
            "E106",
            f"this number has {len(number.text):,} characters",
            number.span,
            remedy="17 digits are all that a number of the computer holds; write the rest as `e…`",
        )
    elif math.isinf(float(number.text)):
        yield Diagnostic(
            "E106",
            f"the number `{number.text}` is too large",
            number.span,
            "beyond 1.8e308",
            remedy="where infinity is meant, write `inf`",
        )


def _is_equation(expression: ast.Expression) -> bool:
    return isinstance(expression, ast.Binary) and expression.operator == "=="


def _no_equation(solve: ast.Solve) -> Diagnostic:
    return Diagnostic(
        "E110",
        f"`solve {solve.name}` needs an equation",
        solve.equation.span,
        "there is no `==` here",
        remedy=f"say what must be equal: `solve {solve.name} where integral(f(x) for x in (0, 1)) == 2`",
    )


def _too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "E120",
        f"this is nested more than {DEEPEST_NESTING} levels deep",
        Span(span.source, span.start, min(span.end, span.start + 1)),
        remedy="give a part its own name with `let` or `func`",
    )


def _too_long(span: Span) -> Diagnostic:
    return Diagnostic(
        "E120",
        f"more than {LONGEST_CHAIN:,} terms stand in one row",
        Span(span.source, span.start, min(span.end, span.start + 1)),
        remedy="write the sum over an index: `sum(c[k] * f(k) for k in K)`",
    )
