"""Takes a broken file apart at its declarations, so that each of them is looked at by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pdflang.diagnostics import Diagnostic, Reports, SourceFile
from pdflang.syntax.habits import FOREIGN_STATEMENTS, foreign_comment, semicolon
from pdflang.syntax.mistakes import explain, late_edition
from pdflang.syntax.parser import SyntaxFailure, Token, parse_tokens
from pdflang.syntax.place import Place, is_first_on_line
from pdflang.syntax.wording import DECLARATION_WORDS, NAMES, VALUE_ENDS

MOST_MESSAGES = 20


def explain_all(
    source: SourceFile, all_tokens: Sequence[Token], failure: SyntaxFailure
) -> tuple[Diagnostic, ...]:
    """What is wrong with a file that does not parse: a message for each broken declaration."""
    reports = Reports()
    tokens = _without_foreign_marks(source, all_tokens, reports)
    starts = [*_declaration_starts(tokens), len(tokens)]
    for start, end in pairwise(starts):
        if len(reports.errors) >= MOST_MESSAGES:
            break
        _explain_one(source, tokens[start:end], start == 0, reports)
    # A cut in the wrong place may hide what is wrong with the whole.
    return reports.errors or (explain(Place(source, all_tokens, failure.index, failure.accepted)),)


def _explain_one(source: SourceFile, tokens: Sequence[Token], is_first: bool, reports: Reports) -> None:
    if tokens[0].type == "EDITION" and not is_first:
        reports.add(late_edition(source, tokens[0]))
        return
    try:
        parse_tokens(tokens)
    except SyntaxFailure as failure:
        reports.add(explain(Place(source, tokens, failure.index, failure.accepted)))


def _without_foreign_marks(source: SourceFile, tokens: Sequence[Token], reports: Reports) -> list[Token]:
    """The tokens without semicolons and comments of other languages; each kind is reported once."""
    kept: list[Token] = []
    reported: set[str] = set()
    skipped_line, closing = None, ""
    for token in tokens:
        if closing:
            closing = "" if token == closing else closing
        elif token.line == skipped_line or token not in (";", "//", "/*"):
            kept += [token] if token.line != skipped_line else []
        else:
            if token not in reported:
                reports.add(semicolon(source, token) if token == ";" else foreign_comment(source, token))
            reported.add(token)
            skipped_line = token.line if token == "//" else skipped_line
            closing = "*/" if token == "/*" else ""
    return kept


def _declaration_starts(tokens: Sequence[Token]) -> Iterator[int]:
    """Where the declarations of a broken file start, as a reader would guess it."""
    brackets = braces = 0
    for index, token in enumerate(tokens):
        if index == 0 or _starts_declaration(tokens, index, brackets, braces):
            brackets = braces = 0
            yield index
        brackets += (token.type in ("LPAR", "LSQB")) - (token.type in ("RPAR", "RSQB"))
        braces += (token.type == "LBRACE") - (token.type == "RBRACE")


def _starts_declaration(tokens: Sequence[Token], index: int, brackets: int, braces: int) -> bool:
    token, before = tokens[index], tokens[index - 1]
    after = tokens[index + 1].type if index + 1 < len(tokens) else ""
    if before.type == "DOT" or (token.type == "LET" and braces > 0):
        return False
    names_something = after in NAMES or after == "TEXT"
    if token.type in DECLARATION_WORDS:
        if is_first_on_line(tokens, index):
            return names_something or before.type not in ("COMMA", "LBRACE")
        return names_something and before.type in VALUE_ENDS and brackets <= 0
    # A line that looks like a declaration with a misspelt word, or without one.
    if token.type not in NAMES or not is_first_on_line(tokens, index):
        return False
    if before.type not in VALUE_ENDS or brackets > 0 or braces > 0:
        return False
    return (
        after in NAMES
        or after in ("EQUALS", "TILDE", "BAD_OPERATOR", "LBRACE")
        or (token.type == "EDITION" and after == "NUMBER")
        or token in FOREIGN_STATEMENTS
    )
