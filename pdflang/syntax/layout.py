"""Where the spaces of a line go, and where a line that is too long is broken."""

from __future__ import annotations

from collections.abc import Sequence

from pdflang.syntax.pieces import Piece
from pdflang.syntax.wording import CLOSING, OPENING

LONGEST_LINE = 100

# A first line shorter than this is broken off only where nothing else is left.
_SHORT_LINE = 40
_EARLY = 4
_DEPTH = 3
_PRODUCT = ("TIMES", "DIVIDE", "MATMUL")
# How much is lost by breaking a line before these tokens; the smaller, the better.
_BREAK_BEFORE = {
    **dict.fromkeys(["FOR", "WHERE", "WITH", "PIPE", "AND", "OR", "ELSE"], 1),
    **dict.fromkeys(["PLUS", "MINUS", "COMPARISON"], 2),
    **dict.fromkeys(_PRODUCT, 4),
}
_BREAK_AFTER = {"COMMA": 0, "EQUALS": 3, "TILDE": 3, "LPAR": 5, "LSQB": 5}


def joined(pieces: Sequence[Piece], start: int, end: int) -> str:
    """The text of one line."""
    parts = [pieces[start].text]
    for index in range(start + 1, end):
        parts += [_space(pieces[index - 1], pieces[index]), pieces[index].text]
    return "".join(parts)


def first_line_end(pieces: Sequence[Piece], start: int, indent: int) -> int:
    """The index after the last piece of the line that begins with piece `start`."""
    width = indent + len(pieces[start].text)
    depth, best, least_cost = 0, None, 0
    for index in range(start + 1, len(pieces)):
        before, piece = pieces[index - 1], pieces[index]
        if piece.starts_line or before.kind == "COMMENT":
            return index
        depth += (before.kind in OPENING) - (before.kind in CLOSING)
        cost = _break_cost(before, piece)
        if cost is not None:
            cost += _DEPTH * depth + (_EARLY if width < _SHORT_LINE else 0)
            if best is None or cost <= least_cost:
                best, least_cost = index, cost
        if piece.kind != "COMMENT":
            width += len(_space(before, piece)) + len(piece.text)
            if width > LONGEST_LINE and best is not None:
                return best
    return len(pieces)


def _break_cost(before: Piece, piece: Piece) -> int | None:
    """How much is lost by breaking a line between two pieces; None where it must not be."""
    if piece.kind == "COMMENT" or piece.is_prefix or piece.kind in CLOSING:
        return None
    return _BREAK_BEFORE.get(piece.kind, _BREAK_AFTER.get(before.kind))


def _space(before: Piece, piece: Piece) -> str:
    """What stands between two pieces of one line."""
    if piece.kind == "COMMENT":
        return "  "
    if before.kind == "NUMBER" and piece.kind == "DOT":
        return " "  # `2.x` would be a number
    if "DOT" in (before.kind, piece.kind) or "POWER" in (before.kind, piece.kind):
        return ""
    if before.is_prefix or before.kind in ("LPAR", "LSQB") or piece.kind in ("RPAR", "RSQB", "COMMA"):
        return ""
    if piece.kind in ("LPAR", "LSQB") and before.ends_value:
        return ""
    if piece.kind == "COLON" or before.kind == "COLON":
        return " " if before.is_label or before.kind == "COMMA" else ""
    for sign in (before, piece):
        if sign.kind in _PRODUCT and not sign.is_spaced:
            return ""
    return " "
