"""`pdflang fmt`: model files in the usual style."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang import driver
from pdflang.cli.failure import told
from pdflang.cli.options import json_option
from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.syntax import format_source


@click.command("fmt")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 1 if a file would change.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the result instead of writing it.")
@json_option
@told
def command(screen: Screen, models: tuple[Path, ...], only_check: bool, to_stdout: bool) -> None:
    """Lay MODELS out in the usual style. Comments are kept, meaning never changes.

    A file that cannot be parsed stays as it is; the others are still laid out.
    """
    errors: list[Diagnostic] = []
    changed: list[str] = []
    for path in models:
        try:
            source = driver.read_source(path)
            formatted = format_source(source)
            if formatted != source.text:
                changed.append(str(path))
                if not (only_check or to_stdout):
                    # Results import NumPy, which a look at a file does not need.
                    from pdflang.results.files import write_text

                    write_text(path, formatted)
        except PdflangError as failure:
            errors += failure.diagnostics
            continue
        if to_stdout:
            screen.result(formatted, text=formatted)
        elif formatted != source.text:
            screen.result(f"{path} {'would change' if only_check else 'changed'}")
    screen.result_fields(changed=changed)
    if errors:
        raise PdflangError(*errors)
    if only_check and changed:
        raise click.exceptions.Exit(1)
