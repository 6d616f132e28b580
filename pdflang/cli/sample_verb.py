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
    method_flags,
    model_argument,
    out_option,
    overwrite_option,
)
from pdflang.cli.screen import Screen
from pdflang.inference.methods import METHODS
from pdflang.inference.options import options_of
from pdflang.interrupts import INTERRUPTED, held, leave

_HELP = "How to draw. " + " ".join(f"{method.name}: {method.purpose}." for method in METHODS.values())


@click.command("sample")
@model_argument
@data_option
@click.option("--method", type=click.Choice(list(METHODS)), default="auto", help=_HELP, show_default=True)
@method_flags
@click.option("--log-likelihood", is_flag=True, help="Keep the log-probability of each datum with every draw.")
@exact_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], method: str, log_likelihood: bool, exact: bool,
    out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw from the posterior of MODEL.

    Prints a summary and what the diagnostics say, and leaves a folder with the draws (NetCDF, ArviZ's schema),
    the summary, the diagnostics, and where it all came from. Ctrl-C keeps the draws made so far.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder, account, diagnose, summarise
    from pdflang.results import diagnostics as words
    from pdflang.results import summary as tables

    started = datetime.now(UTC)
    chosen = METHODS[method]
    settings = options_of(chosen.options, {name: value for name, value in options.items() if value is not None})
    compiled = load_model(screen, model, data, exact=exact, require=chosen.require)
    import_meanwhile("xarray", "h5netcdf", "arviz_stats.base", after=f"pdflang.inference.{chosen.module}")
    with RunFolder.create(model, out, overwrite) as folder, held() as hold:
        draws = compiled.draw(settings, told_of(hold, terminal_monitor()))
        if draws.z.shape[1] == 0:
            leave("interrupted during warmup: there are no draws yet, and nothing was written")
        certificates = compiled.accuracy(draws)
        tree = compiled.tree(draws, log_likelihood, certificates)
        folder.write_draws(tree)
        rows = summarise(tree)
        findings = diagnose(tree, rows, getattr(settings, "max_tree_depth", None)) + words.inexact(certificates)
        findings += words.of_weights(compiled.weighted) + words.remarked(draws)
        record = compiled.provenance(
            draws.method, started, seed=draws.seed, options=asdict(settings), interrupted=draws.interrupted,
            seconds=draws.seconds, notes={"draws": f"{draws.z.shape[1]} per chain: {account(draws)}"},
        )  # fmt: skip
        evidence = f"Evidence: {draws.evidence}.\n" if draws.evidence else ""
        text = f"{tables.to_text(rows)}\n{words.to_text(findings)}{words.accuracy(certificates)}{evidence}"
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
        if draws.more:
            made += f" ({account(draws)})"
        screen.result(
            f"{text}\n{made} with seed {draws.seed} in {folder.path}",
            folder=str(folder.path),
            method=draws.method,
            seed=draws.seed,
            chains=draws.z.shape[0],
            draws=draws.z.shape[1],
            interrupted=draws.interrupted,
            log_evidence=draws.evidence._asdict() if draws.evidence else None,
            pareto_k=draws.pareto_k,
            summary=[asdict(row) for row in rows],
            diagnostics=words.to_records(findings),
        )
        if draws.interrupted:
            wanted = getattr(settings, "draws", None)
            of = f" of {wanted}" if wanted else ""
            screen.note(f"interrupted: the draws made so far are kept, {draws.z.shape[1]}{of} per chain")
    if draws.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if any(finding.severity == "error" for finding in findings):
        raise click.exceptions.Exit(UNTRUSTED)
