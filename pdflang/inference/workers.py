"""Runs tasks on threads while the main thread shows progress and hears interrupts."""

from __future__ import annotations

import atexit
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

_TICK_SECONDS = 0.1


class StopRequest:
    """What an interrupt asks of running tasks: to stop at the next chance, or to be left behind."""

    def __init__(self) -> None:
        self._count = 0

    @property
    def requested(self) -> bool:
        """Stop at the end of the present piece of work."""
        return self._count > 0

    @property
    def urgent(self) -> bool:
        """Do not even wait for that: take what is finished."""
        return self._count > 1

    def request(self) -> None:
        """Ask to stop; asked twice, it is urgent."""
        self._count += 1


@contextmanager
def interrupts(heard: StopRequest | None = None) -> Iterator[StopRequest]:
    """A scope in which Ctrl-C makes a stop request instead of a KeyboardInterrupt.

    Where the caller has `heard` interrupts already, it is its request. Signals reach only the main thread: called
    from another one, or where somebody else's handler that is not Python's is in place, the scope changes nothing.
    """
    if heard is not None:
        yield heard
        return
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = signal.getsignal(signal.SIGINT)
    if previous is None or previous == signal.SIG_IGN:
        yield request
        return

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        request.request()

    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, previous)


def run_tasks(
    tasks: Sequence[Callable[[], Result]],
    threads: int,
    stop: StopRequest,
    tick: Callable[[], None] = lambda: None,
    patient: bool = True,
) -> list[Result | None]:
    """Run tasks, `threads` at a time; their results in order, None where a task was not finished.

    Tasks that have not begun when a stop is requested are left out. `tick` is called in this thread some
    times a second. The first exception of a task stops the others and is raised here. The threads are
    daemons, so that an urgent stop need not wait for compiled code, which cannot be interrupted; unless
    `patient`, where nothing is lost with the tasks, every stop is urgent.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(tasks)):
        waiting.put(number)
    results: list[Result | None] = [None] * len(tasks)
    failures: list[BaseException] = []
    alive = threading.Semaphore(0)

    def work() -> None:
        try:
            while not (stop.requested or failures):
                number = waiting.get_nowait()
                results[number] = tasks[number]()
        except queue.Empty:
            pass
        except BaseException as failure:
            failures.append(failure)
        finally:
            alive.release()

    started = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(tasks)))]
    for thread in started:
        thread.start()
    remaining = len(started)
    while remaining and not (stop.urgent or (stop.requested and not patient)):
        remaining -= alive.acquire(timeout=_TICK_SECONDS)
        tick()
    if remaining:
        atexit.register(_wait_at_exit, started)
    if failures:
        raise failures[0]
    return list(results)


def _wait_at_exit(threads: Sequence[threading.Thread]) -> None:
    """Let compiled code end before the interpreter, which would crash under it; Ctrl-C ends both at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for thread in threads:
        thread.join()
