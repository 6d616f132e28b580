"""A method in a process of its own: its memory and its end, whatever that is, are its own."""

from __future__ import annotations

import json
import pickle
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.elsewhere import packed
from pdflang.inference.processes import how_it_ended, started
from pdflang.inference.workers import StopRequest
from pdflang.workflows.fan_out import FAILURE

if TYPE_CHECKING:
    from pdflang.embedding import Model

_PROGRAM = "pdflang.cli.bench_process"
_COMPILATION = 120.0
"""Seconds that a method may take before it first tells of progress: it compiles, or climbs."""

_TO_START = 300.0
"""Seconds until the process of a method has a model, and beyond its last chance to end by itself."""

_TICK = 0.05


@dataclass(frozen=True)
class Job:
    """A run of a method with its options on so many cores, for so many seconds.

    Of chains that are stopped when these are over, `least` is how many draws of each are worth anything.
    """

    method: str
    options: Mapping[str, Any]
    cores: int
    budget: float
    least: int = 100


@dataclass(frozen=True)
class Done:
    """The record of a job, and its draws as the file that holds them."""

    record: dict[str, Any]
    draws: bytes | None


def run_apart(model: Model, job: Job, stop: StopRequest) -> Done | None:
    """Do a job in a process of its own, which ends with this one; None where a stop was requested on the way."""
    with tempfile.TemporaryDirectory(prefix="pdflang-bench-") as place:
        folder = Path(place)
        grace = max(5.0, 0.25 * job.budget)
        limits = {"compilation": _COMPILATION, "grace": grace}
        (folder / "job.pickle").write_bytes(pickle.dumps({"model": packed(model), **vars(job), **limits}))
        process = started(_PROGRAM, str(folder))
        deadline = time.monotonic() + job.budget + _COMPILATION + grace + _TO_START
        try:
            while process.poll() is None and not stop.requested and time.monotonic() < deadline:
                time.sleep(_TICK)
            code = process.poll()
        finally:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()
        if code is None and stop.requested:
            return None
        found = folder / "found.json"
        if not found.is_file():
            late = f"not finished within the budget of {job.budget:g} s"
            return Done({FAILURE: late if code is None else f"its process {how_it_ended(code)}"}, None)
        draws = folder / "draws.npz"
        record = json.loads(found.read_text(encoding="utf-8"))
        return Done(record, draws.read_bytes() if draws.is_file() and FAILURE not in record else None)
