"""`pdflang validate`: are posteriors right, whoever made them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import UNTRUSTED, told
from pdflang.cli.options import data_option, json_option, load_model, option_flags, out_option, overwrite_option
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.learning import is_trained
from pdflang.workflows import CalibrateOptions, ValidateOptions
from pdflang.workflows.options import FitsOptions

if TYPE_CHECKING:
    import numpy as np

    from pdflang.embedding import Model
    from pdflang.inference import Monitor
    from pdflang.inference.options import AbcOptions
    from pdflang.inference.workers import StopRequest
    from pdflang.results import RunFolder
    from pdflang.results.validation import Validation

_EXACT = "exact"
_PAGE = "compare.html"


@click.command("validate")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True, type=click.Path(path_type=Path))
@data_option
@option_flags(ValidateOptions)
@out_option
@overwrite_option
@report_option
@json_option
@told
def command(
    screen: Screen, runs: tuple[Path, ...], data: tuple[str, ...], out: Path | None, overwrite: bool, report: bool,
    **options: Any,
) -> None:  # fmt: skip
    """See whether the posteriors of RUNs are right: folders of `train` or `sample`, of one model.

    Each is calibrated on data simulated at draws of the prior: ranks of the truth, regions of highest density, and of
    any shape (TARP). The observed data are looked for among simulated ones. Where the model has a density, the
    exact posterior is drawn, and all are laid beside it: in a table, with a test by a classifier (C2ST), and on a page.
    Events that networks make are laid beside simulated ones, at parameters that they learned from; those that they
    correct beside observed ones that the training put aside. What classifiers of `pivot` tell of their nuisance is
    measured anew.
    What is finished is kept: the same command with the same --out goes on.
    """
    from pdflang.inference import terminal_monitor
    from pdflang.inference.options import chosen_seed, options_of
    from pdflang.results.diagnostics import to_records
    from pdflang.results.validation import to_record, to_text
    from pdflang.workflows.folders import open_folder

    settings = options_of(ValidateOptions, options)
    settings = options_of(ValidateOptions, {**options, "seed": chosen_seed(settings.seed)})
    models, by = _models(screen, runs, data)
    model = next(iter(models.values()))
    origin = partial(_origin, model, settings, list(models), datetime.now(UTC))
    with open_folder(Path("validation.pdfm"), out, overwrite, origin(interrupted=True)) as folder, held() as hold:
        folder.write_sources(model.sources)
        folder.write_provenance(origin(interrupted=True))
        found = _Validating(screen, folder, models, by, settings, terminal_monitor(), lambda: hold.requested).found()
        if found is None:
            again = " ".join(map(str, runs))
            leave(f"interrupted: what is finished is kept, `pdflang validate {again} --out {folder.path}` goes on")
        text = to_text(found)
        folder.write_all(
            [
                lambda f: f.write_text("summary.txt", text),
                lambda f: f.write_json("validation.json", to_record(found)),
                lambda f: f.write_json("diagnostics.json", to_records(found.findings)),
                *(_picture(found, kind) for kind in ("png", "svg") if found.corrections),
                lambda f: f.write_provenance(origin(interrupted=False)),
            ]
        )
        page = f", {_PAGE}: the posteriors over each other" if found.beside else ""
        where = f"with seed {settings.seed} in {folder.path}{page}"
        screen.result(f"{text}\n{where}", folder=str(folder.path), seed=settings.seed, **to_record(found))
        if report:
            add_report(screen, folder.path, model)
    if hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)
    if not found.holds:
        raise click.exceptions.Exit(UNTRUSTED)


def _picture(found: Validation, kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.correction import picture

    return lambda folder: folder.write_bytes(f"correction.{kind}", picture(found.corrections, kind))


def _origin(
    model: Model, settings: ValidateOptions, names: list[str], started: datetime, **details: Any
) -> dict[str, Any]:
    return model.provenance(
        "validate", started, seed=settings.seed, options={**asdict(settings), "runs": names}, **details
    )


def _models(
    screen: Screen, runs: tuple[Path, ...], data: tuple[str, ...]
) -> tuple[dict[str, Model], dict[str, AbcOptions]]:
    """The model of each run with its data, by a name of its own, and the options of runs by `abc`.

    Errors: E620, E624 and those of `load`.
    """
    from pdflang.cli.reporting import model_of
    from pdflang.inference.options import AbcOptions
    from pdflang.results.reading import read_run

    found: dict[str, Model] = {}
    by: dict[str, AbcOptions] = {}
    for run in runs:
        name = run.resolve().name.removesuffix(".run")
        if name in found or name == _EXACT:
            raise PdflangError(
                Diagnostic("E620", f"two of the posteriors would be named `{name}`", remedy="rename the folder of one")
            )
        if is_trained(run):
            found[name] = load_model(screen, run, data, remarks=not found, at_fit=True)
            continue
        read = read_run(run)
        model, why = model_of(read, None, data)
        if model is None:
            message = f"the posterior of `{run}` cannot be computed: {why or 'it has no draws'}"
            raise PdflangError(Diagnostic("E624", message, remedy="give folders that `train` or `sample` made"))
        found[name] = model
        if read.method == "abc":
            by[name] = AbcOptions(**read.record["options"])
    first, *others = found
    for name in others:
        if found[name].source != found[first].source:
            message = f"`{name}` and `{first}` are of different models"
            raise PdflangError(Diagnostic("E624", message, remedy="validate the runs of one model together"))
    return found, by


def _of_calibration(options: AbcOptions) -> dict[str, Any]:
    """The options by which a run's own method is calibrated."""
    known = {field.name for field in fields(CalibrateOptions)}
    return {"method": "abc", **{name: value for name, value in asdict(options).items() if name in known}}


