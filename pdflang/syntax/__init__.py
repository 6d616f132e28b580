"""Text to syntax tree and back: `parse`, `format_source`, `format_expression`."""

from __future__ import annotations

from pdflang.diagnostics import PdflangError, Reports, SourceFile
from pdflang.syntax import ast
from pdflang.syntax.build import build_module
from pdflang.syntax.expression_text import format_expression
from pdflang.syntax.limits import check_tree, too_large, too_many_brackets
from pdflang.syntax.parser import SyntaxFailure, Token, parse_tokens, tokenize

__all__ = ["format_expression", "format_source", "parse"]


def parse(source: SourceFile) -> ast.Module:
    """The syntax tree of a model file.

    Raises PdflangError with everything that is wrong with the syntax: where several declarations are broken,
    a message for each.
    """
    return _parse(source)[1]


def format_source(source: SourceFile) -> str:
    """The text of a model file in the usual layout, comments kept; PdflangError if it does not parse."""
    from pdflang.syntax.format import lay_out
    from pdflang.syntax.pieces import pieces_of

    text = source.text.replace("\r\n", "\n").replace("\r", "\n")
    tokens, module = _parse(SourceFile(source.name, text, source.folder))
    return lay_out(pieces_of(text, tokens, module))


def _parse(source: SourceFile) -> tuple[list[Token], ast.Module]:
    if excess := too_large(source):
        raise PdflangError(excess)
    tokens = tokenize(source.text)
    if excess := too_many_brackets(source, tokens):
        raise PdflangError(excess)
    try:
        tree = parse_tokens(tokens)
    except SyntaxFailure as failure:
        # Explaining takes code that a correct file never needs.
        from pdflang.syntax.recovery import explain_all

        raise PdflangError(*explain_all(source, tokens, failure)) from None
    reports = Reports()
    module = build_module(source, tree, reports)
    for diagnostic in check_tree(module):
        reports.add(diagnostic)
    reports.raise_errors()
    return tokens, module
