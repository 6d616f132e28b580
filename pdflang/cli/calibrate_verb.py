"""`pdflang calibrate`: do fits of simulated data find the truth as often as they say?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pdflang.cli.failure import UNTRUSTED, told
from pdflang.cli.options import (
    data_option,
    exact_option,
    json_option,
    load_model,
    model_argument,
    option_flags,
    out_option,
    overwrite_option,
    size_option,
    sizes_of,
)
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.workflows import CalibrateOptions


@click.command("calibrate")
@model_argument
@data_option
@size_option
@exact_option
@option_flags(CalibrateOptions)
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], size: tuple[str, ...], exact: bool, report: bool,
    out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit data simulated from MODEL at draws of its prior, and rank the truth among the draws of each fit.

    Where the posterior is right, ranks are uniform: a table says how wide posteriors are, whether they are biased,
    and how often their intervals hold the truth. Each finished fit is kept at once: the same command with the same
    --out goes on where it was interrupted, or makes more fits.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import method_named, terminal_monitor
    from pdflang.results.calibration import to_text
    from pdflang.results.calibration.result import to_record
    from pdflang.workflows.calibrate import provenance_of
    from pdflang.workflows.folders import open_folder

    settings, sizes = CalibrateOptions(**options), sizes_of(size)
    require = method_named(settings.method).require
    compiled = load_model(screen, model, data, sizes, exact, require, at_fit=True)
    origin = provenance_of(compiled, settings, sizes, compiled, datetime.now(UTC))
    with open_folder(model, out, overwrite, origin) as folder, held() as hold:
        monitor = told_of(hold, terminal_monitor())
        found = compiled.calibrate(sizes=sizes, folder=folder, monitor=monitor, **options)
        if not (found.fits or found.failures):
            leave("interrupted before any fit was finished, and nothing was written")
        text = f"{to_text(found)}\n{found.fits} fits of {found.draws} draws with seed {found.seed} in {folder.path}"
        screen.result(text, folder=str(folder.path), **to_record(found))
        if found.interrupted:
            made = found.fits + len(found.failures)
            screen.note(f"interrupted: {made} of {settings.fits} fits are kept; to go on, add --out {folder.path}")
        elif report:
            add_report(screen, folder.path, compiled)
    if found.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if not found.uniform:
        raise click.exceptions.Exit(UNTRUSTED)
