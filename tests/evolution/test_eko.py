"""Operators of EKO: a small file that EKO made, at leading order from 1.65 to 10 GeV, and what it makes of densities.

`eko_lo.json` has x·f of the Les Houches toy input (hep-ph/0204316) after EKO's own operator, read by EKO.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pdflang
from pdflang.data.context import DataContext
from pdflang.data.eko_files import read_eko

pytest.importorskip("lz4")

HERE = Path(__file__).parent
FILE = HERE / "eko_lo.tar"
EXPECTED: dict[str, Any] = json.loads((HERE / "eko_lo.json").read_text())
INPUT = """
param k ~ Normal(1, 0.1)
pdfset toy(x) at Q = 1.65 {
    g = k*1.7*x^(-0.1)*(1 - x)^5, u = uv(x) + sea(x)*(1 - x), ubar = sea(x)*(1 - x), d = dv(x) + sea(x), dbar = sea(x),
    s = 0.2*(2 - x)*sea(x), sbar = 0.2*(2 - x)*sea(x)
}
pdf uv(x) = 5.1072*x^0.8*(1 - x)^3
pdf dv(x) = 3.06432*x^0.8*(1 - x)^4
pdf sea(x) = 0.1939875*x^(-0.1)*(1 - x)^6
"""


def toy(x: Any) -> dict[int, Any]:
    """x·f by PDG number."""
    sea = 0.1939875 * x**-0.1 * (1 - x) ** 6
    up, down = 5.1072 * x**0.8 * (1 - x) ** 3, 3.06432 * x**0.8 * (1 - x) ** 4
    strange = 0.2 * (2 - x) * sea
    light = {2: up + sea * (1 - x), -2: sea * (1 - x), 1: down + sea, -1: sea, 3: strange, -3: strange}
    return {21: 1.7 * x**-0.1 * (1 - x) ** 5, **light}


def test_the_operator_is_that_of_the_file() -> None:
    file = read_eko(FILE, [10.0], DataContext("evolve"))
    assert (file.start, file.flavours) == (pytest.approx(1.65), 4)
    np.testing.assert_allclose(file.x, EXPECTED["x"], rtol=1e-12)
    order = [22, *range(-6, 0), 21, *range(1, 7)]
    given = toy(file.x)
    f = np.array([given.get(pid, 0 * file.x) / file.x for pid in order])
    found = np.einsum("ajbk,bk->aj", file.values[10.0], f) * file.x
    for pid, row in zip(order, found, strict=True):
        np.testing.assert_allclose(row, EXPECTED["xf"][str(pid)], rtol=1e-10, atol=1e-14)


def test_densities_evolve_by_a_file(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    outputs = "".join(f"output {name} = high.{name}(x) for x in [{POINTS}]\n" for name in PARTONS)
    evolved = f'pdfset high = toy |> evolve(Q = 10, operators = "{FILE.name}")\n'
    found = pdflang.loads(INPUT + evolved + outputs, folder=tmp_path).derived({"k": 1.0})
    for name, pid in PARTONS.items():
        # Between its ten points the file's own interpolation counts, at them only ours.
        np.testing.assert_allclose(found[name], EXPECTED["xf"][str(pid)][1:-2], rtol=3e-3, atol=1e-4, err_msg=name)


def test_several_scales_may_come_from_a_file(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    evolved = f'pdfset high = toy |> evolve(Q = [10, 10], operators = "{FILE.name}")\n'
    evolved += "output g = high[i].g(0.01) for i in 2\n"
    found = np.asarray(pdflang.loads(INPUT + evolved, folder=tmp_path).derived({"k": 1.0})["g"])
    assert found[0] == found[1] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('Q = 11, operators = "eko_lo.tar"', "has no operator to 11 GeV"),
        ('Q = 10, operators = "eko_low.tar"', "eko_low.tar"),
        ('Q = 10, operators = "cut.tar"', "is no file of EKO's operators"),
        ('Q = 10, operators = "eko_lo.tar", alpha_s = 0.118', "`alpha_s` is what the file of operators was made with"),
        ("Q = 10, operators = 3", "operators are named by their file in quotes"),
    ],
)
def test_mistakes_are_told(options: str, said: str, tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    (tmp_path / "cut.tar").write_bytes(FILE.read_bytes()[:40_000])
    with pytest.raises(pdflang.PdflangError, match=said):
        pdflang.loads(f"{INPUT}pdfset high = toy |> evolve({options})\noutput g = high.g(0.1)", folder=tmp_path)


def test_the_pdfset_is_where_the_file_starts(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    text = INPUT.replace("Q = 1.65", "Q = 1.3") + 'pdfset high = toy |> evolve(Q = 10, operators = "eko_lo.tar")\n'
    with pytest.raises(pdflang.PdflangError, match=r"starts at 1\.65 GeV, but the pdfset is at 1\.3 GeV"):
        pdflang.loads(text + "output g = high.g(0.1)", folder=tmp_path)


PARTONS = {"g": 21, "u": 2, "ubar": -2, "d": 1, "dbar": -1, "s": 3, "c": 4, "b": 5}
POINTS = ", ".join(f"{x!r}" for x in EXPECTED["x"][1:-2])
