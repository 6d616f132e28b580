"""`pdflang bench`: which sampler is best on this model?"""

from __future__ import annotations

import json
import shlex
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
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.methods import METHODS
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.workflows import BenchOptions

if TYPE_CHECKING:
    from pdflang.ir.program import Program
    from pdflang.workflows.bench_plan import Plan

_DEFAULT = ", ".join(name for name, method in METHODS.items() if not method.simulates)


@click.command("bench")
@model_argument
@data_option
@click.option("--methods", metavar="NAME,…", help=f"The methods, separated by commas. [default: {_DEFAULT}]")
@click.option(
    "--option", "given", multiple=True, metavar="METHOD.NAME=VALUE",
    help="An option of a method, as hmc.length=3, or of the long run that the others are compared with: "
    "reference.chains=8.",
)  # fmt: skip
@click.option(
    "--cores", metavar="N,…", help="Cores to run on: methods with threads on each of these. [default: 1, all]"
)
@click.option(
    "--truth", type=click.Path(path_type=Path), metavar="FILE.json",
    help='Means and widths of the posterior, where they are known, in the place of the long run: {"mu": {"mean": 1.2, '
    '"sd": 0.3}}.',
)  # fmt: skip
@option_flags(BenchOptions)
@click.option("--resume", is_flag=True, help="Go on with the newest bench of the model here, or in --out.")
@exact_option
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], methods: str | None, given: tuple[str, ...],
    cores: str | None, truth: Path | None, resume: bool, exact: bool, report: bool, out: Path | None,
    overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Run methods on MODEL one after the other, each in a process of its own, and rank them.

    The best is the one with the most effective draws per second of those whose means, widths and draws do not differ
    from a long reference run by more than chance. A table says what each has cost and how far it is off, and a
    sentence which one to take. A method that fails, or cannot run on the model, costs its row. Each finished run is
    kept at once: --resume, or the same command with the same --out, goes on.
    """
    from pdflang.results import RunFolder
    from pdflang.results.bench import to_record, to_text
    from pdflang.workflows.bench import bench, provenance_of
    from pdflang.workflows.bench_plan import planned
    from pdflang.workflows.folders import open_folder

    if overwrite and resume:
        raise click.UsageError("--overwrite begins anew, where --resume goes on")
    wanted: Any = _words(methods)
    own = _options_by_method(given)
    counts, known = _counts(cores), _known(truth)
    if resume:
        out = RunFolder.latest(model, ("bench",), out).path
        then = _options_of(out)
        wanted, own, options = _as_before(then, wanted, own, options)
        counts = counts if counts is not None else then.get("cores")
        known = known if known is not None else then.get("truth")
    plans: list[Plan] = []

    def require(program: Program) -> None:
        plans.append(planned(program, BenchOptions(**options), wanted, own, counts, known))
        for one in plans[0].contestants:
            if one.refused is not None:
                screen.note(f"{one.name} cannot run: {one.refused}")

    compiled = load_model(screen, model, data, exact=exact, require=require, at_fit=True)
    if not plans:
        require(compiled.program)
    (plan,) = plans
    screen.note(f"there will be {plan}")
    origin = provenance_of(compiled, plan, datetime.now(UTC))
    with open_folder(model, out, overwrite, origin) as folder, held() as hold:
        found = bench(compiled, plan, folder, screen.note)
        if found.interrupted and all(row.why for row in found.rows) and not found.reference.draws:
            leave("interrupted before any run was finished, and nothing was written")
        text = f"{to_text(found)}\nbench with seed {found.seed} in {folder.path}"
        screen.result(text, folder=str(folder.path), **to_record(found))
        if found.interrupted:
            again = ["--resume", "--out", str(folder.path), *(f"--data={entry}" for entry in data)]
            again += ["--exact"] * exact
            screen.note(f"interrupted: `pdflang bench {shlex.join([str(model), *again])}` goes on")
        elif report:
            add_report(screen, folder.path, compiled)
    if found.interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if found.best is None:
        raise click.exceptions.Exit(UNTRUSTED)


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word for word in (part.strip() for part in text.split(",")) if word]


def _counts(text: str | None) -> list[int] | None:
    words = _words(text)
    if words is not None and not all(word.isdecimal() for word in words):
        raise _unreadable(f"--cores {text}", "write numbers with commas: --cores 1,4")
    return None if words is None else [int(word) for word in words]


def _options_by_method(given: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Values by method and name. Error: E620."""
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        place, equals, value = text.partition("=")
        method, dot, name = place.strip().partition(".")
        if not (equals and dot and method and name):
            raise _unreadable(f"--option {text}", "write --option METHOD.NAME=VALUE: --option hmc.length=3")
        found.setdefault(method, {})[name.strip().replace("-", "_")] = _value(value.strip())
    return found


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _unreadable(what: str, remedy: str) -> PdflangError:
    return PdflangError(Diagnostic("E620", f"`{what}` cannot be read", remedy=remedy))


def _known(path: Path | None) -> dict[str, Any] | None:
    """What a file says of the posterior. Error: E620."""
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise _unreadable(f"--truth {path}", f"name a JSON file: {failure}") from None
    if not isinstance(found, dict):
        raise _unreadable(f"--truth {path}", "the file must have an object with an entry for each parameter")
    return found


def _options_of(folder: Path) -> dict[str, Any]:
    """The options of an earlier bench. Errors: E623, E627."""
    from pdflang.results.reading import read_record

    record = read_record(folder)
    if record.get("method") != "bench":
        message = f"the run of `{folder}` is one by `{record.get('method')}`, which is no bench"
        raise PdflangError(Diagnostic("E627", message, remedy="give the folder of a bench, or leave `--resume` out"))
    found: dict[str, Any] = record.get("options", {})
    return found


def _as_before(
    then: dict[str, Any], methods: Any, given: dict[str, dict[str, Any]], options: dict[str, Any]
) -> tuple[Any, dict[str, dict[str, Any]], dict[str, Any]]:
    """Methods and options that the command line does not say, as an earlier bench had them."""
    from pdflang.workflows.bench_plan import REFERENCE

    source = click.get_current_context().get_parameter_source
    unsaid = [name for name in options if source(name) == click.core.ParameterSource.DEFAULT]
    options = {**options, **{name: then[name] for name in unsaid if name in then}}
    before = then.get("methods", {})
    if methods is None:
        methods = [name for name in before if name != REFERENCE]
    kept = {REFERENCE} if {"reference", "reference_draws"} <= set(unsaid) else set()
    known = {name: own for name, own in before.items() if name in {*methods, *kept}}
    return methods, {**known, **given}, options
