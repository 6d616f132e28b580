"""`pdflang map`: the maximum of the posterior density."""

from __future__ import annotations

import math
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
from pdflang.diagnostics import PdflangError
from pdflang.inference.options import MapOptions
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.workflows import BootstrapOptions

if TYPE_CHECKING:
    from pdflang.embedding import Fit, Model
    from pdflang.predictive.agreement import Part
    from pdflang.results import Finding, RunFolder

_MOST_SHARES = 20
"""Entries of parameters whose errors are compared with the least ones."""


@click.command("map")
@model_argument
@data_option
@option_flags(MapOptions)
@click.option("--minos", is_flag=True, help="Errors of both signs, from where profiles have lost ½.")
@click.option("--bootstrap", type=int, metavar="N", help="Fit N replicas of the data too, from the maximum.")
@click.option(
    "--bootstrap-by",
    type=click.Choice(["simulation", "resampling"]),
    default="simulation",
    show_default=True,
    help="Where replicas come from: data simulated at the maximum, or events resampled from those observed.",
)
@exact_option
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], minos: bool, bootstrap: int | None,
    bootstrap_by: str, exact: bool, report: bool, out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Find the maximum of the posterior density of MODEL, a file or the folder of a training, from several starts.

    With `--score energy` it is the minimum of the energy score of simulated events, with `--score adversarial` where a
    network does not tell simulated data from those observed: both need no likelihood.

    Standard errors come from the curvature there, with --minos also from profiles: what is below and above where the
    log-density is ½ lower, all other parameters being free. Of each Gaussian observation χ² is printed, and how
    accurate integrals are at the maximum.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.learning.methods import require_packages
    from pdflang.results import RunFolder
    from pdflang.results.bootstrap import to_csv, to_tree
    from pdflang.results.bootstrap import to_record as replicas_record
    from pdflang.results.bootstrap import to_text as replicas_text
    from pdflang.results.diagnostics import inexact_maximum
    from pdflang.results.reading import REPLICAS
    from pdflang.semantics.capabilities import require_gradient, require_score

    started = datetime.now(UTC)
    settings = MapOptions(**options)
    replicas = None
    if bootstrap is not None:
        replicas = BootstrapOptions(bootstrap, bootstrap_by, settings.seed, settings.threads)
    if settings.score == "adversarial":
        require_packages()
    require = {"energy": require_score, "density": require_gradient}.get(settings.score)
    compiled = load_model(screen, model, data, exact=exact, require=require)
    with RunFolder.create(model, out, overwrite) as folder, held() as hold:
        fit = compiled.map(minos=minos, monitor=told_of(hold, terminal_monitor()), **options)
        if fit.rounds:
            compiled = compiled.after(fit.earlier)
        if fit.optima.interrupted and not math.isfinite(fit.log_density):
            leave("interrupted before anything was found, and nothing was written")
        text, record = fit_text(compiled, fit), fit_record(compiled, fit)
        writes: list[Callable[[RunFolder], None]] = []
        again = None
        halted = fit.optima.interrupted or (fit.minos is not None and fit.minos.interrupted)
        if replicas is not None and not halted:
            again = compiled.bootstrap(fit, monitor=told_of(hold, terminal_monitor()), **asdict(replicas))
            text, record = f"{text}\n{replicas_text(again)}", {**record, "bootstrap": replicas_record(again)}
            writes = [
                lambda f: f.write_text("bootstrap.csv", to_csv(again)),
                lambda f: f.write_tree(REPLICAS, to_tree(again)),
            ]
        interrupted = halted or (again is not None and again.interrupted)
        origin = compiled.provenance(
            "map",
            started,
            seed=fit.optima.seed,
            options={**asdict(settings), "minos": minos, "bootstrap": bootstrap, "bootstrap_by": bootstrap_by},
            interrupted=interrupted,
        )
        folder.write_all(
            [
                lambda f: f.write_sources(compiled.sources),
                lambda f: f.write_json("map.json", record),
                lambda f: f.write_text("summary.txt", text),
                *writes,
                lambda f: f.write_provenance(origin),
            ]
        )
        place = f"maximum with seed {fit.optima.seed} in {folder.path}"
        screen.result(f"{text}\n{place}", folder=str(folder.path), **record)
        if fit.optima.interrupted:
            screen.note("interrupted: this is the best point so far")
        elif halted:
            screen.note("interrupted: errors of both signs that were not found yet are dashes")
        elif again is not None and again.interrupted:
            screen.note(f"interrupted: {again.replicas} of {again.asked} replicas are kept")
        elif report:
            add_report(screen, folder.path, compiled)
    if interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    doubtful = fit.minos is not None and not fit.minos.trusted
    if not fit.converged or doubtful or inexact_maximum(fit.certificates):
        raise click.exceptions.Exit(UNTRUSTED)


