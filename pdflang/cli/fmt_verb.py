"""`pdflang fmt`: model files in the usual style."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang import driver
from pdflang.cli.failure import told
from pdflang.results.files import write_text
from pdflang.syntax import format_source


@click.command("fmt")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 1 if a file would change.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the result instead of writing it.")
@told
def command(models: tuple[Path, ...], only_check: bool, to_stdout: bool) -> None:
    """Lay MODELS out in the usual style. Comments are kept, meaning never changes."""
    would_change = False
    for path in models:
        source = driver.read_source(path)
        formatted = format_source(source)
        if to_stdout:
            click.echo(formatted, nl=False)
        elif formatted == source.text:
            continue
        elif only_check:
            would_change = True
            click.echo(f"{path} would change")
        else:
            write_text(path, formatted)
            click.echo(f"{path} changed")
    if would_change:
        raise click.exceptions.Exit(1)
