"""What a verb says: prose for a terminal as it goes, or one JSON object at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from pdflang.diagnostics import Diagnostic
from pdflang.diagnostics.render import render, to_record


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """Print; where whoever read it is gone, quietly go on without."""
    try:
        click.echo(text, err=err, nl=nl)
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Whoever read our output is gone: what is still to be said goes nowhere, without another complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


class Screen:
    """Messages go to standard error, results to standard output; with `--json` all of it is one object there.

    The object has `messages`, a list of records, `notes`, a list of texts, and the fields of the verb's result.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._record: dict[str, Any] = {"messages": [], "notes": []}

    def show(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Messages about the model or its data."""
        colour = sys.stderr.isatty()
        for diagnostic in diagnostics:
            self._record["messages"].append(to_record(diagnostic))
            if not self.as_json:
                say(render(diagnostic, colour), err=True)

    def note(self, text: str) -> None:
        """Something worth knowing that has no place in the model."""
        self._record["notes"].append(text)
        if not self.as_json:
            say(f"note: {text}", err=True)

    def count_errors(self) -> None:
        """How many errors there were, below them."""
        errors = sum(record["severity"] == "error" for record in self._record["messages"])
        if not self.as_json:
            say(f"{errors} error{'s' * (errors != 1)}", err=True)

    def result(self, text: str, /, **record: Any) -> None:
        """A result as text for the terminal, and as plain data for JSON."""
        self._record.update(record)
        if not self.as_json:
            say(text.rstrip("\n"))

    def result_fields(self, **record: Any) -> None:
        """Parts of the result that only JSON shows."""
        self._record.update(record)

    def close(self) -> None:
        """Print the JSON object, where it is wanted."""
        if self.as_json:
            from pdflang.results.plain import to_json

            say(to_json(self._record), nl=False)
