"""`pdflang train --method pivot`, and what other verbs make of its folder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import EXAMPLES, kill_when_there

import pdflang

pytest.importorskip("flowjax")

SMALL = ["--simulations", "60", "--events", "16", "--width", "8", "--batch", "8", "--held-out", "100", "--seed", "1"]


@pytest.fixture
def toy(tmp_path):
    for name in ("model.pdfm", "hits.csv"):
        shutil.copy(EXAMPLES / "pivot" / name, tmp_path)
    return "model.pdfm"


@pytest.mark.slow
def test_from_a_file_to_a_curve(run, toy, tmp_path):
    words = ("--method", "pivot", "-p", "s=[0,1]", "--penalties", "0,20", *SMALL, "--epochs", "4")
    done = run("train", toy, *words, "--report", "--out", "trained")
    assert "pivot: output learned from 60 draws of the nuisance" in done.stdout
    assert "λ = 20: validation loss" in done.stdout
    assert "hits: s = 0 beside s = 1, and what outputs tell of z" in done.stdout
    assert "exact posterior" not in done.stderr
    (curve,) = json.loads((tmp_path / "trained" / "trade_off.json").read_text(encoding="utf-8"))
    assert [one["penalty"] for one in curve["classifiers"]] == [0, 20] and curve["nuisance"] == ["z"]
    rows = (tmp_path / "trained" / "trade_off.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 3 and float(rows[1].split(",")[3]) == curve["classifiers"][0]["auc"]
    page = (tmp_path / "trained" / "report.html").read_text(encoding="utf-8")
    assert "What classifiers of different penalties" in page and "data:image/svg+xml" in page
    assert "what outputs tell of z" in page
    provenance = json.loads((tmp_path / "trained" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["options"]["params"] == ["s=[0,1]"] and provenance["options"]["penalties"] == "0,20"
    output = pdflang.load_trained(tmp_path / "trained").event_outputs("hits", {"x1": [0.0, 3.0], "x2": [0.0, 1.0]})
    assert output.shape == (2,) and (output > 0).all() and (output < 1).all()
    # There is no posterior, and no events.
    for verb in ("sample", "map"):
        done = run(verb, "trained", code=1)
        assert "E662" in done.stderr and "has learned no density of parameters" in done.stderr
    done = run("validate", "trained", "--seed", "3", "--out", "again")
    assert "trained\nhits: s = 0 beside s = 1" in done.stdout
    (again,) = json.loads((tmp_path / "again" / "validation.json").read_text(encoding="utf-8"))["trade_offs"]["trained"]
    one, other = (each["classifiers"][0]["auc"] for each in (curve, again))
    assert one != other and one == pytest.approx(other, abs=0.05)


def test_hypotheses_must_be_given(run, toy):
    done = run("train", toy, "--method", "pivot", *SMALL, code=1)
    assert "E609" in done.stderr and "-p s=[0,1]" in done.stderr
    done = run("train", toy, "--method", "pivot", "-p", "s=[0,1]", "--penalties", "1,1", *SMALL, code=2)
    assert "E620" in done.stderr and "write them with commas" in done.stderr


@pytest.mark.slow
def test_a_kill_changes_nothing(run, toy, tmp_path):
    words = ["--method", "pivot", "-p", "s=[0,1]", "--penalties", "1,20", *SMALL, "--epochs", "30"]
    run("train", toy, *words, "--out", "whole")
    kept = Path("killed/checkpoint/training-1.npz")
    kill_when_there(kept, tmp_path, "train", toy, *words, "--save-every", "0", "--out", "killed")
    assert not (tmp_path / "killed" / "networks.npz").exists()
    run("train", toy, "--resume", "--out", "killed")
    for name in ("networks.npz", "training.csv", "trade_off.csv", "trade_off.svg"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    with np.load(tmp_path / "whole" / "networks.npz", allow_pickle=False) as arrays:
        assert arrays["weight 0"].shape[0] == 2
