"""Examples as a user runs them: the program in a process of its own, in a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pdflang.results import open_run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRUTH = {"c_u": 2.0, "a_u": 0.5, "b_u": 3.0, "c_d": 1.0, "a_d": 0.6, "b_d": 4.0}


def pdflang(folder, *arguments, code=0):
    """What the program prints; it must end with the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "pdflang", *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def posterior(folder):
    """The draws of a run folder, and its sampler statistics."""
    tree = open_run(folder)
    return tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()


def params(values):
    """The values as options of the command line."""
    return [part for name, value in values.items() for part in ("-p", f"{name}={value}")]
