"""Fits beside each other: what they share, how they predict the same data, how probable they make them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.results.maximum import axes_of, estimates_of
from pdflang.results.posterior import flat_draws, schemas_of
from pdflang.results.prediction import LeaveOneOut, leave_one_out, together
from pdflang.results.reading import Run
from pdflang.results.run_folder import not_a_run
from pdflang.results.schema import VariableSchema, entry_names
from pdflang.results.summary import LONG_ARRAY

_NAMES_SHOWN = 8

Moments = tuple[str, np.ndarray, np.ndarray]
"""Name, mean and standard deviation of a quantity."""


@dataclass(frozen=True)
class Estimate:
    """A number of a fit: the mean and standard deviation of its draws, or its value and error at a maximum."""

    mean: float
    sd: float


@dataclass(frozen=True)
class SharedRow:
    """An entry that two fits have at least. `sigmas` are (mean − first mean)/√(sd² + first sd²), None where unknown."""

    name: str
    estimates: tuple[Estimate | None, ...]
    sigmas: tuple[float | None, ...]


@dataclass(frozen=True)
class FitRow:
    """A fit: its method, what its errors are, χ² where it is known, and its errors over those of the first.

    `chi2` is that of all Gaussian observations, of `count` data, at the maximum or at the means of the draws. `widths`
    are the median, least and largest ratio of the errors of shared numbers, None for the first or where there are none.
    """

    name: str
    method: str
    errors: str
    chi2: float | None
    count: int | None
    widths: tuple[float, float, float] | None


@dataclass(frozen=True)
class LooRow:
    """A fit's elpd by PSIS-LOO with its standard error; how far it is below the best, with that of the difference.

    The error of a difference is that of the paired sum over the parts (Vehtari et al. 2017, eq. 24).
    """

    name: str
    elpd: float
    se: float
    p_loo: float
    difference: float
    se_difference: float
    largest_k: float
    good_k: float


@dataclass(frozen=True)
class EvidenceRow:
    """A fit's log Z with its error; how far it is below the largest, with the error of the difference."""

    name: str
    log_z: float
    error: float
    difference: float
    error_difference: float


@dataclass(frozen=True)
class SideBySide:
    """Several fits: names, how each came about, shared numbers, LOO and evidence, best first.

    `words` say what could not be compared.
    """

    names: tuple[str, ...]
    fits: tuple[FitRow, ...]
    rows: tuple[SharedRow, ...]
    loo: tuple[LooRow, ...]
    evidence: tuple[EvidenceRow, ...]
    words: tuple[str, ...]


Chi2 = tuple[float, int]
"""χ² of all Gaussian observations, and how many data these are."""


def compare(runs: Sequence[Run], tolerance: float = 1.0, chi2: Sequence[Chi2 | None] = ()) -> SideBySide:
    """The runs beside each other; differences are from the first.

    Errors that come from the curvature at a maximum are multiplied by the `tolerance`, the root of the Δχ² that they
    stand for. `chi2` is that of each run where somebody has computed it. Errors: E620 where one is given twice, E623
    where one has no result.
    """
    _require_different(runs)
    names = names_of(runs)
    moments = [list(_moments(run, tolerance)) for run in runs]
    for run, of_run in zip(runs, moments, strict=True):
        if not of_run:
            raise PdflangError(not_a_run(run.folder, "it has neither draws of a posterior nor a maximum"))
    estimates = [_estimates(run, of_run) for run, of_run in zip(runs, moments, strict=True)]
    words: list[str] = []
    rows = tuple(_shared(estimates))
    shared = {row.name for row in rows}
    for name, found in zip(names, estimates, strict=True):
        if alone := [entry for entry in found if entry not in shared]:
            words.append(f"only in {name}: {_listed(alone)}")
    long = dict.fromkeys(name for of_run in moments for name, mean, _ in of_run if mean.size > LONG_ARRAY)
    if long:
        words.append(f"numbers of arrays with more than {LONG_ARRAY} entries are not compared: {_listed(list(long))}")
    others = _other_data(runs, names)
    words += others
    loo = () if others else tuple(_loo(runs, names, words))
    evidence = () if others else tuple(_evidence(runs, names, words))
    known = [chi2[i] if i < len(chi2) else None for i in range(len(runs))]
    fits = tuple(_fits(runs, names, rows, tolerance, known))
    return SideBySide(tuple(names), fits, rows, loo, evidence, tuple(words))


