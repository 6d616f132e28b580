"""Tables as text: aligned for a terminal, or comma-separated."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Lines with columns under each other, the `left` ones from their left; the first row has the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = (f"{cell:{'<' if i in left else '>'}{widths[i]}}" for i, cell in enumerate(row))
        return "  ".join(cells).rstrip()

    return [line(row) for row in rows]


def csv_text(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Comma-separated values, numbers in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([repr(cell) if isinstance(cell, float) else cell for cell in row] for row in rows)
    return text.getvalue()
