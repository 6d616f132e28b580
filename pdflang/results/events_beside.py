"""Events that networks make beside simulated ones: tests of two samples, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdflang.diagnostics.words import values_in_words
from pdflang.results.diagnostics import Finding
from pdflang.results.tables import aligned
from pdflang.results.two_samples import TwoSamples, c2st, kolmogorov_distance

TOLD_APART, FAR_APART = 0.55, 0.6
_OFF, _FAR_OFF = 0.05, 0.2
"""How far numbers of events may be off, as far as that is no chance."""

_KOLMOGOROV = np.pi**2 / 12
"""The mean square of the distance of two samples of n and m points of one distribution, in 1/n + 1/m."""


@dataclass(frozen=True)
class ColumnTest:
    """A column of events: the largest difference of distribution functions, of labels half the sum of differences.

    `p` is the probability that it is as large by chance. `spread` is how far the networks of an ensemble are from each
    other, in the same sense and beyond chance; None where there is one network.
    """

    name: str
    distance: float
    p: float
    spread: float | None


@dataclass(frozen=True)
class EventTest:
    """Events of an observation at one point of the parameters.

    `simulated` and `made` are expected numbers with their errors, of what is made the spread of networks; None where
    numbers are given.
    """

    point: Mapping[str, Any]
    observation: str
    events: int
    simulated: tuple[float, float] | None
    made: tuple[float, float | None] | None
    test: TwoSamples
    columns: tuple[ColumnTest, ...]

    @property
    def place(self) -> str:
        """The parameters in words."""
        return values_in_words(self.point)


def two_samples(
    simulated: np.ndarray, signs: np.ndarray, made: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, TwoSamples]:
    """Two samples (n, width) that are of one distribution where events are made as they are simulated, and their test.

    Negative events of the simulation stand beside those that are made, as many as are left of the positive ones: then
    neither has weights.
    """
    first, negative = simulated[signs > 0], simulated[signs < 0]
    second = np.concatenate([negative, made[: len(first) - len(negative)]])
    return first, second, c2st(first, second, seed)


def column_test(name: str, samples: Sequence[np.ndarray], networks: Sequence[np.ndarray]) -> ColumnTest:
    """Of a column (n, 1) of two samples, or (n, labels); `networks` are samples of each of an ensemble."""
    from scipy import stats

    first, second = samples
    if first.shape[1] > 1:
        counts = np.stack([first.sum(axis=0), second.sum(axis=0)])
        p = float(stats.chi2_contingency(counts[:, counts.sum(axis=0) > 0]).pvalue)
    else:
        p = float(stats.ks_2samp(first[:, 0], second[:, 0]).pvalue)
    spread = None
    if len(networks) > 1:
        squares = []
        for number, own in enumerate(networks):
            others = np.concatenate([*networks[:number], *networks[number + 1 :]])
            squares.append(_distance(own, others) ** 2 - _KOLMOGOROV * (1 / len(own) + 1 / len(others)))
        spread = max(0.0, float(np.mean(squares))) ** 0.5
    return ColumnTest(name, _distance(first, second), p, spread)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    if first.shape[1] > 1:
        return float(np.abs(first.mean(axis=0) - second.mean(axis=0)).sum() / 2)
    return kolmogorov_distance(first[:, 0], second[:, 0])


def findings_of(name: str, tests: Sequence[EventTest]) -> Iterator[Finding]:
    """What is wrong with the events of a training."""
    for one in tests:
        share = one.test.accuracy - one.test.error
        if share > TOLD_APART:
            yield Finding(
                "error" if share > FAR_APART else "warning",
                f"a classifier tells events of {name} from simulated ones in {100 * one.test.accuracy:.0f} of 100 "
                f"cases at {one.place}",
                "train on more simulations, or for more passes",
                (one.observation,),
            )
        if one.simulated is None or one.made is None:
            continue
        number, error = one.simulated
        off = abs(one.made[0] - number)
        if off > _OFF * number and off > 3 * np.hypot(error, one.made[1] or 0.0):
            yield Finding(
                "error" if off > _FAR_OFF * number else "warning",
                f"{name} makes {one.made[0]:.4g} events at {one.place}, where {number:.4g} ± {error:.2g} are simulated",
                "train on more simulations, of which each tells one number",
                (one.observation,),
            )


def to_text(name: str, tests: Sequence[EventTest]) -> Iterator[str]:
    """The table, and which points these are."""
    yield f"{name}: events beside simulated ones, largest differences of distribution functions and their p-values"
    points = list(dict.fromkeys(one.place for one in tests))
    for observation in dict.fromkeys(one.observation for one in tests):
        own = [one for one in tests if one.observation == observation]
        has_spread = own[0].columns[0].spread is not None
        numbers = own[0].simulated is not None
        heads = ["simulated", "made", *(["networks"] if has_spread else [])] if numbers else []
        columns = [head for c in own[0].columns for head in (c.name, "p", *(["networks"] if has_spread else []))]
        rows = [(observation, *heads, "told apart", "", *columns)]
        for one in own:
            cells = [str(points.index(one.place) + 1)]
            if one.simulated is not None and one.made is not None:
                cells += [f"{one.simulated[0]:.4g} ± {one.simulated[1]:.2g}", f"{one.made[0]:.4g}"]
                cells += [f"± {one.made[1]:.2g}"] if one.made[1] is not None else []
            cells += [f"{one.test.accuracy:.3f}", f"± {one.test.error:.3f}"]
            for column in one.columns:
                cells += [f"{column.distance:.3f}", f"{column.p:.2g}"]
                cells += [f"± {column.spread:.3f}"] if column.spread is not None else []
            rows.append(tuple(cells))
        yield from aligned(rows)
    yield from (f"{number}: {place}" for number, place in enumerate(points, 1))
    yield "told apart is the share of events that a classifier assigns rightly: ½ is the best"
