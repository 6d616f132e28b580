"""The texts of a model as they stand on a page: lines with numbers and places to link to, lightly coloured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pdflang.diagnostics import lines_of

_WORDS = (
    "edition|use|index|const|data|param|nuisance|let|solve|func|pdf|pdfset|theory|detector|observe|factor|output|"
    "for|in|if|then|else|and|or|not|where|with|as|at|efficiency|smear|background|draw|over"
)
_PIECE = re.compile(
    rf'(?P<comment>#[^\r\n]*)|(?P<text>"[^"\r\n]*")|(?P<word>\b(?:{_WORDS})\b)'
    r"|(?P<name>[^\W\d]\w*)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<sign>\|>|~)"
)
_PLAIN = ("name",)


@dataclass(frozen=True)
class Listing:
    """One file: its name and its lines as HTML, which is safe whatever they say."""

    number: int
    name: str
    lines: tuple[Markup, ...]


def listings(sources: Sequence[tuple[str, str]]) -> list[Listing]:
    """The files of a model by name and text, in their order."""
    return [
        Listing(number, name, tuple(map(_line, lines_of(text.rstrip("\n")))))
        for number, (name, text) in enumerate(sources)
    ]


def anchor(number: int, line: int) -> str:
    """The id of a line, from 1, of the file with that number."""
    return f"file{number}-line{line}"


def _line(text: str) -> Markup:
    """A line, every character escaped; comments, texts, words of the language and numbers are marked."""
    parts, end = [], 0
    for found in _PIECE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        kind = found.lastgroup
        if kind in _PLAIN:
            parts.append(escape(found[0]))
        else:
            parts.append(Markup('<span class="{}">{}</span>').format(kind, found[0]))
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
