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
    Tells of each observation whether it has a density, a gradient and a simulator, and if not, which line is why.
    """
    from pdflang.semantics.capabilities import capabilities

    program = driver.check(driver.read_source(model))
    screen.show(program.lints)
    parts = [
        _count(len(program.parameters), "parameter"),
        _count(len(program.observations), "observation"),
        *([_count(len(program.factors), "factor")] if program.factors else []),
        _count(len(program.outputs), "output"),
    ]
    remarks = f"; {_count(len(program.lints), 'remark')}" if program.lints else ""
    found = capabilities(program)
    width = max((len(c.observation) for c in found), default=0)
    lines = [f"  {c.observation:<{width}}  {c}" for c in found]
    screen.result(
        "\n".join([f"{model}: {', '.join(parts)}{remarks}", *lines]),
        model=str(model),
        data=list(program.data),
        parameters=list(program.parameters),
        observations=list(program.observations),
        factors=list(program.factors),
        outputs=list(program.outputs),
        capabilities={
            c.observation: {"density": c.density, "gradient": c.gradient, "simulator": c.simulator} for c in found
        },
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
