"""A monitor that passes a held Ctrl-C on to the sampler."""

from __future__ import annotations

import signal

from pdflang.inference import Monitor, Progressed
from pdflang.interrupts import Hold


def told_of(hold: Hold, monitor: Monitor) -> Monitor:
    """The monitor, which repeats a Ctrl-C that was held back just before the sampler listened itself."""
    return _Told(hold, monitor)


class _Told:
    def __init__(self, hold: Hold, monitor: Monitor) -> None:
        self._hold = hold
        self._monitor = monitor

    def start(self, method: str, chains: int, total: int) -> None:
        self._monitor.start(method, chains, total)
        if self._hold.requested:
            signal.raise_signal(signal.SIGINT)

    def update(self, progressed: Progressed) -> None:
        self._monitor.update(progressed)

    def finish(self) -> None:
        self._monitor.finish()
