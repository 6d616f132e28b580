"""`pdflang reduce`: in how few numbers can be told what a model says?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import told
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
from pdflang.interrupts import INTERRUPTED, held
from pdflang.learning.options import ReduceOptions

if TYPE_CHECKING:
    from pdflang.results import RunFolder
    from pdflang.results.reduction import Reduction


@click.command("reduce")
@model_argument
@data_option
@option_flags(ReduceOptions)
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], report: bool, out: Path | None, overwrite: bool, **options: Any
) -> None:  # fmt: skip
    """See how many numbers the data of MODEL determine, and in how many its outputs can be told.

    The Fisher information of data is computed at draws of the prior: its eigenvalues tell by how much data narrow the
    prior, along which directions of the parameters. The outputs, curves for instance, at draws of the prior are
    compressed by autoencoders through more and more numbers, beside principal components.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.inference.options import chosen_seed, options_of
    from pdflang.interrupts import leave
    from pdflang.results import RunFolder
    from pdflang.results.reduction import to_csv, to_record, to_text
    from pdflang.semantics.capabilities import require_gradient

    started = datetime.now(UTC)
    settings = options_of(ReduceOptions, {**options, "seed": chosen_seed(options["seed"])})
    compiled = load_model(screen, model, data, require=require_gradient, at_fit=True)
    with RunFolder.create(model, out, overwrite) as folder, held() as hold:
        found = compiled.reduce(monitor=told_of(hold, terminal_monitor()), warn=screen.note, **asdict(settings))
        if hold.requested and not found.losses:
            leave("interrupted, and nothing was written")
        text = to_text(found)
        origin = compiled.provenance("reduce", started, seed=found.seed, options=asdict(settings))
        writes: list[Callable[[RunFolder], None]] = [
            lambda f: f.write_sources(compiled.sources),
            lambda f: f.write_text("summary.txt", text),
            lambda f: f.write_json("reduction.json", to_record(found)),
            *([lambda f: f.write_text("reduction.csv", to_csv(found))] if found.losses else []),
            *(_picture(found, kind) for kind in ("png", "svg")),
            lambda f: f.write_provenance(origin),
        ]
        folder.write_all(writes)
        where = f"with seed {found.seed} in {folder.path}: reduction.png, reduction.json, …"
        screen.result(f"{text}\n{where}", folder=str(folder.path), **to_record(found))
        if hold.requested:
            screen.note("interrupted: autoencoders of more numbers are missing")
        elif report:
            add_report(screen, folder.path, compiled)
    if hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)


def _picture(found: Reduction, kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.reduction import picture

    return lambda folder: folder.write_bytes(f"reduction.{kind}", picture(found, kind))
