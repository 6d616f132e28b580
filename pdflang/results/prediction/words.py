"""Predictions in words: the tables, and what is wrong, with what to do about it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pdflang.results.diagnostics import Finding
from pdflang.results.posterior import DRAW_AXES
from pdflang.results.prediction.checks import PredictiveCheck
from pdflang.results.prediction.comparison import Comparison
from pdflang.results.prediction.leave_one_out import FEWEST_DRAWS, LeaveOneOut, together
from pdflang.results.tables import aligned, csv_text

if TYPE_CHECKING:
    import xarray

SMALLEST_P = 0.01
"""A smaller p-value, or one as close to 1, is worth a word."""

_FEWEST_DRAWS = 100
_NAMES_SHOWN = 5
_QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
_COLUMNS = ("entry", "observed", "mean", "sd", *(f"{q:g}" for q in _QUANTILES), "pull", "elpd", "pareto_k")
_AGREEMENT = ("", "data", "χ² / n", "p", "in 68%", "in 95%", "largest pull")
_PREDICTION = ("LOO", "parts", "elpd", "SE", "p_loo", "largest k")


def to_text(checks: Sequence[PredictiveCheck], found: Sequence[LeaveOneOut]) -> str:
    """The tables: how data agree with their prediction; how each is predicted from the others, where that is known."""
    if not checks:
        return "There are no data that a prediction could be compared with.\n"
    agreement = _aligned(agreement_table(checks))
    return f"{agreement}\n{_aligned(prediction_table(found))}" if found else agreement


def agreement_table(checks: Sequence[PredictiveCheck]) -> list[tuple[str, ...]]:
    """How data agree with their prediction: headings, then a line for each observation."""
    return [_AGREEMENT, *map(_agreement, checks)]


def prediction_table(found: Sequence[LeaveOneOut]) -> list[tuple[str, ...]]:
    """How well data are predicted from the others: headings, a line for each observation, and one for all."""
    shown = [*found, *([together(found)] if len(found) > 1 else [])]
    return [_PREDICTION, *map(_prediction, shown)]


def to_csv(comparisons: Sequence[Comparison], found: Sequence[LeaveOneOut]) -> str:
    """A row for every entry: data, prediction and pull; of what is left out, elpd and Pareto k."""
    rows: dict[str, list[float | str]] = {}
    for one in comparisons:
        columns = [one.observed, one.mean, one.sd, *np.quantile(one.predicted, _QUANTILES, axis=0), one.pulls]
        rows |= {entry: [float(c[i]) for c in columns] + ["", ""] for i, entry in enumerate(one.entries)}
    for left_out in found:
        for entry, elpd, k in zip(left_out.entries, left_out.elpd_i, left_out.pareto_k, strict=True):
            rows[entry] = [*rows.get(entry, [""] * (len(_COLUMNS) - 1))[:-2], float(elpd), float(k)]
    return csv_text(_COLUMNS, ([entry, *row] for entry, row in rows.items()))


def findings_of(
    checks: Sequence[PredictiveCheck], found: Sequence[LeaveOneOut], tree: xarray.DataTree
) -> list[Finding]:
    """What the predictions of a tree give away, the worst first; empty where data and model agree."""
    kind = str(tree.attrs["kind"])
    findings = [finding for check in checks for finding in _of_check(check, kind)]
    findings += [finding for one in found for finding in _of_loo(one)]
    draws = math.prod(tree[kind].sizes[axis] for axis in DRAW_AXES) if kind in tree.children else _FEWEST_DRAWS
    if kind == "posterior":
        findings += _without_density(tree)
    if draws < _FEWEST_DRAWS:
        lost = ", and there is no LOO" * (kind == "posterior" and draws < FEWEST_DRAWS)
        sentence = f"{draws} draws are few: intervals and p-values are rough{lost}"
        findings.append(Finding("warning", sentence, "predict at more of them (`--draws`)"))
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def _agreement(check: PredictiveCheck) -> tuple[str, ...]:
    chi2 = f"{_short(check.chi2)} / {check.entries}"
    inside = (f"{count} of {check.entries}" for count in check.inside)
    p_value = "–" if math.isnan(check.p_value) else f"{check.p_value:{'.3f' if check.p_value >= 1e-3 else '.0e'}}"
    pull = f"{check.largest_pull:.2f} at {check.pulled}" if check.pulled else "–"
    return (check.name, str(check.data), chi2, p_value, *inside, pull)


def _prediction(one: LeaveOneOut) -> tuple[str, ...]:
    worst = f"{one.pareto_k[one.worst]:.2f} at {one.entries[one.worst]}"
    error = "–" if math.isnan(one.se) else f"{one.se:.2f}"
    return (one.name, str(len(one.entries)), f"{one.elpd:.2f}", error, f"{one.p_loo:.2f}", worst)


def _short(chi2: float) -> str:
    return f"{chi2:.2f}" if chi2 < 1e5 else f"{chi2:.3g}"


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    """The first and the last column to the left, numbers to the right."""
    return "\n".join(aligned(lines, left=(0, len(lines[0]) - 1))) + "\n"


def _of_check(check: PredictiveCheck, kind: str) -> Iterator[Finding]:
    p_value = check.p_value
    if math.isnan(p_value):
        yield Finding(
            "error",
            f"predictions of {check.name} are not finite",
            "look for a division by 0, or parameters that the prior should exclude",
            (check.name,),
        )
    elif p_value < SMALLEST_P and kind == "prior":
        yield Finding(
            "warning",
            f"{check.name} lies farther from what the prior predicts than data usually do (p = {p_value:.2g})",
            "look at its picture: a prior that excludes the data, a wrong unit or a wrong sign",
            (check.name,),
        )
    elif p_value < SMALLEST_P:
        yield Finding(
            "warning",
            f"{check.name} lies farther from its prediction than data of this model do (p = {p_value:.2g})",
            "look at the pulls in its picture: an effect that the model lacks, or errors that are too small",
            (check.name,),
        )
    elif p_value > 1 - SMALLEST_P and kind == "posterior":
        yield Finding(
            "note",
            f"{check.name} lies closer to its prediction than data of this model do (p = {p_value:.4g})",
            "errors may be too large, or the model so free that it follows every fluctuation",
            (check.name,),
        )


def _without_density(tree: xarray.DataTree) -> Iterator[Finding]:
    remedy = "only its prediction can be compared"
    for name, reason in json.loads(tree.attrs["without_density"]).items():
        yield Finding("note", f"there is no LOO of {name}: {reason}", remedy, (name,))


def _of_loo(one: LeaveOneOut) -> Iterator[Finding]:
    doubtful = np.argsort(-one.pareto_k)[: int(np.sum(one.pareto_k > one.good_k))]
    if len(doubtful):
        names = [one.entries[i] for i in doubtful]
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        yield Finding(
            "warning",
            f"Pareto k is above {one.good_k:.2f} for {', '.join(names[:_NAMES_SHOWN])}{more}: the posterior without "
            f"is far from this one, and elpd of {one.name} is not reliable",
            "draw more (`sample --draws`); if k stays, such data decide alone: sample without to see what changes",
            tuple(names),
        )
