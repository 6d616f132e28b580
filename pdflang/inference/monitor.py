"""Shows how far a run is: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID
    from rich.text import Text


@dataclass(frozen=True)
class Progressed:
    """How far a chain or start is: `done` of `total` steps; step size and divergences if it has any."""

    chain: int
    phase: str
    done: int
    total: int
    step_size: float | None = None
    divergences: int = 0


_TITLES = {
    "map": "start {}", "calibrate": "fits", "predict": "draws", "minos": "errors", "profile": "points",
    "bootstrap": "fits", "simulate": "data sets", "abc": "data sets",
    "adversarial": "data sets", "compilation": "proposals",
    "chees": "chains", "meads": "chains",
}  # fmt: skip
"""What a bar is called, by method."""


class Monitor(Protocol):
    """What a method tells while it runs, all from the thread that called it."""

    def start(self, method: str, chains: int, total: int) -> None:
        """A run begins: so many chains of `total` steps each."""

    def update(self, progressed: Progressed) -> None:
        """News from one chain."""

    def finish(self) -> None:
        """The run has ended, for whatever reason."""


class QuietMonitor:
    """Says nothing."""

    def start(self, method: str, chains: int, total: int) -> None:
        """Say nothing."""

    def update(self, progressed: Progressed) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


class RichMonitor:
    """One bar a chain on standard error: phase, step size, divergences, time left."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._tasks: list[TaskID] = []

    def start(self, method: str, chains: int, total: int) -> None:
        """Draw empty bars."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        class Detail(ProgressColumn):
            def render(self, task: Task) -> Text:
                return _detail(task.fields.get("progressed"))

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            Detail(),
            console=Console(stderr=True),
        )
        title = _TITLES.get(method, "chain {}")
        self._tasks = [self._progress.add_task(title.format(i + 1), total=total) for i in range(chains)]
        self._progress.start()

    def update(self, progressed: Progressed) -> None:
        """Move one bar."""
        if self._progress is not None:
            self._progress.update(
                self._tasks[progressed.chain],
                completed=progressed.done,
                total=progressed.total,
                progressed=progressed,
            )

    def finish(self) -> None:
        """Leave the bars as they are and the terminal as it was."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def terminal_monitor(stream: TextIO | None = None) -> Monitor:
    """Bars where `stream`, standard error if not given, is a terminal; silence elsewhere."""
    stream = sys.stderr if stream is None else stream
    return RichMonitor() if stream is not None and stream.isatty() else QuietMonitor()


def _detail(progressed: Progressed | None) -> Text:
    from rich.text import Text

    if progressed is None:
        return Text("compiling")
    parts = [progressed.phase]
    if progressed.step_size is not None:
        parts.append(f"step size {progressed.step_size:.2g}")
    if progressed.divergences:
        parts.append(f"{progressed.divergences} divergent")
    return Text(" · ".join(parts), style="red" if progressed.divergences else "")
