"""`pdflang theory`: an FK table out of a grid of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pdflang.cli.failure import told
from pdflang.cli.options import json_option, option_flags, overwrite_option
from pdflang.cli.reporting import require_free
from pdflang.cli.screen import Screen
from pdflang.workflows import TheoryOptions

_OUT = "The table: .npz for arrays, .pineappl.lz4 for a file of PineAPPL; by default the name of the grid, as .fk.npz."


@click.command("theory")
@click.argument("grid", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help=_OUT)
@option_flags(TheoryOptions)
@overwrite_option
@json_option
@told
def command(screen: Screen, grid: Path, out: Path | None, overwrite: bool, **options: Any) -> None:
    """Make an FK table of GRID, a PineAPPL grid of yadism, MadGraph or another program, for `fktable(…)` in models.

    HOPPET's operators turn densities at --scale into those that the grid asks for, of one hadron or of two. Those of
    many scales take some seconds, and are kept. Factors other than 1 of the two scales need the logarithms in the grid.
    """
    from pdflang.workflows.theory import make_table

    settings = TheoryOptions(**options)
    path = out or grid.parent / f"{grid.name.removesuffix('.lz4').removesuffix('.pineappl')}.fk.npz"
    require_free(path, overwrite)
    made = make_table(grid, path, settings)
    for note in made.notes:
        screen.note(note)
    hadrons = "two hadrons" if made.hadrons == 2 else "one hadron"
    said = f"{made.rows} rows for {hadrons} in {path}, from {made.scales} scales to {settings.scale:g} GeV"
    screen.result(said, table=str(path), rows=made.rows, hadrons=made.hadrons, scales=made.scales)
