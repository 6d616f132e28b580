"""`profile`: what it prints and leaves, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import NORMAL

from pdflang.results import open_run

CHANNELS = """\
index channel = e, mu
data n[channel]: int = [12, 9]
param rate[channel] ~ Flat() in (0, inf)
observe n ~ Poisson(rate)
output total = sum(rate)
"""
FLAT = "param a ~ Flat()\nparam b ~ Flat()\ndata y = 1\nobserve y ~ Normal(a + b, 1)\n"


def test_a_curve(in_process, model, tmp_path: Path) -> None:
    """The posterior of the mean is normal: 25·6/76 ± 5/√76."""
    done = in_process("profile", model(NORMAL), "mu", "--points", "9", "--out", "curve")
    mean, sd = 150 / 76, 5 / np.sqrt(76)
    two = 1.959964 * sd
    rows = done.stdout.splitlines()
    assert rows[0].split() == ["maximum", "68%", "95%"]
    assert rows[1] == f"mu  {mean:.6g}  [{mean - sd:.6g}, {mean + sd:.6g}]  [{mean - two:.6g}, {mean + two:.6g}]"
    folder = tmp_path / "curve"
    assert (folder / "summary.txt").read_text() in done.stdout
    assert (folder / "profile.png").read_bytes().startswith(b"\x89PNG")
    table = np.genfromtxt(folder / "profile.csv", delimiter=",", names=True)
    assert table.dtype.names == ("mu", "two_delta_log_density", "twice")
    assert table["two_delta_log_density"] == pytest.approx(((table["mu"] - mean) / sd) ** 2, abs=1e-9)
    assert table["twice"] == pytest.approx(2 * table["mu"])
    record = json.loads((folder / "profile.json").read_text())
    assert record["levels"][0]["intervals"][0]["low"] == pytest.approx(mean - sd)
    group = open_run(folder / "profile.nc")["profile"]
    assert group["two_delta_log_density"].dims == ("mu held",)
    assert group["mu"].values == pytest.approx(group["mu held"].values)
    origin = json.loads((folder / "provenance.json").read_text())
    assert (origin["method"], origin["options"]["names"]) == ("profile", ["mu"])
    assert {"profile.nc", "profile.csv", "profile.svg", "summary.txt"} <= set(origin["files"])


def test_a_plane_of_entries_of_an_array(in_process, model, tmp_path: Path) -> None:
    done = in_process("profile", model(CHANNELS), "rate[e]", "rate[mu]", "--points", "7", "--out", "plane", "--json")
    record = json.loads(done.stdout)
    assert record["best"] == pytest.approx([12, 9], rel=1e-6)
    values = np.array(record["values"])
    alone = [2 * (v - n - n * np.log(v / n)) for v, n in zip(values, (12, 9), strict=True)]
    assert np.array(record["two_delta"]) == pytest.approx(np.add.outer(*alone), abs=1e-8)
    assert [len(level["contours"]) for level in record["levels"]] == [1, 1]
    with h5py.File(tmp_path / "plane" / "profile.nc") as file:
        assert file["profile"]["rate"].shape == (7, 7, 2)


def test_equal_profiles_are_equal_files(in_process, model, tmp_path: Path) -> None:
    for out in ("one", "two"):
        in_process("profile", model(NORMAL), "mu", "--points", "5", "--out", out)
    for name in ("profile.nc", "profile.csv", "profile.json", "profile.png", "profile.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_is_not_determined_ends_with_a_doubt(in_process, model) -> None:
    done = in_process("profile", model(FLAT), "a", "--points", "5", code=3)
    assert "the 68% interval of a is open towards inf" in done.stdout
    assert "no start ended at a maximum of the density" in done.stdout


def test_mistakes(in_process, model) -> None:
    name = model(CHANNELS)
    assert "error[E641]: `rate` is an array" in in_process("profile", name, "rate", code=1).stderr
    assert "error[E620]" in in_process("profile", name, "rate[e]", "--points", "2", code=2).stderr
    assert "Missing argument 'PARAMETER'" in in_process("profile", name, code=2).stderr
    in_process("profile", name, "rate[e]", "--points", "5", "--out", "once")
    assert "error[E621]" in in_process("profile", name, "rate[e]", "--points", "5", "--out", "once", code=1).stderr
    in_process("profile", name, "rate[e]", "--points", "5", "--out", "once", "--overwrite")
