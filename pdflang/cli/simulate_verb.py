"""`pdflang simulate`: data drawn from a model, in files that `sample` reads back."""

from __future__ import annotations

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
from pdflang.cli.screen import Screen

if TYPE_CHECKING:
    from pdflang.results import RunFolder


@click.command("simulate")
@model_argument
@data_option
@click.option(
    "--params", "-p", multiple=True, metavar="NAME=VALUE | FILE",
    help="Parameters instead of a draw of the prior: c_u=2, z=[1,2], z=z.npy, or a file of all of them: truth.json.",
)  # fmt: skip
@size_option
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Seed of all random numbers. [default: 0]")
@click.option(
    "--traces", is_flag=True, help="Write traces.nc too: how each event came about, true places and lost ones included."
)
@out_option
@overwrite_option
@json_option
@told
def command(
    screen: Screen, model: Path, data: tuple[str, ...], params: tuple[str, ...], size: tuple[str, ...], seed: int,
    traces: bool, out: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Draw the observed data of MODEL at parameters drawn from its prior, or given.

    All data are written to data.json, for `sample MODEL --data data.json`, and the parameters to params.json.
    Tables that the model names are written too, so that `sample` in the run's folder finds them.
    """
    import numpy as np

    from pdflang.data.overrides import parse_overrides
    from pdflang.results import RunFolder
    from pdflang.simulated import data_record, tables, trace_tree

    started = datetime.now(UTC)
    sizes = sizes_of(size)
    given = parse_overrides(params, "--params") if params else None
    compiled = load_model(screen, model, data, sizes)
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
    origin = compiled.provenance("simulate", started, seed=seed, options={"size": sizes, "params": list(params)})
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
    files = ["data.json", "params.json", *written, *(["traces.nc"] if traces else [])]
    shapes.append(f"data with seed {seed} in {folder.path}: {', '.join(files)}")
    screen.result("\n".join(shapes), folder=str(folder.path), seed=seed, files=files, params=drawn, data=record)


def _writing(name: str, text: str) -> Callable[[RunFolder], None]:
    return lambda folder: folder.write_text(name, text)


def _size(compiled: Any, name: str, value: Any) -> str:
    observation = compiled.program.observations.get(name)
    if observation is not None and observation.process:
        count = len(next(iter(value.values())) if isinstance(value, dict) else value)
        return f"{count} event{'s' * (count != 1)}"
    return f"{' × '.join(map(str, value.shape))} values" if value.ndim else "a number"
