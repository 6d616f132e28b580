"""`pdflang report`: a run as a page for the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import told
from pdflang.cli.options import data_option, json_option, option_flags
from pdflang.cli.reporting import model_of, require_free, without_densities
from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.workflows import PdfsetOptions

if TYPE_CHECKING:
    from pdflang.partons.ensembles import Partons

_MODEL = "The model of the run, where its command line does not lead to it from here."
_LACKING = "Functions are not drawn and data not predicted"
_REMEDY = "Name the model with --model, and give the --data of the run."
_OUT = "The file to write; by default report.html in the folder of the run."


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help=_MODEL)
@data_option
@click.option(
    "--at", "scales", multiple=True, type=click.FloatRange(0.5, 1e6), metavar="GEV",
    help="Draw parton densities at this scale, instead of where they are parametrised; may be given several times.",
)
@click.option("--reference", metavar="SET | RUN", help="An LHAPDF set, or another run, that densities are drawn over.")
@click.option(
    "--luminosities", type=click.FloatRange(50, 1e6), metavar="GEV",
    help="Draw parton luminosities too, at this centre-of-mass energy: 13000.",
)
@option_flags(PdfsetOptions)
@click.option("--out", type=click.Path(path_type=Path), help=_OUT)
@click.option("--overwrite", is_flag=True, help="Replace an earlier report.")
@json_option
@told
def command(
    screen: Screen, run: Path, model: Path | None, data: tuple[str, ...], scales: tuple[float, ...],
    reference: str | None, luminosities: float | None, out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Make a page of RUN, the folder of a run.

    One HTML file that needs nothing else: the summary and what the diagnostics say, data beside their prediction,
    parton densities and other functions with their bands, parameters, the model, and where it all came from. Functions
    and predictions are computed from the model and its data, which must be those of the run. Densities at other scales
    are evolved by HOPPET.
    """
    from pdflang.results.reading import read_run
    from pdflang.results.run_folder import REPORT

    evolved = PdfsetOptions(**options)
    found = read_run(run)
    path = out or run / REPORT
    require_free(path, overwrite)
    compiled, why = model_of(found, model, data)
    if compiled is None and (scales or reference is not None or luminosities is not None):
        raise without_densities(run, why)
    reason = f"{_LACKING}: {why}. {_REMEDY}" if why else ""
    if reason:
        screen.note(reason)
    from pdflang.inference import terminal_monitor
    from pdflang.report.parton_section import PartonsWanted
    from pdflang.report.run_page import write_report

    over = _reference(reference, evolved) if reference is not None else None
    wanted = PartonsWanted(scales, evolved.pdfset, luminosities, over, evolved.evolution)
    write_report(found, compiled, reason, path, terminal_monitor(), wanted)
    screen.result(f"report in {path}", report=str(path))


def _reference(name: str, options: PdfsetOptions) -> Partons:
    """The densities of another run, or of an LHAPDF set. Errors: E501, E520, E646."""
    from pdflang.partons.densities import declared_pdfset
    from pdflang.partons.ensembles import SetPartons, partons_of_run
    from pdflang.report.parton_pictures import X
    from pdflang.results.reading import read_run
    from pdflang.results.run_folder import PROVENANCE

    if not (Path(name) / PROVENANCE).is_file():
        try:
            return SetPartons(name)
        except PdflangError as failure:
            if failure.diagnostics[0].code != "E501":
                raise
            message = f"`{name}` is neither a run nor an LHAPDF set"
            remedy = "give the folder of a run of `map` or `sample`, or of a set with its .info file"
            raise PdflangError(Diagnostic("E501", message, remedy=remedy)) from None
    other = read_run(Path(name))
    model, why = model_of(other, None, ())
    if model is None:
        raise without_densities(Path(name), why, "call from where its model is, or export it as an LHAPDF set")
    named = options.pdfset if options.pdfset in model.program.pdfsets else None
    return partons_of_run(other, model, declared_pdfset(model, named), options.evolution, X)
