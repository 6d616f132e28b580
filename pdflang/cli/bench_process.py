"""The process of one method in a bench: draws from a model that another process has bound, and says what it cost.

`python -m pdflang.cli.bench_process FOLDER` reads the job there, which the parent pickled for it, and leaves
`found.json` and `draws.npz`. It ends when its parent does, whose end of the standard input then closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdflang.inference import Progressed
    from pdflang.inference.workers import StopRequest

JOB, FOUND, DRAWS = "job.pickle", "found.json", "draws.npz"

_TICK = 0.05


def main(folder: Path) -> None:
    """Do the job of a folder; whatever goes wrong is in its record, in a sentence."""
    _end_with_parent(folder)
    job = pickle.loads((folder / JOB).read_bytes())
    _keep_to(job["cores"])
    try:
        record = _done(job, folder)
    except Exception as failure:
        record = {"failure": _said(failure)}
    _leave(folder, record)


def _done(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    from pdflang.inference import METHODS, prepare_jax
    from pdflang.inference.workers import StopRequest

    prepare_jax()
    import numpy as np

    from pdflang.elsewhere import unpacked
    from pdflang.embedding import Model
    from pdflang.fields import parameter_entries
    from pdflang.results.bench.measured import flattened, measured, thinned

    model = unpacked(Model, job["model"])
    method = METHODS[job["method"]]
    stop = StopRequest()
    clock = _Clock(job["budget"], job["compilation"], job["grace"], stop, lambda why: _leave(folder, {"failure": why}))
    compiling = _Compiling()
    begin = time.perf_counter()
    draws = model.draw(method.options(**job["options"]), clock, stop)
    seconds = time.perf_counter() - begin
    compilation = max(compiling.seconds(), draws.seconds.get("compile", 0.0))
    clock.end()
    if draws.interrupted and not (method.grows and draws.z.shape[1] >= job["least"]):
        return {"failure": clock.why}
    parameters, _ = model.quantities(draws.z.reshape(-1, model.dimension))
    values = flattened(parameters, list(model.program.parameters), draws.z.shape[:2])
    record = measured(parameter_entries(model), values, draws, seconds, compilation)
    with (folder / DRAWS).open("wb") as file:
        np.savez(file, z=thinned(draws.z, record["ess"]))
    return record


class _Compiling:
    """The time in which some thread of this process traced or compiled a program, from when this is made."""

    def __init__(self) -> None:
        import jax

        self._spans: list[tuple[float, float]] = []
        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, duration: float, **details: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            now = time.perf_counter()
            self._spans.append((now - duration, now))

    def seconds(self) -> float:
        """What spans cover together: programs are traced within others, and threads compile at the same time."""
        total = last = 0.0
        for begin, end in sorted(self._spans):
            total += max(0.0, end - max(begin, last))
            last = max(last, end)
        return total


class _Clock:
    """A monitor that asks the method to stop when its budget is used, which counts from its first progress.

    Until then it compiles, for which there are so many seconds more. Where it does not stop within the `grace`, it is
    left behind: `give_up` ends the process.
    """

    def __init__(
        self, budget: float, compilation: float, grace: float, stop: StopRequest, give_up: Any
    ) -> None:
        self._budget, self._compilation, self._grace = budget, compilation, grace
        self._stop, self._give_up = stop, give_up
        self._begun: float | None = None
        self._at_first: dict[int, Progressed] = {}
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def why(self) -> str:
        """Why there are no draws, or not enough."""
        return f"not finished within the budget of {self._budget:g} s"

    def start(self, method: str, chains: int, total: int) -> None:
        """Nothing is drawn yet."""

    def update(self, progressed: Progressed) -> None:
        """The time counts from the first progress."""
        if self._begun is None and progressed != self._at_first.setdefault(progressed.chain, progressed):
            self._begun = time.monotonic()

    def finish(self) -> None:
        """The clock goes on: a method may run another."""

    def end(self) -> None:
        """The method has returned."""
        self._is_over.set()

    def _watch(self) -> None:
        created = time.monotonic()
        while not self._is_over.wait(_TICK):
            now, begun = time.monotonic(), self._begun
            over = now - created - self._budget - self._compilation if begun is None else now - begun - self._budget
            if over > 0 and not self._stop.requested:
                self._stop.request()
            if over > self._grace:
                self._give_up(self.why)


def _leave(folder: Path, record: dict[str, Any]) -> None:
    """Write what was found and end at once, whatever threads are doing."""
    record = {**record, "memory": _peak_memory()}
    part = folder / f"{FOUND}.part"
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(folder / FOUND)
    os._exit(0)


def _said(failure: Exception) -> str:
    from pdflang.diagnostics import PdflangError

    if isinstance(failure, PdflangError):
        return "; ".join(f"{found.code}: {found.message}" for found in failure.diagnostics)
    if isinstance(failure, MemoryError) or "RESOURCE_EXHAUSTED" in str(failure):
        return "there was not enough memory for it"
    first = (str(failure).splitlines() or [""])[0]
    return f"{type(failure).__name__}: {first}"[:300]


def _peak_memory() -> int:
    """The most memory that this process has had, in bytes.

    What `getrusage` tells on Linux may be that of the parent, from before this program began.
    """
    import resource

    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _keep_to(cores: int) -> None:
    """Use so many of the cores; and if memory ends, be the process that has to go."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_with_parent(folder: Path) -> None:
    def wait() -> None:
        while os.read(0, 1024):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
