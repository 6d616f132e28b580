"""`pdflang export`: a run as files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pdflang.cli.failure import told
from pdflang.cli.options import data_option, json_option, option_flags, overwrite_option
from pdflang.cli.reporting import model_of, require_free, without_densities
from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.workflows import LhapdfOptions

_MODEL = "The model of the run, where its command line does not lead to it from here."


@click.group("export")
def command() -> None:
    """Write a run as files that other programs read."""


@command.command("lhapdf")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help=_MODEL)
@data_option
@option_flags(LhapdfOptions)
@click.option("--description", default="", help="What the set says of itself.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder, and name, of the set; by default RUN_pdf.")
@overwrite_option
@json_option
@told
def lhapdf(
    screen: Screen, run: Path, model: Path | None, data: tuple[str, ...], description: str, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Write RUN, the folder of a run of `sample` or `map`, as an LHAPDF set.

    The densities of the pdfset are evolved to all scales by HOPPET. Of a posterior there is a member for each of some
    draws, and their mean; of a maximum there are pairs of members along the eigenvectors of its covariance.
    """
    from pdflang.data.lhapdf_files import problems
    from pdflang.results.reading import read_run
    from pdflang.workflows.lhapdf import export

    settings = LhapdfOptions(**options)
    found = read_run(run)
    folder = out or Path(f"{found.name}_pdf")
    _require_set(folder)
    require_free(folder, overwrite)
    compiled, why = model_of(found, model, data)
    if compiled is None:
        raise without_densities(run, why)
    members = export(found, compiled, folder, settings, description)
    if wrong := problems(folder):
        raise AssertionError(f"the set is not as the format wants it: {wrong[0]}")
    said = f"{members} members in {folder}"
    screen.result(said, folder=str(folder), members=members)


def _require_set(folder: Path) -> None:
    """PdflangError (E621) where there is something that is no LHAPDF set, and not to be replaced in any case."""
    if folder.exists() and not (folder / f"{folder.name}.info").is_file():
        remedy = "choose another name with `--out`; `--overwrite` replaces a set only"
        raise PdflangError(Diagnostic("E621", f"`{folder}` exists already and is no LHAPDF set", remedy=remedy))
