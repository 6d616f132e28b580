"""Parton densities that are known in closed form, and a model that has such."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar
from unittest.mock import patch

import numpy as np
from click.testing import CliRunner, Result

from pdflang.cli import program
from pdflang.evolution import PIDS
from pdflang.partons.ensembles import Values

MODEL = """
    param a_g ~ Normal(-0.1, 0.05) in (-1, inf)
    param b_v ~ Normal(3, 0.2) in (0, inf)
    pdf xv(x) = 5*x^0.8*(1 - x)^b_v
    pdf xg(x) = 2*x^a_g*(1 - x)^5
    pdf xs(x) = 0.2*x^(-0.2)*(1 - x)^7
    pdfset proton(x) at Q = 1.65 {
        g = xg(x), u = xv(x) + xs(x), ubar = xs(x), d = 0.5*xv(x) + xs(x), dbar = xs(x), s = 0.5*xs(x), sbar = 0.5*xs(x)
    }
    data y[2] = [0.3, 1.1]
    observe y ~ Normal([xv(0.5), xg(0.1)], 0.05)
"""


def invoked(*arguments: str) -> Result:
    """What a command does; its run is told by its own command line."""
    with patch.object(sys, "argv", ["pdflang", *arguments]):
        return CliRunner().invoke(program, arguments)


class Powers:
    """x·f = n x^a (1 − x)^b at every scale: of the gluon, up, its antiquark and down; members differ in n."""

    name, words = "powers", "three members"
    scale: float | None = None
    shapes: ClassVar = {21: (2.0, -0.1, 5.0), 2: (3.0, 0.7, 3.0), -2: (0.3, -0.2, 7.0), 1: (1.5, 0.8, 4.0)}
    sizes = np.array([1.0, 1.1, 0.9])

    def prepare(self, scales: Sequence[float]) -> None:
        return

    def at(self, x: np.ndarray, scale: float | None) -> Values:
        central = np.zeros((len(PIDS), len(x)))
        for pid in self.shapes:
            central[PIDS.index(pid)] = self.density(pid, x)
        return Values(self.sizes[:, None, None] * central, central)

    def density(self, pid: int, x: np.ndarray) -> np.ndarray:
        n, a, b = self.shapes.get(pid, (0.0, 1.0, 1.0))
        found: np.ndarray = n * x**a * (1 - x) ** b
        return found
