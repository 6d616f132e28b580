"""`pdflang check`: everything that can be found without reading data."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang import driver
from pdflang.cli.failure import show, told
from pdflang.cli.options import json_option, model_argument


@click.command("check")
@model_argument
@json_option
@told
def command(model: Path, as_json: bool) -> None:
    """Find what is wrong with MODEL, without reading its data.

    Names, types, axes, supports, domains and sum rules are checked; errors end with exit code 1, remarks do not.
    """
    program = driver.check(driver.read_source(model))
    if as_json:
        show(program.lints, as_json=True)
        return
    show(program.lints)
    parts = [
        _count(len(program.parameters), "parameter"),
        _count(len(program.observations), "observation"),
        *([_count(len(program.factors), "factor")] if program.factors else []),
        _count(len(program.outputs), "output"),
    ]
    remarks = f"; {_count(len(program.lints), 'remark')}" if program.lints else ""
    click.echo(f"{model}: {', '.join(parts)}{remarks}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
