"""`pdflang simulate`: data drawn from a model, in files that `sample` reads back."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.cli.failure import told
from pdflang.cli.options import (
    data_option,
    json_option,
    load_model,
    model_argument,
    out_option,
    overwrite_option,
    size_option,
    sizes_of,
)
from pdflang.cli.reporting import add_report, report_option
from pdflang.cli.screen import Screen

if TYPE_CHECKING:
    from pdflang.results import RunFolder


@click.command("simulate")
@model_argument
@data_option
@click.option(
    "--params", "-p", multiple=True, metavar="NAME=VALUE | FILE | RUN",
    help="Parameters instead of a draw of the prior: c_u=2, z=[1,2], z=z.npy, a file of all of them: truth.json, or "
    "the folder of a run: a draw of `sample`, or the maximum of `map`.",
)  # fmt: skip
@click.option("--draw", type=click.IntRange(0), help="Which draw of the run, from 0; if not given, the seed chooses.")
@size_option
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of all random numbers. [default: 0]")
@click.option(
    "--traces", is_flag=True,
    help="Write traces.nc too: how each event came about, true places and lost ones included; with --count, how "
    "accepted events did, and the joint score of each simulation.",
)
@click.option(
    "--count", type=click.IntRange(1), metavar="N",
    help="N simulations in HDF5, each at parameters of its own: a draw of the prior, or of the run --params.",
)
@click.option("--resume", is_flag=True, help="Go on with --count where it was interrupted or killed.")
@click.option("--more", type=click.IntRange(1), metavar="N", help="Add N simulations to those of an earlier --count.")
@report_option
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], params: tuple[str, ...], draw: int | None,
    size: tuple[str, ...], seed: int | None, traces: bool, count: int | None, resume: bool, more: int | None,
    report: bool, out: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Draw the observed data of MODEL at parameters drawn from its prior, or given.

    The folder of `train --method flow`, `gan` or `vae` draws events by its networks; that of `reweight` or `transport`
    corrects those of the model.

    All data are written to data.json, for `sample MODEL --data data.json`, and the parameters to params.json.
    Tables that the model names are written too, so that `sample` in the run's folder finds them.

    With --count there are many simulations, in files of HDF5 that `pdflang.simulations` reads in Python.
    """
    if count is not None or resume or more is not None:
        from pdflang.cli.simulation_runs import simulate_many

        if overwrite and (resume or more):
            raise click.UsageError("--overwrite begins anew, where --resume and --more go on")
        simulate_many(
            screen, model, data, count, params, draw, sizes_of(size), seed, traces, resume, more, report, out,
            overwrite,
        )  # fmt: skip
        return
    _simulate_one(screen, model, data, params, draw, sizes_of(size), seed or 0, traces, report, out, overwrite)


def _simulate_one(
    screen: Screen, model: Path, data: tuple[str, ...], params: tuple[str, ...], draw: int | None,
    sizes: dict[str, int], seed: int, traces: bool, report: bool, out: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """One simulation, in files that the other verbs read."""
    import numpy as np

    from pdflang.results import RunFolder
    from pdflang.semantics.drawn_events import require_room_for_events
    from pdflang.simulated import data_record, tables, trace_tree

    started = datetime.now(UTC)
    given, draw = given_parameters(params, draw, seed)
    compiled = load_model(screen, model, data, sizes, exact=True, at_fit=True).with_surrogate()
    require_room_for_events(compiled.program)
    import jax

    with jax.enable_x64(True):
        prior_key, data_key = jax.random.split(jax.random.key(seed))
        values = given if given is not None else compiled.draw_prior(prior_key)
        events = {name: count for name, count in sizes.items() if name in compiled.program.observations}
        result = compiled.simulate(data_key, values, events, traces)
    found, traced = result if traces else (result, {})
    simulated = {name: value if isinstance(value, dict) else np.asarray(value) for name, value in found.items()}
    written = tables(compiled, simulated)
    record = data_record(compiled, simulated)
    drawn = {name: np.asarray(values[name]) for name in compiled.program.parameters}
    settings = {"size": sizes, "params": list(params), "draw": draw}
    origin = compiled.provenance("simulate", started, seed=seed, options=settings)
    writes: list[Callable[[RunFolder], None]] = [
        lambda f: f.write_json("data.json", record),
        lambda f: f.write_json("params.json", drawn),
        lambda f: f.write_sources(compiled.sources),
        *(_writing(name, text) for name, text in written.items()),
        *([lambda f: f.write_tree("traces.nc", trace_tree(traced))] if traces else ()),
        lambda f: f.write_provenance(origin),
    ]
    with RunFolder.create(model, out, overwrite) as folder:
        folder.write_all(writes)
    shapes = [f"{name}: {_size(compiled, name, value)}" for name, value in simulated.items()]
    if compiled.correction is not None:
        shapes += [f"weights are in {place}" for place in compiled.correction.weights_at]
    files = ["data.json", "params.json", *written, *(["traces.nc"] if traces else [])]
    place = f"data with seed {seed}{f' at draw {draw} of the run' if draw is not None else ''} in {folder.path}"
    screen.result(
        "\n".join([*shapes, f"{place}: {', '.join(files)}"]),
        folder=str(folder.path), seed=seed, draw=draw, files=files, params=drawn, data=record,
    )  # fmt: skip
    if report:
        add_report(screen, folder.path, compiled)


def given_parameters(
    params: tuple[str, ...], draw: int | None, seed: int
) -> tuple[dict[str, Any] | None, int | None]:
    """The parameters of `--params`, of a run first, and which draw of the run they are."""
    from pdflang.data.overrides import parse_overrides
    from pdflang.results.points import point_of_run

    runs = [text for text in params if os.path.isdir(text)]
    if draw is not None and not runs:
        raise click.UsageError("`--draw` chooses among the draws of a run; give its folder: --params RUN.")
    if not params:
        return None, None
    found: dict[str, Any] = {}
    for run in runs:
        found, draw = point_of_run(Path(run), draw, seed)
    return found | parse_overrides([text for text in params if text not in runs], "--params"), draw


def _writing(name: str, text: str) -> Callable[[RunFolder], None]:
    return lambda folder: folder.write_text(name, text)


def _size(compiled: Any, name: str, value: Any) -> str:
    observation = compiled.program.observations.get(name)
    if observation is not None and observation.process:
        count = len(next(iter(value.values())) if isinstance(value, dict) else value)
        return f"{count} event{'s' * (count != 1)}"
    return f"{' × '.join(map(str, value.shape))} values" if value.ndim else "a number"
