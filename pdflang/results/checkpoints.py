"""What is kept of chains while they run, so that a run that ends too early can go on: in the folder of the run.

Draws are written in pieces that are never changed; the state of a chain, which says how many pieces count, replaces the
one before as a whole. A process may be killed between any two of these steps.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Protocol
from zipfile import BadZipFile

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.results.files import cannot_write, write_whole
from pdflang.results.run_folder import CHECKPOINT, RunFolder

_STATE = "state.npz"


@dataclass(frozen=True)
class Checkpoint:
    """A chain between two transitions.

    It is one of `method`. `state` are the leaves of its compiled state in their order, `done` of `total` transitions
    are made, `metric` is that of the next one. `columns` are the statistics and positions of the draws
    so far, arrays (draw, …).
    """

    method: str
    state: tuple[np.ndarray, ...]
    done: int
    total: int
    warmup_gradients: int
    metric: np.ndarray | None
    columns: Mapping[str, np.ndarray]

    @property
    def gradients(self) -> int:
        """All that it has cost."""
        return self.warmup_gradients + int(np.sum(self.columns.get("n_steps", 0)))


class Checkpoints(Protocol):
    """Where chains are kept, by their number. Chains are saved from threads of their own, every so many `seconds`."""

    seconds: float

    def load(self, chain: int) -> Checkpoint | None:
        """The chain as it was saved last; None where it never was."""

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """Keep a chain, in place of one of another method.

        Of `columns` only what is new since the last time need be written.
        """


class MemoryCheckpoints:
    """Keeps chains for as long as the process lives: for a method that takes another's place."""

    seconds = math.inf

    def __init__(self) -> None:
        self._kept: dict[int, Checkpoint] = {}

    def load(self, chain: int) -> Checkpoint | None:
        """The chain as it was kept last."""
        return self._kept.get(chain)

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
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return None
        columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]} if pieces else {}
        rows = len(columns["z"]) if columns else 0
        if rows != int(state["rows"]):
            return None
        self.begun = True
        self._methods[chain], self._pieces[chain], self._saved[chain] = method, len(pieces), rows
        leaves = sorted((name for name in state if name.startswith("leaf ")), key=lambda name: int(name.split()[1]))
        return Checkpoint(
            method=method,
            state=tuple(state[name] for name in leaves),
            done=int(state["done"]),
            total=int(state["total"]),
            warmup_gradients=int(state["warmup_gradients"]),
            metric=state.get("metric"),
            columns=columns,
        )

    def made(self, chains: int) -> int:
        """How many draws the longest of so many chains has."""
        kept = [self.load(chain) for chain in range(chains)]
        return max((len(saved.columns["z"]) for saved in kept if saved is not None and saved.columns), default=0)

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        """Write the draws that are new, then the state; a failure is remembered, not raised."""
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
        new = {name: column[saved:] for name, column in checkpoint.columns.items()}
        count = len(new.get("z", ()))
        if count:
            write_whole(place / _piece(pieces), _packed(new))
            pieces += 1
        state = {f"leaf {number}": leaf for number, leaf in enumerate(checkpoint.state)}
        state["method"] = np.array(checkpoint.method)
        if checkpoint.metric is not None:
            state["metric"] = checkpoint.metric
        numbers = {
            "done": checkpoint.done,
            "total": checkpoint.total,
            "warmup_gradients": checkpoint.warmup_gradients,
            "pieces": pieces,
            "rows": saved + count,
        }
        write_whole(place / _STATE, _packed({**state, **{name: np.array(n) for name, n in numbers.items()}}))
        self._methods[chain], self._pieces[chain], self._saved[chain] = checkpoint.method, pieces, saved + count

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
