"""`pdflang train --method flow|gan|vae`, and `simulate` and `validate` of what it leaves."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import kill_when_there

import pdflang

pytest.importorskip("flowjax")
pytest.importorskip("sklearn")

TEXT = """
data hits = table("hits.csv")
param c ~ LogNormal(4, 0.3)
param a ~ Normal(0, 1)
theory rate(y in (0, 1)) = c * exp(a*y)
observe hits ~ PoissonProcess(rate)
"""
SMALL = ["--simulations", "60", "--events", "64", "--width", "16", "--epochs", "8", "--seed", "1"]


@pytest.fixture
def with_data(model, tmp_path):
    (tmp_path / "hits.csv").write_text("y\n0.5\n0.1\n", encoding="utf-8")
    return model(TEXT)


@pytest.mark.slow
def test_from_a_file_to_events_and_their_tests(run, with_data, tmp_path):
    done = run("train", with_data, "--method", "flow", *SMALL, "--ensemble", "2", "--out", "trained")
    assert "flow: likelihood learned from 60 simulations" in done.stdout and "network 2: validation loss" in done.stdout
    assert "`pdflang simulate trained` makes events" in done.stdout
    done = run("simulate", "trained", "-p", "c=3000", "-p", "a=1", "--seed", "2", "--out", "far", code=1)
    assert "E609" in done.stderr and "they were trained at draws of which none is near" in done.stderr
    done = run("simulate", "trained", "-p", "c=60", "-p", "a=1", "--seed", "2", "--out", "made")
    with (tmp_path / "made" / "hits.csv").open(encoding="utf-8") as file:
        made = [float(row["y"]) for row in csv.DictReader(file)]
    assert f"hits: {len(made)} events" in done.stdout and 60 < len(made) < 160 and min(made) > 0 and max(made) < 1
    assert json.loads((tmp_path / "made" / "params.json").read_text(encoding="utf-8")) == {"c": 60, "a": 1}
    # The data are read back by the model.
    assert "log_density" in run("map", with_data, "--data", "made/data.json", "--json").stdout
    run("simulate", "trained", "--count", "5", "--seed", "3", "--out", "many")
    batch = pdflang.simulations(tmp_path / "many")
    assert len(batch) == 5 and abs(batch.data["hits"].counts - batch.parameters["c"] * 1.2).max() < 150
    assert "E662" in run("simulate", "trained", "--traces", code=1).stderr
    words = ("validate", "trained", "--only", "events", "--points", "2", "--events", "400", "--seed", "1")
    done = run(*words, "--out", "tested", code={0, 3})
    assert "told apart" in done.stdout and "networks" in done.stdout
    record = json.loads((tmp_path / "tested" / "validation.json").read_text(encoding="utf-8"))
    assert record["calibrations"] == {} and len(record["events"]["trained"]) == 2
    for one in record["events"]["trained"]:
        assert one["test"]["accuracy"] < 0.62 and one["columns"][0]["spread"] is not None
        assert one["made"][0] == pytest.approx(one["simulated"][0], rel=0.25)


@pytest.mark.slow
def test_at_one_point_by_a_gan(run, with_data, tmp_path):
    (tmp_path / "truth.json").write_text('{"c": 60, "a": 1}', encoding="utf-8")
    done = run("train", with_data, "--method", "gan", *SMALL, "-p", "truth.json", "--out", "trained")
    assert "V = -1." in done.stdout and "where −log 4 = -1.3863 is the optimum" in done.stdout
    provenance = json.loads((tmp_path / "trained" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["options"]["params"] == ["truth.json"]
    assert "E609" in run("simulate", "trained", "-p", "c=60", "-p", "a=0.5", code=1).stderr
    run("simulate", "trained", "-p", "truth.json", "--out", "made")
    done = run("sample", "trained", code=1)
    assert "E662" in done.stderr and "`pdflang simulate` makes events of this folder" in done.stderr
    (tmp_path / "empty").mkdir()
    assert "error[E8" in run("simulate", "empty", code=1).stderr


def test_a_kill_changes_nothing(run, with_data, tmp_path):
    """An ensemble that was killed goes on to the same networks as one that was not."""
    words = ["--method", "vae", *SMALL, "--epochs", "30", "--latent", "1", "--layers", "1", "--ensemble", "2"]
    run("train", with_data, *words, "--out", "whole")
    words += ["--save-every", "0"]
    kept = Path("killed/checkpoint/training-1.npz")
    kill_when_there(kept, tmp_path, "train", "model.pdfm", *words, "--out", "killed")
    assert not (tmp_path / "killed" / "networks.npz").exists()
    run("train", "model.pdfm", "--resume", "--out", "killed")
    for name in ("networks.npz", "training.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    with np.load(tmp_path / "whole" / "networks.npz", allow_pickle=False) as arrays:
        assert arrays["weight 0"].shape[0] == 2
