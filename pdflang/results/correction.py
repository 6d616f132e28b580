"""Simulated events before and after a correction, beside observed ones: distributions, tests, and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pdflang.diagnostics.words import values_in_words
from pdflang.results.diagnostics import Finding
from pdflang.results.events_beside import FAR_APART, TOLD_APART
from pdflang.results.tables import aligned
from pdflang.results.two_samples import TwoSamples, c2st, effective_count

_UNLIKELY = 1e-3
"""The p-value of a distribution from where on it is said that it differs."""
_FEW_LEFT = 0.1
"""The share of the events that weights may leave before that is said."""
_IN_A_BIN, _MOST_BINS = 20, 10
_MOST_NUMBERS = 12
"""Whole numbers that have a bin each."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Events: rows (n, width), labels one-hot, and weights (n,)."""

    rows: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def effective(self) -> float:
        """How many events of weight 1 say as much (Kish 1965)."""
        return effective_count(self.weights)


@dataclass(frozen=True)
class Variable:
    """A column: its name, the words of its labels, if it has any, and whether its numbers are whole."""

    name: str
    labels: tuple[str, ...] = ()
    is_whole: bool = False


@dataclass(frozen=True, eq=False)
class Distribution:
    """A column of events in bins, by their `names`, whole numbers and labels by what they are.

    `edges` (bins + 1,) are those of real numbers, None for others. `observed`, `simulated` and `corrected` (bins, 2)
    are shares with their errors.
    """

    name: str
    names: tuple[str, ...]
    edges: np.ndarray | None
    observed: np.ndarray
    simulated: np.ndarray
    corrected: np.ndarray

    def chi2(self, corrected: bool) -> tuple[float, int, float]:
        """χ² of the events beside those observed, the number of bins less one, and its p-value."""
        from scipy import stats

        (ours, error), (theirs, other) = (self.corrected if corrected else self.simulated).T, self.observed.T
        variance = error**2 + other**2
        some = variance > 0
        value, freedom = float(np.sum((ours - theirs)[some] ** 2 / variance[some])), max(1, int(some.sum()) - 1)
        return value, freedom, float(stats.chi2.sf(value, freedom))


@dataclass(frozen=True, eq=False)
class CorrectionTest:
    """Events of an observation: so many `observed` ones that were put aside, and new `simulated` ones at a point.

    `before` and `after` the correction a classifier tries to tell them from the observed ones. Of the simulated events
    weights leave the share `effective`.
    """

    point: Mapping[str, Any]
    observation: str
    observed: int
    simulated: int
    effective: float
    before: TwoSamples
    after: TwoSamples
    columns: tuple[Distribution, ...]


def correction_test(
    point: Mapping[str, Any], observation: str, variables: Sequence[Variable], sides: tuple[Sample, Sample, Sample],
    generator: np.random.Generator,
) -> CorrectionTest:  # fmt: skip
    """The test of observed, simulated and corrected events. Error: E620 without scikit-learn."""
    observed, simulated, corrected = sides
    seed = int(generator.integers(2**32))
    tests = [_told_apart(observed, other, seed, generator) for other in (simulated, corrected)]
    found, first = [], 0
    for variable in variables:
        own = slice(first, first + max(1, len(variable.labels)))
        first = own.stop
        found.append(_distribution(variable, [Sample(one.rows[:, own], one.weights) for one in sides]))
    share = corrected.effective / simulated.effective
    return CorrectionTest(
        point, observation, len(observed), len(simulated), share, tests[0], tests[1], tuple(found)
    )


def _told_apart(observed: Sample, other: Sample, seed: int, generator: np.random.Generator) -> TwoSamples:
    """A classifier of as many events of both, without weights: negative events stand on the other side."""
    count = max(1, int(min(observed.effective, len(observed), len(other))))
    ours, theirs = (_unweighted(one, count, generator) for one in (observed, other))
    first = np.concatenate([ours.rows[ours.weights > 0], theirs.rows[theirs.weights < 0]])
    second = np.concatenate([theirs.rows[theirs.weights > 0], ours.rows[ours.weights < 0]])
    return c2st(first, second, seed)


def _unweighted(sample: Sample, count: int, generator: np.random.Generator) -> Sample:
    """Events of weight 1 or −1 that add up to about so many, at even steps of the magnitudes of weights.

    An event is there twice only where it has more than its share of the whole.
    """
    sizes = np.abs(sample.weights)
    order = generator.permutation(len(sample))
    ends = np.cumsum(sizes[order])
    number = max(1, round(count * ends[-1] / sample.weights.sum()))
    steps = (np.arange(number) + generator.random()) * (ends[-1] / number)
    places = order[np.minimum(np.searchsorted(ends, steps, "right"), len(order) - 1)]
    return Sample(sample.rows[places], np.sign(sample.weights[places]))


