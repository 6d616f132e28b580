"""One chain, and how its thread runs it."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pdflang.inference.calls import next_size
from pdflang.inference.chunks import Transitions, chunk_of, ends_window, stages, up_to_window_end
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.keeping import leaves_of, tree_like
from pdflang.inference.monitor import Progressed
from pdflang.inference.options import ChainOptions
from pdflang.inference.programs import Programs, State
from pdflang.inference.target import Target
from pdflang.results.checkpoints import Checkpoint


class Chain(ABC):
    """A chain that can go on, from its start or from where it was saved, wherever it runs.

    The main thread reads `progressed` and, while the chain does not run, the rest.
    """

    def __init__(self, method: str, number: int, dimension: int, options: ChainOptions) -> None:
        self.progressed = Progressed(number, "starting", 0, options.warmup + options.first_draws)
        self.is_held = False
        self.rows: list[Transitions] = []
        self.warmup_gradients = 0
        self.spent_before = 0
        """Gradients of a method in whose place this one is."""

        self.metric: np.ndarray | None = None
        self.dimension = dimension
        self._method = method
        self._number = number
        self._options = options

    @property
    def is_done(self) -> bool:
        """Whether it has all the draws that it is to make; while it `is_held`, whether its warmup has ended."""
        return self.progressed.done >= (self._options.warmup if self.is_held else self.progressed.total)

    @property
    @abstractmethod
    def step_size(self) -> float:
        """What warmup has found; infinite before its end."""

    @abstractmethod
    def go_on(self) -> None:
        """One piece of work: the start, or some transitions."""

    @abstractmethod
    def state(self) -> Mapping[str, np.ndarray] | None:
        """The leaves of its state, how many transitions are made and wanted, what they cost; None before its start."""

    @abstractmethod
    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there; to as many transitions as were wanted, unless the options say how many."""

    def checkpoint(self) -> Checkpoint | None:
        """Its state, and its draws."""
        state = self.state()
        if state is None:
            return None
        rows = _joined(self.rows)
        self.rows = [] if rows is None else [rows]
        return Checkpoint(self._method, state, {} if rows is None else rows._asdict())

    def extend(self, draws: int) -> None:
        """Make so many more draws in the next run."""
        self.progressed = replace(self.progressed, total=self.progressed.total + draws)


class ChainRun(Chain):
    """A chain in this process."""

    def __init__(
        self,
        method: str,
        number: int,
        target: Target,
        options: ChainOptions,
        programs: Programs,
        seed: int,
        mode: np.ndarray | None,
    ) -> None:
        super().__init__(method, number, target.dimension, options)
        self._target = target
        self._programs = programs
        self._seed = seed
        self._mode = mode
        self._stages = stages(options.warmup, options.settling)
        self._state: State | None = None
        self._ends_with: float | None = None
        self._chunk = chunk_of(target.dimension)
        self._size = 1

    @property
    def step_size(self) -> float:
        if self._state is None or self.progressed.done < self._options.warmup:
            return math.inf
        if self._ends_with is None:  # of a chain that was saved
            with self._target.there():
                self._ends_with = float(self._call(self._state, 0, self._stages[-self._chunk :])[2])
        return self._ends_with

    def go_on(self) -> None:
        with self._target.there():
            if self._state is None:
                self._state = self._begin()
                return
            begin = time.perf_counter()
            self._state, count = self._advance(self._state)
            self._size = next_size(count, time.perf_counter() - begin, self._chunk)

    def state(self) -> Mapping[str, np.ndarray] | None:
        if self._state is None:
            return None
        numbers = {
            "done": self.progressed.done,
            "total": self.progressed.total,
            "warmup gradients": self.warmup_gradients,
        }
        state = {**leaves_of(self._state), **{name: np.array(number) for name, number in numbers.items()}}
        return state if self.metric is None else {**state, "metric": self.metric}

    def restore(self, saved: Checkpoint) -> bool:
        state = tree_like(self._programs.state_shape, saved.state)
        if state is None:
            return False
        done, total = int(saved.state["done"]), self.progressed.total
        if self._options.draws is None:
            total = max(total, int(saved.state["total"]))
        self._state, self.metric = state, saved.state.get("metric")
        self.warmup_gradients = int(saved.state["warmup gradients"])
        self.rows = [Transitions(**saved.rows)] if saved.rows else []
        phase = "warmup" if done < self._options.warmup else "sampling"
        divergent = sum(int(rows.diverging.sum()) for rows in self.rows)
        self.progressed = Progressed(self._number, phase, done, max(total, done), divergences=divergent)
        return True

    def _begin(self) -> State:
        state, metric, start = self._programs.begin(self._target, self._seed, self._number, self._mode)
        if not start.found:
            raise NoFiniteStart(start.z)
        self.warmup_gradients = self.spent_before + start.n_gradients
        self.metric = np.asarray(metric)
        return state

    def _advance(self, state: State) -> tuple[State, int]:
        """One call of the compiled program, which does not go beyond the end of warmup or of the run."""
        done, warmup = self.progressed.done, self._options.warmup
        count = min(self._size, (warmup if done < warmup else self.progressed.total) - done)
        first_stage = min(done, warmup)
        asked = self._stages[first_stage : first_stage + self._chunk]
        count = up_to_window_end(asked[:count])
        state, columns, step_size = self._call(state, count, asked)
        self._ends_with = float(step_size)
        if ends_window(asked[count - 1]):
            state, metric = self._programs.end_window(state, np.float64(self._options.target_acceptance))
            self.metric = np.asarray(metric)
        self._keep(Transitions(*(np.asarray(column)[:count] for column in columns)), done < warmup)
        return state, count

    def _call(self, state: State, count: int, asked: np.ndarray) -> tuple[State, tuple[Any, ...], Any]:
        """So many transitions of the stages that are asked for."""
        return self._programs.advance(
            state,
            np.uint32(self._seed),
            np.uint32(self._number),
            np.int32(self.progressed.done),
            np.int32(count),
            asked,
            np.float64(self._options.target_acceptance),
            self._target.arrays,
        )

    def _keep(self, rows: Transitions, warming_up: bool) -> None:
        before = self.progressed
        divergent = int(rows.diverging.sum())
        if warming_up:
            self.warmup_gradients += int(rows.n_steps.sum())
        else:
            self.rows.append(rows)
        self.progressed = Progressed(
            chain=before.chain,
            phase="warmup" if warming_up else "sampling",
            done=before.done + len(rows.lp),
            total=before.total,
            step_size=float(rows.step_size[-1]),
            divergences=0 if warming_up else before.divergences + divergent,
        )


def gradients_of(saved: Checkpoint) -> int:
    """All that a chain has cost."""
    return int(saved.state["warmup gradients"]) + int(np.sum(saved.rows.get("n_steps", 0)))


def _joined(rows: list[Transitions]) -> Transitions | None:
    """The chunks of rows as one; None where there are none."""
    if not rows:
        return None
    return Transitions(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))
