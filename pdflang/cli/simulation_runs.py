"""`pdflang simulate --count N`: many simulations in a folder, which grows piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.options import load_model
from pdflang.cli.reporting import add_report
from pdflang.cli.screen import Screen
from pdflang.interrupts import INTERRUPTED, held, leave

if TYPE_CHECKING:
    from pdflang.results import RunFolder

METHOD = "simulations"
"""What provenance calls such a run."""
_ANOTHER = "go on with the model, the data and the options of the run, or begin another without `--resume` and `--more`"


@dataclass(frozen=True)
class Wanted:
    """What is to be simulated: the options of a run, as provenance has them."""

    count: int
    params: tuple[str, ...]
    draw: int | None
    size: Mapping[str, int]
    traces: bool


def simulate_many(
    screen: Screen, model: Path, data: tuple[str, ...], count: int | None, params: tuple[str, ...], draw: int | None,
    size: Mapping[str, int], seed: int | None, traces: bool, resume: bool, more: int | None, report: bool,
    out: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Simulations at parameters of the prior, at given ones, or each at another draw of a run."""
    from pdflang.cli.monitors import told_of
    from pdflang.inference import terminal_monitor
    from pdflang.results import RunFolder
    from pdflang.results.continuation import continued, record_of
    from pdflang.semantics.capabilities import require_score
    from pdflang.simulator.dataset import fill, fingerprint

    started = datetime.now(UTC)
    earlier = RunFolder.latest(model, [METHOD], out) if resume or more else None
    if earlier:
        record = record_of(earlier.path, [METHOD], [METHOD], more is not None)
        seed = record["seed"] if seed is None else seed
        wanted = _earlier(record["options"], count, params, draw, size, traces, more)
    else:
        assert count is not None
        wanted = Wanted(count, params, draw, size, traces)
    seed = seed or 0
    compiled = load_model(
        screen, model, data, wanted.size, exact=True, require=require_score if wanted.traces else None, at_fit=True
    ).with_surrogate()
    simulator = compiled.simulator()
    events = {name: number for name, number in wanted.size.items() if name in compiled.program.observations}
    parameters = _parameters(wanted, seed)
    if parameters is None and compiled.correction is not None:
        parameters = compiled.correction.point
    options = {**asdict(wanted), "parameters": fingerprint(simulator, parameters)}

    def origin(**details: Any) -> dict[str, Any]:
        return compiled.provenance(METHOD, started, seed=seed, options=options, **details)

    if earlier:
        # An error where it is of something else.
        continued(earlier.path, origin(), ("count",), _ANOTHER)
    with earlier or RunFolder.create(model, out, overwrite) as folder, held() as hold:
        _begin(folder, compiled, origin(interrupted=True))
        made = fill(
            folder, simulator, wanted.count, seed, parameters, events, wanted.traces, told_of(hold, terminal_monitor())
        )
        again = f"`pdflang simulate {model} --resume --out {folder.path}` goes on"
        if not made:
            leave(f"interrupted before anything was kept; {again}")
        interrupted = made < wanted.count
        _begin(folder, compiled, origin(interrupted=interrupted))
        what = f"{made} simulations with seed {seed}{', with joint scores,' if wanted.traces else ''} in {folder.path}"
        screen.result(
            f"{what}\nin Python: pdflang.simulations({str(folder.path)!r})",
            folder=str(folder.path), seed=seed, count=made, interrupted=interrupted, traces=wanted.traces,
        )  # fmt: skip
        if interrupted:
            screen.note(f"interrupted: {made} of {wanted.count} simulations are kept; {again}")
        elif report:
            add_report(screen, folder.path, compiled)
    if interrupted or hold.requested:
        raise click.exceptions.Exit(INTERRUPTED)


def _earlier(
    options: Mapping[str, Any], count: int | None, params: tuple[str, ...], draw: int | None, size: Mapping[str, int],
    traces: bool, more: int | None,
) -> Wanted:  # fmt: skip
    """The options of an earlier run, and those that are given; so many simulations `more`."""
    return Wanted(
        options["count"] + (more or 0) if count is None else count,
        params or tuple(options["params"]),
        options["draw"] if draw is None else draw,
        size or options["size"],
        traces or options["traces"],
    )


def _parameters(wanted: Wanted, seed: int) -> Any:
    """Where parameters come from: None for the prior, values by name, or a folder each draw of which is as probable."""
    from pdflang.cli.simulate_verb import given_parameters

    runs = [text for text in wanted.params if Path(text).is_dir()]
    if runs and wanted.draw is None:
        if len(wanted.params) > 1:
            raise click.UsageError("with `--count`, give either a run, at whose draws data are drawn, or parameters")
        return runs[0]
    return given_parameters(wanted.params, wanted.draw, seed)[0]


def _begin(folder: RunFolder, compiled: Any, origin: Mapping[str, Any]) -> None:
    folder.write_sources(compiled.sources)
    folder.write_provenance(origin)