class _Validating:
    """The parts of a validation, each of which is kept in the folder where it is finished."""

    def __init__(
        self, screen: Screen, folder: RunFolder, models: Mapping[str, Model], by: Mapping[str, AbcOptions],
        settings: ValidateOptions, monitor: Monitor, is_stopped: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._screen, self._folder, self._models, self._by = screen, folder, models, by
        self._settings, self._monitor, self._is_stopped = settings, monitor, is_stopped
        assert settings.seed is not None
        self._seed = settings.seed

    def found(self) -> Any:
        """What they say together; None where it was interrupted."""
        from pdflang.inference.workers import interrupts
        from pdflang.results.two_samples import require_scikit
        from pdflang.results.validation import Validation, side_by_side

        events: dict[str, Any] = {}
        corrections: dict[str, Any] = {}
        trade_offs: dict[str, Any] = {}
        for name, model in self._models.items():
            if model.learned is not None and model.learned.method.learns == "output":
                with interrupts() as stop:
                    curves = self._curves(model, stop)
                if curves is None or self._is_stopped():
                    return None
                trade_offs[name] = curves
            if model.learned is None or not self._has_events(name):
                continue
            with interrupts() as stop:
                tests = self._events(model, stop)
            if tests is None or self._is_stopped():
                return None
            (corrections if model.learned.method.corrects else events)[name] = tests
        self._models = {name: model for name, model in self._models.items() if self._has_posterior(name)}
        if not self._models:
            return Validation(None, {}, {}, events=events, corrections=corrections, trade_offs=trade_offs)
        exact = self._exact_model()
        if exact is not None:
            require_scikit()
        calibrations = {}
        known = {field.name for field in fields(FitsOptions)}
        for name, model in self._models.items():
            given = {key: value for key, value in asdict(self._settings).items() if key in known}
            if name in self._by:
                given = {**_of_calibration(self._by[name]), **given}
            place = self._folder.path / f"{name}.calibration"
            calibrations[name] = model.calibrate(folder=place, monitor=self._monitor, **given)
            if calibrations[name].interrupted or self._is_stopped():
                return None
        with interrupts() as stop:
            outside = self._outside(stop)
        if self._is_stopped():
            return None
        biases = self._biases(exact)
        if biases is None:
            return None
        if exact is None:
            return Validation(
                outside, calibrations, biases, events=events, corrections=corrections, trade_offs=trade_offs
            )
        names = {_EXACT: exact, **{name: model for name, model in self._models.items() if self._is_free(name)}}
        draws = {}
        for number, (name, model) in enumerate(names.items()):
            # Chains of equal seeds would follow each other, and a classifier knows twins.
            draws[name] = self._draws(name, model, (self._seed + number) % 2**32)
            if self._is_stopped():
                return None
        self._write_page(list(names))
        moments, beside = side_by_side(draws.pop(_EXACT), draws, self._seed)
        return Validation(outside, calibrations, biases, moments, beside, events, corrections, trade_offs)

    def _has_events(self, name: str) -> bool:
        learned = self._models[name].learned
        return learned is not None and learned.method.simulates and self._settings.only != "posterior"

    def _has_posterior(self, name: str) -> bool:
        learned = self._models[name].learned
        if learned is None or (learned.method.has_density and not learned.method.makes_events):
            return True
        return learned.method.has_density and self._settings.only != "events"

    def _events(self, model: Model, stop: StopRequest) -> Any:
        """Events that networks make beside simulated ones, or correct beside observed ones; None where interrupted."""
        from pdflang.learning.beside import events_beside
        from pdflang.learning.closure import correction_tests

        assert model.learned is not None
        settings = self._settings
        if model.learned.method.corrects:
            return correction_tests(model, model.learned, settings.events, self._seed, settings.threads, stop)
        return events_beside(
            model, model.learned, settings.points, settings.events, self._seed, settings.threads, stop
        )

    def _curves(self, model: Model, stop: StopRequest) -> Any:
        """What classifiers tell of hypotheses and of a nuisance, measured anew; None where it was interrupted."""
        from pdflang.learning.trade_off import trade_offs

        assert model.learned is not None
        draws = model.learned.require_output().held_out
        return trade_offs(model, model.learned, draws, self._seed, self._settings.threads, self._monitor, stop)

    def _exact_model(self) -> Model | None:
        """The model with its own density, where there is one to lay something beside."""
        from pdflang.embedding import Model
        from pdflang.semantics.capabilities import require_gradient

        free = next((model for name, model in self._models.items() if self._is_free(name)), None)
        if free is None:
            return None
        try:
            require_gradient(free.program)
        except PdflangError as failure:
            self._screen.note(f"there is no exact posterior beside: {failure.diagnostics[0].message}")
            return None
        return Model(free.bound, free.functions, free.capacities)

    def _is_free(self, name: str) -> bool:
        """Whether a posterior is one without the likelihood, which the exact one is laid beside."""
        return self._models[name].learned is not None or name in self._by

    def _outside(self, stop: StopRequest) -> float | None:
        from pdflang.learning.cloud import share_outside

        model = next(iter(self._models.values()))
        try:
            return share_outside(model, self._seed, self._settings.simulations, stop)
        except PdflangError as failure:
            reason = failure.diagnostics[0].message
            self._screen.note(f"the observed data are not compared with simulations: {reason}")
            return None

    def _biases(self, exact: Model | None) -> dict[str, Any] | None:
        """Those of learned likelihoods at the mean of the exact posterior, or of the first; None where interrupted."""
        from pdflang.embedding import Model
        from pdflang.learning.bias import bias_at
        from pdflang.results.points import centre_of_run

        learned = {name: model.stand_in for name, model in self._models.items() if model.stand_in is not None}
        if not learned:
            return {}
        first = next(iter(learned))
        name, model = (_EXACT, exact) if exact is not None else (first, self._models[first])
        params = centre_of_run(self._drawn(name, model, self._seed))
        plain = Model(model.bound, model.functions, model.capacities)
        settings, found = self._settings, {}
        for name, own in learned.items():
            try:
                found[name] = bias_at(
                    plain, own, params, seed=self._seed, threads=settings.threads, monitor=self._monitor
                )
            except PdflangError as failure:
                self._screen.note(f"the bias of `{name}` is not known: {failure.diagnostics[0].message}")
            except KeyboardInterrupt:
                return None
        return found

    def _draws(self, name: str, model: Model, seed: int) -> dict[str, np.ndarray]:
        """Draws (n,) of each number."""
        from pdflang.results.reading import read_run
        from pdflang.workflows.ranked import entries_of

        tree = read_run(self._drawn(name, model, seed)).draws
        assert tree is not None
        posterior = tree["posterior"].to_dataset()
        values = {str(name): array.values.reshape(-1, *array.shape[2:]) for name, array in posterior.items()}
        numbers = (entry for entry in entries_of(model) if entry.role in ("param", "nuisance"))
        return {entry.name: entry.of(values) for entry in numbers}

    def _drawn(self, name: str, model: Model, seed: int) -> Path:
        """The folder of a posterior's draws, made where there is none, which `compare` and `report` read."""
        from pdflang.cli.runs import write_run
        from pdflang.inference import method_of
        from pdflang.inference.options import AutoOptions, Options
        from pdflang.results import RunFolder
        from pdflang.results.run_folder import PROVENANCE

        place = self._folder.path / name
        if not (place / PROVENANCE).is_file():
            options: Options = AutoOptions(seed=seed, threads=self._settings.threads)
            if name in self._by:
                options = replace(self._by[name], seed=seed, threads=self._settings.threads)
            started = datetime.now(UTC)
            with RunFolder.create(Path(name), place) as folder:
                method = method_of(options).name
                origin = partial(model.provenance, method, started, options=asdict(options), seed=seed)
                write_run(model, folder, model.draw(options, self._monitor), origin)
        return place

    def _write_page(self, names: list[str]) -> None:
        from pdflang.report.compare_page import compare_page
        from pdflang.results.files import write_text
        from pdflang.results.reading import read_run
        from pdflang.results.side_by_side import compare

        read = [read_run(self._folder.path / name) for name in names]
        models = [next(iter(self._models.values()))] * len(read)
        write_text(self._folder.path / _PAGE, compare_page(compare(read, 1.0), read, models))
