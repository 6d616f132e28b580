"""`pdflang simulate`: data drawn from a model, in files that `sample` reads back."""

from __future__ import annotations

import json
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
)
from pdflang.diagnostics import Diagnostic, PdflangError

if TYPE_CHECKING:
    from pdflang.results import RunFolder


@click.command("simulate")
@model_argument
@data_option
@click.option(
    "--params", "-p", multiple=True, metavar="NAME=VALUE",
    help="Parameters instead of a draw of the prior: c_u=2, z=[1,2], or a file of all of them: truth.json.",
)  # fmt: skip
@click.option("--size", multiple=True, metavar="NAME=COUNT", help="Number of events of an Iid observation, or length of an axis.")
@click.option("--seed", type=int, default=0, help="Seed of all random numbers. [default: 0]")
@out_option
@overwrite_option
@json_option
@told
def command(
    model: Path, data: tuple[str, ...], params: tuple[str, ...], size: tuple[str, ...], seed: int,
    out: Path | None, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Draw the observed data of MODEL at parameters drawn from its prior, or given.

    Events and columns are written as the tables that the model names, so that `sample` in the same folder reads
    them; everything is also in data.json, for `--data data.json`.
    """
    import numpy as np

    from pdflang.data.overrides import parse_overrides
    from pdflang.inference import prepare_jax
    from pdflang.results import RunFolder

    started = datetime.now(UTC)
    sizes = {name: int(count) for name, count in _pairs(size)}
    prepare_jax()
    compiled = load_model(model, data, sizes)
    given = {name: value for name, value in parse_overrides(params).items()} if params else None
    if given is not None:
        _check_names(compiled, given)
    import jax

    with jax.enable_x64(True):
        prior_key, data_key = jax.random.split(jax.random.key(seed))
        values = given if given is not None else compiled.draw_prior(prior_key)
        simulated = compiled.simulate(data_key, values, sizes)
    plain = {name: np.asarray(value) for name, value in simulated.items()}
    record = {name: np.asarray(value).tolist() for name, value in values.items()}
    writes: list[Callable[[RunFolder], None]] = [
        lambda f: f.write_json("data.json", {name: value.tolist() for name, value in plain.items()}),
        lambda f: f.write_json("params.json", record),
        lambda f: f.write_sources(compiled.sources),
        lambda f: f.write_json("provenance.json", compiled.provenance("simulate", started, seed)),
    ]
    tables = compiled.tables(plain)
    for name, text in tables.items():
        writes.append(lambda f, name=name, text=text: f.write_text(name, text))
    with RunFolder.create(model, out, overwrite) as folder:
        folder.write_all(writes)
    for name, value in plain.items():
        click.echo(f"{name}: {' × '.join(map(str, value.shape)) or 'a number'}")
    click.echo(f"seed {seed}: {folder.path}" + (f" ({', '.join(tables)}, data.json)" if tables else " (data.json)"))


def _pairs(written: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = []
    for text in written:
        name, equals, count = text.partition("=")
        if not equals or not count.strip().isdigit():
            raise click.UsageError(f"--size takes NAME=COUNT, not `{text}`")
        pairs.append((name.strip(), count.strip()))
    return pairs


def _check_names(compiled: Any, given: dict[str, Any]) -> None:
    from pdflang.diagnostics import closest_names

    known = list(compiled.program.parameters)
    for name in given:
        if name not in known:
            near = closest_names(name, known)
            raise PdflangError(
                Diagnostic(
                    "E609",
                    f"the model has no parameter `{name}`",
                    remedy=f"did you mean `{near[0]}`?" if near else f"its parameters are {', '.join(known)}",
                )
            )
    missing = [name for name in known if name not in given]
    if missing:
        raise PdflangError(
            Diagnostic(
                "E609",
                f"no value is given for {', '.join(f'`{name}`' for name in missing)}",
                remedy=f"give all of them, or none for a draw of the prior: --params {json.dumps(missing[0])[1:-1]}=1",
            )
        )
