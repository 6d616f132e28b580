"""Runs that the tests make pages of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAST = ("--draws", "60", "--warmup", "100", "--chains", "2", "--seed", "3")

SPECTRUM = """\
# A falling spectrum, counted.
index run = early, late
const edges = linspace(0, 1, 6)
data n[5]: int = [31, 24, 19, 9, 4]
param a ~ LogNormal(3, 0.5)
param b ~ Normal(1, 0.3) in (0, inf)
nuisance scale[run] ~ LogNormal(0, 0.1)
pdf f(x) = a * (1 - x)^b
theory rate(x in (0, 1), r in run) = 4*scale[r]*f(x)
theory plane(x in (0, 1), y in (0, 1)) = f(x)*f(y)
observe n ~ Poisson((4*f |> bins(edges)))
output total = integral(f(x) for x in (0, 1))
output curve = f(x) for x in linspace(0.1, 0.9, 5)
"""

PROTON = """\
param b ~ Normal(3, 0.2) in (0, inf)
param c ~ Normal(2, 0.3) in (0, inf)
pdfset proton(x) at Q = 1.65 { g = c*x^(-0.1)*(1 - x)^5, u = 5*x^0.8*(1 - x)^b, ubar = 0.2*x^(-0.2)*(1 - x)^7 }
data y[2] = [0.35, 1.2]
observe y ~ Normal([proton.u(0.5), proton.g(0.1)], 0.05)
"""


def pdflang(folder: Path, *arguments: str) -> str:
    """Run the command in a folder, as a user does; what it printed. A posterior of few draws is none to rely on."""
    done = subprocess.run(
        [sys.executable, "-m", "pdflang", *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, encoding="utf-8", timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def write(folder: Path, text: str, name: str = "model.pdfm") -> str:
    """Write a model; its name."""
    (folder / name).write_text(text, encoding="utf-8")
    return name
