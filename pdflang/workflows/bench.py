"""Which sampler is best on a model: methods, each in a process of its own, beside a long run of one of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.elsewhere import bound_here
from pdflang.fields import parameter_entries
from pdflang.inference import METHODS, QuietMonitor
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results import RunFolder
from pdflang.results.bench import (
    Bench,
    Contestant,
    Run,
    findings_of,
    ranked,
    reference_of,
    to_csv,
    to_record,
    to_text,
)
from pdflang.results.bench.ranking import FAILURE, TRUTH, Reference, exact
from pdflang.results.diagnostics import to_records
from pdflang.workflows.apart import Job, run_apart
from pdflang.workflows.bench_plan import LONGER, REFERENCE, Plan, option_names
from pdflang.workflows.fan_out import fan_out
from pdflang.workflows.folders import begin, open_folder
from pdflang.workflows.journal import Journal, Record

if TYPE_CHECKING:
    from pdflang.embedding import Model

RUNS = "runs.jsonl"


def bench(
    model: Model, plan: Plan, folder: RunFolder | Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Bench:  # fmt: skip
    """Run a plan on a model. Ctrl-C keeps what is finished.

    With a `folder` each finished run is written there at once, and those already there are not made again; `tell`
    hears of each. Errors: E620 where another process cannot have the model, E621 and E622 for the folder.
    """
    require_apart(model)
    _require_entries(model, plan.truth or {})
    started = datetime.now(UTC)
    if isinstance(folder, Path):
        asked = provenance_of(model, plan, started)
        with open_folder(Path(model.program.source.name), folder, False, asked) as opened:
            return bench(model, plan, opened, tell)
    running = _Running(model, plan, folder, started, tell)
    done = running.everything()
    found = running.result(not done)
    if folder is not None and running.runs:
        running.write(folder, found, interrupted=not done)
    return found


def _require_entries(model: Model, truth: Mapping[str, Any]) -> None:
    entries = parameter_entries(model)
    for name in truth:
        if name not in entries:
            near = closest_names(name, entries)
            remedy = f"did you mean `{near[0]}`?" if near else f"its entries: {', '.join(entries[:10])}"
            message = f"the truth is of `{name}`, which is no entry of a parameter"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))


def require_apart(model: Model) -> None:
    """That another process can make the model again. Error: E620."""
    if registered := bound_here(model):
        name, span = registered
        message = f"`{name}` was registered in this process, and each method runs in a process of its own"
        raise PdflangError(Diagnostic("E620", message, span, remedy="time `model.sample(method=…)` here, one by one"))
    if model.learned is not None:
        message = "methods are measured on the model's own density, not on one that was learned"
        raise PdflangError(Diagnostic("E620", message, remedy="give the model file in the place of the training"))


def provenance_of(model: Model, plan: Plan, started: datetime, interrupted: bool = True) -> dict[str, Any]:
    """What a run folder says about where a bench comes from."""
    options = {
        **asdict(plan.options), "cores": list(plan.cores), "truth": plan.truth,
        "methods": {one.name: dict(one.options) for one in (*plan.contestants, plan.reference)},
    }  # fmt: skip
    return model.provenance("bench", started, seed=plan.options.seed, options=options, interrupted=interrupted)


class _Running:
    """The runs of a plan: those that a journal has, and those that are made."""

    def __init__(
        self, model: Model, plan: Plan, folder: RunFolder | None, started: datetime, tell: Callable[[str], None]
    ) -> None:
        self._model, self._plan, self._folder, self._tell = model, plan, folder, tell
        self._started = started
        self._journal = Journal(
            folder, RUNS, lambda folder: begin(folder, model, provenance_of(model, plan, started))
        )
        self._places = {_key(record): number for number, record in self._journal.records.items()}
        self._tasks: dict[int, tuple[Contestant, int]] = {}
        self._kept: dict[int, bytes] = {}

    def everything(self) -> bool:
        """Make the runs that are not there; whether all are, at the end."""
        plan, most = self._plan, self._plan.cores[-1]
        for one, cores in [(plan.reference, most), *((one, most) for one in plan.running), *plan.scaled]:
            self._tasks[self._places.setdefault(_key(_head(one, cores)), len(self._places))] = (one, cores)
        wants = plan.truth is None and plan.reference.refused is None
        reference = [(plan.reference, most)] if wants else []
        with interrupts() as stop:
            if not self._all([*reference, *((one, most) for one in plan.running)]) or stop.requested:
                return False
            able = {name for (name, _), run in self.runs.items() if FAILURE not in run.record}
            return self._all([(one, cores) for one, cores in plan.scaled if one.name in able])

    def _all(self, tasks: Sequence[tuple[Contestant, int]]) -> bool:
        numbers = [self._places[_key(_head(one, cores))] for one, cores in tasks]
        return fan_out("bench", numbers, self._make, self._journal, 1, QuietMonitor())

    def _make(self, number: int, stop: StopRequest) -> Record | None:
        one, cores = self._tasks[number]
        method = METHODS[one.method]
        threads = {"threads": cores} if "threads" in option_names(method) else {}
        budget = self._plan.options.budget * (LONGER if one is self._plan.reference else 1)
        done = run_apart(self._model, Job(one.method, {**threads, **one.options}, cores, budget), stop)
        if done is None:
            return None
        if done.draws is not None:
            self._keep(number, done.draws)
        record = {**_head(one, cores), **done.record}
        self._tell(_said(record))
        return record

    def _keep(self, number: int, draws: bytes) -> None:
        """Before the line of the journal that says that they are there."""
        if self._folder is None:
            self._kept[number] = draws
        else:
            self._folder.write_bytes(_file(number), draws)

    @property
    def runs(self) -> dict[tuple[str, int], Run]:
        """What there is, by name and cores."""
        records = {n: self._journal.records[n] for n in self._tasks if n in self._journal.records}
        return {
            (str(record["name"]), int(record["cores"])): Run(record, self._draws(number))
            for number, record in records.items()
        }  # fmt: skip

    def _draws(self, number: int) -> np.ndarray | None:
        try:
            source = io.BytesIO(self._kept[number]) if self._folder is None else self._folder.path / _file(number)
            with np.load(source) as saved:
                return np.asarray(saved["z"])
        except (OSError, KeyError, ValueError):
            return None

    def result(self, interrupted: bool) -> Bench:
        """The ranking of what there is."""
        plan, runs, options = self._plan, self.runs, self._plan.options
        run: Run | None
        if plan.truth is not None:
            run, reference = exact(plan.truth), Reference(TRUTH)
        else:
            run = runs.get((REFERENCE, plan.cores[-1]))
            reference = reference_of(plan.reference.method, run)
            if plan.reference.refused is not None:
                reference = replace(reference, why=plan.reference.refused)
        assert options.seed is not None
        rows = ranked(plan.contestants, runs, run, reference.is_known, options.seed)
        name = self._model.program.source.name
        return Bench(name, rows, reference, options.budget, options.seed, interrupted)

    def write(self, folder: RunFolder, found: Bench, interrupted: bool) -> None:
        """Write the table, the numbers and the pictures."""
        self._journal.settle()
        for number in self._journal.records:
            if (folder.path / _file(number)).is_file():
                folder.keep(_file(number))
        folder.keep(RUNS)
        folder.write_all(
            [
                lambda f: f.write_sources(self._model.sources),
                lambda f: f.write_text("summary.txt", to_text(found)),
                lambda f: f.write_json("bench.json", to_record(found)),
                lambda f: f.write_text("bench.csv", to_csv(found)),
                lambda f: f.write_json("diagnostics.json", to_records(findings_of(found))),
                *(_picture(found, kind) for kind in ("png", "svg") if any(row.why is None for row in found.rows)),
                lambda f: f.write_provenance(provenance_of(self._model, self._plan, self._started, interrupted)),
            ]
        )


def _picture(found: Bench, kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.bench import picture

    return lambda folder: folder.write_bytes(f"bench.{kind}", picture(found, kind))


def _head(one: Contestant, cores: int) -> dict[str, Any]:
    """What a record says of its run: a method with other options is another run."""
    return {"name": one.name, "method": one.method, "cores": cores, "options": dict(one.options)}


def _key(record: Record) -> str:
    names = ("name", "method", "cores", "options")
    return json.dumps({name: record.get(name) for name in names}, sort_keys=True)


def _file(number: int) -> str:
    """The draws of a run; names of methods are not those of files."""
    return f"draws/{number}.npz"


def _said(record: Mapping[str, Any]) -> str:
    """What became of a run, in a line."""
    who = f"{record['name']} on {record['cores']} core{'s' * (record['cores'] > 1)}"
    if FAILURE in record:
        return f"{who}: {record[FAILURE]}"
    return f"{who}: {record['ess']:.0f} effective draws in {record['seconds']:.3g} s"
