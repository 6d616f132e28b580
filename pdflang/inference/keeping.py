"""Keeping runs on the way, and going on from what was kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from pdflang.inference.monitor import Progressed
from pdflang.inference.platform import double_precision
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_LEAF = "leaf "


class Kept(Protocol):
    """What can be kept between two pieces of its work; its number is that of its chain."""

    @property
    def progressed(self) -> Progressed:
        """How far it is; read from another thread."""

    def checkpoint(self) -> Checkpoint | None:
        """All that it goes on from; None before its beginning."""

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there; False where it is of another program, and this one has to begin anew."""


class Keeper:
    """Keeps the runs of a method in `checkpoints`, if there are any, every so many seconds and at their end."""

    def __init__(self, method: str, checkpoints: Checkpoints | None) -> None:
        self._method = method
        self._checkpoints = checkpoints
        self._begun = time.monotonic()
        self._saved_at: dict[int, float] = {}
        self._new: set[int] = set()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._checkpoints is not None

    def restore(self, runs: Sequence[Kept]) -> dict[int, Checkpoint]:
        """Let runs go on from where they were kept; what there is of other methods, in whose place they are."""
        others: dict[int, Checkpoint] = {}
        if self._checkpoints is None:
            return others
        for run in runs:
            number = run.progressed.chain
            saved = self._checkpoints.load(number)
            if saved is not None and saved.method != self._method:
                others[number] = saved
            elif saved is not None and not run.restore(saved):
                self._checkpoints.forget(number)
        return others

    def worked(self, run: Kept) -> None:
        """A piece of work was done, by the thread that asks."""
        if self._checkpoints is None:
            return
        number = run.progressed.chain
        self._new.add(number)
        if time.monotonic() - self._saved_at.get(number, self._begun) > self._checkpoints.seconds:
            self._save(self._checkpoints, run)

    def end(self, runs: Sequence[Kept]) -> None:
        """No run is at work: keep what is new."""
        for run in runs:
            if self._checkpoints is not None and run.progressed.chain in self._new:
                self._save(self._checkpoints, run)

    def _save(self, checkpoints: Checkpoints, run: Kept) -> None:
        number, found = run.progressed.chain, run.checkpoint()
        if found is not None:
            checkpoints.save(number, found)
            self._saved_at[number] = time.monotonic()
            self._new.discard(number)


def leaves_of(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a tree by name."""
    return {f"{_LEAF}{number}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(tree))}


def tree_like(like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The tree of these arrays; None where they are not of shapes and types as in `like`, but of another program."""
    leaves, structure = jax.tree.flatten(like)
    found = [arrays.get(f"{_LEAF}{number}") for number in range(len(leaves))]
    if any(a is None or (a.shape, a.dtype) != (b.shape, b.dtype) for a, b in zip(found, leaves, strict=True)):
        return None
    return jax.tree.unflatten(structure, found)


def shape_of(function: Any, *arguments: Any) -> Any:
    """What a function would return, by shapes and types alone."""
    with double_precision():
        return jax.eval_shape(function, *arguments)
