"""`pdflang train`, and the verbs that take its folder in the place of a model."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import kill_when_there

from pdflang.results import open_run

pytest.importorskip("flowjax")

# Four means, so that layers of a flow have an order of their own.
TEXT = """
param theta[4] ~ Normal(0, 1)
data x[4] = [0.5, -0.5, 1.0, 0.0]
observe x ~ Normal(theta, 1)
"""
SIMULATOR = """
param c ~ LogNormal(3, 0.3)
data hits = [0.1, 0.2, 0.35, 0.4, 0.55, 0.7]
pdf f(x) = c * (1 - x)
detector calorimeter(y in (0, 1) | x) {
    draw leak ~ Beta(2, 20)
    let y = x * (1 - leak)
}
observe hits ~ PoissonProcess(f |> calorimeter)
"""
FEW = ["--simulations", "400", "--epochs", "3", "--width", "8"]
SMALL = [*FEW, "--layers", "1"]


def test_from_a_file_to_runs(run, model, tmp_path):
    """Train, sample other data, map, predict, report: the runs are ordinary ones."""
    done = run("train", model(TEXT), *SMALL, "--seed", "1", "--out", "trained")
    assert "npe: posterior learned from 400 simulations" in done.stdout
    assert "pdflang sample trained" in done.stdout
    assert "draws from the exact posterior, and is the better" in done.stderr
    assert not (tmp_path / "trained" / "checkpoint").exists()
    run("sample", "trained", "--draws", "200")
    here, there = open_run(tmp_path / "trained.run"), None
    run("sample", "trained", "--draws", "200", "--data", "x=[1.5,-0.5,1,0]", "--report")
    there = open_run(tmp_path / "trained-2.run")
    moved = (there["posterior"]["theta"] - here["posterior"]["theta"]).mean(("chain", "draw")).to_numpy()
    assert moved[0] == pytest.approx(0.5, abs=0.2) and np.all(np.abs(moved[1:]) < 0.2)
    assert (tmp_path / "trained-2.run" / "report.html").exists()
    record = json.loads((tmp_path / "trained.run" / "provenance.json").read_text(encoding="utf-8"))
    assert record["notes"]["learned"]["method"] == "npe"
    assert run("map", "trained", "--json").stdout.count("log_density") > 0
    predicted = run("predict", "trained", "--run", "trained.run", "--draws", "50", code={0, 3})
    assert "draws of the posterior" in predicted.stdout


def test_proposals_are_weighted(run, model, tmp_path):
    """The table, what draws are worth, and the evidence: of four conjugate normals."""
    done = run("train", model(TEXT), *SMALL, "--method", "compilation", "--seed", "1", "--out", "trained")
    assert "compilation: proposal learned from 400 simulations" in done.stdout
    assert "is the better choice" not in done.stderr
    done = run("sample", "trained", "--draws", "500", "--seed", "1")
    assert "proposals of the network are worth" in done.stdout and "Evidence: log Z = " in done.stdout
    attrs = open_run(tmp_path / "trained.run").attrs
    known = sum(-x * x / 4 - np.log(4 * np.pi) / 2 for x in (0.5, -0.5, 1.0, 0.0))
    assert abs(attrs["log_evidence"] - known) < 4 * attrs["log_evidence_error"] < 0.2
    assert attrs["method"] == attrs["learned_by"] == "compilation"
    assert "E611" in run("train", model(SIMULATOR), "--method", "compilation", code=1).stderr


def test_a_model_without_a_density(run, model, tmp_path):
    assert "E611" in run("sample", model(SIMULATOR), code=1).stderr
    done = run("train", "model.pdfm", *FEW, "--method", "nre", "--summaries", "4", "--out", "trained")
    assert "exact posterior" not in done.stderr
    run("sample", "trained", "--method", "nuts", "--chains", "2", "--warmup", "100", "--draws", "100", code={0, 3})
    assert open_run(tmp_path / "trained.run").attrs["learned_by"] == "nre"


def test_a_kill_changes_nothing(run, model, tmp_path):
    """A training that was killed goes on to the same networks as one that was not."""
    words = [*SMALL, "--epochs", "30", "--seed", "3"]
    run("train", model(TEXT), *words, "--out", "whole")
    words += ["--save-every", "0"]
    kept = Path("killed/checkpoint/training-0.npz")
    kill_when_there(kept, tmp_path, "train", "model.pdfm", *words, "--out", "killed")
    assert not (tmp_path / "killed" / "networks.npz").exists()
    run("train", "model.pdfm", "--resume", "--out", "killed")
    for name in ("networks.npz", "training.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert "is finished" in run("train", "model.pdfm", "--resume", "--out", "killed", code=1).stderr


def test_folders_and_data_that_do_not_fit(in_process, model, tmp_path):
    text = "param a ~ Normal(0, 1)\ndata t[3] = [1, 2, 3]\ndata y[3] = [1, 2, 3]\nobserve y ~ Normal(a*t, 1)\n"
    in_process("train", model(text), *SMALL, "--out", "trained")
    other = in_process("sample", "trained", "--data", "t=[1,2,4]", code=1)
    assert "E624" in other.stderr and "`t` is not what it was, and simulations depend on it" in other.stderr
    assert "E621" in in_process("train", "model.pdfm", *SMALL, "--out", "trained", code=1).stderr
    (tmp_path / "trained" / "networks.npz").write_bytes(b"")
    assert "E623" in in_process("sample", "trained", code=1).stderr
    assert "E620" in in_process("train", "model.pdfm", "--method", "npe", "--contrasts", "5", code=2).stderr
