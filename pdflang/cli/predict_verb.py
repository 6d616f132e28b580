"""`pdflang predict`: data beside what the prior, or the posterior of a run, predicts for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
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
from pdflang.inference.options import PredictOptions

if TYPE_CHECKING:
    import xarray

    from pdflang.embedding import Model
    from pdflang.results import Finding, RunFolder
    from pdflang.results.prediction import Comparison


@click.command("predict")
@model_argument
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Results of `sample` on MODEL, to predict from its posterior; from the prior if not given.",
)  # fmt: skip
@data_option
@option_flags(PredictOptions)
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, run: Path | None, data: tuple[str, ...], report: bool, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw data at draws of the prior of MODEL, or of the posterior of a run, and compare them with those observed.

    Prints χ², p-values and how many data lie in the predictive intervals; from a posterior also how well each datum
    is predicted from the others (PSIS-LOO). Leaves a folder with the predictions (NetCDF, ArviZ's schema) and a
    picture of each observation. The model and its data must be those of the run.
    """
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder
    from pdflang.results import diagnostics as words
    from pdflang.results.prediction import check_prediction, comparisons, findings_of, leave_one_out, to_csv, to_text
    from pdflang.results.prediction.checks import to_record

    started, settings = datetime.now(UTC), PredictOptions(**options)
    compiled = load_model(screen, model, data, at_fit=True)
    tree = compiled.predict(_posterior(run, compiled) if run else None, monitor=terminal_monitor(), **options)
    shown, loo = list(comparisons(tree)), leave_one_out(tree)
    checks = [check_prediction(comparison) for comparison in shown]
    findings = [*_said_of(run), *findings_of(checks, loo, tree)]
    text, record = f"{to_text(checks, loo)}\n{words.to_text(findings)}", to_record(checks, loo)
    seed, kind = int(tree.attrs["seed"]), str(tree.attrs["kind"])
    notes = {"run": str(run)} if run else {}
    origin = compiled.provenance("predict", started, seed=seed, options=asdict(settings), notes=notes)
    writes: list[Callable[[RunFolder], None]] = [
        lambda f: f.write_tree("predictions.nc", tree),
        lambda f: f.write_sources(compiled.sources),
        lambda f: f.write_text("summary.csv", to_csv(shown, loo)),
        lambda f: f.write_text("summary.txt", text),
        lambda f: f.write_json("predict.json", record),
        lambda f: f.write_json("diagnostics.json", words.to_records(findings)),
        *(_picture(comparison) for comparison in shown),
        lambda f: f.write_provenance(origin),
    ]
    with RunFolder.create(model, out, overwrite) as folder:
        folder.write_all(writes)
    number = tree[kind].sizes["chain"] * tree[kind].sizes["draw"] if kind in tree.children else settings.draws
    source = f"{number} draws of the {kind}{f' in {run}' if run else ''}"
    pictures = [f"{comparison.name}.png" for comparison in shown]
    place = f"{source} predicted with seed {seed} in {folder.path}: {', '.join(['predictions.nc', *pictures])}"
    screen.result(
        f"{text}\n{place}", folder=str(folder.path), seed=seed, kind=kind, draws=number, pictures=pictures,
        diagnostics=words.to_records(findings), **record,
    )  # fmt: skip
    if report:
        add_report(screen, folder.path, compiled)
    if any(finding.severity == "error" for finding in findings):
        raise click.exceptions.Exit(UNTRUSTED)


def _posterior(run: Path, compiled: Model) -> xarray.DataTree:
    """The draws of a run, if it is of this model and these data."""
    from pdflang.results import open_run
    from pdflang.results.origin import require_same_model
    from pdflang.results.reading import read_record

    require_same_model(run, read_record(run), compiled.sources, compiled.bound.arrays)
    return open_run(run)


def _said_of(run: Path | None) -> list[Finding]:
    """What makes the draws of a run not worth a prediction."""
    from pdflang.results.reading import read_findings

    said = read_findings(run) if run else ()
    return [replace(one, sentence=f"of the run: {one.sentence}") for one in said if one.severity == "error"]


def _picture(comparison: Comparison) -> Callable[[RunFolder], None]:
    from pdflang.report.prediction import picture

    return lambda folder: folder.write_bytes(f"{comparison.name}.png", picture(comparison, "png"))
