"""Lark's tree to the syntax tree: expressions. A method for each rule (or alias) of the grammar."""

from __future__ import annotations

import unicodedata
from typing import Any

from pdflang.diagnostics import SourceFile, Span
from pdflang.syntax import ast
from pdflang.syntax.parser import Token

Children = list[Any]


def word(token: Token) -> str:
    """The name that a token means. As in Python, characters that look alike (`µ`, `μ`) are one (NFKC)."""
    return str(token) if token.isascii() else unicodedata.normalize("NFKC", token)


class ExpressionBuilder:
    """Makes the nodes of expressions; each method gets the span of its rule and the built children."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source

    def span_of(self, token: Token) -> Span:
        """The characters of a token."""
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    # --- operators ---

    def binary(self, span: Span, children: Children) -> ast.Binary:
        left, operator, right = children
        return ast.Binary(str(operator), left, right, span=span)

    def unary(self, span: Span, children: Children) -> ast.Unary:
        operator, operand = children
        return ast.Unary(str(operator), operand, span=span)

    def pipe(self, span: Span, children: Children) -> ast.Pipe:
        return ast.Pipe(*children, span=span)

    def conditional(self, span: Span, children: Children) -> ast.Conditional:
        return ast.Conditional(*children, span=span)

    # --- sets and what runs over them ---

    def comprehension(self, span: Span, children: Children) -> ast.Comprehension:
        body, *clauses = children
        return ast.Comprehension(body, tuple(clauses), span=span)

    def clause(self, span: Span, children: Children) -> ast.Clause:
        variable, over, condition = children
        return ast.Clause(word(variable), over, condition, span=span)

    def slice(self, span: Span, children: Children) -> ast.Slice:
        return ast.Slice(*children, span=span)

    def truncated(self, span: Span, children: Children) -> ast.Truncated:
        return ast.Truncated(*children, span=span)

    def interval(self, span: Span, children: Children) -> ast.Interval:
        return ast.Interval(*children, span=span)

    def source_where(self, span: Span, children: Children) -> ast.Where:
        return ast.Where(*children, span=span)

    # --- calls, subscripts, members ---

    def member(self, span: Span, children: Children) -> ast.Member:
        base, name = children
        return ast.Member(base, word(name), span=span)

    def subscript(self, span: Span, children: Children) -> ast.Subscript:
        base, *items = children
        return ast.Subscript(base, tuple(items), span=span)

    def call(self, span: Span, children: Children) -> ast.Call:
        function, arguments = children
        return ast.Call(function, arguments or (), span=span)

    def arguments(self, span: Span, children: Children) -> tuple[ast.Argument, ...]:
        return tuple(children)

    def argument(self, span: Span, children: Children) -> ast.Argument:
        name, value = children
        return ast.Argument(None if name is None else word(name), value, span=span)

    # --- atoms ---

    def name(self, span: Span, children: Children) -> ast.Name:
        return ast.Name(word(children[0]), span=span)

    def number(self, span: Span, children: Children) -> ast.Number:
        return ast.Number(str(children[0]), span=span)

    def text(self, span: Span, children: Children) -> ast.Text:
        return ast.Text(children[0][1:-1], span=span)

    def boolean(self, span: Span, children: Children) -> ast.Boolean:
        return ast.Boolean(children[0] == "true", span=span)

    def group(self, span: Span, children: Children) -> ast.Expression:
        return children[0]

    def array(self, span: Span, children: Children) -> ast.ArrayLiteral:
        return ast.ArrayLiteral(children[0] or (), span=span)

    def entries(self, span: Span, children: Children) -> tuple[ast.Expression, ...]:
        return tuple(children)
