"""Turns a diagnostic into text for the terminal and into a record for `--json`."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Any

from pdflang.diagnostics.report import Diagnostic, Severity
from pdflang.diagnostics.source import Span

_COLOURS: dict[Severity, str] = {"error": "\x1b[31;1m", "lint": "\x1b[33;1m", "note": "\x1b[36;1m"}
_RESET = "\x1b[0m"
_LONGEST_LINE = 120


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """The message as a physicist reads it: code, place, marked source line, notes and remedy."""
    head = f"{diagnostic.severity}[{diagnostic.code}]"
    if colour:
        head = f"{_COLOURS[diagnostic.severity]}{head}{_RESET}"
    parts = [f"{head}: {_printable(diagnostic.message)}"]
    if diagnostic.span:
        parts.append(_excerpt(diagnostic.span, diagnostic.label, "^"))
    parts += [_excerpt(related.span, related.text, "-") for related in diagnostic.related]
    parts += [_paragraph("note", note) for note in diagnostic.notes]
    if diagnostic.remedy:
        parts.append(_paragraph("help", diagnostic.remedy))
    return "\n".join(parts) + "\n"


def to_record(diagnostic: Diagnostic) -> dict[str, Any]:
    """The message as plain data, for `--json` and for editors."""
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "label": diagnostic.label,
        "related": [{"place": _place(r.span), "text": r.text} for r in diagnostic.related],
        "notes": list(diagnostic.notes),
        "help": diagnostic.remedy,
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _excerpt(span: Span, label: str, mark: str) -> str:
    line, column = span.source.position(span.start)
    text = span.source.line_text(line)
    width = min(span.end, span.start + len(text) - column + 1) - span.start
    # A very long line is shown around the marked place.
    first = max(0, column - 1 - _LONGEST_LINE // 2) if len(text) > _LONGEST_LINE else 0
    shown = text[first : first + _LONGEST_LINE]
    width = max(1, min(width, _LONGEST_LINE))
    margin = " " * len(str(line))
    lead = _columns(shown[: column - 1 - first])
    marks = mark * max(1, _columns(shown[column - 1 - first : column - 1 - first + width]))
    underline = f"{margin} | {' ' * lead}{marks} {_printable(label)}".rstrip()
    return f"{margin}--> {_printable(str(span))}\n{margin} |\n{line} | {_printable(shown)}\n{underline}"


def _printable(text: str) -> str:
    """Tabs as one space; what would move the cursor, turn the text round or not be printed, as a visible mark."""
    return "".join(" " if c == "\t" else "\N{REPLACEMENT CHARACTER}" if _is_unprintable(c) else c for c in text)


def _is_unprintable(character: str) -> bool:
    """Control characters, lone surrogates, and formatting ones such as those that turn the direction of writing."""
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _columns(text: str) -> int:
    """How many terminal columns `text` takes: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _paragraph(head: str, text: str) -> str:
    lines = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(paragraph, 96, break_long_words=False, drop_whitespace=True) or [""]
    indent = " " * (len(head) + 4)
    return f"  {head}: " + f"\n{indent}".join(_printable(line) for line in lines)
