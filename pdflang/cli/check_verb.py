"""`pdflang check`: everything that can be found without reading data."""

from __future__ import annotations

from pathlib import Path

import click

from pdflang import driver
from pdflang.cli.failure import told
from pdflang.cli.options import data_option, json_option, model_argument
from pdflang.cli.screen import Screen
from pdflang.diagnostics import Diagnostic, PdflangError

_PEDANTIC = (
    "Also read the data and draw from the prior: which parameters, or combinations of them, data cannot determine; "
    "data that the prior does not expect."
)


@click.command("check")
@model_argument
@click.option("--pedantic", is_flag=True, help=_PEDANTIC)
@data_option
@json_option
@told
def command(screen: Screen, model: Path, pedantic: bool, data: tuple[str, ...]) -> None:
    """Find what is wrong with MODEL, without reading its data.

    Names, types, axes, supports, domains and sum rules are checked; errors end with exit code 1, remarks do not.
    Tells of each observation whether it has a density, a gradient, a simulator and a joint score, and if
    not, which line is why.
    """
    from pdflang.semantics.capabilities import capabilities

    if data and not pedantic:
        raise click.UsageError("data are read with --pedantic only")
    program = driver.check(driver.read_source(model))
    screen.show(program.lints)
    further = _pedantic(screen, model, data) if pedantic else []
    screen.show(further)
    parts = [
        _count(len(program.parameters), "parameter"),
        _count(len(program.observations), "observation"),
        *([_count(len(program.factors), "factor")] if program.factors else []),
        _count(len(program.outputs), "output"),
    ]
    count = len(program.lints) + len(further)
    remarks = f"; {_count(count, 'remark')}" if count else ""
    found = capabilities(program)
    width = max((len(c.observation) for c in found), default=0)
    lines = [f"  {c.observation:<{width}}  {c}" for c in found]
    screen.result(
        "\n".join([f"{model}: {', '.join(parts)}{remarks}", *lines]),
        model=str(model),
        data=list(program.data),
        parameters=list(program.parameters),
        observations=list(program.observations),
        factors=list(program.factors),
        outputs=list(program.outputs),
        capabilities={
            c.observation: {
                "density": c.density, "gradient": c.gradient, "simulator": c.simulator, "joint score": c.score,
            }
            for c in found
        },
    )


def _pedantic(screen: Screen, path: Path, data: tuple[str, ...]) -> list[Diagnostic]:
    """What draws of the prior show of the model and its data, at the lines it is about."""
    from pdflang import identifiability, prior_checks
    from pdflang.cli.options import load_model
    from pdflang.inference import terminal_monitor
    from pdflang.passes import nearly_divergent_integrals
    from pdflang.semantics.capabilities import require_density, require_gradient

    model = load_model(screen, path, data, remarks=False)
    if not model.dimension:
        return []
    known = {lint.span for lint in model.program.lints}
    found = nearly_divergent_integrals(model.program)
    try:
        require_density(model.program)
        found += prior_checks.impossible(model)
        require_gradient(model.program)
        found += identifiability.remarks(model, identifiability.information_at(model))
    except PdflangError as failure:
        screen.note(f"what data determine is not known: {failure.diagnostics[0].message}")
    found = [remark for remark in found if remark.span not in known]
    try:
        found += prior_checks.conflicts(model, terminal_monitor())
    except PdflangError as failure:
        screen.note(f"data are not compared with what the prior predicts: {failure.diagnostics[0].message}")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
