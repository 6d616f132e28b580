"""Several runs side by side, each by small pieces of work."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from pdflang.inference.keeping import Keeper, Kept
from pdflang.inference.monitor import Monitor, Progressed
from pdflang.inference.platform import available_cores
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.results.checkpoints import Checkpoints

Made = TypeVar("Made")


class Run(Kept, Protocol):
    """A chain, a population or a path: whatever goes on by pieces and can be left off between them."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""

    def go_on(self) -> None:
        """One piece of work."""


def run_all(
    method: str, runs: Sequence[Run], pieces: int, threads: int | None, stop: StopRequest | None, monitor: Monitor,
    checkpoints: Checkpoints | None,
) -> tuple[bool, float]:  # fmt: skip
    """Let runs go on side by side until they are done, or until an interrupt; whether all are done, and seconds.

    They go on from the `checkpoints` of an earlier run, and are kept there.

    The first `pieces` of work compile: they are done by one run, where runs that began together would all compile.
    Progress of each is in hundredths.
    """
    begin = time.perf_counter()
    keeper = Keeper(method, checkpoints)
    keeper.restore(runs)
    with interrupts(stop) as heard:
        monitor.start(method, len(runs), 100)
        try:
            for _ in range(pieces):
                if not (heard.requested or runs[0].is_done):
                    runs[0].go_on()
                    keeper.worked(runs[0])
            finished = take_turns(runs, threads, heard, monitor, keeper)
        finally:
            monitor.finish()
    return finished, time.perf_counter() - begin


def take_turns(
    runs: Sequence[Run], threads: int | None, stop: StopRequest, monitor: Monitor, keeper: Keeper
) -> bool:
    """Let all runs go on until they are done, or until a stop; whether all are done. The `keeper` keeps them.

    `threads` at once, as many as there are cores where None. Runs take turns where threads are fewer, so that an
    interrupt finds something of all of them.
    """

    def tick() -> None:
        for run in runs:
            monitor.update(run.progressed)

    turns: queue.SimpleQueue[Run] = queue.SimpleQueue()
    for run in runs:
        if not run.is_done:
            turns.put(run)

    def work() -> None:
        while not stop.requested:
            try:
                run = turns.get_nowait()
            except queue.Empty:
                return
            run.go_on()
            keeper.worked(run)
            if not run.is_done:
                turns.put(run)

    at_once = min(threads or available_cores(), len(runs))
    run_tasks([work] * at_once, at_once, stop, tick)
    if not stop.urgent:
        keeper.end(runs)
    return all(run.is_done for run in runs)


def each_of(
    count: int, make: Callable[[int], Made], method: str, threads: int | None, monitor: Monitor,
    stop: StopRequest | None = None,
) -> list[Made]:  # fmt: skip
    """What is made of each number below the count, on threads, in order, with progress of simulations.

    KeyboardInterrupt where Ctrl-C was heard, or a stop requested.
    """
    made: dict[int, Made] = {}

    def run(number: int) -> None:
        made[number] = make(number)

    with interrupts(stop) as heard:
        monitor.start(method, 1, count)
        try:
            run_tasks(
                [partial(run, number) for number in range(count)], threads or available_cores(), heard,
                lambda: monitor.update(Progressed(0, "simulating", len(made), count)), patient=False,
            )  # fmt: skip
        finally:
            monitor.finish()
    if heard.requested:
        raise KeyboardInterrupt
    return [made[number] for number in range(count)]
