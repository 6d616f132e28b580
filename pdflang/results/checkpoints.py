"""What is kept of chains while they run, so that a run that ends too early can go on: in the folder of the run.

A chain is whatever a method runs several of: populations, live points, paths. Its rows, such as draws, are written in
pieces that are never changed; its state, which says how many pieces count, replaces the one before as a whole. A
process may be killed between any two of these steps.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Protocol
from zipfile import BadZipFile

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.results.files import cannot_write, write_whole
from pdflang.results.run_folder import CHECKPOINT, RunFolder

_STATE = "state.npz"
_OWN = "state of "
"""Before the names of a method: beside them the file has some of its own."""


@dataclass(frozen=True)
class Checkpoint:
    """A chain of a `method` between two pieces of work.

    `state` are arrays by name; `rows` are arrays (row, …) by name, of which there are only ever more.
    """

    method: str
    state: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.rows.values()), ()))


class Checkpoints(Protocol):
    """Where chains are kept, by their number. Chains are saved from threads of their own, every so many `seconds`."""

    seconds: float

    def load(self, chain: int) -> Checkpoint | None:
        """The chain as it was saved last; None where it never was."""

    def forget(self, chain: int) -> None:
        """The chain begins anew: the next one that is saved has nothing of what was."""

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """Keep a chain, in place of one of another method.

        Of `rows` only those that are new since the last time need be written.
        """


class Later:
    """Those of a later stage of a method, whose chains count from 0 again, and have numbers from `first` on before."""

    def __init__(self, before: Checkpoints, first: int) -> None:
        self.seconds = before.seconds
        self._before, self._first = before, first

    def load(self, chain: int) -> Checkpoint | None:
        """The chain of the stage."""
        return self._before.load(self._first + chain)

    def forget(self, chain: int) -> None:
        """The chain of the stage."""
        self._before.forget(self._first + chain)

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """The chain of the stage."""
        self._before.save(self._first + chain, checkpoint)


def later(checkpoints: Checkpoints | None, first: int) -> Checkpoints | None:
    """The checkpoints of a later stage, if any are kept."""
    return None if checkpoints is None else Later(checkpoints, first)


class MemoryCheckpoints:
    """Keeps chains for as long as the process lives: for a method that takes another's place."""

    seconds = math.inf

    def __init__(self) -> None:
        self._kept: dict[int, Checkpoint] = {}

    def load(self, chain: int) -> Checkpoint | None:
        """The chain as it was kept last."""
        return self._kept.get(chain)

    def forget(self, chain: int) -> None:
        """Keep it no longer."""
        self._kept.pop(chain, None)

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """Keep a chain."""
        self._kept[chain] = checkpoint


class FolderCheckpoints:
    """The checkpoints of a run's folder; `begin` writes what the folder says of the run, before the first of them.

    `begun` says that something was kept, now or by an earlier run. A disk that is full does not end a run: `failure` is
    then the first message, and what was saved before stays.
    """

    def __init__(self, folder: RunFolder, begin: Callable[[RunFolder], None], seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.failure: PdflangError | None = None
        self._folder = folder
        self._begin = begin
        self.begun = self._said = False
        self._pieces: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._methods: dict[int, str] = {}
        self._lock = RLock()

    def load(self, chain: int) -> Checkpoint | None:
        """The chain as it was saved last; None where it never was, or where its files are damaged."""
        if self._folder.replaces:
            return None
        place = self._place(chain)
        try:
            with np.load(place / _STATE) as saved:
                state = {name: saved[name] for name in saved.files}
            method = str(state["method"])
            pieces = [_read(place / _piece(number)) for number in range(int(state["pieces"]))]
            rows = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]} if pieces else {}
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return None
        own = {name.removeprefix(_OWN): value for name, value in state.items() if name.startswith(_OWN)}
        found = Checkpoint(method, own, rows)
        if found.count != int(state["rows"]):
            return None
        self.begun = True
        self._methods[chain], self._pieces[chain], self._saved[chain] = method, len(pieces), found.count
        return found

    def forget(self, chain: int) -> None:
        """Write the next one from its beginning."""
        self._methods.pop(chain, None)

    def made(self, chains: int) -> int:
        """How many rows the longest of so many chains has."""
        kept = [self.load(chain) for chain in range(chains)]
        return max((saved.count for saved in kept if saved is not None), default=0)

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """Write the rows that are new, then the state; a failure is remembered, not raised."""
        try:
            with self._lock:
                if not self._said:
                    self._begin(self._folder)
                    self._said = True
                self._write(chain, checkpoint)
                self.begun = True
        except PdflangError as failure:
            self.failure = self.failure or failure

    def _write(self, chain: int, checkpoint: Checkpoint) -> None:
        place = self._place(chain)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise PdflangError(cannot_write(place, failure)) from failure
        goes_on = self._methods.get(chain) == checkpoint.method
        pieces, saved = (self._pieces[chain], self._saved[chain]) if goes_on else (0, 0)
        new = {name: column[saved:] for name, column in checkpoint.rows.items()}
        count = checkpoint.count - saved
        if count:
            write_whole(place / _piece(pieces), _packed(new))
            pieces += 1
        own = {_OWN + name: value for name, value in checkpoint.state.items()}
        counted = {"method": checkpoint.method, "pieces": pieces, "rows": checkpoint.count}
        write_whole(place / _STATE, _packed({**own, **{name: np.array(value) for name, value in counted.items()}}))
        self._methods[chain], self._pieces[chain], self._saved[chain] = checkpoint.method, pieces, checkpoint.count

    def _place(self, chain: int) -> Path:
        return self._folder.path / CHECKPOINT / f"chain-{chain}"


def _piece(number: int) -> str:
    return f"draws-{number:05d}.npz"


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as piece:
        return {name: piece[name] for name in piece.files}
