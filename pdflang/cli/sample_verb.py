"""`pdflang sample`: from a model file to a posterior."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen
from pdflang.diagnostics import PdflangError
from pdflang.inference.methods import METHODS, Method
from pdflang.inference.options import AutoOptions, ChainOptions, Options, chosen_seed, options_of
from pdflang.interrupts import INTERRUPTED, held, leave

if TYPE_CHECKING:
    from pdflang.results import RunFolder

_HELP = "How to draw. " + " ".join(f"{method.name}: {method.purpose}." for method in METHODS.values())
_GROW = [method.name for method in METHODS.values() if method.grows]
_ANOTHER = "go on with the model, the data and the options of the run, or begin another without `--resume` and `--more`"
_MAY_GROW = ("draws", "max_draws")
"""Options that a run whose draws are made one by one may go on with another value of."""

_SECONDS = 10.0
_SAVE = f"Time between two saves of a chain: what a killed run loses. [default: {_SECONDS:g}]"
_NOTHING = ", and nothing was written"


@click.command("sample")
@model_argument
@data_option
@click.option("--method", type=click.Choice(list(METHODS)), help=f"{_HELP} [default: auto]")
@method_flags(METHODS)
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted or killed, as if it had not been.")
@click.option("--more", type=click.IntRange(1), metavar="N", help="Add N draws to each chain of an earlier run.")
@click.option("--save-every", type=click.FloatRange(0), default=_SECONDS, metavar="SECONDS", help=_SAVE)
@click.option("--log-likelihood", is_flag=True, help="Keep the log-probability of each datum with every draw.")
@click.option("--information", is_flag=True, help="Compare the posterior with the Cramér–Rao bound at its mean.")
@exact_option
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], method: str | None, resume: bool, more: int | None,
    save_every: float, log_likelihood: bool, information: bool, exact: bool, report: bool, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw from the posterior of MODEL, a file or the folder of a training.

    Prints a summary and what the diagnostics say, and leaves a folder with the draws (NetCDF, ArviZ's schema),
    the summary, the diagnostics, and where it all came from. Ctrl-C keeps the draws made so far; chains are saved
    on the way, and `--resume` goes on from there, in the folder --out or the newest one of the model, with
    the options of the run.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder, account
    from pdflang.results.checkpoints import FolderCheckpoints
    from pdflang.results.continuation import continued
    from pdflang.results.run_folder import REPORT

    started = datetime.now(UTC)
    if overwrite and (resume or more):
        raise click.UsageError("--overwrite begins anew, where --resume and --more go on")
    given = {name: value for name, value in options.items() if value is not None}
    earlier = RunFolder.latest(model, _GROW if more else METHODS, out) if resume or more else None
    plan = _earlier_plan(earlier, method, given, more) if earlier else _new_plan(method or "auto", given)
    log_likelihood, information = log_likelihood or plan.log_likelihood, information or plan.information
    compiled = load_model(screen, model, data, exact=exact, require=plan.method.require, at_fit=True)
    if information:
        from pdflang.predictive.information import require_information

        require_information(compiled)
    import_meanwhile("h5netcdf", after=f"pdflang.inference.{plan.method.module}")

    def origin(**details: Any) -> dict[str, Any]:
        settings = asdict(plan.settings)
        details = {"log_likelihood": log_likelihood, "information": information, **details}
        return compiled.provenance(plan.method.name, started, options=settings, seed=plan.seed, **details)

    def begin(folder: RunFolder) -> None:
        folder.write_sources(compiled.sources)
        folder.write_provenance(origin(interrupted=True))

    if earlier:
        # An error where it is of something else.
        continued(earlier.path, origin(), plan.may_change, _ANOTHER)
        if changed := _changed(plan.versions, origin()["versions"]):
            screen.note(f"the run was begun with {changed}: its draws may not be those of one without a break")
    with earlier or RunFolder.create(model, out, overwrite) as folder, held() as hold:
        if earlier:
            folder.remove(REPORT)  # which is of the draws before
            begin(folder)
        checkpoints = FolderCheckpoints(folder, begin, save_every)
        draws = compiled.draw(plan.settings, told_of(hold, terminal_monitor()), checkpoints=checkpoints)
        if checkpoints.failure:
            screen.note(f"the chains could not be saved on the way: {checkpoints.failure.diagnostics[0].message}")
        again = ["--resume", "--out", str(folder.path), *(f"--data={entry}" for entry in data), *["--exact"] * exact]
        go_on = f"`pdflang sample {model} {shlex.join(again)}` goes on"
        if draws.z.shape[1] == 0:
            leave(f"interrupted: there are no draws yet{f'; {go_on}' if checkpoints.begun else _NOTHING}")
        from pdflang.cli.runs import write_run

        written = write_run(compiled, folder, draws, origin, log_likelihood, information)
        chains, count = draws.z.shape[:2]
        made = f"{chains} chains of {count} draws{f' ({account(draws)})' if draws.more else ''}"
        screen.result(f"{written.text}\n{made} with seed {draws.seed} in {folder.path}", **written.record)
        if draws.interrupted:
            wanted = getattr(plan.settings, "draws", None)
            of = f" of {wanted}" if wanted else ""
            screen.note(f"interrupted: the draws made so far are kept, {draws.z.shape[1]}{of} per chain; {go_on}")
        elif report:
            add_report(screen, folder.path, compiled)
    if draws.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if not written.trusted:
        raise click.exceptions.Exit(UNTRUSTED)


@dataclass(frozen=True)
class _Plan:
    """What is to be drawn: the method with its options, and what an earlier run kept and ran with."""

    method: Method
    settings: Options
    seed: int
    log_likelihood: bool = False
    information: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def may_change(self) -> tuple[str, ...]:
        """Options that the run may go on with another value of."""
        return ("threads", "workers", *(_MAY_GROW if self.method.grows else ()))


def _new_plan(name: str, given: dict[str, Any]) -> _Plan:
    method = METHODS[name]
    seed = chosen_seed(asdict(options_of(method.options, given, method.name))["seed"])
    return _Plan(method, options_of(method.options, {**given, "seed": seed}, method.name), seed)


def _earlier_plan(folder: RunFolder, name: str | None, given: dict[str, Any], more: int | None) -> _Plan:
    """The options of an earlier run, and those that are given; with so many draws `more` than it has.

    Errors: E620, E621, E623, E627.
    """
    from pdflang.results.continuation import made_by, record_of
    from pdflang.results.run_folder import exists

    record = record_of(folder.path, METHODS, _GROW, more is not None)
    if name not in (None, record["method"]):
        note = f"there, the method was `{record['method']}`, not `{name}`"
        raise PdflangError(exists(folder.path, True, (note,), _ANOTHER))
    method = METHODS[record["method"]]
    settings = options_of(method.options, {**record["options"], **given}, method.name)
    if more is not None:
        assert isinstance(settings, ChainOptions | AutoOptions)
        settings = replace(settings, draws=made_by(folder, settings.chains) + more)
    kept, bound = bool(record.get("log_likelihood")), bool(record.get("information"))
    return _Plan(method, settings, record["seed"], kept, bound, record.get("versions", {}))


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The packages that had another version before."""
    return ", ".join(f"{name} {version}" for name, version in before.items() if now.get(name) not in (None, version))
