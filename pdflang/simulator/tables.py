"""Ragged lists of events in rows of one length, so that what is compiled for a row does for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

_EVENTS = 1 << 14
"""Events that compiled code treats at once."""
_ROWS = 64
"""Rows at once, at most: each may have to integrate something anew at its parameters."""
_LONGEST = 1 << 11


@dataclass(frozen=True, eq=False)
class Rows:
    """The events of each row, (rows, length), whether they are `there` and no filling, and its owner (rows,)."""

    events: np.ndarray
    there: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, owner: np.ndarray) -> Rows:
        """Events with owners (total,) that rise: no row has events of two."""
        owners, first, counts = np.unique(owner, return_index=True, return_counts=True)
        length = _length(counts)
        parts = -(-counts // length)
        row_owner = np.repeat(np.arange(len(owners)), parts)
        part = np.arange(len(row_owner)) - np.repeat(np.cumsum(parts) - parts, parts)
        places = part[:, None] * length + np.arange(length)
        there = places < counts[row_owner][:, None]
        events = first[row_owner][:, None] + np.minimum(places, counts[row_owner][:, None] - 1)
        return cls(events, there, owners[row_owner])

    @cached_property
    def at_once(self) -> int:
        """How many rows are computed at once."""
        return max(1, min(_ROWS, _EVENTS // max(1, self.events.shape[1])))

    def mapped(self, function: Callable[..., Any], sites: Mapping[str, np.ndarray], params: Any, *rest: Any) -> Any:
        """A compiled function of (sites (rows, length), there, params (rows, …), *rest), over all rows.

        `params` has entries of owners. The result is a tree of arrays (rows, …).
        """
        found = []
        for start in range(0, len(self.owner), self.at_once):
            # As many rows as ever: others would be compiled apart.
            rows = np.minimum(np.arange(start, start + self.at_once), len(self.owner) - 1)
            there = self.there[rows] & (np.arange(start, start + self.at_once) < len(self.owner))[:, None]
            of_events = {name: values[self.events[rows]] for name, values in sites.items()}
            of_rows = {name: values[self.owner[rows]] for name, values in params.items()}
            result = function(of_events, there, of_rows, *rest)
            count = min(self.at_once, len(self.owner) - start)
            found.append(jax.tree.map(lambda values, count=count: np.asarray(values)[:count], result))
        return jax.tree.map(lambda *parts: np.concatenate(parts), *found)


def _length(counts: np.ndarray) -> int:
    """A power of two that holds most lists."""
    usual = int(np.quantile(counts, 0.9)) if len(counts) else 1
    return int(min(_LONGEST, max(16, 1 << (max(usual, 1) - 1).bit_length())))


_BLOCKS = 16


def in_blocks(function: Callable[..., Any], block: int, *trees: Any) -> Any:
    """A compiled function of trees of arrays (n, …), for blocks of rows, or many at once: two lengths are compiled.

    What is computed of a row does not depend on the rows before and after its block.
    """
    length, start, found = len(jax.tree.leaves(trees)[0]), 0, []
    while start < length:
        size = block * _BLOCKS if length - start >= block * _BLOCKS else block
        rows = np.minimum(np.arange(start, start + size), length - 1)
        result = function(*jax.tree.map(lambda values, rows=rows: values[rows], trees))
        count = min(size, length - start)
        found.append(jax.tree.map(lambda values, count=count: np.asarray(values)[:count], result))
        start += size
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found)
