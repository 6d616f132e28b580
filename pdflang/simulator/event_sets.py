"""Many lists of events, one behind the other in flat columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class EventSets:
    """Lists of events: `columns` (total,) by variable; those of list i are the rows splits[i] to splits[i + 1].

    Variables over an index are positions in it; `labels` are the words that they stand for, where it has any.
    `weights` (total,) are the signs of events that have weights.
    """

    columns: dict[str, np.ndarray]
    splits: np.ndarray
    weights: np.ndarray | None = None

    @classmethod
    def of(cls, lists: Sequence[Columns], names: Sequence[str], weights: Sequence[np.ndarray] | None) -> EventSets:
        """The lists behind each other; `names` are the columns that each of them has."""
        counts = [len(columns[names[0]]) for columns in lists]
        flat = {name: np.concatenate([columns[name] for columns in lists]) for name in names}
        return cls(flat, np.cumsum([0, *counts]), None if weights is None else np.concatenate(weights))

    def __len__(self) -> int:
        return len(self.splits) - 1

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        """The columns of one list."""
        number = range(len(self))[number]
        return {name: values[self.rows(number)] for name, values in self.columns.items()}

    def __repr__(self) -> str:
        return f"<{len(self)} lists of {int(self.splits[-1])} events: {', '.join(self.columns)}>"

    def rows(self, number: int) -> slice:
        """Where the events of one list stand."""
        return slice(int(self.splits[number]), int(self.splits[number + 1]))

    @property
    def counts(self) -> np.ndarray:
        """How many events each list has."""
        return np.diff(self.splits)

    @cached_property
    def owner(self) -> np.ndarray:
        """The list (total,) that each event belongs to."""
        return np.repeat(np.arange(len(self)), self.counts)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of values (total, …) of events in each list, (lists, …)."""
        found = np.zeros((len(self), *values.shape[1:]))
        np.add.at(found, self.owner, values)
        return found

    def part(self, start: int, stop: int) -> EventSets:
        """Some of the lists."""
        rows = slice(int(self.splits[start]), int(self.splits[stop]))
        weights = self.weights[rows] if self.weights is not None else None
        columns = {name: values[rows] for name, values in self.columns.items()}
        return EventSets(columns, self.splits[start : stop + 1] - self.splits[start], weights)

    def followed_by(self, other: EventSets) -> EventSets:
        """These lists, then others."""
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        columns = {name: np.concatenate([values, other.columns[name]]) for name, values in self.columns.items()}
        return EventSets(columns, np.concatenate([self.splits, self.splits[-1] + other.splits[1:]]), weights)