def errors_of(run: Run, tolerance: float = 1.0) -> str:
    """What the errors of a run are, in words."""
    if run.draws is not None:
        sizes = run.draws["posterior"].sizes
        return f"{sizes['chain'] * sizes['draw']} draws"
    if run.replicas is not None:
        return f"{run.replicas.sizes['replica']} replicas of the data"
    return "curvature" if tolerance == 1 else f"curvature, Δχ² = {tolerance**2:g}"


def _fits(
    runs: Sequence[Run], names: Sequence[str], rows: Sequence[SharedRow], tolerance: float,
    known: Sequence[Chi2 | None],
) -> Iterator[FitRow]:  # fmt: skip
    for i, (name, run) in enumerate(zip(names, runs, strict=True)):
        pairs = [(row.estimates[0], row.estimates[i]) for row in rows]
        ratios = [own.sd / first.sd for first, own in pairs if first and own and first.sd > 0 and own.sd > 0]
        widths = (float(np.median(ratios)), min(ratios), max(ratios)) if ratios and i else None
        chi2, count = known[i] or (_chi2_of_maximum(run), None)
        yield FitRow(name, run.method, errors_of(run, tolerance), chi2, count, widths)


def _chi2_of_maximum(run: Run) -> float | None:
    found = (run.maximum or {}).get("chi2", {})
    return sum(found.values()) if found and all(value is not None for value in found.values()) else None


def _require_different(runs: Sequence[Run]) -> None:
    """PdflangError (E620) where two are of one folder, however it is written: a fit agrees with itself."""
    seen: set[Path] = set()
    for run in runs:
        folder = run.folder.resolve()
        if folder in seen:
            message = f"the run in `{run.folder}` is given twice"
            raise PdflangError(Diagnostic("E620", message, remedy="give the folders of different runs"))
        seen.add(folder)


