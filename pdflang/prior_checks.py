"""What draws of the prior say of a model and its data, before there are draws of the posterior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pdflang.diagnostics import Diagnostic
from pdflang.passes.chances import percent
from pdflang.semantics.capabilities import likelihood_of
from pdflang.semantics.lints import everything_read
from pdflang.semantics.supports import number_text

if TYPE_CHECKING:
    import jax

    from pdflang.embedding import Model
    from pdflang.inference import Monitor

_DATA_SETS = 120
"""Data sets drawn from the prior, for p-values to about a hundredth."""

_FAR_WIDER = 1e3
"""So many times the size of the data predictions of the prior may vary."""

_DRAWS = 200
"""Draws of the prior at which the observed data are to be possible."""

_RARE = 0.01
"""The share of draws with density zero below which nothing is said."""

_MOST_TOLD = 6
"""Numbers that an example has at most."""


def impossible(model: Model, seed: int = 0) -> Iterator[Diagnostic]:
    """Observations whose density is zero at draws of the prior: L416. Nothing where a prior is improper."""
    import jax

    if not all(parameter.prior.row.proper for parameter in model.program.parameters.values()):
        return
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(seed), _DRAWS)
        drawn = [model.functions.draw_parameters(key, model.arrays) for key in keys]
        terms = [model.functions.log_likelihood(params, model.arrays) for params in drawn]
    for name, observation in model.program.observations.items():
        of_it = [[value for term, value in found.items() if term.split(" ")[0] == name] for found in terms]
        is_zero = np.array([not all(np.all(np.isfinite(value)) for value in values) for values in of_it])
        if is_zero.mean() > _RARE:
            yield Diagnostic(
                "L416",
                f"`{name}` as observed has density zero at {percent(is_zero)} of the prior's draws",
                observation.span,
                notes=_example(model, name, drawn[int(is_zero.argmax())]),
                remedy="such draws cut the prior without saying so: keep the data possible where parameters are "
                "declared, by bounds or by a prior of positive support",
                severity="lint",
            )


def _example(model: Model, name: str, params: dict[str, jax.Array]) -> tuple[str, ...]:
    """The parameters that an observation reads, at a draw, if they are few."""
    program = model.program
    terms = likelihood_of(program.observations[name])
    read = {one for node in terms for one in everything_read(node, program.definition_nodes)}
    numbers = {parameter: np.asarray(params[parameter]) for parameter in program.parameters if parameter in read}
    if not numbers or sum(number.size for number in numbers.values()) > _MOST_TOLD:
        return ()
    said = ", ".join(f"{one} = {number_text(number)}" for one, number in numbers.items())
    return (f"for example where {said}",)


def conflicts(model: Model, monitor: Monitor | None = None, seed: int = 0) -> list[Diagnostic]:
    """Observations that the prior does not expect, or for which it expects almost anything: L414.

    Raises `PdflangError` (E607) where the prior is improper.
    """
    from pdflang.results.prediction import check_prediction, comparisons
    from pdflang.results.prediction.words import SMALLEST_P

    found = []
    for comparison in comparisons(model.predict(monitor=monitor, draws=_DATA_SETS, seed=seed)):
        p_value = check_prediction(comparison).p_value
        scale = max(float(np.median(np.abs(comparison.observed), axis=0)), float(np.std(comparison.observed)))
        wide = float(np.median(comparison.sd)) / scale if scale > 0 else 0.0
        if p_value < SMALLEST_P:
            found.append(
                _unexpected(
                    model,
                    comparison.name,
                    f"`{comparison.name}` lies farther from what the prior predicts than data do (p = {p_value:.2g})",
                    "look for a prior that excludes the data, a wrong unit or a wrong sign: `pdflang predict` draws it",
                )
            )
        elif wide > _FAR_WIDER:
            found.append(
                _unexpected(
                    model,
                    comparison.name,
                    f"the prior predicts `{comparison.name}` to vary {wide:.1g} times as much as the data are large",
                    "give priors the scale of the data: what they allow beyond costs time, and weighs in the evidence",
                )
            )
    return found


def _unexpected(model: Model, name: str, told: str, remedy: str) -> Diagnostic:
    return Diagnostic("L414", told, model.program.observations[name].span, remedy=remedy, severity="lint")


