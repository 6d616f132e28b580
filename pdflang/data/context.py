"""Who asked for the numbers: the declaration that messages about data point at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.diagnostics import Diagnostic, Label, PdflangError, Span

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DataContext:
    """The declaration that data is read for.

    `name` is the declared name and `span` its place, None where the data came from the command line or
    from Python; `folder` is the model's folder, which files named in the model must lie beneath. `source`
    says where the numbers themselves come from, such as ``column `x` of events.csv``, once that is known.
    `rows` are the positions there of those that `where` has left.
    """

    name: str
    span: Span | None = None
    folder: Path | None = None
    source: str = ""
    rows: np.ndarray | None = field(default=None, repr=False, compare=False)

    def of(self, source: str) -> DataContext:
        """The same declaration, with numbers from `source`."""
        return replace(self, source=source)

    def row(self, position: int) -> str:
        """A row as a message names it: counted from 1, with the source of the numbers where it is known."""
        if self.rows is not None:
            position = int(self.rows[position])
        return f"row {position + 1}" + (f" of {self.source}" if self.source else "")


def data_error(
    code: str,
    message: str,
    context: DataContext,
    *,
    label: str = "",
    related: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    remedy: str = "",
) -> PdflangError:
    """The error of the declaration in `context`, ready to be raised."""
    return PdflangError(
        Diagnostic(code, message, context.span, label=label, related=related, notes=notes, remedy=remedy)
    )


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 row`, `3 rows`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def one_of(names: list[str]) -> str:
    """Near names as a question's end: `a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
