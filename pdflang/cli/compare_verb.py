"""`pdflang compare`: fits beside each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pdflang.cli.failure import told
from pdflang.cli.options import json_option
from pdflang.cli.reporting import model_of, require_free
from pdflang.cli.screen import Screen


@click.command("compare")
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Also write a page with the functions over each other.")
@click.option(
    "--tolerance", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True,
    help="Multiply errors from the curvature at a maximum: the root of the Δχ² that they stand for.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier page in --out.")
@json_option
@told
def command(
    screen: Screen, runs: tuple[Path, ...], out: Path | None, tolerance: float, overwrite: bool
) -> None:  # fmt: skip
    """Lay fits beside each other: two RUNs or more, folders of `sample` or `map`.

    Prints the numbers that they share, with differences from the first in sigmas; where the errors of each come from,
    and how large they are beside those of the first: the curvature at a maximum, replicas of the data, draws. Where
    they observe the same data: how well each predicts data that are left out (PSIS-LOO, of runs with
    --log-likelihood), and the evidence of methods that have it.
    """
    from pdflang.results.reading import read_run
    from pdflang.results.side_by_side import compare
    from pdflang.results.side_by_side_words import to_text

    if len(runs) < 2:
        raise click.UsageError("give the folders of two runs at least")
    if out is not None:
        require_free(out, overwrite)
    read = [read_run(run) for run in runs]
    if out is None:
        found = compare(read, tolerance)
        screen.result(to_text(found), **asdict(found))
        return
    from pdflang.report.compare_page import chi2_of, compare_page
    from pdflang.results.files import write_text

    compiled = [model_of(run, None, ()) for run in read]
    models = [model for model, _ in compiled]
    found = compare(read, tolerance, [chi2_of(run, model) for run, model in zip(read, models, strict=True)])
    screen.result(to_text(found), **asdict(found))
    said = zip(found.names, compiled, strict=True)
    reasons = [f"{name}: functions are not computed: {why}" for name, (_, why) in said if why]
    for reason in reasons:
        screen.note(reason)
    write_text(out, compare_page(found, read, models, reasons, tolerance))
    screen.result(f"page in {out}", page=str(out))
