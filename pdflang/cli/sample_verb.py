"""`pdflang sample`: from a model file to a posterior."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
from pdflang.inference.options import NutsOptions

_UNTRUSTED = 3


@click.command("sample")
@model_argument
@data_option
@option_flags(NutsOptions)
@click.option("--log-likelihood", is_flag=True, help="Keep the log-probability of each datum with every draw.")
@out_option
@overwrite_option
@json_option
@told
def command(
    model: Path, data: tuple[str, ...], log_likelihood: bool, out: Path | None, overwrite: bool, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Draw from the posterior of MODEL by the no-U-turn sampler.

    Prints a summary and what the diagnostics say, and leaves a folder with the draws (NetCDF, ArviZ's schema),
    the summary, the diagnostics, and where it all came from.
    """
    from pdflang.inference import prepare_jax, terminal_monitor
    from pdflang.results import RunFolder, diagnose, summarise
    from pdflang.results import diagnostics as words
    from pdflang.results import summary as tables

    started = datetime.now(UTC)
    settings = NutsOptions(**options)
    prepare_jax()
    compiled = load_model(model, data)
    with RunFolder.create(model, out, overwrite) as folder:
        draws = compiled.draw(settings, terminal_monitor())
        if draws.z.shape[1] == 0:
            click.echo("interrupted during warmup: there are no draws yet, and nothing was written", err=True)
            raise click.exceptions.Exit(130)
        tree = compiled.tree(draws, log_likelihood)
        rows = summarise(tree)
        findings = diagnose(tree, rows, settings.max_tree_depth)
        record = compiled.provenance(
            "nuts", started, draws.seed, asdict(settings), interrupted=draws.interrupted, seconds=draws.seconds
        )
        table, verdict = tables.to_text(rows), words.to_text(findings)
        folder.write_all(
            [
                lambda f: f.write_draws(tree),
                lambda f: f.write_sources(compiled.sources),
                lambda f: f.write_text("summary.csv", tables.to_csv(rows)),
                lambda f: f.write_text("summary.txt", f"{table}\n{verdict}"),
                lambda f: f.write_json("diagnostics.json", words.to_records(findings)),
                lambda f: f.write_json("provenance.json", record),
            ]
        )
    click.echo(f"{table}\n{verdict}")
    click.echo(f"{draws.z.shape[0]} chains of {draws.z.shape[1]} draws, seed {draws.seed}: {folder.path}")
    if draws.interrupted:
        click.echo("interrupted: the draws made so far are kept, fewer than were asked for", err=True)
        raise click.exceptions.Exit(130)
    if any(finding.severity == "error" for finding in findings):
        raise click.exceptions.Exit(_UNTRUSTED)
