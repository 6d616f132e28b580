"""The formatter: the same tokens and comments with the usual spaces, indentation and line lengths.

Line breaks that the author chose inside a declaration stay, as does one blank line between declarations; only
lines that are too long are broken. So the shape of a formula remains its author's.
"""

from __future__ import annotations

from pdflang.syntax.layout import first_line_end, joined
from pdflang.syntax.pieces import Piece
from pdflang.syntax.wording import CLOSING, OPENING

_STEP = 4


def lay_out(pieces: list[Piece]) -> str:
    """The text of a file made of these pieces."""
    lines: list[str] = []
    indentation = _Indentation()
    start = 0
    while start < len(pieces):
        indent = indentation.of(pieces[start])
        end = first_line_end(pieces, start, indent)
        if pieces[start].has_blank_before and lines:
            lines.append("")
        lines.append(" " * indent + joined(pieces, start, end))
        for piece in pieces[start:end]:
            indentation.pass_over(piece, indent)
        start = end
    return "".join(f"{line}\n" for line in lines)


class _Indentation:
    """How far a line is indented, from the brackets that are open where it starts."""

    def __init__(self) -> None:
        # For each open bracket: its type and the indentation of the line that opened it.
        self._open: list[tuple[str, int]] = []

    def of(self, first: Piece) -> int:
        """The indentation of a line that starts with `first`."""
        if not self._open:
            return 0 if first.starts_statement else _STEP
        kind, indent = self._open[-1]
        if first.kind in CLOSING:
            return indent
        is_continuation = kind == "LBRACE" and not first.starts_statement
        return indent + (2 * _STEP if is_continuation else _STEP)

    def pass_over(self, piece: Piece, indent: int) -> None:
        """Take notice of a piece in a line with this indentation."""
        if piece.kind in OPENING:
            self._open.append((piece.kind, indent))
        elif piece.kind in CLOSING:
            self._open.pop()
