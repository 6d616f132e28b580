"""What speaks for and against posteriors: calibration, the data beside the simulations, draws beside exact ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pdflang.results.calibration import Calibration
from pdflang.results.calibration import to_text as calibration_text
from pdflang.results.calibration.result import to_record as calibration_record
from pdflang.results.correction import CorrectionTest
from pdflang.results.correction import findings_of as findings_of_correction
from pdflang.results.correction import to_record as correction_record
from pdflang.results.correction import to_text as correction_text
from pdflang.results.diagnostics import Finding, to_records
from pdflang.results.diagnostics import to_text as findings_text
from pdflang.results.events_beside import EventTest, findings_of
from pdflang.results.events_beside import to_text as events_text
from pdflang.results.tables import aligned
from pdflang.results.trade_off import TradeOff
from pdflang.results.trade_off import to_text as trade_off_text
from pdflang.results.two_samples import TwoSamples, c2st

_OUTSIDE = 0.01
"""The share of simulations that may be as far out as the observed data before that is said."""

_TOLD_APART, _FAR_APART = 0.6, 0.75
_SHIFTED, _FAR_SHIFTED = 0.3, 1.0
"""Standard deviations that estimates may be moved by before that is said, and before it is an error."""

_POINTS = 2000
"""Draws of each side that a classifier is trained on: with more it takes minutes."""

_ROWS_SHOWN = 40


@dataclass(frozen=True)
class Entry:
    """A number of a posterior: its median and half the width of its central 68 %, beside the exact ones.

    The `shift` of the median is in exact half widths, the `ratio` is that of half widths: a few wild draws, which make
    any standard deviation, change neither.
    """

    name: str
    median: float
    half_width: float
    shift: float
    ratio: float


@dataclass(frozen=True)
class Beside:
    """A posterior beside the exact one, of the same data: its numbers, and what a classifier makes of both."""

    entries: tuple[Entry, ...]
    test: TwoSamples


@dataclass(frozen=True, eq=False)
class Bias:
    """What is wrong with a learned likelihood at one point, by `sets` data sets that were simulated there.

    By number of the parameters, arrays (entries,): `shift` of estimates in standard deviations of the posterior with
    its error, and `efficiency`, the variance that the likelihood itself would leave over that of these estimates, None
    where it is not known; also with its error. `log_likelihood` is how much the bias raises the maximum above the
    value at the point, for data with so many `events` on average, 0 where there are none.
    """

    names: tuple[str, ...]
    shift: np.ndarray
    shift_error: np.ndarray
    efficiency: np.ndarray | None
    efficiency_error: np.ndarray | None
    log_likelihood: float
    events: float
    sets: int

    @property
    def per_event(self) -> float | None:
        """The bias in log-likelihood of one event."""
        return self.log_likelihood / self.events if self.events else None


@dataclass(frozen=True, eq=False)
class Validation:
    """The posteriors of some runs by their names.

    `outside` is the share of simulations that are as far from the others as the observed data are, None where there are
    none. `biases` are those of learned likelihoods. `exact` has name, median and half width of each number of the exact
    posterior, where there is one, and `beside` what others are beside it. `events` are tests of what networks make,
    `corrections` of what they correct, `trade_offs` what classifiers tell of a nuisance.
    """

    outside: float | None
    calibrations: Mapping[str, Calibration]
    biases: Mapping[str, Bias]
    exact: tuple[tuple[str, float, float], ...] = ()
    beside: Mapping[str, Beside] | None = None
    events: Mapping[str, tuple[EventTest, ...]] = field(default_factory=dict)
    corrections: Mapping[str, tuple[CorrectionTest, ...]] = field(default_factory=dict)
    trade_offs: Mapping[str, tuple[TradeOff, ...]] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, errors first."""
        events = (finding for name, tests in self.events.items() for finding in findings_of(name, tests))
        corrections = (one for name, tests in self.corrections.items() for one in findings_of_correction(name, tests))
        found = [*self._of_data(), *self._of_scores(), *self._of_draws(), *events, *corrections]
        return tuple(sorted(found, key=lambda finding: finding.severity != "error"))

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the posteriors."""
        calibrated = all(calibration.uniform for calibration in self.calibrations.values())
        return calibrated and not any(finding.severity == "error" for finding in self.findings)

    def _of_data(self) -> Iterator[Finding]:
        if self.outside is not None and self.outside < _OUTSIDE:
            yield Finding(
                "error",
                "the observed data lie outside of what the model simulates: "
                f"{100 * self.outside:.2g} % of the simulations lie as far out",
                "a posterior says little about such data, and networks saw none like them: look at the model and its "
                "priors, `pdflang predict`",
            )

    def _of_scores(self) -> Iterator[Finding]:
        for name, bias in self.biases.items():
            # No more than is known for sure.
            shifts = np.abs(bias.shift) - 2 * bias.shift_error
            worst = int(np.argmax(np.nan_to_num(shifts, nan=np.inf)))
            if np.isnan(shifts[worst]):
                message = f"what {name} has learned has no maximum, on average over data"
            elif shifts[worst] > _SHIFTED:
                message = (
                    f"what {name} has learned is biased: on average over data it moves `{bias.names[worst]}` by "
                    f"{bias.shift[worst]:+.2f} standard deviations"
                )
            else:
                continue
            yield Finding(
                "warning" if shifts[worst] < _FAR_SHIFTED else "error", message,
                "train on more simulations, or in rounds", (name,),
            )  # fmt: skip

    def _of_draws(self) -> Iterator[Finding]:
        for name, beside in (self.beside or {}).items():
            share = beside.test.accuracy
            if share > _TOLD_APART:
                yield Finding(
                    "error" if share > _FAR_APART else "warning",
                    f"a classifier tells draws of {name} from exact ones in {100 * share:.0f} of 100 cases",
                    "train on more simulations, or in rounds; or take the exact posterior",
                    (name,),
                )


def side_by_side(
    exact: Mapping[str, np.ndarray], others: Mapping[str, Mapping[str, np.ndarray]], seed: int
) -> tuple[tuple[tuple[str, float, float], ...], dict[str, Beside]]:
    """Draws (n,) by the names of numbers, exact ones and others by the names of runs."""
    known = tuple((name, *_median(draws)) for name, draws in exact.items())
    found = {}
    for run, draws in others.items():
        entries = tuple(_entry(name, draws[name], median, half_width) for name, median, half_width in known)
        found[run] = Beside(entries, c2st(_some(exact), _some(draws), seed))
    return known, found


def _median(draws: np.ndarray) -> tuple[float, float]:
    """The median, and half the width of the central 68 %."""
    low, median, high = np.quantile(draws, (0.16, 0.5, 0.84))
    return float(median), float(high - low) / 2


def _entry(name: str, draws: np.ndarray, median: float, half_width: float) -> Entry:
    own, spread = _median(draws)
    scale = half_width or 1.0
    return Entry(name, own, spread, (own - median) / scale, spread / scale)


def _some(draws: Mapping[str, np.ndarray]) -> np.ndarray:
    """Evenly chosen draws, (n, numbers)."""
    count = min(len(column) for column in draws.values())
    chosen = np.linspace(0, count - 1, min(count, _POINTS)).astype(int)
    return np.stack([column[chosen] for column in draws.values()], axis=1)


def to_text(validation: Validation) -> str:
    """The tables and what is wrong."""
    parts = [f"{name}\n{calibration_text(found)}" for name, found in validation.calibrations.items()]
    if validation.outside is not None:
        share = 100 * validation.outside
        parts.append(f"Observed data: {share:.2g} % of the simulations lie as far from the others as they do.\n")
    if validation.biases:
        parts.append("\n".join(_biases(validation.biases)) + "\n")
    if validation.beside:
        parts.append("\n".join(_beside(validation.exact, validation.beside)) + "\n")
    parts += ["\n".join(events_text(name, tests)) + "\n" for name, tests in validation.events.items()]
    parts += ["\n".join(correction_text(name, tests)) + "\n" for name, tests in validation.corrections.items()]
    parts += [f"{name}\n{trade_off_text(found)}" for name, found in validation.trade_offs.items()]
    if validation.findings:
        parts.append(findings_text(validation.findings))
    return "\n".join(parts)


def _biases(biases: Mapping[str, Bias]) -> Iterator[str]:
    """A table; the largest shifts and losses decide, so that of many numbers the first rows are shown."""
    first = next(iter(biases.values()))
    efficient = any(bias.efficiency is not None for bias in biases.values())
    told = ", and their efficiency by Cramér and Rao" if efficient else ""
    yield (
        f"Over {first.sets} data sets simulated at the mean of the posterior: shifts of estimates in standard "
        f"deviations{told}"
    )
    rows = [("", *(cell for name in biases for cell in ((name, "", "efficiency") if efficient else (name, ""))))]
    for number, name in enumerate(first.names[:_ROWS_SHOWN]):
        cells = []
        for bias in biases.values():
            cells += [f"{bias.shift[number]:+.2f}", f"± {bias.shift_error[number]:.2f}"]
            if efficient:
                cells.append("" if bias.efficiency is None else f"{bias.efficiency[number]:.2f}")
        rows.append((name, *cells))
    rows.append(_totals("bias in log-likelihood", [bias.log_likelihood for bias in biases.values()], efficient))
    if first.events:
        each = [bias.per_event for bias in biases.values()]
        rows.append(_totals(f"of each of {first.events:.0f} events", each, efficient))
    yield from aligned(rows)


def _totals(name: str, values: Sequence[float | None], efficient: bool) -> tuple[str, ...]:
    blank = ("", "") if efficient else ("",)
    return (name, *(cell for value in values for cell in ("" if value is None else f"{value:.1g}", *blank)))


def _beside(exact: Sequence[tuple[str, float, float]], beside: Mapping[str, Beside]) -> Iterator[str]:
    yield "Beside the exact posterior: shifts of medians in its half widths, which hold 68 %, and ratios of half widths"
    rows = [("", "median", "half width", *(heading for name in beside for heading in (name, "ratio")))]
    for number, (name, median, half_width) in enumerate(exact[:_ROWS_SHOWN]):
        own = [found.entries[number] for found in beside.values()]
        cells = [cell for one in own for cell in (f"{one.shift:+.2f}", f"{one.ratio:.2f}")]
        rows.append((name, f"{median:.4g}", f"{half_width:.3g}", *cells))
    tests = [found.test for found in beside.values()]
    cells = [cell for test in tests for cell in (f"{test.accuracy:.3f}", f"± {test.error:.3f}")]
    rows.append(("told apart (½ is the best)", "", "", *cells))
    yield from aligned(rows)
    if len(exact) > _ROWS_SHOWN:
        yield f"{_ROWS_SHOWN} of {len(exact)} numbers shown; all are in validation.json"


def to_record(validation: Validation) -> dict[str, Any]:
    """As plain data."""
    beside = validation.beside or {}
    return {
        "outside": validation.outside,
        "calibrations": {name: calibration_record(found) for name, found in validation.calibrations.items()},
        "biases": {name: asdict(found) for name, found in validation.biases.items()},
        "exact": [{"name": name, "median": median, "half_width": half} for name, median, half in validation.exact],
        "beside": {name: asdict(found) | {"test": found.test._asdict()} for name, found in beside.items()},
        "events": {name: [_event_record(one) for one in tests] for name, tests in validation.events.items()},
        "corrections": {n: [correction_record(one) for one in tests] for n, tests in validation.corrections.items()},
        "trade_offs": {name: [asdict(one) for one in found] for name, found in validation.trade_offs.items()},
        "findings": to_records(validation.findings),
    }


def _event_record(test: EventTest) -> dict[str, Any]:
    return asdict(test) | {"test": test.test._asdict()}
