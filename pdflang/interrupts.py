"""Ctrl-C in a process of ours: it ends at once and without a traceback, or after what must be kept is kept.

A KeyboardInterrupt would do neither: libraries swallow it, print it where it comes at a bad moment, or turn it
into another error. Imports nothing heavy, so that the command line is ready for Ctrl-C before it imports the rest.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130

before_leaving: list[Callable[[], None]] = []
"""What is called before an interrupted process ends, such as the removal of half a result."""


class Hold:
    """Whether Ctrl-C came while it was held back."""

    requested = False


def leave_on_interrupt() -> None:
    """From now on Ctrl-C ends the process with exit code 130. Where it is ignored, as under nohup, it stays so.

    A batch system that ends a job and a terminal that is closed ask for the same.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: leave())
    for other in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, other, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, frame: signal.raise_signal(signal.SIGINT))


def end(asked: SystemExit) -> NoReturn:
    """End the process at once with the code that was asked for.

    All is written by then. Python would take down one by one what JAX has made, which takes longer than a small fit.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(asked.code if isinstance(asked.code, int) else 0 if asked.code is None else 1)


def leave(message: str = "interrupted") -> NoReturn:
    """End the process with exit code 130, whatever its threads are doing."""
    for prepare in before_leaving:
        with contextlib.suppress(Exception):
            prepare()
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.write(2, f"{message}\n".encode())
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def held() -> Iterator[Hold]:
    """A scope that a first Ctrl-C does not end: it is remembered. A second one ends the process."""
    hold = Hold()
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) in (
        None,
        signal.SIG_IGN,
    ):
        yield hold
        return

    def remember(number: int, frame: FrameType | None) -> None:
        if hold.requested:
            leave()
        hold.requested = True
        with contextlib.suppress(OSError):
            os.write(2, b"interrupted: keeping what there is; Ctrl-C again ends at once\n")

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield hold
    finally:
        signal.signal(signal.SIGINT, previous)
