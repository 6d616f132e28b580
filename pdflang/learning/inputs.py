"""What networks are given of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from pdflang.learning.layout import Part
from pdflang.learning.pairs import Pairs
from pdflang.learning.scaling import rows_of, statistics

_AT_ONCE = 4096
"""Data sets that are made ready at once: a bound on memory."""


def inputs(parts: Sequence[Part], scales: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Statistics of a data set, and the rows of its sets."""
    sets = {part.name: rows_of(part, scales, data) for part in parts if part.is_set}
    return {"statistics": statistics(parts, scales, data), "sets": sets}


def input_widths(parts: Sequence[Part], scales: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
    """How many statistics there are, and the widths of the rows of sets."""
    return len(scales["statistics mean"]), {part.name: part.width for part in parts if part.is_set}


def of_pairs(function: Any, pairs: Pairs) -> Any:
    """A function of z and data, which is computed in 64 bits, of all simulations; the result in 32 bits."""
    compiled, count, found = jax.jit(jax.vmap(function)), len(pairs), []
    size = min(_AT_ONCE, count)
    with jax.enable_x64(True):
        for first in range(0, count, size):
            # Whole batches, as a rest of another length would be compiled apart.
            some = pairs.chosen(np.minimum(np.arange(first, first + size), count - 1))
            found.append(jax.tree.map(_narrow, compiled(some.z, some.data)))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *found)


def _narrow(array: Any) -> np.ndarray:
    found = np.asarray(array)
    return found.astype(np.float32) if found.dtype == np.float64 else found


def number_of_summaries(widths: Mapping[str, int], statistics_count: int, summaries: int) -> int:
    """How long the vector is that a `Summary` makes."""
    return statistics_count + summaries * len(widths)


