"""How the command line ends when something goes wrong: prose for a user's mistake, a report for our bug."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.diagnostics.render import render, to_record

USER_ERROR, BUG = 1, 70


def show(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic], as_json: bool = False) -> None:
    """Print messages to standard error, or as JSON to standard output."""
    if as_json:
        click.echo(json.dumps([to_record(d) for d in diagnostics], ensure_ascii=False, indent=2))
        return
    colour = sys.stderr.isatty()
    for diagnostic in diagnostics:
        click.echo(render(diagnostic, colour), err=True)


@contextmanager
def user_errors(as_json: bool = False) -> Iterator[None]:
    """A user's mistake inside is told, and ends the program with code 1."""
    try:
        yield
    except PdflangError as failure:
        show(failure.diagnostics, as_json)
        errors = sum(d.severity == "error" for d in failure.diagnostics)
        if not as_json:
            click.echo(f"{errors} error{'s' * (errors != 1)}", err=True)
        raise click.exceptions.Exit(USER_ERROR) from None


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """A verb whose user errors are told as prose, or as JSON where it has `--json`."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        with user_errors(bool(options.get("as_json"))):
            return command(*arguments, **options)

    return run


def report_panic(failure: Exception) -> int:
    """Anything else that goes wrong is our bug: say so, and keep the traceback in a file, not on the screen."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="pdflang-", suffix=".txt", delete=False, encoding="utf-8"
        ) as report:
            report.write("".join(traceback.format_exception(failure)))
            report.write(f"\ncommand: {sys.argv}\n")
        place = f"The details are in {Path(report.name)}."
    except OSError:
        place = f"{type(failure).__name__}: {failure}"
    click.echo(f"pdflang has a bug: {type(failure).__name__}. {place}\nPlease report it, with the model file.", err=True)
    return BUG
