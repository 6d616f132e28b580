"""The parts that pages are made of: pictures, tables, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from pdflang.report.files import on_page, style, without_complaints
from pdflang.results.diagnostics import Finding


@dataclass(frozen=True)
class Picture:
    """A picture with its title and what it shows; without an `image`, the caption says why there is none."""

    title: str
    caption: str
    image: Markup | None = None
    wide: bool = False


@dataclass(frozen=True)
class TableRow:
    """A row: its name, which may lead to an anchor, and its cells; a `part` is a heading of those below."""

    name: str
    cells: tuple[str, ...] = ()
    anchor: str | None = None
    part: bool = False


@dataclass(frozen=True)
class Table:
    """A table with notes on what it leaves out."""

    headings: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """In one line whether a result is to be relied on; `severity` is that of the worst finding, or `good`."""

    severity: str
    sentence: str


@dataclass(frozen=True)
class Section:
    """Sentences, findings, tables and pictures under one heading; a `verdict`, if any, is for the top of the page."""

    words: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    verdict: Verdict | None = None

    @property
    def is_there(self) -> bool:
        return bool(self.words or self.tables or self.pictures)


@dataclass(frozen=True)
class Part:
    """A part of a page that the list at its top leads to."""

    id: str
    title: str


def drawn(name: str, title: str, caption: str, make: Callable[[], Figure], wide: bool = False) -> Picture:
    """A picture for a page. One that cannot be drawn, whatever the reason, costs itself and not the page."""
    try:
        with style(of_a_page=True), without_complaints():
            said = caption if caption.startswith(title) else f"{title}. {caption}"
            return Picture(title, caption, on_page(make(), name, said), wide)
    except Exception as failure:
        return Picture(title, f"{title} could not be drawn: {type(failure).__name__}: {failure}")


def verdict(findings: Sequence[Finding]) -> Verdict | None:
    """The verdict on findings: the worst of them, and how many others are as bad; None where nothing is wrong."""
    for severity, words in (("error", "Not to be trusted"), ("warning", "To be read with care")):
        serious = [finding for finding in findings if finding.severity == severity]
        if serious:
            more = f" And {len(serious) - 1} more, see below." if len(serious) > 1 else ""
            return Verdict(severity, f"{words}: {serious[0].sentence}.{more}")
    return None


def table_of(lines: Sequence[tuple[str, ...]]) -> Table:
    """A table of texts whose first line has the headings."""
    head, *rows = lines
    return Table(head, tuple(TableRow(row[0], row[1:]) for row in rows))


def two_columns(entries: dict[str, Any], headings: tuple[str, str]) -> Table:
    """Values by name."""
    return Table(headings, tuple(TableRow(str(name), (_said(value),)) for name, value in entries.items()))


def _said(value: Any) -> str:
    return "–" if value is None else str(value)
