"""What many fits of simulated data say about a model and its sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdflang.results.calibration.uniformity import chi2_p_value, ecdf_p_value
from pdflang.results.calibration.widths import Width, detectable_width, fitted_width
from pdflang.results.diagnostics import Finding

LEVELS = (0.5, 0.8, 0.9)
"""Central intervals whose coverage is told."""

FALSE_ALARM = 0.01
"""The probability that a calibrated model is called wrong, in any of its quantities (Bonferroni)."""

_TESTS = 3


@dataclass(frozen=True)
class Coverage:
    """How often a central interval held the truth: the share of fits, that expected, and its binomial error."""

    expected: float
    found: float
    error: float


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number of the model: a parameter's entry, an output, or the log-density of the unconstrained scale.

    `ranks` (fits,) count the draws, 0 … `draws`, below the true value. `p_ecdf` and `p_chi2` test whether they are
    uniform, `width.p_value` whether posteriors have the right width and no bias. `ess` is the median over fits
    of the effective sample size of the whole chain.
    """

    name: str
    variable: str
    role: str
    draws: int
    ranks: np.ndarray
    p_ecdf: float
    p_chi2: float
    width: Width
    coverage: tuple[Coverage, ...]
    ess: float

    @property
    def p_value(self) -> float:
        """The smallest of its p-values, as if there were no others."""
        return min(self.p_ecdf, self.p_chi2, self.width.p_value)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Simulation-based calibration: `fits` succeeded, `failures` gives the message of each that did not, by number.

    `divergent` counts fits that had a divergent transition. `interrupted`: fewer fits than were asked for.
    """

    quantities: tuple[Quantity, ...]
    fits: int
    draws: int
    failures: dict[int, str]
    divergent: int
    findings: tuple[Finding, ...]
    seed: int
    interrupted: bool = False

    @property
    def uniform(self) -> bool:
        """Whether nothing speaks against calibration: no finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def detectable_width(self) -> float:
        """The relative error in the width of a posterior that so many fits find with a probability of 90 %."""
        return detectable_width(self.fits, self.draws, FALSE_ALARM / number_of_tests(self.quantities))

    def __getitem__(self, name: str) -> Quantity:
        return next(quantity for quantity in self.quantities if quantity.name == name)

    def __repr__(self) -> str:
        verdict = "nothing speaks against calibration" if self.uniform else "not calibrated"
        return f"<Calibration: {verdict} in {self.fits} fits of {len(self.quantities)} quantities>"


def number_of_tests(quantities: Sequence[Quantity]) -> int:
    """How many p-values there are."""
    return _TESTS * max(1, len(quantities))


def assessed(name: str, variable: str, role: str, ranks: np.ndarray, draws: int, ess: float) -> Quantity:
    """What the ranks of one quantity say."""
    return Quantity(
        name,
        variable,
        role,
        draws,
        ranks,
        ecdf_p_value(ranks, draws),
        chi2_p_value(ranks, draws),
        fitted_width(ranks, draws),
        tuple(coverage(ranks, draws, level) for level in LEVELS),
        ess,
    )


def coverage(ranks: np.ndarray, draws: int, level: float) -> Coverage:
    """That of the central interval between draws whose probability is nearest to `level`."""
    outside = round((1 - level) / 2 * (draws + 1))
    expected = 1 - 2 * outside / (draws + 1)
    found = float(np.mean((ranks >= outside) & (ranks <= draws - outside)))
    return Coverage(expected, found, float(np.sqrt(expected * (1 - expected) / len(ranks))))


def to_record(calibration: Calibration) -> dict[str, Any]:
    """The result as plain data, for `calibration.json`; the ranks are in `fits.jsonl`."""
    return {
        "fits": calibration.fits,
        "draws": calibration.draws,
        "seed": calibration.seed,
        "interrupted": calibration.interrupted,
        "uniform": calibration.uniform,
        "detectable_width": calibration.detectable_width if calibration.fits else None,
        "divergent_fits": calibration.divergent,
        "failures": calibration.failures,
        "quantities": [_plain(quantity) for quantity in calibration.quantities],
        "findings": [vars(finding) for finding in calibration.findings],
    }


def _plain(quantity: Quantity) -> Mapping[str, Any]:
    fields = {name: value for name, value in vars(quantity).items() if name not in ("ranks", "draws")}
    return {**fields, "width": vars(quantity.width), "coverage": [vars(c) for c in quantity.coverage]}
