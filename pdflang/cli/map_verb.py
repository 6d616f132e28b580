"""`pdflang map`: the maximum of the posterior density."""

from __future__ import annotations

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
    model_argument,
    option_flags,
    out_option,
    overwrite_option,
)
from pdflang.inference.options import MapOptions

if TYPE_CHECKING:
    from pdflang.embedding import Fit, Model

_UNTRUSTED = 3


@click.command("map")
@model_argument
@data_option
@option_flags(MapOptions)
@out_option
@overwrite_option
@json_option
@told
def command(
    model: Path, data: tuple[str, ...], out: Path | None, overwrite: bool, as_json: bool, **options: Any
) -> None:
    """Find the maximum of the posterior density of MODEL, from several starts.

    Standard errors come from the curvature there. Of each Gaussian observation χ² is printed.
    """
    from pdflang.inference import prepare_jax, terminal_monitor
    from pdflang.results import RunFolder

    started = datetime.now(UTC)
    settings = MapOptions(**options)
    prepare_jax()
    compiled = load_model(model, data)
    with RunFolder.create(model, out, overwrite) as folder:
        fit = compiled.map(monitor=terminal_monitor(), **options)
        text = fit_text(compiled, fit)
        folder.write_all(
            [
                lambda f: f.write_sources(compiled.sources),
                lambda f: f.write_json("map.json", fit_record(fit)),
                lambda f: f.write_text("summary.txt", text),
                lambda f: f.write_json(
                    "provenance.json",
                    compiled.provenance("map", started, fit.optima.seed, asdict(settings), fit.optima.interrupted),
                ),
            ]
        )
    click.echo(text)
    click.echo(f"seed {fit.optima.seed}: {folder.path}")
    if fit.optima.interrupted:
        raise click.exceptions.Exit(130)
    if not fit.converged:
        raise click.exceptions.Exit(_UNTRUSTED)


def fit_text(model: Model, fit: Fit) -> str:
    """The fit as a table: value and standard error of each parameter, derived values, χ², starts."""
    from pdflang.fields import schemas
    from pdflang.results.schema import VariableSchema, entry_names

    known = schemas(model)
    lines: list[tuple[str, str, str]] = [("", "value", "error")]
    for name, value in {**fit.params, **fit.derived}.items():
        names = entry_names(name, value.shape, known.get(name, VariableSchema()))
        errors = fit.standard_errors[name].ravel() if name in fit.standard_errors else [None] * value.size
        rows = list(zip(names, value.ravel(), errors, strict=True))
        lines += [(n, f"{v:.6g}", "" if e is None else f"{e:.3g}") for n, v, e in rows[:20]]
        if len(rows) > 20:
            lines.append((f"{name}: {len(rows) - 20} more in map.json", "", ""))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    text = [f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}".rstrip() for a, b, c in lines]
    text.append("")
    text.append(f"log-density {fit.log_density:.10g}")
    for name, chi2 in fit.chi2.items():
        count = model.bound.arrays.get(name, model.bound.arrays.get(f"{name}.central")).size
        text.append(f"χ²({name}) {chi2:.4f} for {count} data")
    best = fit.optima.best
    text.append(f"{fit.optima.agreeing} of {len(fit.optima.every)} starts end there: {best.reason}")
    if best.remedy:
        text.append(f"  help: {best.remedy}")
    return "\n".join(text) + "\n"


def fit_record(fit: Fit) -> dict[str, Any]:
    """The fit as plain data, for `map.json`."""
    return {
        "params": {name: value.tolist() for name, value in fit.params.items()},
        "standard_errors": {name: value.tolist() for name, value in fit.standard_errors.items()},
        "covariance": None if fit.covariance is None else fit.covariance.tolist(),
        "derived": {name: value.tolist() for name, value in fit.derived.items()},
        "log_density": fit.log_density,
        "chi2": fit.chi2,
        "starts": [{"status": o.status, "log_density": o.value, "steps": o.steps} for o in fit.optima.every],
    }
