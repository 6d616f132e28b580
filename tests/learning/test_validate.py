"""Validation: of what was learned beside the exact posterior, of a run, of data that no simulation looks like."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("flowjax")
pytest.importorskip("sklearn")

import pdflang
from pdflang.cli import program
from pdflang.learning.cloud import share_outside
from pdflang.results.validation import side_by_side

MODEL = """\
data y[4] = [0.3, -0.2, 1.1, 0.9]
param a ~ Normal(0, 1)
param b ~ Normal(0, 1)
observe y ~ Normal(a + b, 0.5)
"""
QUICK = ["--fits", "30", "--warmup", "100", "--thin", "1", "--simulations", "200"]


ROOT = Path(__file__).resolve().parents[2]


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)


def sampled(model: Path, out: Path) -> None:
    """A run of a process of its own, whose command line it remembers."""
    words = ["sample", str(model), "--chains", "2", "--draws", "500", "--seed", "1", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "pdflang", *words], env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a network that was trained on it, and a run."""
    folder = tmp_path_factory.mktemp("validate")
    (folder / "model.pdfm").write_text(MODEL)
    train = ["train", str(folder / "model.pdfm"), "--seed", "1", "--layers", "2"]
    done = invoked(*train, "--simulations", "1500", "--epochs", "10", "--out", str(folder / "good"))
    assert done.exit_code == 0, done.output
    sampled(folder / "model.pdfm", folder / "run.run")
    return folder


def test_a_network_and_a_run_are_validated_together_and_go_on(place: Path) -> None:
    words = ["validate", str(place / "good"), str(place / "run.run"), "--out", str(place / "v"), *QUICK, "--json"]
    done = invoked(*words)
    assert done.exit_code in (0, 3), done.output
    record = json.loads(done.stdout)
    assert set(record["calibrations"]) == {"good", "run"} and set(record["beside"]) == {"good"}
    names = [quantity["name"] for quantity in record["calibrations"]["good"]["quantities"]]
    assert names == ["a", "b", "log-density", "distance (TARP)"]
    assert 0.05 < record["outside"] <= 1
    # a and b have the posterior of a sum: means 0.45·8/9 … each, of closed form.
    precision = np.eye(2) + 16 * np.ones((2, 2))
    mean = np.linalg.solve(precision, np.full(2, 4 * 0.525 * 4))
    for entry, expected in zip(record["exact"], mean, strict=True):
        assert entry["median"] == pytest.approx(expected, abs=0.08)
        assert entry["half_width"] == pytest.approx(np.sqrt(np.linalg.inv(precision)[0, 0]), rel=0.1)
    assert record["beside"]["good"]["test"]["accuracy"] < 0.65
    bias = record["biases"]["good"]
    assert bias["names"] == ["a", "b"] and bias["sets"] == 200 and bias["events"] == 0
    assert max(map(abs, bias["shift"])) < 0.3 and 0.9 < min(bias["efficiency"]) <= max(bias["efficiency"]) < 1 + 1e-9
    assert "Over 200 data sets simulated at the mean of the posterior" in (place / "v/summary.txt").read_text("utf-8")
    page = (place / "v" / "compare.html").read_text(encoding="utf-8")
    assert "good" in page and "exact" in page
    # Again: nothing is made anew.
    before = {path: path.read_bytes() for path in place.glob("v/*/*.jsonl")}
    drawn = (place / "v/exact/draws.nc").stat().st_mtime_ns
    again = invoked(*words)
    assert json.loads(again.stdout)["exact"] == record["exact"]
    assert len(before) == 2 and all(path.read_bytes() == then for path, then in before.items())
    assert (place / "v/exact/draws.nc").stat().st_mtime_ns == drawn


@pytest.mark.parametrize("shift", [0.0, 30.0])
def test_data_that_no_simulation_looks_like_are_told(shift: float) -> None:
    model = pdflang.loads(MODEL, data={"y": [0.3 + shift, -0.2, 1.1, 0.9]})
    share = share_outside(model, 1, 400)
    assert share == pytest.approx(1 / 201) if shift else share > 0.05


def test_shifts_and_ratios_are_those_of_normals() -> None:
    """N(1, 2²) beside N(0, 1)."""
    draws = np.random.default_rng(0).normal(size=(2, 4000))
    known, beside = side_by_side({"a": draws[0]}, {"other": {"a": 1 + 2 * draws[1]}}, 0)
    (_, median, half_width), (entry,) = known[0], beside["other"].entries
    assert (median, half_width) == (pytest.approx(0, abs=0.06), pytest.approx(1, abs=0.05))
    assert (entry.shift, entry.ratio) == (pytest.approx(1, abs=0.12), pytest.approx(2, abs=0.12))


def test_what_is_no_posterior_of_one_model_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pdfm").write_text(MODEL.replace("0.5", "0.6"))
    sampled(tmp_path / "other.pdfm", tmp_path / "o")
    shutil.copytree(place / "good", tmp_path / "good")
    for runs, said in (
        ((place / "good", tmp_path / "o"), "are of different models"),
        ((place / "good", tmp_path / "good"), "two of the posteriors would be named `good`"),
        ((tmp_path / "nowhere",), "nowhere"),
    ):
        done = invoked("validate", *map(str, runs), "--out", str(tmp_path / "v"), *QUICK)
        assert done.exit_code in (1, 2) and said in done.output, done.output
        assert not (tmp_path / "v").exists()
