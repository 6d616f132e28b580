"""A closure test: how far fits of data with a known truth are from it, beside the uncertainties that they state.

Estimators are those of NNPDF4.0 (Ball et al., Eur. Phys. J. C 82 (2022) 428, arXiv:2109.02653, section 6), with C the
covariance of the data, relative to the truth where it refers to a fit:

    bias_f = (T̄_f − T*)ᵀ C⁻¹ (T̄_f − T*)                 variance_f = ⟨(T_fk − T̄_f)ᵀ C⁻¹ (T_fk − T̄_f)⟩_k
    R_bv = √(⟨bias⟩_f / ⟨variance⟩_f)                     ξ = ⟨1[|δ_fi| < σ_fi]⟩ along the eigenvectors of C
    φ = √((⟨χ²_k⟩ − χ²[T̄]) / N)

Of K replicas the mean is uncertain by variance/K: bias is less that, and variance is over K − 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pdflang.results.calibration.uniformity import ecdf_p_value
from pdflang.results.diagnostics import Finding
from pdflang.results.diagnostics import to_text as findings_text
from pdflang.results.tables import aligned

BOOTSTRAPS = 1000
FEWEST_FITS = 10
"""Fits from which on something is said of errors."""

_FEWEST_DRAWS = 19
_FAR = 3.0
"""Standard errors from which on a deviation is told."""

_ROWS = 20

_SETTINGS = ("level", "method", "fits", "replicas", "lost", "seed", "interrupted")


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, by the bootstrap over fits."""

    value: float
    error: float


@dataclass(frozen=True)
class Space:
    """Estimators of some numbers: of all data, of a data set, of an output. `count` is how many there are."""

    name: str
    count: int
    bias: Estimate
    variance: Estimate
    r_bv: Estimate
    xi: Estimate


