"""What classifiers tell of hypotheses, and of a nuisance that they are not to depend on: a curve of penalties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pdflang.results.tables import aligned, csv_text

TRADE_OFF = "trade_off"
"""What files of it are called, of any kind."""


@dataclass(frozen=True)
class Classified:
    """The classifier of a penalty, by events that nothing was learned of.

    `loss` is the mean cross-entropy in nats, `auc` the area under the ROC curve. `information` are the nats that the
    output tells of the nuisance, as far as a fresh adversary finds them, with its error: what is below 0 is chance.
    `distances` are those of Kolmogorov and Smirnov between outputs at the 16 % and the 84 % quantile of each
    coordinate of the nuisance.
    """

    penalty: float
    loss: float
    auc: float
    information: float
    information_error: float
    distances: tuple[float, ...]


@dataclass(frozen=True)
class TradeOff:
    """The classifiers of an observation, of different penalties.

    `hypotheses` are the two in words, `nuisance` the names of its coordinates, `entropy` that of its prior in nats, on
    the unconstrained scale. `events` is the number of those by which it was measured, `by_chance` the distance that
    outputs would have on average which do not depend on the nuisance.
    """

    observation: str
    hypotheses: tuple[str, str]
    nuisance: tuple[str, ...]
    entropy: float
    events: int
    by_chance: float
    classifiers: tuple[Classified, ...]


def area_under_curve(outputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """The probability that the output (n,) of an event of label 1 is above that of one of label 0; ties count half."""
    order, first = np.argsort(outputs, kind="stable"), weights * (labels == 0)
    values, starts = np.unique(outputs[order], return_index=True)
    zeros, ones = (np.add.reduceat(w[order], starts) for w in (first, weights * (labels == 1)))
    assert len(values)
    below = np.cumsum(zeros) - zeros / 2
    return float(np.sum(ones * below) / (ones.sum() * zeros.sum()))


def to_text(found: Sequence[TradeOff]) -> str:
    """A table for each observation."""
    return "\n".join(line for one in found for line in _table(one)) + "\n"


def _table(found: TradeOff) -> Iterator[str]:
    first, second = found.hypotheses
    nuisance = ", ".join(found.nuisance) if len(found.nuisance) < 6 else f"{len(found.nuisance)} nuisances"
    yield f"{found.observation}: {first} beside {second}, and what outputs tell of {nuisance}"
    rows = [("λ", "loss", "AUC", "nats told", "", "KS")]
    for one in found.classifiers:
        rows.append(
            (
                f"{one.penalty:g}", f"{one.loss:.4f}", f"{one.auc:.4f}", f"{one.information:.4f}",
                f"± {one.information_error:.4f}", f"{max(one.distances):.3f}",
            )
        )  # fmt: skip
    yield from aligned(rows)
    yield (
        f"nats told are what a fresh adversary finds, of {found.entropy:.3g} of the prior; KS is the largest difference"
        f" of outputs between quantiles of 16 and 84 %, {found.by_chance:.2g} by chance"
    )


def to_record(found: TradeOff) -> dict[str, Any]:
    """As plain data."""
    return asdict(found)


def of_record(record: dict[str, Any]) -> TradeOff:
    """What `to_record` made plain."""
    classifiers = tuple(Classified(**{**one, "distances": tuple(one["distances"])}) for one in record["classifiers"])
    known = {**record, "hypotheses": tuple(record["hypotheses"]), "nuisance": tuple(record["nuisance"])}
    return TradeOff(**{**known, "classifiers": classifiers})


def to_csv(found: Sequence[TradeOff]) -> str:
    """A row for each classifier of each observation."""
    nuisance = found[0].nuisance if found else ()
    headings = ("observation", "penalty", "loss", "auc", "information", "information_error", *nuisance)
    rows = [
        (t.observation, c.penalty, c.loss, c.auc, c.information, c.information_error, *c.distances)
        for t in found
        for c in t.classifiers
    ]
    return csv_text(headings, rows)
