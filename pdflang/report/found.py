"""What a report tells of a run, section by section."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.ensemble import centre_of, ensemble_of
from pdflang.inference.options import PredictOptions
from pdflang.predictive.measured import Measured, measured
from pdflang.report import functions, posterior, prediction
from pdflang.report.curves import MOST_DRAWS, Curve, computed_curves, stored_curves
from pdflang.report.parts import Picture, Section, Table, TableRow, drawn, table_of, verdict
from pdflang.results import bootstrap as replicas
from pdflang.results.maximum import axes_of, estimates_of, words_on_errors
from pdflang.results.posterior import group_of, posterior_tree
from pdflang.results.prediction import LeaveOneOut, check_prediction, comparisons, leave_one_out
from pdflang.results.prediction.words import agreement_table, findings_of, prediction_table
from pdflang.results.reading import Run
from pdflang.results.schema import VariableSchema, entry_names
from pdflang.results.summary import HEADINGS, LONG_ARRAY, cells, shown, summarise
from pdflang.results.trees import Group, Tree

if TYPE_CHECKING:
    import xarray

    from pdflang.ensemble import Ensemble
    from pdflang.inference import Monitor
    from pdflang.model import CompiledModel

PREDICTED = 300
"""Draws at which data are predicted for a report."""

_ROOM = 2**24
"""Numbers of outputs that are computed around a maximum, at most."""

_ROLES = {"param": "parameters", "nuisance": "nuisance parameters", "derived": "derived", "output": "outputs"}
_BANDS = "The line is the median of the posterior, the bands are the central 68% and 95%."
_ENTRIES = "Points are medians of the posterior, bars the central 68% and 95%."
_MAXIMUM = "At the maximum."
_CURVATURE = "Errors come from the curvature of the log-density at the maximum."
_MINOS = "− and + are how far a parameter goes until the log-density is ½ lower, all other parameters being free."


def summary_of(run: Run, anchors: Mapping[str, str]) -> Table | None:
    """The table of a posterior, or of a maximum; None where there is neither."""
    drawn = run.drawn
    if drawn is not None:
        return _of_draws(drawn, anchors)
    if run.maximum is not None:
        return _of_maximum(run.maximum, anchors)
    return None


def _of_draws(drawn: xarray.Dataset, anchors: Mapping[str, str]) -> Table:
    rows = summarise(Tree({"posterior": Group.of(drawn)}))
    notes: list[str] = []
    parts: list[TableRow] = []
    groups = [(role, list(group)) for role, group in groupby(shown(rows, notes), lambda row: row.role)]
    for role, group in groups:
        parts += [TableRow(_ROLES[role], part=True)] * (len(groups) > 1)
        parts += [TableRow(row.name, cells(row), anchors.get(row.variable)) for row in group]
    notes.append("5% and 95% are the ends of the central 90% interval; MCSE is the standard error of the mean.")
    return Table(("", *HEADINGS), tuple(parts), tuple(notes))


def _of_maximum(maximum: Mapping[str, Any], anchors: Mapping[str, str]) -> Table:
    axes = axes_of(maximum)
    rows: list[TableRow] = []
    notes: list[str] = []
    minos = maximum.get("minos")
    for name, values, errors in estimates_of(maximum):
        names = entry_names(name, values.shape, axes.get(name, VariableSchema()))
        columns = [errors.reshape(-1, 1)]
        if minos:
            columns.append(np.array(minos.get(name, np.full((*values.shape, 2), np.nan)), dtype=float).reshape(-1, 2))
        found = zip(names[:LONG_ARRAY], values.ravel(), np.hstack(columns), strict=False)
        rows += [TableRow(entry, (f"{v:.6g}", *map(_error, of_one)), anchors.get(name)) for entry, v, of_one in found]
        if values.size > LONG_ARRAY:
            notes.append(f"{name}: {LONG_ARRAY} of {values.size} entries shown; all are in map.json")
    notes += words_on_errors(maximum.get("weighted", [])) or [_CURVATURE]
    if minos:
        notes.append(_MINOS)
    return Table(("", "value", "error", *(("−", "+") if minos else ())), tuple(rows), tuple(notes))


def replicas_of(run: Run) -> Table | None:
    """The table of fits of replicated data; None where there were none."""
    record = (run.maximum or {}).get("bootstrap")
    if record is None:
        return None
    lines, cut = replicas.table(replicas.rows_of(record))
    return replace(table_of(lines), notes=(*cut, *replicas.account(record)))


def _error(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"


def parameters_of(run: Run) -> Section:
    """Pairs of parameters, traces and ranks."""
    drawn = run.drawn
    if drawn is None:
        return Section()
    found = posterior.columns(drawn)
    if not found:
        return Section(("No parameter varies over the draws.",))
    first = found[: posterior.MOST]
    words = [f"The first {len(first)} of {len(found)} entries of parameters are drawn."] * (len(found) > len(first))
    return Section(tuple(words), pictures=tuple(_pictures_of(first, is_chain=run.draws is not None)))


def _pictures_of(columns: Sequence[posterior.Column], is_chain: bool) -> Iterator[Picture]:
    said = "Regions of highest density that hold 68% and 95% of the draws; histograms on the diagonal."
    yield drawn("corner", "Pairs of parameters", said, lambda: posterior.corner(columns), wide=True)
    if is_chain and columns[0].values.shape[1] >= 4:
        said = (
            "Left: draws in their order, a colour for each chain. Right: how many draws of each chain have which rank; "
            "where chains agree, all lie about the dotted line."
        )
        yield drawn("traces", "Traces and ranks", said, lambda: posterior.traces(columns), wide=True)


def functions_of(run: Run, model: CompiledModel | None) -> Section:
    """Functions that the model infers: pdfs and theories of one variable, and outputs."""
    curves, words = curves_of(run, model)
    groups = [list(group) for _, group in groupby(curves, lambda curve: curve.declared)]
    pictures = [_picture_of(number, group) for number, group in enumerate(groups)]
    return Section(tuple(words), pictures=tuple(pictures))


def curves_of(
    run: Run, model: CompiledModel | None, tolerance: float = 1.0
) -> tuple[list[Curve], list[str]]:  # fmt: skip
    """The functions of a run, those that need the model where it is given, and why others are not there.

    Around a maximum members are `tolerance` times as far away as its covariance has it.
    """
    ensemble = ensemble_of(run, model, MOST_DRAWS, tolerance) if model is not None else None
    if run.drawn is not None:
        stored = list(stored_curves(run.drawn))
    elif model is not None and ensemble is not None:
        stored = [_of_ensemble(curve, ensemble) for curve in _outputs_at(run, model, ensemble)]
    else:
        stored = []
    if model is None or ensemble is None:
        return stored, []
    computed, words = computed_curves(model, ensemble.everything)
    return [*(_of_ensemble(curve, ensemble) for curve in computed), *stored], words


def _of_ensemble(curve: Curve, ensemble: Ensemble) -> Curve:
    """A curve of all parameters of an ensemble, its centre apart."""
    centre, members = ensemble.split(curve.values)
    return replace(curve, values=members, centre=centre, of=ensemble.words)


def _outputs_at(run: Run, model: CompiledModel, ensemble: Ensemble) -> Iterator[Curve]:
    """The outputs of a maximum and of the members around it, as many as there is room for."""
    import jax

    from pdflang.fields import schemas

    size = sum(np.size(value) for value in (run.maximum or {}).get("derived", {}).values())
    some = {name: values[: max(2, _ROOM // max(size, 1))] for name, values in ensemble.everything.items()}
    with jax.enable_x64(True):
        found = model.functions.deriveds(some, model.arrays)
    group = group_of({name: np.asarray(found[name])[None] for name in model.program.outputs}, schemas(model))
    if group is not None:
        yield from stored_curves(group.to_xarray())


def _picture_of(number: int, group: list[Curve]) -> Picture:
    names = [curve.name for curve in group]
    title = names[0] if len(group) == 1 else group[0].declared
    caption = _caption(group[0])
    return drawn(f"function{number}", title, f"{title}. {caption}", lambda: functions.picture(group, names))


def _caption(curve: Curve) -> str:
    if curve.centre is None:
        return _BANDS if curve.points is not None else _ENTRIES
    if len(curve.values) == 1:
        return _MAXIMUM
    shapes = ("The line is", "the bands are") if curve.points is not None else ("Points are", "bars are")
    return f"{shapes[0]} at the maximum, {shapes[1]} the central 68% and 95% of {curve.of}."


def data_of(run: Run, model: CompiledModel | None, monitor: Monitor | None = None) -> Section:
    """Every observation beside its prediction, in numbers and pictures."""
    try:
        tree = _predictions(run, model, monitor)
    except PdflangError as failure:
        return Section((f"Data could not be predicted: {failure.diagnostics[0].message}.",))
    found = list(comparisons(tree)) if tree is not None else []
    if tree is None or not found:
        return Section()
    loo = _left_out(run, model)
    checks = [check_prediction(one) for one in found]
    tables = [table_of(agreement_table(checks))]
    if loo:
        tables.append(table_of(prediction_table(loo)))
    of_sets = _of_sets(run, model, [one.name for one in found])
    if of_sets:
        tables.append(table_of(_sets_table(of_sets)))
    draws = found[0].predicted.shape[0]
    at = "at the maximum" if run.maximum is not None else f"at draws of the {found[0].kind}"
    words = (f"{draws} data sets were drawn {at}; p is the probability of a larger χ² of data of this model.",)
    pictures = tuple(
        drawn(
            f"data{number}",
            f"{one.name} and its prediction",
            f"{one.name}: data on the mean and the central 68% and 95% of their prediction; below, (data − mean)/sd.",
            lambda one=one: prediction.figure_of(one, (functions.SIZE[0], 3.6)),  # type: ignore[misc]
        )
        for number, one in enumerate(found)
    ) + tuple(_picture_of_set(number, one) for number, one in enumerate(of_sets))
    if run.predictions is not None:  # such a run has said so itself
        return Section(words, (), tuple(tables), pictures)
    # That LOO is not reliable says nothing against the fit.
    return Section(
        words, tuple(findings_of(checks, loo, tree)), tuple(tables), pictures, verdict(findings_of(checks, (), tree))
    )


def _of_sets(run: Run, model: CompiledModel | None, names: Sequence[str]) -> list[Measured]:
    """The measured data sets of observations, at the maximum or the means of the draws."""
    point = centre_of(run, model) if model is not None else None
    if model is None or point is None:
        return []
    return [one for name in names for one in measured(model, name, point)]


def _sets_table(of_sets: Sequence[Measured]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("data set", "data", "χ²", "χ² / n", "largest pull")]
    for one in of_sets:
        count, largest = len(one.observed), one.pulls[np.argmax(np.abs(one.pulls))]
        lines.append((one.name, str(count), f"{one.chi2:.2f}", f"{one.chi2 / count:.2f}", f"{largest:.2f}"))
    return lines


def _picture_of_set(number: int, one: Measured) -> Picture:
    title = f"{one.name}: χ² {one.chi2:.1f} for {len(one.observed)}"
    moved = " with the systematic shifts that fit best, data with the other errors" if one.has_shifts else ""
    said = f"{title}. Data over the prediction; the line is the prediction{moved}. Below, pulls."
    return drawn(f"set{number}", title, said, lambda: prediction.figure_of_set(one, (functions.SIZE[0], 3.1)))


def _left_out(run: Run, model: CompiledModel | None) -> list[LeaveOneOut]:
    """LOO by all draws of a run, where it has kept their log-likelihood; else by as many as `predict` takes."""
    from pdflang.predictive import with_likelihood

    kept = run.predictions if run.predictions is not None else run.draws
    if kept is None or model is None or "log_likelihood" in kept.children:
        return leave_one_out(kept) if kept is not None else []
    return leave_one_out(with_likelihood(model, kept, PredictOptions().draws)) if run.draws is not None else []


def _predictions(run: Run, model: CompiledModel | None, monitor: Monitor | None) -> xarray.DataTree | None:
    """Data that the run has predicted, or that its draws or its maximum predict now."""
    from pdflang.predictive import predict

    if run.predictions is not None or model is None or not model.program.observations:
        return run.predictions
    options = PredictOptions(draws=PREDICTED)
    if run.draws is not None:
        return predict(model, options, run.draws, monitor)
    if run.maximum is None:
        return None
    point = {n: np.asarray(run.maximum["params"][n], dtype=float) for n in model.program.parameters}
    repeated = {n: np.broadcast_to(value, (1, PREDICTED, *value.shape)) for n, value in point.items()}
    return predict(model, options, posterior_tree(repeated, {}).to_xarray(), monitor)
