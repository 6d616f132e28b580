"""How the tests start pdflang, and small models."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

NORMAL = """\
param mu ~ Normal(0, 5)
data y[N] = [1.0, 2.0, 3.0]
observe y ~ Normal(mu, 1)
output twice = 2*mu
"""

AT_A_BOUND = """\
param tau ~ Normal(0, 1) in (0, inf)
data y[N] = [-3.0, -2.0, -4.0]
observe y ~ Normal(tau, 1)
"""


CENTRED = """\
param mu ~ Normal(0, 5)
param tau ~ HalfCauchy(5)
param theta[8] ~ Normal(mu, tau)
data y[8] = [28, 8, -3, 7, -1, 1, 18, 12]
data sigma[8] = [15, 10, 16, 11, 9, 11, 10, 18]
observe y ~ Normal(theta, sigma)
"""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


def kill_when_there(file: Path, folder: Path, *arguments: str) -> None:
    """Run a command in a folder until a file of it is there, and then end it as nothing can hear."""
    process = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not (folder / file).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pdflang", *arguments]
