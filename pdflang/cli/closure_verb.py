"""`pdflang closure`: fits of data made at a known truth."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import UNTRUSTED, told
from pdflang.cli.options import (
    data_option,
    json_option,
    load_model,
    model_argument,
    option_flags,
    out_option,
    overwrite_option,
)
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.workflows import ClosureOptions

if TYPE_CHECKING:
    from pdflang.embedding import Model


@click.command("closure")
@model_argument
@click.option(
    "--truth", multiple=True, required=True, metavar="NAME=VALUE | FILE | RUN | MODEL.pdfm",
    help="Parameters of the truth: c_u=2, a file of all: truth.json, or a run: its maximum, or the means of its "
    "posterior. A model file makes the data in place of MODEL, with an LHAPDF set for example, or other errors.",
)  # fmt: skip
@data_option
@option_flags(ClosureOptions)
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, truth: tuple[str, ...], data: tuple[str, ...], report: bool, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit data that MODEL, or another model, makes at a known truth, and compare the fits with it.

    At level 0 data are the truth's prediction, at level 1 they have noise, at level 2 each replica of a fit has noise
    of its own on top. Prints bias, variance, R_bv, ξ and φ as NNPDF defines them, of data and of outputs. Each finished
    fit is kept at once: the same command with the same --out goes on where it was interrupted, or makes more fits.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results.closure import to_record, to_text
    from pdflang.semantics.capabilities import require_gradient
    from pdflang.workflows.closure import closure, provenance_of
    from pdflang.workflows.folders import open_folder

    settings = ClosureOptions(**options)
    compiled = load_model(screen, model, data, require=require_gradient)
    simulator, parameters = _truth(screen, compiled, truth, data)
    origin = provenance_of(compiled, settings, simulator, parameters, datetime.now(UTC))
    with open_folder(model, out, overwrite, origin) as folder, held() as hold:
        monitor = told_of(hold, terminal_monitor())
        found = closure(compiled, settings, simulator, parameters, monitor, folder)
        if not (found.fits or found.failures):
            leave("interrupted before any fit was finished, and nothing was written")
        screen.result(
            f"{to_text(found)}\nclosure test with seed {found.seed} in {folder.path}",
            folder=str(folder.path), **to_record(found),
        )  # fmt: skip
        if found.interrupted:
            made = found.fits + len(found.failures)
            screen.note(f"interrupted: {made} of {settings.fits} fits are kept; to go on, add --out {folder.path}")
        elif report:
            add_report(screen, folder.path, compiled)
    if found.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if not found.faithful:
        raise click.exceptions.Exit(UNTRUSTED)


def _truth(
    screen: Screen, fitted: Model, truth: tuple[str, ...], data: tuple[str, ...]
) -> tuple[Model, dict[str, Any]]:
    """What makes the data, and its parameters."""
    from pdflang.data.overrides import parse_overrides
    from pdflang.results.points import centre_of_run

    models = [text for text in truth if text.endswith(".pdfm")]
    if len(models) > 1:
        raise click.UsageError("one model makes the data: give one `--truth MODEL.pdfm`.")
    simulator = load_model(screen, Path(models[0]), data, remarks=False) if models else fitted
    found: dict[str, Any] = {}
    for text in truth:
        if os.path.isdir(text):
            found |= centre_of_run(Path(text))
    others = [text for text in truth if text not in models and not os.path.isdir(text)]
    return simulator, found | parse_overrides(others, "--truth")
