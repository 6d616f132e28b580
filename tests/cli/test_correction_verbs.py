"""`pdflang train --method reweight|transport`, and `simulate` and `validate` of what it leaves."""

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
param c ~ LogNormal(7, 0.3)
param a ~ Normal(0, 1)
theory rate(y in (0, 1)) = c * exp(a*y)
observe hits ~ PoissonProcess(rate)
"""
POINT = ["-p", "c=1000", "-p", "a=0"]
SMALL = ["--events", "1600", "--width", "16", "--epochs", "40", "--batch", "10", "--seed", "1", *POINT]


def rows(path):
    with path.open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def with_data(model, tmp_path):
    """Events whose density is 2 (1 − y), beside a uniform simulation; those of the model's own file are few."""
    (tmp_path / "hits.csv").write_text("y\n0.5\n0.1\n", encoding="utf-8")
    y = 1 - np.sqrt(np.random.default_rng(0).uniform(size=1500))
    (tmp_path / "control.csv").write_text("\n".join(["y", *map(str, y)]) + "\n", encoding="utf-8")
    return model(TEXT)


@pytest.mark.slow
def test_weights_from_a_file_to_a_page(run, with_data, tmp_path):
    assert "E661" in run("train", with_data, "--method", "reweight", *SMALL, code=1).stderr
    learned = ("train", with_data, "--method", "reweight", *SMALL, "--data", "hits=control.csv", "--out", "trained")
    done = run(*learned)
    assert "reweight: correction learned" in done.stdout and "`pdflang validate trained` tests it" in done.stdout
    assert "the likelihood of this model is known" not in done.stderr
    done = run("simulate", "trained", "--seed", "2", "--out", "made")
    assert "weights are in hits.weight" in done.stdout
    made = rows(tmp_path / "made" / "hits.csv")
    y, weight = (np.array([row[name] for row in made]) for name in ("y", "weight"))
    assert abs(weight.mean() - 1) < 0.1 and abs(y.mean() - 0.5) < 0.05
    assert np.average(y, weights=weight) == pytest.approx(1 / 3, abs=0.05)
    params = json.loads((tmp_path / "made" / "params.json").read_text(encoding="utf-8"))
    assert params == pytest.approx({"c": 1000, "a": 0})
    # A model that reads the weights takes what was made.
    (tmp_path / "weighted.pdfm").write_text(TEXT.replace("(rate)", "(rate, weights = hits.weight)"), encoding="utf-8")
    fit = json.loads(run("map", "weighted.pdfm", "--data", "made/data.json", "--json").stdout)
    assert fit["params"]["a"] < -1
    run("simulate", "trained", "--count", "3", "--seed", "3", "--out", "many")
    batch = pdflang.simulations(tmp_path / "many")
    assert batch.data["hits"].weights.mean() == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(batch.parameters["c"], 1000)
    done = run("validate", "trained", "--seed", "1", "--out", "tested", "--report", code={0, 3})
    assert "300 observed events of hits that were put aside" in done.stdout and "weights leave" in done.stdout
    record = json.loads((tmp_path / "tested" / "validation.json").read_text(encoding="utf-8"))
    (test,) = record["corrections"]["trained"]
    assert test["before"]["accuracy"] > 0.58 > test["after"]["accuracy"] and 0.5 < test["effective"] < 0.9
    assert test["columns"][0]["before"][2] < 1e-6 < test["columns"][0]["after"][2]
    assert len(test["columns"][0]["observed"]) == 10 and (tmp_path / "tested" / "correction.png").is_file()
    page = (tmp_path / "tested" / "report.html").read_text(encoding="utf-8")
    assert "Columns of observed events that the training put aside" in page and "data:image/svg+xml" in page
    for words in (("sample",), ("map",), ("simulate", "-p", "c=1", "-p", "a=0"), ("simulate", "--traces")):
        said = run(words[0], "trained", *words[1:], code=1).stderr
        assert ("E609" if "-p" in words else "E662") in said


def test_a_map_of_quantiles(run, with_data, tmp_path):
    words = ("train", with_data, "--method", "transport", *SMALL, "--data", "hits=control.csv", "--out", "trained")
    assert "60 quantiles of its one column" in run(*words).stdout
    run("simulate", "trained", "--seed", "2", "--out", "made")
    made = rows(tmp_path / "made" / "hits.csv")
    assert set(made[0]) == {"y"} and np.mean([row["y"] for row in made]) == pytest.approx(1 / 3, abs=0.03)
    done = run("validate", "trained", "--only", "events", "--seed", "1", "--out", "tested", code={0, 3})
    assert "weights leave" not in done.stdout and "told apart" in done.stdout
    assert "E662" in run("train", with_data, "--method", "transport", "--seed", "1", code=1).stderr


@pytest.mark.parametrize("method", ["reweight", "transport"])
@pytest.mark.slow
def test_a_kill_changes_nothing(run, model, tmp_path, method):
    """A training that was killed goes on to the same network as one that was not."""
    y, z = np.random.default_rng(0).uniform(size=(2, 800))
    (tmp_path / "hits.csv").write_text("\n".join(["y,z", *(f"{a},{a * b}" for a, b in zip(y, z, strict=True))]) + "\n")
    model(TEXT.replace("rate(y in (0, 1))", "rate(y in (0, 1), z in (0, 1))"))
    words = ["train", "model.pdfm", "--method", method, *SMALL]
    run(*words, "--out", "whole")
    words += ["--save-every", "0"]
    kill_when_there(Path("killed/checkpoint/training-0.npz"), tmp_path, *words, "--out", "killed")
    assert not (tmp_path / "killed" / "networks.npz").exists()
    run("train", "model.pdfm", "--resume", "--out", "killed")
    for name in ("networks.npz", "training.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
