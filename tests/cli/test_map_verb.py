"""`map` with errors of both signs, and with replicas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pdflang.results import open_run

CHANNELS = """\
index channel = e, mu
data n[channel]: int = [12, 9]
param rate[channel] ~ Flat() in (0, inf)
observe n ~ Poisson(rate)
output total = sum(rate)
"""


def test_errors_of_both_signs_in_the_table_of_map(in_process, model, tmp_path: Path) -> None:
    done = in_process("map", model(CHANNELS), "--minos", "--out", "best")
    assert done.stdout.splitlines()[:4] == [
        "          value  error     −     +",
        "rate[e]      12   3.46  3.14  3.81",
        "rate[mu]      9      3  2.68  3.34",
        "total        21",
    ]
    record = json.loads((tmp_path / "best" / "map.json").read_text())
    assert np.array(record["minos"]["rate"]).shape == (2, 2)
    assert json.loads(in_process("map", "model.pdfm", "--json").stdout)["minos"] is None


def test_replicas_beside_the_maximum(in_process, model, tmp_path: Path) -> None:
    done = in_process("map", model(CHANNELS), "--bootstrap", "8", "--out", "best")
    lines = done.stdout.splitlines()
    assert lines[8].split() == ["estimate", "mean", "sd", "bias", "2.5%", "16%", "84%", "97.5%"]
    assert [line.split()[0] for line in lines[9:12]] == ["rate[e]", "rate[mu]", "total"]
    assert "bootstrap of 8 replicas: data simulated at the maximum" in lines
    folder = tmp_path / "best"
    rows = json.loads((folder / "map.json").read_text())["bootstrap"]["rows"]
    assert [row["name"] for row in rows] == ["rate[e]", "rate[mu]", "total"]
    assert len((folder / "bootstrap.csv").read_text().splitlines()) == 4
    replicas = open_run(folder / "bootstrap.nc")["bootstrap"]["rate"]
    assert replicas.dims == ("replica", "channel") and replicas.shape == (8, 2)
    assert float(replicas.sel(channel="e").mean()) == pytest.approx(rows[0]["mean"])
    assert "error[E620]" in in_process("map", "model.pdfm", "--bootstrap", "1", code=2).stderr


def test_a_higher_maximum_is_told_by_the_page_too(in_process, model, tmp_path: Path) -> None:
    """Of two maxima, the only start ends at the lower one."""
    text = """
        param a ~ Uniform(-6, 6)
        data y = 0
        observe y ~ Normal(0, 1)
        factor modes = log(exp(-0.5*((a - 1)/0.55)^2) + 5*exp(-0.5*((a + 1)/0.55)^2))
    """
    options = ("--minos", "--starts", "1", "--seed", "0", "--out", "best", "--report")
    done = in_process("map", model(text), *options, code=3)
    said = "a profile came out above this maximum, which is not the highest"
    assert f"{said}: raise `--starts`" in done.stdout
    page = (tmp_path / "best" / "report.html").read_text(encoding="utf-8")
    assert f"Not to be trusted: {said}." in page
