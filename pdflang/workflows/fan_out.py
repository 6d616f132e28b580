"""Runs many tasks on the cores of this machine. One that fails costs itself; those finished are kept at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from pdflang.diagnostics import PdflangError
from pdflang.inference import Monitor, Progressed
from pdflang.inference.platform import available_cores
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.workflows.journal import Journal, Record

FAILURE = "failure"
"""The field of a record that says why its task failed."""

Task = Callable[[int, StopRequest], Record | None]
"""What makes the record of a number; None where it was asked to stop on the way."""


def fan_out(
    method: str, numbers: Iterable[int], task: Task, journal: Journal, threads: int | None, monitor: Monitor
) -> bool:
    """Run the task for each number that the journal has no record of; whether all of them are there now.

    Records depend on their number alone, so that the threads change nothing. Ctrl-C lets go of what is in hand.
    """
    numbers = list(numbers)
    waiting = [number for number in numbers if number not in journal.records]
    with interrupts() as stop:
        monitor.start(method, 1, len(numbers))
        tick = partial(_report, numbers, journal, monitor)
        tick()
        try:
            tasks = [partial(_run, task, number, journal, stop) for number in waiting]
            run_tasks(tasks, threads or available_cores(), stop, tick)
        finally:
            monitor.finish()
    return all(number in journal.records for number in numbers)


def _run(task: Task, number: int, journal: Journal, stop: StopRequest) -> None:
    try:
        record = task(number, stop)
    except Exception as failure:
        record = {FAILURE: _said(failure)}
    if record is not None:
        journal.append(number, record)


def _said(failure: Exception) -> str:
    if isinstance(failure, PdflangError):
        return "; ".join(f"{found.code}: {found.message}" for found in failure.diagnostics)
    return f"{type(failure).__name__}: {failure}"


def _report(numbers: list[int], journal: Journal, monitor: Monitor) -> None:
    records = dict(journal.records)
    done = [number for number in numbers if number in records]
    failed = sum(FAILURE in records[number] for number in done)
    monitor.update(Progressed(0, f"{failed} failed" if failed else "fitting", len(done), len(numbers)))
