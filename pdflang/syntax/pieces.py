"""What the formatter lays out: the tokens and comments of a file, each with what its place means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pdflang.syntax import ast
from pdflang.syntax.parser import Token
from pdflang.syntax.wording import CLOSING, OPENING, VALUE_ENDS

_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True)
class Piece:
    """One token or comment.

    `kind`: the type of the token, or `COMMENT`.
    `starts_line`: the author, or the style, starts a line with it.
    `starts_statement`: a declaration, a statement of a detector or an entry of a pdfset starts here.
    `ends_value`: an operator may stand after it.
    `is_prefix`: a sign in front of a value.
    `is_spaced`: a product sign that its author wrote with spaces.
    `is_label`: the colon before a type or before imported names; that of a range is none.
    """

    text: str
    kind: str
    starts_line: bool = False
    has_blank_before: bool = False
    starts_statement: bool = False
    ends_value: bool = False
    is_prefix: bool = False
    is_spaced: bool = False
    is_label: bool = False


def pieces_of(text: str, tokens: Sequence[Token], module: ast.Module) -> list[Piece]:
    """The tokens and comments of a correct file, in order."""
    return list(_Reader(text, tokens, module).pieces())


class _Reader:
    def __init__(self, text: str, tokens: Sequence[Token], module: ast.Module) -> None:
        self.tokens = tokens
        ends = [0] + [token.end_pos or 0 for token in tokens]
        starts = [token.start_pos or 0 for token in tokens] + [len(text)]
        # What stands in front of each token, and behind the last.
        self.gaps = [text[end:start] for end, start in zip(ends, starts, strict=True)]
        self.statements, self.entries = _statement_starts(module)
        if module.edition is not None:
            self.statements.add(starts[0])

    def pieces(self) -> Iterator[Piece]:
        brackets: list[str] = []
        before: Piece | None = None
        in_head = False
        for index, token in enumerate(self.tokens):
            comments, blanks = self._comments(index, before)
            yield from comments
            is_statement = token.start_pos in self.statements
            in_head = is_statement or (in_head and token.type not in ("EQUALS", "TILDE", "WITH", "LBRACE"))
            opens_block = before is not None and before.kind == "LBRACE"
            ends_value = token.type in VALUE_ENDS or (before is not None and before.kind == "DOT")
            before = Piece(
                text=str(token),
                kind=token.type,
                starts_line=blanks > 0 or opens_block or is_statement or token.type == "RBRACE",
                has_blank_before=blanks > 1 and not opens_block and self._starts_statement(index),
                starts_statement=self._starts_statement(index),
                ends_value=ends_value and not is_statement,
                is_prefix=token.type in ("PLUS", "MINUS") and not (before and before.ends_value),
                is_spaced=_has_space(self.gaps[index], self.gaps[index + 1]),
                is_label=token.type == "COLON" and in_head and not brackets,
            )
            yield before
            if token.type in OPENING:
                brackets.append(token.type)
            elif token.type in CLOSING:
                brackets.pop()
        yield from self._comments(len(self.tokens), before)[0]

    def _starts_statement(self, index: int) -> bool:
        start = self.tokens[index].start_pos
        return start in self.statements or start in self.entries

    def _comments(self, index: int, before: Piece | None) -> tuple[list[Piece], int]:
        """The comments in front of a token, and the number of line breaks between the last and the token."""
        gap = self.gaps[index]
        at_statement = index == len(self.tokens) or (
            self._starts_statement(index) or self.tokens[index].type == "RBRACE"
        )
        comments: list[Piece] = []
        end = 0
        for match in _COMMENT.finditer(gap):
            breaks = gap.count("\n", end, match.start())
            opens_block = not comments and before is not None and before.kind == "LBRACE"
            comments.append(
                Piece(
                    text=match.group().rstrip(),
                    kind="COMMENT",
                    starts_line=breaks > 0,
                    has_blank_before=breaks > 1 and not opens_block,
                    starts_statement=at_statement,
                )
            )
            end = match.end()
        return comments, gap.count("\n", end)


def _has_space(before: str, after: str) -> bool:
    """Whether a sign was written with spaces, judged by the sides that stay on its line."""
    sides = [gap for gap in (before, after) if "\n" not in gap]
    return any(sides) or not sides


def _statement_starts(module: ast.Module) -> tuple[set[int], set[int]]:
    """Where the declarations and the statements of detectors start, and where the entries of pdfsets do."""
    statements = {item.span.start for item in module.items}
    entries: set[int] = set()
    for item in module.items:
        if isinstance(item, ast.Detector):
            statements.update(statement.span.start for statement in item.statements)
        elif isinstance(item, ast.Pdfset):
            entries.update(entry.span.start for entry in item.entries)
    return statements, entries
