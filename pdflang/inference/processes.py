"""Processes of this program beside it: each ends with it, and Ctrl-C is heard here alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def started(program: str, *arguments: str, answers: bool = False) -> subprocess.Popen[bytes]:
    """`python -m program` with a pipe to its standard input, which closes when this process ends.

    Where it `answers`, there is one from its standard output, too.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", program, *arguments], env=_environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if answers else subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def how_it_ended(code: int) -> str:
    """How a process has ended that left nothing."""
    if code >= 0:
        return f"ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "was killed: memory was used up, or somebody ended it"
    try:
        return f"crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"crashed with signal {-code}"


def _environment() -> dict[str, str]:
    """That of this process; the program is found where this one was, and nothing is imported from where we are."""
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONWARNINGS": "ignore"}
