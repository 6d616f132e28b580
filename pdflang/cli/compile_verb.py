"""`pdflang compile`: the generated module."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang.cli.failure import told
from pdflang.cli.options import bound_model, data_option, exact_option, json_option, model_argument
from pdflang.cli.screen import Screen


@click.command("compile")
@model_argument
@data_option
@exact_option
@json_option
@told
def command(screen: Screen, model: Path, data: tuple[str, ...], exact: bool) -> None:
    """Print the JAX module of MODEL with its data, which is exactly what runs."""
    from pdflang import driver

    source = driver.generate(bound_model(screen, model, data), exact=exact).source
    screen.result(source, model=str(model), module=source)
