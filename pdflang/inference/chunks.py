"""What one call of a chain's program is asked for, and gives: the schedule of warmup, and some transitions."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

BLOCK = 128
"""Transitions whose random numbers are drawn together."""

_MOST, _MOST_NUMBERS = 1024, 2**15

_FAST, _SLOW, _WINDOW_END, SAMPLING = range(4)

_FIRST_WINDOW = 25
_SHORTEST = 20
"""A shorter warmup adapts the step size alone."""


class Transitions(NamedTuple):
    """What a chunk of transitions gave, arrays of shape (chunk,), positions (chunk, n)."""

    z: Any
    lp: Any
    diverging: Any
    energy: Any
    acceptance_rate: Any
    tree_depth: Any
    n_steps: Any
    step_size: Any


def chunk_of(dimension: int) -> int:
    """Most transitions of one call, in whole blocks: a call costs what a hundred transitions of a small density do."""
    return BLOCK * max(1, min(_MOST, _MOST_NUMBERS // max(1, dimension)) // BLOCK)


@cache
def stages(warmup: int, settling: int | None) -> np.ndarray:
    """The stage of each transition, int32 (warmup + 1024,): Stan's windows, then sampling.

    The first window begins after `settling` transitions, and each is twice as long as the one before (Stan Reference
    Manual, "Automatic parameter tuning"). There are no windows where that is None.

    The last part, for the step size alone, is longer than Stan's 50 where warmup is long. Dual averaging takes large
    steps up and down at first, and where their logarithms average the acceptance is above the target: too small
    steps, which differ from chain to chain. All chains have the same array, which is not to be written to.
    """
    found = np.full(warmup + _MOST, _FAST, np.int32)
    found[warmup:] = SAMPLING
    found.flags.writeable = settling is not None
    if settling is None:
        return found
    begin, length, last = settling, _FIRST_WINDOW, max(50, warmup // 10)
    if begin + length + last > warmup:
        begin, last = int(0.15 * warmup), int(0.1 * warmup)
        length = warmup - begin - last
    while warmup >= _SHORTEST and begin < warmup - last:
        # One that leaves too little for the next takes it too.
        end = begin + length if 3 * length <= warmup - last - begin else warmup - last
        found[begin:end] = _SLOW
        found[end - 1] = _WINDOW_END
        begin, length = end, 2 * length
    found.flags.writeable = False
    return found


def up_to_window_end(stages: np.ndarray) -> int:
    """How many of the transitions of these stages (n,) there are up to the end of a window."""
    ends = np.flatnonzero(stages == _WINDOW_END)
    return int(ends[0]) + 1 if len(ends) else len(stages)


def ends_window(stage: int) -> bool:
    """Whether a transition of this stage is the last of a window."""
    return bool(stage == _WINDOW_END)
