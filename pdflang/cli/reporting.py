"""What verbs share that write a page on a run: the flag for it, and the model that the run was of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.learning import is_trained

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.results.reading import Run

report_option = click.option("--report", is_flag=True, help="Also write a page with pictures, report.html.")


def add_report(screen: Screen, folder: Path, model: Model) -> None:
    """Write the page of a run that has just been written, and say where it is."""
    from pdflang.inference import terminal_monitor
    from pdflang.report.run_page import write_report
    from pdflang.results.reading import read_run

    path = write_report(read_run(folder), model, monitor=terminal_monitor())
    screen.result(f"report in {path}", report=str(path))


def require_free(path: Path, overwrite: bool) -> None:
    """PdflangError (E621) where there is a file already that is not to be replaced."""
    if path.exists() and not overwrite:
        remedy = "choose another name with `--out`, or add `--overwrite` to replace it"
        raise PdflangError(Diagnostic("E621", f"`{path}` exists already", remedy=remedy))


def model_of(run: Run, path: Path | None, data: tuple[str, ...]) -> tuple[Model | None, str]:
    """The compiled model of a run with its data, or None and why there is none, if it has results.

    The run's command line says which file that was; it must be as it was then. `path` and `data` say it instead.
    Errors: those of `load`, and E624, for a model that is named by `path`.
    """
    if run.draws is None and run.maximum is None and run.predictions is None:
        return None, ""
    then = _arguments(run.record)
    named = path or then.get("model")
    given = data or then.get("data") or ()
    if named is None:
        return None, "the run does not say of which file it is"
    places = [named] if path is not None or named.is_absolute() else [named, run.folder.parent / named]
    found = next((place for place in places if place.is_file() or is_trained(place)), named)
    try:
        return _loaded(run, found, given, bool(then.get("exact"))), ""
    except PdflangError as failure:
        if path is not None:
            raise
        return None, failure.diagnostics[0].message


def without_densities(run: Path, why: str, remedy: str = "") -> PdflangError:
    """The error where the densities of a run are wanted and `model_of` says `why` there is no model (E646)."""
    reason = why or "it has neither draws nor a maximum"
    remedy = remedy or "name the model with --model, and give the --data of the run"
    return PdflangError(Diagnostic("E646", f"the densities of `{run}` cannot be computed: {reason}", remedy=remedy))


def _loaded(run: Run, path: Path, data: tuple[str, ...], exact: bool) -> Model:
    from pdflang import driver
    from pdflang.cli.options import given_by
    from pdflang.cli.trained import source_at, with_learned
    from pdflang.embedding import Model
    from pdflang.inference import prepare_jax, prepare_threads
    from pdflang.results.origin import require_same_model

    prepare_threads()
    given = given_by(data)
    bound = driver.bind(driver.check(source_at(path), given), given)
    if bound.unfitted and run.maximum is not None:
        bound = driver.at_earlier(bound, run.maximum.get("earlier", {}))
    prepare_jax()
    model = with_learned(Model(bound, driver.compile_bound(bound, exact=exact), {}), path)
    require_same_model(run.folder, run.record, model.sources, bound.arrays)
    return model


def _arguments(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line of a run gave, as its verb understands it; nothing where there was none."""
    from pdflang.cli import VERBS

    verb, *words = [str(word) for word in record.get("command", [])][1:] or [""]
    if verb not in VERBS:
        return {}
    command: click.Command = import_module(f"pdflang.cli.{verb}_verb").command
    try:
        return dict(command.make_context(verb, words, resilient_parsing=True).params)
    except click.ClickException:
        return {}
