"""One chain in a process of its own, which has a compiler, memory and threads that no other one waits for."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.chain import Chain
from pdflang.inference.chunks import Transitions
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.monitor import Progressed
from pdflang.inference.options import ChainOptions
from pdflang.inference.processes import how_it_ended, started
from pdflang.inference.trajectories import Trajectory
from pdflang.results.checkpoints import Checkpoint

_PROGRAM = "pdflang.cli.chain_process"


@dataclass(frozen=True)
class Job:
    """What the process of a chain makes it of; the `model` is packed."""

    model: bytes
    method: str
    number: int
    options: ChainOptions
    trajectory: Trajectory
    seed: int
    mode: np.ndarray | None


class Request(NamedTuple):
    """What the process of a chain is to do: the name of something that `ChainRun` can, or `compile`."""

    name: str
    arguments: tuple[Any, ...]
    total: int
    is_held: bool
    spent_before: int


class Answer(NamedTuple):
    """What came of it, and what has changed; `no_start` (n,) is the last place where there was no finite density."""

    value: Any
    progressed: Progressed
    rows: list[Transitions]
    warmup_gradients: int
    metric: np.ndarray | None
    no_start: np.ndarray | None = None
    failure: str | None = None


@contextmanager
def chains_apart(jobs: Sequence[Job], dimension: int) -> Iterator[list[ChainApart]]:
    """A scope in which chains have processes."""
    chains: list[ChainApart] = []
    try:
        for job in jobs:
            chains.append(ChainApart(job, dimension))
        yield chains
    finally:
        for chain in chains:
            chain.end()


class ChainApart(Chain):
    """A chain in a process of its own. Raises `PdflangError` (E628) where that ends, `NoFiniteStart` as any chain."""

    def __init__(self, job: Job, dimension: int) -> None:
        super().__init__(job.method, job.number, dimension, job.options)
        self._process = started(_PROGRAM, answers=True)
        self._send(job)

    def compile(self) -> None:
        """Compile all that the chain needs, if that is not in the cache."""
        self._ask("compile")

    @property
    def step_size(self) -> float:
        if self.progressed.done < self._options.warmup:  # after an interrupt the process may still be compiling
            return math.inf
        found: float = self._ask("step_size")
        return found

    def go_on(self) -> None:
        self._ask("go_on")

    def state(self) -> Mapping[str, np.ndarray] | None:
        found: Mapping[str, np.ndarray] | None = self._ask("state")
        return found

    def restore(self, saved: Checkpoint) -> bool:
        goes_on: bool = self._ask("restore", saved)
        if goes_on:
            self.rows = [Transitions(**saved.rows)] if saved.rows else []
        return goes_on

    def end(self) -> None:
        """Let go of the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # by what was still to be sent
                pipe.close()

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._send(Request(name, arguments, self.progressed.total, self.is_held, self.spent_before))
        assert self._process.stdout is not None
        try:
            answer: Answer = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise self._ended() from None
        if answer.no_start is not None:
            raise NoFiniteStart(answer.no_start)
        if answer.failure is not None:
            raise RuntimeError(f"in the process of chain {self._number}: {answer.failure}")
        self.rows += answer.rows
        self.progressed, self.warmup_gradients, self.metric = answer[1], answer.warmup_gradients, answer.metric
        return answer.value

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pickle.dumps(message))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> PdflangError:
        how = how_it_ended(self._process.wait())
        return PdflangError(
            Diagnostic(
                "E628",
                f"the process of chain {self._number} {how}",
                remedy="leave `--workers` out, or ask for fewer `--chains`: they take less memory; `--resume` goes on "
                "from what was saved",
            )
        )
