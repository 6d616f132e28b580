"""Drell-Yan in the language beside the FK table of a grid with the same process, evolved by `pdflang theory`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hadron_grids import SHAPES, declared, written_data

import pdflang
from pdflang.cli import program

pytestmark = pytest.mark.skipif(
    find_spec("hoppet") is None or find_spec("pineappl") is None, reason="needs the extras `evolution`, `pineappl`"
)

MASS, ENERGY, ALPHA = 20.0, 200.0, 1 / 132
RAPIDITIES = np.array([-1.0, 0.0, 1.0, 1.5])


def leading_order() -> Any:
    """d²σ/dM²dy in pb/GeV² at the rapidities, each in a bin of width one, of pairs from a virtual photon."""
    from pineappl.boc import BinsWithFillLimits, Channel, Kinematics, Order, ScaleFuncForm, Scales
    from pineappl.convolutions import Conv, ConvType
    from pineappl.grid import Grid
    from pineappl.interpolation import Interp, InterpolationMethod, MappingMethod, ReweightingMethod
    from pineappl.pids import PidBasis

    up, down = (
        Channel([part for q in quarks for part in (([q, -q], charge), ([-q, q], charge))])
        for quarks, charge in (((2, 4), 4 / 9), ((1, 3, 5), 1 / 9))
    )
    lagrange, scale = InterpolationMethod.Lagrange, ScaleFuncForm.Scale(0)
    in_scale = Interp(300.0, 500.0, 20, 4, ReweightingMethod.NoReweight, MappingMethod.ApplGridH0, lagrange)
    in_x = Interp(1e-3, 1.0, 60, 5, ReweightingMethod.ApplGridX, MappingMethod.ApplGridF2, lagrange)
    hadron = Conv(ConvType(polarized=False, time_like=False), 2212)
    grid = Grid(
        PidBasis.Pdg, [up, down], [Order(0, 2, 0, 0, 0)],
        BinsWithFillLimits.from_fill_limits(list(map(float, range(len(RAPIDITIES) + 1)))),
        [hadron, hadron], [in_scale, in_x, in_x], [Kinematics.Scale(0), Kinematics.X(0), Kinematics.X(1)],
        Scales(scale, scale, ScaleFuncForm.NoScale(0)),
    )  # fmt: skip
    # Ellis, Stirling and Webber, QCD and Collider Physics, section 9.2, of f and not x·f.
    born = 4 * np.pi * ALPHA**2 / (9 * MASS**4) * 3.893793721e8
    for place, rapidity in enumerate(RAPIDITIES):
        x1, x2 = (MASS / ENERGY * np.exp(sign * rapidity) for sign in (1, -1))
        for channel in range(2):
            grid.fill(0, place + 0.5, channel, [MASS**2, x1, x2], born * x1 * x2)
    grid.set_metadata("x1_label", "place")
    return grid


def test_drell_yan_in_the_language_is_that_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDFLANG_CACHE", str(tmp_path / "cache"))
    leading_order().write_lz4(str(tmp_path / "grid.pineappl.lz4"))
    command = ["theory", str(tmp_path / "grid.pineappl.lz4"), "--out", str(tmp_path / "dy.npz")]
    command += ["--scale", "1.65", "--alpha-s", "0.118", "--alpha-s-scale", "91.2", "--points", "60"]
    made = CliRunner().invoke(program, command)
    assert made.exit_code == 0, made.output
    name = written_data(tmp_path, np.ones(len(RAPIDITIES)), place=np.arange(len(RAPIDITIES)) + 0.5)
    text = f"""
        use std.drell_yan as dy
        param k ~ Normal(1, 0.1)
        {declared("proton", SHAPES, factor="k")}
        pdfset high = proton |> evolve(Q = {MASS}, alpha_s = 0.118, alpha_s_scale = 91.2)
        data z = commondata("{name}")
        theory table = fktable("dy.npz", rows = z)
        const rapidities = [{", ".join(map(str, RAPIDITIES))}]
        output by_table = proton |> table
        output by_hand[i in {len(RAPIDITIES)}] = dy.lo(high, high, {MASS}, rapidities[i], {ENERGY}, {ALPHA})
    """
    found = pdflang.loads(text, folder=tmp_path).derived({"k": 1.0})
    assert np.asarray(found["by_hand"]) == pytest.approx(np.asarray(found["by_table"]), rel=2e-4)
