"""Which method is best on a model: errors against a long run, costs, and the order that follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pdflang.results.bench.distance import Distance, distance_between
from pdflang.results.sufficiency import LARGEST_RHAT

FAILURE = "failure"
"""The field of a record that says why there are no draws."""

Verdict = Literal["agrees", "not converged", "differs", "not known", "none"]

_ORDER: tuple[Verdict, ...] = ("agrees", "not known", "not converged", "differs", "none")

FALSE_ALARM = 1e-3
"""The probability that a method without an error is said to have one (Bonferroni over means and widths)."""


@dataclass(frozen=True)
class Deviation:
    """Means, or standard deviations, of the parameters beside those of the reference.

    In units of the Monte Carlo errors of both, taken together: the `largest`, of which entry it is, and the root mean
    square over entries. `shift` is the largest one in standard deviations of the reference, of means, or relative, of
    standard deviations: it has a sign, and is that of the entry whose deviation is the most significant.
    """

    largest: float
    rms: float
    name: str
    shift: float


@dataclass(frozen=True)
class Contestant:
    """A method with its options, by a name of its own; `refused` says why it cannot run on the model."""

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    approximates: bool = False
    refused: str | None = None


@dataclass(frozen=True)
class Row:
    """One method: what it cost, what its draws are worth and how far they are from the reference.

    `why` says why there is nothing, where there are no draws. `seconds` are those of drawing with the warmup and
    without compilation, `gradients` and `evaluations` of the density alone are with the warmup, too. `ess` is the least
    bulk effective sample size of a parameter, `memory` the peak of the whole process in bytes. `scaling` has the
    effective draws per second by the number of cores.
    """

    name: str
    method: str
    approximates: bool
    verdict: Verdict
    why: str | None = None
    cores: int = 1
    drawn_by: str = ""
    chains: int = 0
    draws: int = 0
    seconds: float = math.nan
    compile_seconds: float = math.nan
    gradients: int = 0
    evaluations: int = 0
    ess: float = math.nan
    rhat: float | None = None
    divergences: int = 0
    memory: int | None = None
    log_evidence: tuple[float, float] | None = None
    pareto_k: float | None = None
    means: Deviation | None = None
    widths: Deviation | None = None
    error: float = math.nan
    """The root mean square of deviations of means, in standard deviations of the reference."""
    distance: Distance | None = None
    remarks: tuple[str, ...] = ()
    scaling: Mapping[int, float] = field(default_factory=dict)

    @property
    def ess_per_second(self) -> float:
        return self.ess / self.seconds

    @property
    def ess_per_thousand(self) -> float | None:
        """Effective draws of a thousand evaluations of the gradient, or of the density where there are no gradients."""
        count = self.gradients or self.evaluations
        return 1000 * self.ess / count if count else None

    @property
    def is_exact(self) -> bool:
        """Whether it may be recommended for numbers that are published."""
        return self.verdict == "agrees" and not self.approximates


@dataclass(frozen=True)
class Reference:
    """The long run that the others are compared with; `why` says why there is none that can be relied on."""

    name: str
    why: str | None = None
    drawn_by: str = ""
    draws: int = 0
    seconds: float = math.nan
    ess: float = math.nan
    rhat: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return self.why is None


@dataclass(frozen=True)
class Bench:
    """The methods on one model, the best first. `interrupted`: some of them were not run."""

    model: str
    rows: tuple[Row, ...]
    reference: Reference
    budget: float
    seed: int
    interrupted: bool = False

    @property
    def best(self) -> Row | None:
        """The exact method with the most effective draws per second; None where none has none of an error."""
        return next((row for row in self.rows if row.is_exact), None)

    def __getitem__(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def __repr__(self) -> str:
        best = self.best
        return f"<Bench of {len(self.rows)} methods: {f'{best.name} is the best' if best else 'none is recommended'}>"


@dataclass(frozen=True, eq=False)
class Run:
    """The record of one run and its thinned draws (n, dimension) on the unconstrained scale, if it has any."""

    record: Mapping[str, Any]
    draws: np.ndarray | None = None


TRUTH = "the truth that was given"


def exact(moments: Mapping[str, tuple[float, float]]) -> Run:
    """A posterior that is known: mean and standard deviation by the names of entries, of all parameters or of some."""
    means, spreads = zip(*moments.values(), strict=True)
    nothing = [0.0] * len(moments)
    return Run(
        {"names": list(moments), "mean": list(means), "sd": list(spreads), "mean_error": nothing, "sd_error": nothing}
    )


def reference_of(name: str, run: Run | None) -> Reference:
    """What a reference is worth."""
    if run is None:
        return Reference(name, "it was not run")
    record = run.record
    if FAILURE in record:
        return Reference(name, str(record[FAILURE]))
    rhat, ess = record["rhat"], record["ess"]
    why = None
    if rhat is None or rhat >= LARGEST_RHAT:
        why = f"it has not converged: R-hat is {'not known' if rhat is None else f'{rhat:.3f}'}"
    elif not math.isfinite(ess):
        why = "its effective sample size is not known"
    return Reference(
        name, why, record["drawn_by"], record["chains"] * record["draws"], record["seconds"], ess, rhat,
        tuple(record["remarks"]),
    )  # fmt: skip


def ranked(
    contestants: Sequence[Contestant], runs: Mapping[tuple[str, int], Run], reference: Run | None, known: bool,
    seed: int,
) -> tuple[Row, ...]:  # fmt: skip
    """A row for each contestant that was refused or has run, on the most cores that it ran on; the best first.

    `runs` are by name and cores. The `reference` counts where it is `known` to be one.
    """
    rows = []
    for one in contestants:
        own = {cores: run for (name, cores), run in runs.items() if name == one.name}
        if one.refused is not None:
            rows.append(Row(one.name, one.method, one.approximates, "none", one.refused))
        elif own:
            cores = max(own)
            scaling = {count: _speed(run.record) for count, run in sorted(own.items()) if FAILURE not in run.record}
            rows.append(_row(one, cores, own[cores], reference if known else None, scaling, seed))
    return tuple(sorted(rows, key=_place))


def _place(row: Row) -> tuple[int, bool, float]:
    return _ORDER.index(row.verdict), row.approximates, -row.ess_per_second if row.ess > 0 else 0.0


def _speed(record: Mapping[str, Any]) -> float:
    return float(record["ess"] / record["seconds"])


def _row(
    one: Contestant, cores: int, run: Run, reference: Run | None, scaling: Mapping[int, float], seed: int
) -> Row:
    record = run.record
    memory = record.get("memory")
    if FAILURE in record:
        return Row(one.name, one.method, one.approximates, "none", str(record[FAILURE]), cores, memory=memory)
    means = widths = distance = None
    error = math.nan
    verdict: Verdict = "not known"
    if reference is not None:
        means, widths, error = deviations(record, reference.record)
        if run.draws is not None and reference.draws is not None:
            distance = distance_between(run.draws, reference.draws, seed)
        bound = largest_by_chance(len(record["names"]))
        is_off = max(means.largest, widths.largest) > bound or (distance is not None and distance.is_significant)
        verdict = "differs" if is_off else "agrees"
    # Of chains that do not agree with each other, errors are not known. Parts of an approximation always do.
    if not (one.approximates or _has_converged(record)):
        verdict = "not converged"
    evidence = record["log_evidence"]
    return Row(
        one.name, one.method, one.approximates, verdict, None, cores, record["drawn_by"], record["chains"],
        record["draws"], record["seconds"], record["compile_seconds"], record["gradients"], record["evaluations"],
        record["ess"], record["rhat"], record["divergences"], memory,
        (evidence["log_z"], evidence["error"]) if evidence else None, record["pareto_k"], means, widths, error,
        distance, tuple(record["remarks"]), scaling if len(scaling) > 1 else {},
    )  # fmt: skip


def deviations(own: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[Deviation, Deviation, float]:
    """Of means and of standard deviations that the reference has, and the root mean square of the shifts of means."""
    places = [own["names"].index(name) for name in reference["names"]]
    moments = ("names", "mean", "sd", "mean_error", "sd_error")
    own = {name: [own[name][place] for place in places] for name in moments}
    spread = np.array(reference["sd"], float)
    scale = np.where(spread > 0, spread, 1.0)
    away = (np.array(own["mean"]) - np.array(reference["mean"])) / scale
    wider = np.array(own["sd"]) / scale - 1
    return (
        _deviation(own, reference, "mean", away),
        _deviation(own, reference, "sd", wider),
        float(np.sqrt(np.mean(away**2))),
    )


def _deviation(own: Mapping[str, Any], reference: Mapping[str, Any], what: str, shift: np.ndarray) -> Deviation:
    """One that has no error, as of draws that are all the same, is as far as can be where it is not equal."""
    values, known = np.array(own[what], float), np.array(reference[what], float)
    errors = [np.nan_to_num(np.array(one[f"{what}_error"], float)) for one in (own, reference)]
    with np.errstate(divide="ignore", invalid="ignore"):
        sigmas = np.abs(values - known) / np.hypot(*errors)
    sigmas = np.where(np.isnan(sigmas), np.where(values == known, 0.0, np.inf), sigmas)
    worst = int(np.argmax(sigmas))
    return Deviation(
        float(sigmas[worst]), float(np.sqrt(np.mean(sigmas**2))), own["names"][worst], float(shift[worst])
    )


def largest_by_chance(entries: int) -> float:
    """The largest deviation of so many means and as many widths, in their errors, that chance still explains."""
    from scipy.stats import norm

    return float(norm.isf(FALSE_ALARM / (4 * max(1, entries))))


def _has_converged(record: Mapping[str, Any]) -> bool:
    """Whether R-hat says so; a number that has none, such as of one chain, is not held against it."""
    return record["rhat"] is None or record["rhat"] < LARGEST_RHAT
