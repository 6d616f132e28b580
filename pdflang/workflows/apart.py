"""A method in a process of its own: its memory and its end, whatever that is, are its own."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        (folder / "job.pickle").write_bytes(pickle.dumps({**_model(model), **vars(job), **limits}))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, str(folder)], env=_environment(), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
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
            return Done({FAILURE: _ended(code, job.budget)}, None)
        draws = folder / "draws.npz"
        record = json.loads(found.read_text(encoding="utf-8"))
        return Done(record, draws.read_bytes() if draws.is_file() and FAILURE not in record else None)


def _model(model: Model) -> dict[str, Any]:
    """The model as another process can make it again: text, and what its data have become."""
    source, bound = model.program.source, model.bound
    names = [field.name for field in fields(bound) if field.init and field.name != "program"]
    known = {name: getattr(bound, name) for name in names}
    return {
        "source": (source.name, source.text, source.folder and source.folder.resolve()),
        "bound": {name: dict(value) if isinstance(value, Mapping) else value for name, value in known.items()},
        "exact": model.functions.generated.is_exact,
    }


def _environment() -> dict[str, str]:
    """That of this process; the program is found where this one was, and nothing is imported from where we are."""
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONWARNINGS": "ignore"}


def _ended(code: int | None, budget: float) -> str:
    """How a process ended that left nothing."""
    if code is None:
        return f"not finished within the budget of {budget:g} s"
    if code >= 0:
        return f"its process ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "its process was killed: memory was used up, or somebody ended it"
    try:
        return f"its process crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"its process crashed with signal {-code}"
