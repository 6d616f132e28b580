"""User errors as values: code, place, what was found, the likely remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NoReturn

from pdflang.diagnostics.source import Span

Severity = Literal["error", "lint", "note"]


@dataclass(frozen=True)
class Label:
    """A second place that a message points at, such as the other of two declarations."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One message.

    `message` says what is wrong in a sentence without a full stop; `label` is written under the marked
    text; `notes` add facts; `remedy` says what to do. `code` has a page in `diagnostics/codes/`.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    remedy: str = ""
    severity: Severity = "error"


class PdflangError(Exception):
    """One or more user errors. `str()` gives the text that the command line prints."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        from pdflang.diagnostics.render import render

        return "\n".join(render(diagnostic) for diagnostic in self.diagnostics)


class CompilerPanic(Exception):
    """Something went wrong that no model should be able to cause: a bug in pdflang, and it says so."""


class Reports:
    """Collects diagnostics so that several errors are shown in one go."""

    def __init__(self) -> None:
        self._diagnostics: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        """Collect a message; the same message at the same place is kept once."""
        if diagnostic not in self._diagnostics:
            self._diagnostics.append(diagnostic)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """A user's errors within are collected, and what comes after goes on."""
        try:
            yield
        except PdflangError as failure:
            for diagnostic in failure.diagnostics:
                self.add(diagnostic)

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Stop the current piece of work with an error."""
        raise PdflangError(diagnostic)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All messages, in the order of the source."""
        return tuple(sorted(self._diagnostics, key=_source_order))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def lints(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity != "error")

    def raise_errors(self) -> None:
        """Raise all collected errors together, if there are any."""
        if self.errors:
            raise PdflangError(*self.errors)


def _source_order(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return (span.source.name, span.start) if span else ("", 0)


def closest_names(name: str, candidates: Iterable[str], count: int = 3) -> list[str]:
    """Names that somebody who typed `name` may have meant, nearest first."""
    pool = list(dict.fromkeys(candidates))
    folded = {candidate.casefold(): candidate for candidate in reversed(pool)}
    if name.casefold() in folded:
        return [folded[name.casefold()]]
    return difflib.get_close_matches(name, pool, n=count, cutoff=0.6)
