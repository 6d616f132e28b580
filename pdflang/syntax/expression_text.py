"""Expressions back to text, for messages and reports: with the brackets that they need and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pdflang.syntax import ast

# How tightly each form binds, as in the grammar; an operand that binds less tightly gets brackets.
_WHOLE, _COMPREHENSION, _CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _PIPE = range(8)
_SUM, _PRODUCT, _SIGN, _POWER, _POSTFIX, _ATOM = range(8, 14)
_LEFT = {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "@": _PRODUCT}
_TIGHT = ("*", "/", "^")


def format_expression(expression: ast.Expression) -> str:
    """The text of an expression; parsing it gives the expression again."""
    return _write(expression, _WHOLE)


def _write(node: ast.Expression, least: int) -> str:
    strength, text = _FORMS[type(node)](node)
    return text if strength >= least else f"({text})"


def _list(items: Iterable[ast.Expression]) -> str:
    return ", ".join(_write(item, _COMPREHENSION) for item in items)


def _binary(node: ast.Binary) -> tuple[int, str]:
    if node.operator == "^":
        return _POWER, f"{_write(node.left, _POSTFIX)}^{_write(node.right, _SIGN)}"
    strength = _LEFT.get(node.operator)
    if strength is None:
        return _COMPARISON, f"{_write(node.left, _PIPE)} {node.operator} {_write(node.right, _PIPE)}"
    # A long sum leans to the left: take its terms one after the other.
    parts: list[str] = []
    left: ast.Expression = node
    while isinstance(left, ast.Binary) and _LEFT.get(left.operator) == strength:
        operator = left.operator if left.operator in _TIGHT else f" {left.operator} "
        parts += [_write(left.right, strength + 1), operator]
        left = left.left
    parts.append(_write(left, strength))
    return strength, "".join(reversed(parts))


def _unary(node: ast.Unary) -> tuple[int, str]:
    if node.operator == "not":
        return _NOT, f"not {_write(node.operand, _NOT)}"
    return _SIGN, node.operator + _write(node.operand, _SIGN)


def _pipe(node: ast.Pipe) -> tuple[int, str]:
    return _PIPE, f"{_write(node.value, _PIPE)} |> {_write(node.function, _POSTFIX)}"


def _conditional(node: ast.Conditional) -> tuple[int, str]:
    yes, no = _write(node.yes, _COMPREHENSION), _write(node.no, _CONDITIONAL)
    return _CONDITIONAL, f"if {_write(node.condition, _COMPREHENSION)} then {yes} else {no}"


def _comprehension(node: ast.Comprehension) -> tuple[int, str]:
    clauses = [_clause(clause) for clause in node.clauses]
    return _COMPREHENSION, " ".join([_write(node.body, _CONDITIONAL), *clauses])


def _clause(clause: ast.Clause) -> str:
    text = f"for {clause.variable} in {_range(clause.over)}"
    return text if clause.condition is None else f"{text} where {_write(clause.condition, _CONDITIONAL)}"


def _range(node: ast.Expression) -> str:
    return _slice(node)[1] if isinstance(node, ast.Slice) else _write(node, _CONDITIONAL)


def _slice(node: ast.Slice) -> tuple[int, str]:
    ends = ("" if end is None else _write(end, _CONDITIONAL) for end in (node.start, node.stop))
    return _WHOLE, ":".join(ends)


def _member(node: ast.Member) -> tuple[int, str]:
    base = _write(node.base, _POSTFIX)
    # `2.x` would be a number.
    return _POSTFIX, f"({base}).{node.name}" if isinstance(node.base, ast.Number) else f"{base}.{node.name}"


def _subscript(node: ast.Subscript) -> tuple[int, str]:
    return _POSTFIX, f"{_write(node.base, _POSTFIX)}[{', '.join(map(_range, node.items))}]"


def _call(node: ast.Call) -> tuple[int, str]:
    arguments = (
        _write(argument.value, _COMPREHENSION)
        if argument.name is None
        else f"{argument.name} = {_write(argument.value, _COMPREHENSION)}"
        for argument in node.arguments
    )
    return _POSTFIX, f"{_write(node.function, _POSTFIX)}({', '.join(arguments)})"


def _truncated(node: ast.Truncated) -> tuple[int, str]:
    return _CONDITIONAL, f"{_write(node.distribution, _CONDITIONAL)} in {_write(node.bounds, _CONDITIONAL)}"


def _where(node: ast.Where) -> tuple[int, str]:
    return _WHOLE, f"{_write(node.source, _CONDITIONAL)} where {_write(node.condition, _CONDITIONAL)}"


_FORMS: dict[type[Any], Callable[[Any], tuple[int, str]]] = {
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Pipe: _pipe,
    ast.Conditional: _conditional,
    ast.Comprehension: _comprehension,
    ast.Slice: _slice,
    ast.Member: _member,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.Truncated: _truncated,
    ast.Where: _where,
    ast.Interval: lambda node: (_ATOM, f"({_list((node.lower, node.upper))})"),
    ast.ArrayLiteral: lambda node: (_ATOM, f"[{', '.join(_write(i, _CONDITIONAL) for i in node.items)}]"),
    ast.Number: lambda node: (_ATOM, node.text),
    ast.Text: lambda node: (_ATOM, f'"{node.value}"'),
    ast.Boolean: lambda node: (_ATOM, "true" if node.value else "false"),
    ast.Name: lambda node: (_ATOM, node.name),
}
