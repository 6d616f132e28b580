"""`pdflang profile`: the density along one parameter, or over two, with all others where it is largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
)
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen
from pdflang.interrupts import INTERRUPTED, held
from pdflang.workflows import ProfileOptions

if TYPE_CHECKING:
    from pdflang.results import RunFolder
    from pdflang.results.profile import Profile


@click.command("profile")
@model_argument
@click.argument("parameter")
@click.argument("second", required=False)
@data_option
@option_flags(ProfileOptions)
@exact_option
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, parameter: str, second: str | None, data: tuple[str, ...], exact: bool, report: bool,
    out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Profile the density of MODEL along PARAMETER, or over PARAMETER and SECOND: the largest value given these.

    Along one, intervals end where −2Δ log-density is 1 and 3.84 (68% and 95%); over two, contours are drawn at 2.30 and
    5.99. Entries of arrays are named as tables have them: theta[3], c[u]. The density is the one that `map` maximises,
    all priors included; with `--priors nuisance` it is the likelihood, with what is known of the apparatus.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder
    from pdflang.results.profile import to_csv, to_record, to_text, to_tree
    from pdflang.semantics.capabilities import require_gradient

    started, settings = datetime.now(UTC), ProfileOptions(**options)
    names = [parameter] if second is None else [parameter, second]
    compiled = load_model(screen, model, data, exact=exact, require=require_gradient, at_fit=True)
    with RunFolder.create(model, out, overwrite) as folder, held() as hold:
        found = compiled.profile(*names, monitor=told_of(hold, terminal_monitor()), **options)
        text = to_text(found)
        asked = {"names": names, **asdict(settings)}
        origin = compiled.provenance("profile", started, seed=found.seed, options=asked, interrupted=found.interrupted)
        writes: list[Callable[[RunFolder], None]] = [
            lambda f: f.write_sources(compiled.sources),
            lambda f: f.write_tree("profile.nc", to_tree(found)),
            lambda f: f.write_text("profile.csv", to_csv(found)),
            lambda f: f.write_json("profile.json", to_record(found)),
            lambda f: f.write_text("summary.txt", text),
            *(_picture(found, kind) for kind in ("png", "svg")),
            lambda f: f.write_provenance(origin),
        ]
        folder.write_all(writes)
        place = f"{found.two_delta.size} points with seed {found.seed} in {folder.path}: profile.png, profile.csv, …"
        screen.result(f"{text}\n{place}", folder=str(folder.path), **to_record(found))
        if found.interrupted:
            screen.note("interrupted: points and intervals that were not finished are missing")
        elif report:
            add_report(screen, folder.path, compiled)
    if found.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if not found.trusted:
        raise click.exceptions.Exit(UNTRUSTED)


def _picture(found: Profile, kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.profile import picture

    return lambda folder: folder.write_bytes(f"profile.{kind}", picture(found, kind))
