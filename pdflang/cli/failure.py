"""How the command line ends when something goes wrong: prose for a user's mistake, a report for our bug."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from pdflang.cli.screen import Screen, say
from pdflang.diagnostics import PdflangError

USER_ERROR, USAGE, UNTRUSTED, BUG = 1, 2, 3, 70

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO)

_OF_THE_COMMAND_LINE = {"E505", "E610", "E620"}
"""Codes of messages about options: nothing is wrong with the model or its data."""


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """A verb that gets a `screen`, on which user errors are told, as prose or JSON; they end it with code 1 or 2."""

    @wraps(command)
    def run(*arguments: Any, as_json: bool = False, **options: Any) -> Any:
        screen = Screen(as_json)
        try:
            return command(screen, *arguments, **options)
        except PdflangError as failure:
            screen.show(failure.diagnostics)
            screen.count_errors()
            codes = {diagnostic.code for diagnostic in failure.diagnostics}
            raise click.exceptions.Exit(USAGE if codes <= _OF_THE_COMMAND_LINE else USER_ERROR) from None
        finally:
            screen.close()

    return run


def report_failure(failure: Exception) -> int:
    """Whatever else went wrong: memory that is used up, or a bug of ours. Says so; the exit code."""
    if isinstance(failure, MemoryError) or "RESOURCE_EXHAUSTED" in str(failure):
        say(
            "there is not enough memory for this\n"
            "  help: ask for fewer `--draws` or `--chains`, or for fewer at once: `--threads 1`; "
            "`--log-likelihood` keeps one number for each datum of each draw",
            err=True,
        )
        return USER_ERROR
    if isinstance(failure, OSError) and failure.errno in _NO_ROOM:
        say(f"nothing more can be written: {failure.strerror}\n  help: make room, or write elsewhere: --out", err=True)
        return USER_ERROR
    return report_panic(failure)


def report_panic(failure: Exception) -> int:
    """Our bug: say so, and keep the traceback in a file, not on the screen."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="pdflang-", suffix=".txt", delete=False, encoding="utf-8"
        ) as report:
            report.write("".join(traceback.format_exception(failure)))
            report.write(f"\ncommand: {sys.argv}\n")
        place = f"The details are in {Path(report.name)}."
    except OSError:
        place = f"{type(failure).__name__}: {failure}"
    say(f"pdflang has a bug: {type(failure).__name__}. {place}", err=True)
    say("Please report it, with the model file.", err=True)
    return BUG