def names_of(runs: Sequence[Run]) -> list[str]:
    """What tells the runs apart: the names of their folders, or their paths where these are equal."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else str(run.folder) for name, run in zip(names, runs, strict=True)]


def _schemas(run: Run) -> dict[str, VariableSchema]:
    if run.draws is not None:
        return schemas_of(run.draws)
    return axes_of(run.maximum) if run.maximum is not None else {}


def _estimates(run: Run, moments: Sequence[Moments]) -> dict[str, Estimate]:
    """All numbers of a fit by the names that it has for them itself, without those of long arrays."""
    found: dict[str, Estimate] = {}
    labels = _schemas(run)
    for name, mean, sd in moments:
        if mean.size <= LONG_ARRAY:
            entries = entry_names(name, mean.shape, labels.get(name, VariableSchema()))
            pairs = zip(mean.ravel(), sd.ravel(), strict=True)
            found |= {entry: Estimate(float(m), float(s)) for entry, (m, s) in zip(entries, pairs, strict=True)}
    return found


def _moments(run: Run, tolerance: float) -> Iterator[Moments]:
    """The quantities of a run: means and spread of draws; of a maximum its own value, with the spread of replicas."""
    if run.draws is not None:
        for name, variable in run.draws["posterior"].to_dataset().data_vars.items():
            flat = flat_draws(variable)
            sd = flat.std(axis=0, ddof=1) if len(flat) > 1 else np.full(flat.shape[1:], np.nan)
            yield str(name), flat.mean(axis=0), sd
    elif run.maximum is not None:
        for name, values, errors in estimates_of(run.maximum):
            if run.replicas is not None and name in run.replicas:
                again = np.asarray(run.replicas[name].transpose("replica", ...), float)
                yield name, values, again.std(axis=0, ddof=1) if len(again) > 1 else np.full(values.shape, np.nan)
            else:
                yield name, values, tolerance * errors


def _shared(estimates: Sequence[Mapping[str, Estimate]]) -> Iterator[SharedRow]:
    for name in dict.fromkeys(name for found in estimates for name in found):
        of_each = tuple(found.get(name) for found in estimates)
        if sum(estimate is not None for estimate in of_each) > 1:
            yield SharedRow(name, of_each, tuple(_sigmas(of_each[0], other) for other in of_each[1:]))


def _sigmas(first: Estimate | None, other: Estimate | None) -> float | None:
    if first is None or other is None:
        return None
    spread = math.hypot(first.sd, other.sd)
    return (other.mean - first.mean) / spread if spread > 0 and math.isfinite(spread) else None


def _other_data(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """What keeps predictions and evidence from being compared: data that are not the same."""
    observed = set().union(*map(_observed_names, runs))
    found = [_hashes(run, observed) for run in runs]
    words = []
    for name, other in zip(names[1:], found[1:], strict=True):
        differing = [datum for datum in {**found[0], **other} if found[0].get(datum) != other.get(datum)]
        if differing:
            there = f"{name} has other data than {names[0]}, {_listed(differing)}"
            words.append(f"LOO and evidence are not compared: {there}")
    return words


def _observed_names(run: Run) -> set[str]:
    """The data that a run observes, as far as it says so: one of `map` does not of all."""
    observed = set(map(str, run.maximum.get("chi2", {}))) if run.maximum is not None else set()
    if run.draws is not None:
        groups = [run.draws[name] for name in ("observed_data", "log_likelihood") if name in run.draws.children]
        observed |= {str(name) for group in groups for name in group.data_vars}
        observed |= {key.removesuffix("_events") for key in map(str, run.draws.attrs) if key.endswith("_events")}
    return observed


def _hashes(run: Run, names: Collection[str]) -> dict[str, Any]:
    """The hashes of data, with those of the columns of tables."""
    hashes = run.record.get("data", {})
    return {name: value for name, value in hashes.items() if name in names or name.rpartition(".")[0] in names}


def _loo(runs: Sequence[Run], names: Sequence[str], words: list[str]) -> list[LooRow]:
    """LOO of each run with the same parts, the best first."""
    found: dict[str, LeaveOneOut] = {}
    for name, run in zip(names, runs, strict=True):
        parts = leave_one_out(run.draws) if run.draws is not None else []
        if parts:
            found[name] = together(parts)
    if without := [name for name in names if name not in found]:
        remedy = "there is no log-likelihood; sample with `--log-likelihood`"
        words.append(f"no LOO of {', '.join(without)}: {remedy}")
    if len(found) < 2:
        return []
    first = next(iter(found.values())).entries
    for name in [name for name, one in found.items() if one.entries != first]:
        del found[name]
        words.append(f"no LOO of {name}: the parts of its data that are left out are others")
    if len(found) < 2:
        return []
    ordered = sorted(found.items(), key=lambda item: -item[1].elpd)
    best = ordered[0][1]
    rows = [_loo_row(name, one, best) for name, one in ordered]
    words += [
        f"the elpd of {row.name} is not reliable: its largest Pareto k is {row.largest_k:.2f}, above {row.good_k:.2f}"
        for row in rows
        if row.largest_k > row.good_k
    ]
    return rows


def _loo_row(name: str, one: LeaveOneOut, best: LeaveOneOut) -> LooRow:
    differences = one.elpd_i - best.elpd_i
    error = math.sqrt(len(differences) * float(differences.var()))
    largest = float(one.pareto_k[one.worst])
    return LooRow(name, one.elpd, one.se, one.p_loo, float(differences.sum()), error, largest, one.good_k)


def _evidence(runs: Sequence[Run], names: Sequence[str], words: list[str]) -> list[EvidenceRow]:
    found: dict[str, tuple[float, float]] = {}
    for name, run in zip(names, runs, strict=True):
        attributes = run.draws.attrs if run.draws is not None else {}
        if "log_evidence" in attributes:
            found[name] = (float(attributes["log_evidence"]), float(attributes["log_evidence_error"]))
    if 0 < len(found) < len(names):
        without = [name for name in names if name not in found]
        words.append(f"no evidence of {', '.join(without)}: `sample --method smc` and `--method nested` give it")
    if not found:
        return []
    ordered = sorted(found.items(), key=lambda item: -item[1][0])
    best_name, (best, best_error) = ordered[0]
    return [
        EvidenceRow(name, log_z, error, log_z - best, 0.0 if name == best_name else math.hypot(error, best_error))
        for name, (log_z, error) in ordered
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_NAMES_SHOWN]) + more
