"""`pdflang sample`: from a model file to a posterior."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pdflang.cli.failure import UNTRUSTED, told
from pdflang.cli.meanwhile import import_meanwhile
from pdflang.cli.options import (
    data_option,
    exact_option,
    json_option,
    load_model,
    model_argument,
    option_flags,
    out_option,
    overwrite_option,
)
from pdflang.cli.screen import Screen
from pdflang.inference.options import NutsOptions
from pdflang.interrupts import INTERRUPTED, held, leave


@click.command("sample")
@model_argument
@data_option
@option_flags(NutsOptions)
@click.option("--log-likelihood", is_flag=True, help="Keep the log-probability of each datum with every draw.")
@exact_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], log_likelihood: bool, exact: bool, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw from the posterior of MODEL by the no-U-turn sampler.

    Prints a summary and what the diagnostics say, and leaves a folder with the draws (NetCDF, ArviZ's schema),
    the summary, the diagnostics, and where it all came from. Ctrl-C keeps the draws made so far.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder, account, diagnose, summarise
    from pdflang.results import diagnostics as words
    from pdflang.results import summary as tables

    started = datetime.now(UTC)
    settings = NutsOptions(**options)
    compiled = load_model(screen, model, data, exact=exact, infers=True)
    import_meanwhile("xarray", "h5netcdf", "arviz_stats.base", after="pdflang.inference.nuts")
    with RunFolder.create(model, out, overwrite) as folder, held() as hold:
        draws = compiled.draw(settings, told_of(hold, terminal_monitor()))
        if draws.z.shape[1] == 0:
            leave("interrupted during warmup: there are no draws yet, and nothing was written")
        tree = compiled.tree(draws, log_likelihood)
        folder.write_draws(tree)
        rows = summarise(tree)
        certificates = compiled.accuracy(draws)
        findings = diagnose(tree, rows, settings.max_tree_depth) + words.inexact(certificates)
        findings += words.of_weights(compiled.weighted)
        record = compiled.provenance(
            "nuts", started, seed=draws.seed, options=asdict(settings), interrupted=draws.interrupted,
            seconds=draws.seconds, notes={"draws": f"{draws.z.shape[1]} per chain: {account(draws)}"},
        )  # fmt: skip
        text = f"{tables.to_text(rows)}\n{words.to_text(findings)}{words.accuracy(certificates)}"
        folder.write_all(
            [
                lambda f: f.write_sources(compiled.sources),
                lambda f: f.write_text("summary.csv", tables.to_csv(rows)),
                lambda f: f.write_text("summary.txt", text),
                lambda f: f.write_json("diagnostics.json", words.to_records(findings)),
                lambda f: f.write_provenance(record),
            ]
        )
        made = f"{draws.z.shape[0]} chains of {draws.z.shape[1]} draws"
        if draws.z.shape[1] > settings.first_draws:
            made += f" ({account(draws)})"
        screen.result(
            f"{text}\n{made} with seed {draws.seed} in {folder.path}",
            folder=str(folder.path),
            seed=draws.seed,
            chains=draws.z.shape[0],
            draws=draws.z.shape[1],
            interrupted=draws.interrupted,
            summary=[asdict(row) for row in rows],
            diagnostics=words.to_records(findings),
        )
        if draws.interrupted:
            of = f" of {settings.draws}" if settings.draws else ""
            screen.note(f"interrupted: the draws made so far are kept, {draws.z.shape[1]}{of} per chain")
    if draws.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if any(finding.severity == "error" for finding in findings):
        raise click.exceptions.Exit(UNTRUSTED)