@dataclass(frozen=True)
class Closure:
    """The result of `fits` fits of `replicas` each at a `level`.

    `data` are the estimators in the space of data, divided by the number of data, and `phi` that of NNPDF; `sets` those
    of each measured data set by its own block of C; `outputs` those of outputs, and of parton densities over x, with
    their own variances in place of C. Without replicas only `data.bias` is a number, at level 0
    how far a fit of the truth is from it. `ranks` are p-values of uniform ranks of the true parameters among replicas.
    """

    level: int
    method: str
    fits: int
    replicas: int
    data: Space
    phi: Estimate
    chi2: Estimate
    sets: tuple[Space, ...]
    outputs: tuple[Space, ...]
    ranks: Mapping[str, float]
    failures: Mapping[int, str]
    lost: int
    seed: int
    interrupted: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, in words."""
        return tuple(_findings(self))

    @property
    def faithful(self) -> bool:
        """Whether nothing says that uncertainties are wrong."""
        return not any(finding.severity == "error" for finding in self.findings)


def assessed(records: Sequence[Mapping[str, Any]], seed: int, replicas: int) -> dict[str, Any]:
    """The estimators of records of fits: `data`, `phi`, `chi2`, `sets`, `outputs` and `ranks` of a `Closure`."""
    random = np.random.default_rng([seed, 1])
    chosen = random.integers(len(records), size=(BOOTSTRAPS, len(records))) if records else np.zeros((0, 0), int)

    def estimated(rows: Sequence[Mapping[str, Any]], name: str, count: int) -> Space:
        bias, variance, inside = (np.array([row[key] for row in rows], float) for key in ("bias", "variance", "inside"))
        bias, variance = bias / count, variance / count
        return Space(
            name,
            count,
            _estimate(lambda rows: bias[rows].mean(-1), chosen),
            _estimate(lambda rows: variance[rows].mean(-1), chosen),
            _estimate(lambda rows: _ratio(bias[rows].mean(-1), variance[rows].mean(-1)), chosen),
            _estimate(lambda rows: inside[rows].mean(-1), chosen),
        )

    phi, chi2 = (np.array([record[key] for record in records], float) for key in ("phi", "chi2"))

    def each(key: str) -> tuple[Space, ...]:
        # Those that an earlier version has kept may lack some.
        found = [record.get(key, {}) for record in records]
        names = [name for name in (found[0] if found else ()) if all(name in one for one in found)]
        return tuple(estimated([one[name] for one in found], name, found[0][name]["count"]) for name in names)

    enough = len(records) >= FEWEST_FITS and replicas >= _FEWEST_DRAWS
    ranked = list(records[0]["ranks"]) if records and enough else []
    return {
        "data": estimated(records, "data", records[0]["count"] if records else 1),
        "phi": _estimate(lambda rows: phi[rows].mean(-1), chosen),
        "chi2": _estimate(lambda rows: chi2[rows].mean(-1), chosen),
        "sets": each("sets"),
        "outputs": each("outputs"),
        "ranks": {n: ecdf_p_value(np.array([record["ranks"][n] for record in records]), replicas) for n in ranked},
    }


def _estimate(of_rows: Callable[[Any], Any], chosen: np.ndarray) -> Estimate:
    """A statistic of all fits, and its spread over fits drawn again."""
    if not chosen.size:
        return Estimate(math.nan, math.nan)
    with np.errstate(all="ignore"):
        value = float(of_rows(np.arange(chosen.shape[1])))
        return Estimate(value, float(np.std(of_rows(chosen))) if chosen.shape[1] > 1 else math.nan)


def _ratio(bias: Any, variance: Any) -> Any:
    return np.sqrt(np.maximum(bias, 0.0) / variance)


def expected_xi(r_bv: float) -> float:
    """ξ of normal deviations that are `r_bv` times as large as stated: erf(1/(√2 R_bv))."""
    return math.erf(1 / (math.sqrt(2) * r_bv)) if r_bv > 0 else 1.0


def _findings(closure: Closure) -> Iterator[Finding]:
    made = closure.fits + len(closure.failures)
    if closure.failures:
        first, message = min(closure.failures.items())
        yield Finding(
            "error" if len(closure.failures) > 0.1 * made else "warning",
            f"{len(closure.failures)} of {made} fits failed, and what is said holds for the others; "
            f"fit {first}: {message}",
            "look at such data: `pdflang simulate`, `pdflang map`",
        )
    if closure.lost:
        yield Finding(
            "warning",
            f"{closure.lost} of {closure.fits * closure.replicas} replicas have no maximum, and are left out",
            "give parameters that run away a proper prior",
        )
    yield from _wrong_width(closure)
    if closure.level == 0 and closure.method == "map" and closure.data.bias.value > 1e-6:
        yield Finding(
            "error",
            f"the fit of data without noise is not the truth: χ² between them is {closure.data.bias.value:.2g} a datum",
            "the model cannot describe its truth, or priors draw it away (`--priors nuisance`)",
        )


def _wrong_width(closure: Closure) -> Iterator[Finding]:
    found = closure.data.r_bv
    if closure.fits < FEWEST_FITS or not math.isfinite(found.value) or not found.error > 0:
        return
    away = (found.value - 1) / found.error
    if abs(away) > _FAR:
        size = f"{found.value:.2f} ± {found.error:.2f} times what fits state"
        yield Finding(
            "error",
            f"deviations from the truth are {size} (R_bv)",
            "the covariance of the data is not that of their noise, or priors draw fits away from the truth"
            if away > 0
            else "the covariance of the data is larger than their noise, or priors hold fits at the truth",
        )


def to_text(closure: Closure) -> str:
    """The closure test in words."""
    data = closure.data
    lines: list[tuple[str, ...]] = [("", "value", "error", "")]
    rows = [("χ²/N of the data", closure.chi2, ""), ("bias/N", data.bias, "(T̄ − T*)ᵀ C⁻¹ (T̄ − T*)")]
    if closure.replicas > 1:
        said = f"expected for normal deviations: {expected_xi(data.r_bv.value):.3f}; 0.683 where faithful"
        rows += [
            ("variance/N", data.variance, "⟨(T − T̄)ᵀ C⁻¹ (T − T̄)⟩"),
            ("R_bv", data.r_bv, "√(⟨bias⟩/⟨variance⟩), 1 where uncertainties are faithful"),
            ("ξ", data.xi, said),
            ("φ", closure.phi, "√((⟨χ²⟩ − χ²[T̄])/N)"),
        ]
    lines += [(name, _number(e.value), _number(e.error), text) for name, e, text in rows]
    made = f"{closure.fits} fits at level {closure.level}, {_how(closure)}; {data.count} data"
    text = [f"{made}. Estimators of NNPDF4.0.", ""]
    text += aligned(lines)
    if closure.replicas > 1:
        text += _table("Data sets, each by its own covariance:", closure.sets)
        text += _table("Outputs and densities, each value by its own variance:", closure.outputs)
    if closure.ranks:
        worst = sorted(closure.ranks, key=closure.ranks.__getitem__)[:3]
        said = ", ".join(f"{name} {closure.ranks[name]:.2g}" for name in worst)
        text += ["", f"Ranks of the true parameters among replicas, p-values of uniform ones: least {said}."]
    return "\n".join(text) + "\n\n" + findings_text(closure.findings)


def _table(title: str, spaces: Sequence[Space]) -> list[str]:
    """A row for each of some spaces, under a title; nothing where there are none."""
    table: list[tuple[str, ...]] = [("", "R_bv", "error", "ξ", "error")]
    for space in spaces[:_ROWS]:
        numbers = (space.r_bv.value, space.r_bv.error, space.xi.value, space.xi.error)
        table.append((space.name, *map(_number, numbers)))
    more = [f"and {len(spaces) - _ROWS} more in closure.json"] if len(spaces) > _ROWS else []
    return ["", title, *aligned(table), *more] if spaces else []


def to_record(closure: Closure) -> dict[str, Any]:
    """The closure test as plain data."""
    return {
        **{name: getattr(closure, name) for name in _SETTINGS},
        "definition": "NNPDF4.0, section 6; bias less variance/K, variance over K − 1",
        "data": asdict(closure.data),
        "phi": asdict(closure.phi),
        "chi2": asdict(closure.chi2),
        "sets": [asdict(space) for space in closure.sets],
        "outputs": [asdict(space) for space in closure.outputs],
        "ranks": dict(closure.ranks),
        "failures": {str(number): said for number, said in closure.failures.items()},
    }


def _how(closure: Closure) -> str:
    if closure.replicas == 1:
        return "one maximum each"
    return f"{closure.replicas} {'replicas' if closure.method == 'map' else 'draws of the posterior'} each"


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"
