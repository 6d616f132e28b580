"""`pdflang train`: a posterior, a likelihood or a ratio that is learned from simulations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import told
from pdflang.cli.options import (
    data_option,
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
from pdflang.inference.options import chosen_seed, options_of
from pdflang.interrupts import INTERRUPTED, held, leave
from pdflang.learning.methods import LEARNING, LearningMethod, require_packages
from pdflang.learning.options import TrainOptions
from pdflang.semantics.capabilities import require_density, require_gradient

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference import Monitor
    from pdflang.learning.learned import Learned
    from pdflang.results import RunFolder
    from pdflang.results.trade_off import TradeOff

_HELP = "What to learn. " + " ".join(f"{method.name}: {method.purpose}." for method in LEARNING.values())
_SECONDS = 10.0
_SAVE = f"Time between two saves of the network: what a killed run loses. [default: {_SECONDS:g}]"


@click.command("train")
@model_argument
@data_option
@click.option("--method", type=click.Choice(list(LEARNING)), help=f"{_HELP} [default: npe]")
@method_flags(LEARNING)
@click.option(
    "--params", "-p", multiple=True, metavar="NAME=VALUE | FILE | RUN",
    help="Parameters in the place of draws of the prior, of methods of single events: c=2, several c=[1,2,3], a file "
    "of all of them: truth.json, or the folder of a run, for its draws.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with a training that was interrupted or killed.")
@click.option("--save-every", type=click.FloatRange(0), default=_SECONDS, metavar="SECONDS", help=_SAVE)
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], method: str | None, params: tuple[str, ...], resume: bool,
    save_every: float, report: bool, out: Path | None, overwrite: bool, **options: Any,
) -> None:  # fmt: skip
    """Learn a density from simulations of MODEL, for models without one, or for many data sets; or events like these.

    Leaves a folder that `sample`, `map`, `profile` and `predict` take in the place of a model, with these or other
    data, and `simulate`, where networks have learned to make events, or to correct them. Of classifiers that are not to
    depend on a nuisance there is a table of what they give away for that. Ctrl-C keeps what was made; `--resume` goes
    on from there, in the folder --out or the newest one of the model, with the options of the run.
    """
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder
    from pdflang.results.continuation import continued
    from pdflang.results.trade_off import to_record, to_text

    started = datetime.now(UTC)
    if overwrite and resume:
        raise click.UsageError("--overwrite begins anew, where --resume goes on")
    earlier = RunFolder.latest(model, list(LEARNING), out) if resume else None
    given = {name: value for name, value in options.items() if value is not None}
    chosen, settings, params = _plan(earlier, method, params, given)
    require_packages()
    require = require_density if chosen.learns == "proposal" else None
    compiled = load_model(screen, model, data, require=require, at_fit=True)
    from pdflang.learning.store import CHECKPOINT, FolderStore, write_learned

    if chosen.learns not in ("proposal", "correction", "output"):
        _say_exact(screen, compiled, model)
    if earlier is not None:
        continued(earlier.path, _origin(compiled, chosen, settings, params, started), ("threads",), _ANOTHER)

    def begin(folder: RunFolder) -> None:
        folder.write_sources(compiled.sources)
        folder.write_provenance(_origin(compiled, chosen, settings, params, started, interrupted=True))

    with earlier or RunFolder.create(model, out, overwrite) as folder, held() as hold:
        store = FolderStore(folder, begin, save_every)
        monitor = told_of(hold, terminal_monitor())
        found = compiled.learn(chosen, settings, monitor, screen.note, store, _points(params))
        again = f"`pdflang train {model} --resume --out {folder.path}` goes on"
        curves = None
        if not found.interrupted and found.learned is not None:
            curves = _curves(compiled, found.learned, monitor)
        if curves is None or found.learned is None:
            leave(f"interrupted: {again}" if store.begun else "interrupted before anything was kept")
        learned = found.learned
        text = summary_of(learned) + (to_text(curves) if curves else "")
        record = _origin(compiled, chosen, settings, params, started, seconds=found.seconds)
        folder.write_all(
            [
                lambda f: f.write_sources(compiled.sources),
                lambda f: write_learned(f, learned, compiled.program.source),
                lambda f: f.write_text("summary.txt", text),
                *(_writes_of(curves) if curves else []),
                lambda f: f.write_provenance(record),
            ]
        )
        folder.remove_folder(CHECKPOINT)
    screen.result(
        f"{text}trained with seed {settings.seed} in {folder.path}: {_use(chosen, folder.path)}",
        folder=str(folder.path), method=chosen.name, seed=settings.seed, history=learned.history,
        **({"trade_offs": [to_record(one) for one in curves]} if curves else {}),
    )  # fmt: skip
    if report:
        add_report(screen, folder.path, compiled)
    if hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)


_ANOTHER = "go on with the model, the data and the options of the run, or begin another without `--resume`"


def _plan(
    earlier: RunFolder | None, name: str | None, params: tuple[str, ...], given: dict[str, Any]
) -> tuple[LearningMethod, TrainOptions, tuple[str, ...]]:
    """The method, its options and its parameters; of an earlier run those that it had. Errors: E620 to E623, E627."""
    if earlier is None:
        chosen = LEARNING[name or "npe"]
        settings = options_of(chosen.options, given)
        return chosen, options_of(chosen.options, {**given, "seed": chosen_seed(settings.seed)}), params
    from pdflang.results.continuation import record_of

    record = record_of(earlier.path, list(LEARNING), (), more=False)
    chosen = LEARNING[record["method"]]
    known = dict(record["options"])
    before = tuple(known.pop("params", ()))
    return chosen, options_of(chosen.options, {**known, **given}), params or before


def _points(params: tuple[str, ...]) -> Any:
    """What `--params` says: None for the prior, values by name, or the folder of a run."""
    from pdflang.cli.simulate_verb import given_parameters

    runs = [text for text in params if Path(text).is_dir()]
    if len(runs) and len(params) > 1:
        raise click.UsageError("give either a run, from whose draws is learned, or parameters")
    return runs[0] if runs else given_parameters(params, None, 0)[0]


def _origin(
    model: Model, method: LearningMethod, settings: TrainOptions, params: tuple[str, ...], started: datetime,
    **details: Any,
) -> dict[str, Any]:  # fmt: skip
    options = asdict(settings) | ({"params": list(params)} if params else {})
    return model.provenance(method.name, started, options=options, seed=settings.seed, **details)


def _say_exact(screen: Screen, model: Model, path: Path) -> None:
    """That a model with a density that can be differentiated needs no training."""
    try:
        require_gradient(model.program)
    except PdflangError:
        return
    screen.note(
        f"the likelihood of this model is known: `pdflang sample {path}` draws from the exact posterior, and is the "
        "better choice unless there are many data sets"
    )


def _curves(model: Model, learned: Learned, monitor: Monitor) -> tuple[TradeOff, ...] | None:
    """What classifiers of different penalties tell, none of other methods; None where Ctrl-C was heard."""
    if learned.method.learns != "output":
        return ()
    from pdflang.inference.workers import interrupts
    from pdflang.learning.trade_off import trade_offs

    options = learned.require_output()
    assert options.seed is not None
    with interrupts() as stop:
        return trade_offs(model, learned, options.held_out, options.seed + 1, options.threads, monitor, stop)


def _writes_of(curves: tuple[TradeOff, ...]) -> list[Callable[[RunFolder], None]]:
    """What is kept of them."""
    from pdflang.report.trade_off import picture
    from pdflang.results.trade_off import TRADE_OFF, to_csv, to_record

    def of_kind(kind: str) -> Callable[[RunFolder], None]:
        return lambda folder: folder.write_bytes(f"{TRADE_OFF}.{kind}", picture(curves, kind))

    return [
        lambda folder: folder.write_json(f"{TRADE_OFF}.json", [to_record(one) for one in curves]),
        lambda folder: folder.write_text(f"{TRADE_OFF}.csv", to_csv(curves)),
        *map(of_kind, ("png", "svg")),
    ]


def _use(method: LearningMethod, folder: Path) -> str:
    """What is to be done with a training."""
    sample, simulate = f"`pdflang sample {folder}` draws from it", f"`pdflang simulate {folder}` makes events"
    if method.corrects:
        return f"`pdflang simulate {folder}` gives corrected events, `pdflang validate {folder}` tests it"
    output = f'`pdflang.load_trained("{folder}").event_outputs(…)` in Python has the output of events'
    both = f"{sample}, {simulate}" if method.makes_events else sample
    return {"events": simulate, "output": output}.get(method.learns, both)


def _learned_from(learned: Learned) -> str:
    """How many simulations; of a correction how many events of each side."""
    if not learned.method.corrects:
        counted = "draws of the nuisance" if learned.method.learns == "output" else "simulations"
        return f"{learned.options.simulations} {counted}"
    counts = [(part.name, *learned.scales[f"{part.name} counts"]) for part in learned.parts]
    return ", ".join(f"{ours} simulated and {theirs} observed events of {name}" for name, ours, theirs in counts)


def summary_of(learned: Learned) -> str:
    """What was trained, in a few lines."""
    options = learned.options
    rounds = f" in {options.rounds} rounds" if options.rounds > 1 else ""
    lines = [f"{learned.method.name}: {learned.method.learns} learned from {_learned_from(learned)}{rounds}"]
    networks, names = options.networks, [f"network {number + 1}" for number in range(options.networks)]
    if learned.method.learns == "output":
        names = [f"λ = {value:g}" for value in learned.require_output().penalty_values]
    for number, passes in enumerate(filter(None, learned.history)):
        best = min(passes, key=lambda entry: entry["validation"])
        head = f"round {number // networks + 1}: " if options.rounds > 1 else ""
        head += f"{names[number % networks]}: " if networks > 1 else ""
        lines.append(
            f"{head}validation loss {best['validation']:.4g} at pass {best['epoch']:.0f} of {len(passes)}, "
            f"training loss {best['train']:.4g}"
        )
    if hasattr(learned.method.module, "remarks"):
        lines += learned.method.module.remarks(learned.parts, learned.scales)
    return "\n".join(lines) + "\n"
