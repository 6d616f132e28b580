"""`pdflang check`: everything that can be found without reading data."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang import driver
from pdflang.cli.failure import told
from pdflang.cli.options import json_option, model_argument
from pdflang.cli.screen import Screen


@click.command("check")
@model_argument
@json_option
@told
def command(screen: Screen, model: Path) -> None:
    """Find what is wrong with MODEL, without reading its data.

    Names, types, axes, supports, domains and sum rules are checked; errors end with exit code 1, remarks do not.
    """
    program = driver.check(driver.read_source(model))
    screen.show(program.lints)
    parts = [
        _count(len(program.parameters), "parameter"),
        _count(len(program.observations), "observation"),
        *([_count(len(program.factors), "factor")] if program.factors else []),
        _count(len(program.outputs), "output"),
    ]
    remarks = f"; {_count(len(program.lints), 'remark')}" if program.lints else ""
    screen.result(
        f"{model}: {', '.join(parts)}{remarks}",
        model=str(model),
        data=list(program.data),
        parameters=list(program.parameters),
        observations=list(program.observations),
        factors=list(program.factors),
        outputs=list(program.outputs),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