def fit_text(model: Model, fit: Fit) -> str:
    """The fit as a table: value and standard error of each parameter, derived values, χ², starts, accuracy."""
    from pdflang.fields import schemas
    from pdflang.results.diagnostics import accuracy, inexact_maximum, to_text
    from pdflang.results.maximum import words_on_errors
    from pdflang.results.schema import VariableSchema, entry_names
    from pdflang.results.summary import LONG_ARRAY
    from pdflang.results.tables import aligned

    known = schemas(model)
    lines: list[tuple[str, ...]] = [("", "value", "error", *(("−", "+") if fit.minos else ()))]
    cut: list[str] = []
    for name, value in {**fit.params, **fit.derived}.items():
        names = entry_names(name, value.shape, known.get(name, VariableSchema()))
        rows = list(zip(names, value.ravel(), _errors(fit, name, value.size), strict=True))
        lines += [(entry, f"{number:.6g}", *errors) for entry, number, errors in rows[:LONG_ARRAY]]
        if len(rows) > LONG_ARRAY:
            cut.append(f"{name}: {LONG_ARRAY} of {len(rows)} entries shown; all are in map.json")
    text = [*aligned(lines), *cut, ""]
    if fit.score is not None:
        text += [*fit.score.words(-fit.log_density), *_beside_the_least(model, fit)]
    else:
        text.append(f"log-density {fit.log_density:.10g}")
    text += _agreement(fit)
    if fit.rounds and fit.score is None:
        text.append(f"earlier(…) is at this maximum, found in {fit.rounds} rounds")
    text += words_on_errors(model.weighted)
    best = fit.optima.best
    ends, remedy = f"{fit.optima.agreeing} of {len(fit.optima.every)} starts end there: {best.reason}", best.remedy
    if fit.score is not None and fit.score.ends is not None:
        ends, remedy = fit.score.ends
    text.append(ends)
    text += [f"{finding.sentence}: {finding.remedy}" for finding in _doubts_of_minos(fit)]
    if fit.at_bound:
        text.append(f"  at a bound or at infinity: {', '.join(fit.at_bound)}")
    if remedy:
        text.append(f"  help: {remedy}")
    doubts = inexact_maximum(fit.certificates)
    return "\n".join(text) + "\n" + (to_text(doubts) if doubts else "") + accuracy(fit.certificates)


def _beside_the_least(model: Model, fit: Fit) -> list[str]:
    """How near errors come to the least ones that data allow, where these are known."""
    try:
        least = model.cramer_rao(fit.params)
    except PdflangError:
        return []
    shares = [
        f"{entry} {number:.2f}"
        for name, errors in fit.standard_errors.items()
        for entry, number in zip(_entries(model, name, errors.shape), (least[name] / errors).ravel(), strict=True)
    ]
    return [f"least error that such data allow (Cramér–Rao) over error: {', '.join(shares[:_MOST_SHARES])}"]


def _entries(model: Model, name: str, shape: tuple[int, ...]) -> list[str]:
    from pdflang.fields import schemas
    from pdflang.results.schema import VariableSchema, entry_names

    return entry_names(name, shape, schemas(model).get(name, VariableSchema()))


def _agreement(fit: Fit) -> list[str]:
    """χ² of each Gaussian observation, of all together, and of measured data sets."""
    found = fit.agreement
    lines = [f"χ²({part.name}) {part.chi2:.4f} for {part.count} data" for part in found.by_observation]
    if found.by_observation and found.dof > 0:
        said = f"χ²/dof {found.chi2 / found.dof:.3f} with {found.dof} degrees of freedom"
        several = len(found.by_observation) > 1
        lines += [f"χ² of all {found.chi2:.4f}, {said}"] if several else [f"{lines.pop()}, {said}"]
    if len(found.by_data) > len(found.by_observation) or any(part.weight != 1 for part in found.by_data):
        lines += [f"  {part.name}: {part.chi2:.2f} for {part.count}{_weight(part)}" for part in found.by_data]
    return lines


def _weight(part: Part) -> str:
    return "" if part.weight == 1 else f", without its weight of {part.weight:g}"


def _errors(fit: Fit, name: str, size: int) -> list[tuple[str, ...]]:
    """The errors of the entries of an array as the table shows them: nothing for derived values, else a dash."""
    if name not in fit.standard_errors:
        return [("",) * (3 if fit.minos else 1)] * size
    columns = [fit.standard_errors[name].reshape(size, 1)]
    if fit.minos:
        columns.append(fit.minos.errors[name].reshape(size, 2))
    return [
        tuple("–" if math.isnan(error) else f"{error:.3g}" for column in columns for error in column[entry])
        for entry in range(size)
    ]


def _doubts_of_minos(fit: Fit) -> list[Finding]:
    """That profiles came upon a higher maximum, or that errors of both signs are missing."""
    from pdflang.results import Finding

    found = []
    if fit.minos and fit.minos.higher:
        said = "a profile came out above this maximum, which is not the highest"
        found.append(Finding("error", said, "raise `--starts`"))
    if fit.minos and fit.minos.failed:
        said = "MINUIT gave up before it had all errors of both signs"
        found.append(Finding("error", said, "leave `--optimizer` out"))
    return found


def fit_record(model: Model, fit: Fit) -> dict[str, Any]:
    """The fit as plain data, for `map.json`."""
    from pdflang.fields import schemas
    from pdflang.results.diagnostics import inexact_maximum, to_records
    from pdflang.results.maximum import axes_record

    return {
        "params": fit.params,
        "standard_errors": fit.standard_errors,
        "weighted": model.weighted,
        "minos": fit.minos.errors if fit.minos else None,
        "covariance": fit.covariance,
        "derived": fit.derived,
        "axes": axes_record({**fit.params, **fit.derived}, schemas(model)),
        "log_density": fit.log_density if fit.score is None else None,
        "energy_score": -fit.log_density if fit.optima.options.score == "energy" else None,
        "adversarial_score": -fit.log_density if fit.optima.options.score == "adversarial" else None,
        "chi2": {part.name: part.chi2 for part in fit.agreement.by_observation},
        "chi2_by_data": fit.chi2_by_data,
        "dof": fit.dof,
        "earlier": fit.earlier,
        "rounds": fit.rounds,
        "converged": fit.converged,
        "at_bound": fit.at_bound,
        "seed": fit.optima.seed,
        "diagnostics": to_records([*_doubts_of_minos(fit), *inexact_maximum(fit.certificates)]),
        "starts": [{"status": o.status, "log_density": o.value, "steps": o.steps} for o in fit.optima.every],
    }
