"""`pdflang report`: a run as a page for the browser."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang.cli.failure import told
from pdflang.cli.options import data_option, json_option
from pdflang.cli.reporting import model_of, require_free
from pdflang.cli.screen import Screen

_MODEL = "The model of the run, where its command line does not lead to it from here."
_LACKING = "Functions are not drawn and data not predicted"
_REMEDY = "Name the model with --model, and give the --data of the run."
_OUT = "The file to write; by default report.html in the folder of the run."


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help=_MODEL)
@data_option
@click.option("--out", type=click.Path(path_type=Path), help=_OUT)
@click.option("--overwrite", is_flag=True, help="Replace an earlier report.")
@json_option
@told
def command(
    screen: Screen, run: Path, model: Path | None, data: tuple[str, ...], out: Path | None, overwrite: bool
) -> None:
    """Make a page of RUN, the folder of a run.

    One HTML file that needs nothing else: the summary and what the diagnostics say, data beside their prediction,
    functions with their bands, parameters, the model, and where it all came from. Functions and predictions are
    computed from the model and its data, which must be those of the run.
    """
    from pdflang.results.reading import read_run
    from pdflang.results.run_folder import REPORT

    found = read_run(run)
    path = out or run / REPORT
    require_free(path, overwrite)
    compiled, why = model_of(found, model, data)
    reason = f"{_LACKING}: {why}. {_REMEDY}" if why else ""
    if reason:
        screen.note(reason)
    from pdflang.inference import terminal_monitor
    from pdflang.report.run_page import write_report

    write_report(found, compiled, reason, path, terminal_monitor())
    screen.result(f"report in {path}", report=str(path))
