"""Names: what the library has, what an expression reads, and what to say of a name that nothing has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pdflang.components import library
from pdflang.diagnostics import Label, PdflangError, Span
from pdflang.ir.nodes import Constant
from pdflang.semantics.builtins import BUILTINS
from pdflang.semantics.combine import error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.modules import Entry
from pdflang.semantics.scope import Scope
from pdflang.semantics.suggestions import HINTS, Kind, suggestions
from pdflang.semantics.values import BuiltinValue, Value
from pdflang.syntax import ast


def prelude(name: str) -> Value | None:
    """A name of the library, or None."""
    if name in BUILTINS:
        return BUILTINS[name]
    row = library.get(name)
    if row is None:
        return None
    if hasattr(row, "value"):
        return Constant(float(row.value))
    kind = "a distribution without arguments" if hasattr(row, "meaning") else "a function of the library"
    return BuiltinValue(name, kind, row, row.documentation)


def distribution_of(elaborator: Elaborator, expression: ast.Expression, scope: Scope) -> Value:
    """The value of what stands after `~`: there a name that nothing has was meant for a distribution."""
    head = expression.distribution if isinstance(expression, ast.Truncated) else expression
    if isinstance(head, ast.Call) and isinstance(head.function, ast.Name):
        require_known(head.function, scope, "distribution")
    return elaborator.evaluate(expression, scope)


def require_known(written: ast.Name, scope: Scope, kind: Kind) -> None:
    """Raise E201 for a name that nothing has; `kind` is what is due here."""
    name = written.name
    if name not in scope.bindings and not scope.module.find(name) and prelude(name) is None:
        raise unknown(name, written.span, scope, kind)


def unknown(name: str, span: Span, scope: Scope, kind: Kind = "value") -> PdflangError:
    """The error of a name that nothing has; names of the `kind` that is due here are suggested first."""
    candidates = suggestions(name, scope, kind)
    remedy = HINTS.get(name) or HINTS.get(name.casefold(), "")
    if not remedy and candidates:
        remedy = "did you mean " + " or ".join(f"`{c}`" for c in candidates) + "?"
    related = tuple(
        Label(entry.span, f"`{c}` is declared here")
        for c in candidates[:1]
        if isinstance(entry := scope.module.find(c), Entry)
    )
    return error(
        "E201", f"nothing is called `{name}`", span, label="not declared", related=related,
        remedy=remedy or "declare it, or use it from another file",
    )  # fmt: skip


def names_in(expression: Any) -> set[str]:
    """The plain names that an expression reads."""
    return {node.name for node in _below(expression) if isinstance(node, ast.Name)}


_COUNTING = ("range", "linspace", "geomspace", "moments")


def counted_names(tree: ast.Module) -> set[str]:
    """The names that a file reads where a whole number is due: lengths, positions, counts of points, and what a
    function of the file may use as one. Of `p.n` it is `n`."""
    functions = {declaration.name for declaration in tree.declarations if isinstance(declaration, ast.Func)}
    counts: set[str] = set()
    for node in _below(tree):
        if isinstance(node, ast.Axis | ast.Clause):
            counts |= _words_in(node.over)
        elif isinstance(node, ast.Subscript):
            counts |= _words_in(node.items)
        elif isinstance(node, ast.Slice):
            counts |= _words_in((node.start, node.stop))
        elif isinstance(node, ast.Index):
            counts |= _words_in(node.size)
        elif isinstance(node, ast.Call) and _words_in(node.function) & {*_COUNTING, *functions}:
            counts |= _words_in(node.arguments)
    return counts


def _words_in(tree: Any) -> set[str]:
    return {node.name for node in _below(tree) if isinstance(node, ast.Name | ast.Member)}


def _below(tree: Any) -> Iterator[ast.Node]:
    """A part of a syntax tree and all that is in it; a long sum is as deep as it is long."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, tuple):
            pending.extend(part)
        elif isinstance(part, ast.Node):
            yield part
            pending.extend(getattr(part, field) for field in part.__dataclass_fields__ if field != "span")
