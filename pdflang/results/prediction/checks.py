"""How well data agree with what was predicted for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pdflang.results.prediction.comparison import Comparison
from pdflang.results.prediction.leave_one_out import LeaveOneOut

MASSES = (0.68, 0.95)
"""Central predictive intervals whose coverage is told."""


@dataclass(frozen=True)
class PredictiveCheck:
    """The agreement of one observation with its prediction.

    `data` counts data, or events; `entries` what is compared: the data, or bins of events. `chi2` is Σ pull²; of a
    Gaussian observation at draws of a posterior it is the mean over the draws of (y − μ)ᵀ C⁻¹ (y − μ). `p_value`
    is the probability of a larger one (Gelman, Meng & Stern 1996): of data drawn at the same parameters for a
    Gaussian, of the other predictions for the rest. `inside` counts the entries in the intervals of `MASSES`.
    """

    name: str
    data: int
    entries: int
    chi2: float
    p_value: float
    inside: tuple[int, int]
    largest_pull: float
    pulled: str


def check_prediction(comparison: Comparison) -> PredictiveCheck:
    """The check of one observation. NaN where predictions are not finite."""
    chi2, p_value = _gaussian(comparison) if comparison.chi2 is not None else _of_pulls(comparison)
    pulls = comparison.pulls
    farthest = int(np.argmax(np.abs(pulls))) if len(pulls) else None
    return PredictiveCheck(
        comparison.name,
        comparison.data,
        len(comparison.observed),
        chi2,
        p_value,
        (comparison.inside(MASSES[0]), comparison.inside(MASSES[1])),
        float("nan") if farthest is None else float(pulls[farthest]),
        "" if farthest is None else comparison.entries[farthest],
    )


def _gaussian(comparison: Comparison) -> tuple[float, float]:
    """The mean of χ², and its p-value: of data drawn at a draw it has the χ² distribution, exactly."""
    from scipy import stats

    assert comparison.chi2 is not None
    return float(comparison.chi2.mean()), float(stats.chi2.sf(comparison.chi2, len(comparison.observed)).mean())


def _of_pulls(comparison: Comparison) -> tuple[float, float]:
    """Σ pull², and the share of the predictions whose own is as large; at least one in draws + 1."""
    with np.errstate(invalid="ignore"):
        chi2 = float(np.sum(comparison.pulls**2))
        predicted = np.sum(comparison.standardised(comparison.predicted) ** 2, axis=1)
    if not (np.all(np.isfinite(predicted)) and not np.isnan(chi2)):
        return float("nan"), float("nan")
    # Rounding must not tell equal counts apart.
    larger = int(np.sum(predicted >= chi2 * (1 - 1e-12)))
    return chi2, (larger + 1) / (len(predicted) + 1)


def to_record(checks: list[PredictiveCheck], found: list[LeaveOneOut]) -> dict[str, Any]:
    """The numbers as plain data, for `predict.json`."""
    return {
        "checks": [
            {
                "name": c.name, "data": c.data, "entries": c.entries, "chi2": c.chi2, "p_value": c.p_value,
                "inside_68": c.inside[0], "inside_95": c.inside[1], "largest_pull": c.largest_pull, "at": c.pulled,
            }
            for c in checks
        ],
        "loo": [
            {
                "name": one.name, "parts": len(one.entries), "elpd": one.elpd, "se": one.se, "p_loo": one.p_loo,
                "largest_k": float(one.pareto_k[one.worst]), "at": one.entries[one.worst], "good_k": one.good_k,
            }
            for one in found
        ],
    }  # fmt: skip
