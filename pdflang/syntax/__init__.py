"""Text to syntax tree and back: `parse`, `format_source`, `format_expression`."""

from __future__ import annotations

from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile, Span
from pdflang.syntax import ast
from pdflang.syntax.build import build_module
from pdflang.syntax.parser import SyntaxFailure, parse_tokens, tokenize

__all__ = ["parse"]


def parse(source: SourceFile) -> ast.Module:
    """The syntax tree of a model file; PdflangError with everything that is wrong with its syntax."""
    tokens = tokenize(source.text)
    try:
        tree = parse_tokens(tokens)
    except SyntaxFailure as failure:
        place = tokens[failure.index] if failure.index < len(tokens) else None
        start, end = (place.start_pos, place.end_pos) if place else (len(source.text), len(source.text))
        span = Span(source, start or 0, end or 0)
        raise PdflangError(Diagnostic("E101", "this does not fit here", span)) from None
    return build_module(source, tree)
