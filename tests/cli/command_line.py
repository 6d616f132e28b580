"""How the tests start pdflang, and small models."""

from __future__ import annotations

import os
import sys
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


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pdflang", *arguments]
