"""`pdflang compile`: the generated module."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang.cli.failure import show, told
from pdflang.cli.options import data_option, json_option, model_argument


@click.command("compile")
@model_argument
@data_option
@json_option
@told
def command(model: Path, data: tuple[str, ...], as_json: bool) -> None:
    """Print the JAX module of MODEL with its data, which is exactly what runs."""
    from pdflang import __version__, driver
    from pdflang.backend import generate
    from pdflang.data.overrides import parse_overrides
    from pdflang.passes import plan

    program = driver.check(driver.read_source(model))
    show(program.lints)
    bound = driver.bind(program, parse_overrides(data))
    click.echo(generate(plan(bound), __version__).source, nl=False)