def _distribution(variable: Variable, sides: Sequence[Sample]) -> Distribution:
    """The column of observed, simulated and corrected events, (n, 1) or (n, labels), in bins of the observed ones."""
    names, edges, places = _bins(variable, [one.rows for one in sides])
    shares = []
    for place, sample in zip(places, sides, strict=True):
        total = sample.weights.sum()
        share = np.bincount(place, sample.weights, len(names)) / total
        error = np.sqrt(np.bincount(place, sample.weights**2, len(names))) / abs(total)
        shares.append(np.stack([share, error], axis=1))
    return Distribution(variable.name, names, edges, *shares)


def _bins(
    variable: Variable, rows: Sequence[np.ndarray]
) -> tuple[tuple[str, ...], np.ndarray | None, list[np.ndarray]]:
    """Names and edges of bins, and in which of them the events of each side are."""
    if variable.labels:
        return variable.labels, None, [own.argmax(axis=1) for own in rows]
    values = [own[:, 0] for own in rows]
    numbers = np.unique(np.concatenate(values))
    if variable.is_whole and len(numbers) <= _MOST_NUMBERS:
        return tuple(f"{number:.0f}" for number in numbers), None, [np.searchsorted(numbers, own) for own in values]
    count = int(np.clip(len(values[0]) // _IN_A_BIN, 2, _MOST_BINS))
    edges = np.unique(np.quantile(values[0], np.linspace(0, 1, count + 1)))
    if len(edges) < 3:  # nearly all are the same
        edges = np.array([numbers[0], edges[0], numbers[-1]])
    inner = edges[1:-1]
    names = (f"below {inner[0]:.3g}", *(f"to {edge:.3g}" for edge in inner[1:]), f"above {inner[-1]:.3g}")
    return names, edges, [np.searchsorted(inner, own, "right") for own in values]


def findings_of(name: str, tests: Sequence[CorrectionTest]) -> Iterator[Finding]:
    """What is wrong with a correction."""
    for one in tests:
        share = one.after.accuracy - one.after.error
        if share > TOLD_APART:
            yield Finding(
                "error" if share > FAR_APART else "warning",
                f"a classifier tells observed events from those that {name} has corrected in "
                f"{100 * one.after.accuracy:.0f} of 100 cases",
                "train on more events, or by the other one of `reweight` and `transport`",
                (one.observation,),
            )
        for column in one.columns:
            value, freedom, p = column.chi2(corrected=True)
            if p < _UNLIKELY:
                yield Finding(
                    "warning",
                    f"{column.name} is distributed differently in observed events and in those that {name} has "
                    f"corrected: χ² is {value:.1f} in {freedom} bins, p = {p:.1g}",
                    "train on more events, or by the other one of `reweight` and `transport`",
                    (one.observation,),
                )
        if one.effective < _FEW_LEFT:
            yield Finding(
                "warning",
                f"weights leave {100 * one.effective:.1g} % of the simulated events: few of them stand for all",
                "simulate nearer to the data: at other parameters, or with another detector; or try `transport`",
                (one.observation,),
            )


def to_text(name: str, tests: Sequence[CorrectionTest]) -> Iterator[str]:
    """The tables: tests of both, and the distribution of each column."""
    for one in tests:
        yield (
            f"{name}: {one.observed} observed events of {one.observation} that were put aside, beside "
            f"{one.simulated} simulated ones at {values_in_words(one.point)}"
        )
        rows = [("", "told apart", "", *(head for column in one.columns for head in (f"χ² of {column.name}", "p")))]
        for what, test, corrected in (("simulated", one.before, False), ("corrected", one.after, True)):
            cells = [f"{test.accuracy:.3f}", f"± {test.error:.3f}"]
            for column in one.columns:
                value, freedom, p = column.chi2(corrected)
                cells += [f"{value:.1f}/{freedom}", f"{p:.2g}"]
            rows.append((what, *cells))
        yield from aligned(rows)
        if one.effective < 1:
            yield f"weights leave {100 * one.effective:.0f} % of the simulated events"
        for column in one.columns:
            yield from _table(column)
    yield "told apart is the share of events that a classifier assigns rightly: ½ is the best"


def _table(column: Distribution) -> Iterator[str]:
    """The shares of a column in bins, in per cent."""
    rows: list[tuple[str, ...]] = [(f"% of {column.name}", "observed", "", "simulated", "", "corrected", "")]
    for number, name in enumerate(column.names):
        shares = [100 * side[number] for side in (column.observed, column.simulated, column.corrected)]
        rows.append((name, *(cell for share, error in shares for cell in (f"{share:.1f}", f"± {error:.1f}"))))
    yield from aligned(rows)


def to_record(test: CorrectionTest) -> dict[str, Any]:
    """As plain data."""
    columns = [
        asdict(column) | {"before": column.chi2(corrected=False), "after": column.chi2(corrected=True)}
        for column in test.columns
    ]
    return asdict(test) | {"before": test.before._asdict(), "after": test.after._asdict(), "columns": columns}
