"""`predict`: what it prints and leaves, and when it refuses a run; `simulate` at a point of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import AT_A_BOUND, NORMAL

from pdflang.results import open_run

FAST = ("--draws", "100", "--warmup", "100", "--chains", "2")
EVENTS = """\
data x = table("x.csv").x
data n: int = 12
param c ~ Gamma(30, 1)
theory rate(x in (0, 1)) = 2*c*x
observe x ~ PoissonProcess(rate)
observe n ~ Poisson(c/3)
"""


@pytest.fixture
def events(model, tmp_path: Path) -> str:
    (tmp_path / "x.csv").write_text("x\n" + "\n".join(f"{v:.3f}" for v in np.sqrt(np.linspace(0.01, 0.99, 34))))
    return model(EVENTS)


def test_predictions_from_a_run(in_process, events: str, tmp_path: Path) -> None:
    in_process("sample", events, *FAST, "--out", "fit")
    done = in_process("predict", events, "--run", "fit", "--draws", "150", "--out", "predicted")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["data", "χ²", "/", "n", "p", "in", "68%", "in", "95%", "largest", "pull"]
    assert [line.split()[0] for line in lines if line][1:3] == ["x", "n"]
    assert lines[4].startswith("LOO") and lines[7].split()[:2] == ["all", "35"]
    assert lines[-1] == (
        "150 draws of the posterior in fit predicted with seed 0 in predicted: predictions.nc, x.png, n.png"
    )
    folder = tmp_path / "predicted"
    assert (folder / "summary.txt").read_text() in done.stdout
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in ("x.png", "n.png"))
    tree = open_run(folder / "predictions.nc")
    assert set(tree.children) == {
        "posterior", "posterior_predictive", "log_likelihood", "observed_data", "constant_data",
    }  # fmt: skip
    assert tree["log_likelihood"]["x"].shape == (2, 75, 34)
    bins = tree["posterior_predictive"].sizes["x_bin"]
    assert len((folder / "summary.csv").read_text().splitlines()) == 1 + bins + 34 + 1
    record = json.loads((folder / "provenance.json").read_text())
    assert (record["method"], record["seed"], record["notes"]) == ("predict", 0, {"run": "fit"})
    assert {"predictions.nc", "x.png", "n.png", "predict.json", "diagnostics.json"} <= set(record["files"])


def test_predictions_from_the_prior(in_process, model) -> None:
    record = json.loads(in_process("predict", model(NORMAL), "--draws", "300", "--seed", "2", "--json").stdout)
    assert (record["kind"], record["draws"], record["seed"], record["loo"]) == ("prior", 300, 2, [])
    (check,) = record["checks"]
    assert (check["name"], check["data"], check["entries"]) == ("y", 3, 3)
    assert check["inside_68"] <= check["inside_95"] <= 3 and 0 < check["p_value"] <= 1
    assert record["pictures"] == ["y.png"] and record["diagnostics"] == []


def test_a_seed_decides(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("sample", name, *FAST, "--out", "fit")
    for out, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        in_process("predict", name, "--run", "fit", "--seed", seed, "--out", out)
    for file in ("predictions.nc", "y.png", "summary.csv"):
        a, b, c = ((tmp_path / out / file).read_bytes() for out in "abc")
        assert a == b != c


def test_a_run_of_something_else_is_refused(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("sample", name, *FAST, "--out", "fit")
    done = in_process("predict", name, "--run", "fit", "--data", "y=[1, 2, 4]", code=1)
    assert "error[E624]: `fit` is of other data: `y` is not what it was then" in done.stderr
    assert "the run was made by: pdflang" in done.stderr
    model(NORMAL.replace("Normal(0, 5)", "Normal(0, 6)"))
    stderr = in_process("predict", name, "--run", "fit", code=1).stderr
    assert "line 1 of `model.pdfm` is `param mu ~ Normal(0, 6)`; in the run it is `param mu ~ Normal(0, 5)`" in stderr
    # The same text by another name is the same model.
    in_process("predict", model(NORMAL, "renamed.pdfm"), "--run", "fit", "--draws", "10")
    for wrong in ("nothing", "."):
        assert "error[E623]" in in_process("predict", "renamed.pdfm", "--run", wrong, code=1).stderr
    (tmp_path / "fit" / "draws.nc").write_bytes(b"no")
    assert "error[E623]" in in_process("predict", "renamed.pdfm", "--run", "fit", code=1).stderr


def test_what_the_run_was_not_trusted_for_is_repeated(in_process, model) -> None:
    two_modes = "param a ~ Normal(0, 30)\ndata y = 400\nobserve y ~ Normal(a^2, 1)\n"
    six = ("--method", "nuts", "--draws", "300", "--chains", "6")
    in_process("sample", model(two_modes), *six, "--out", "fit", code=3)
    assert "error: of the run: R-hat is above" in in_process("predict", "model.pdfm", "--run", "fit", code=3).stdout


def test_parameters_of_a_run(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL + "param s[2] ~ Normal(0, 1)\ndata z[2] = [0.5, 1]\nobserve z ~ Normal(s, 1)\n")
    in_process("sample", name, *FAST, "--out", "fit")
    posterior = open_run(tmp_path / "fit")["posterior"]

    def drawn(*arguments: str) -> dict:
        return json.loads(in_process("simulate", name, "--params", "fit", *arguments, "--json").stdout)

    first = drawn("--draw", "123")
    assert first["draw"] == 123
    assert first["params"]["mu"] == float(posterior["mu"][1, 23])
    assert first["params"]["s"] == posterior["s"][1, 23].to_numpy().tolist()
    chosen, again, other = drawn("--seed", "4"), drawn("--seed", "4"), drawn("--seed", "5")
    assert chosen["draw"] == again["draw"] != other["draw"]
    assert chosen["params"]["mu"] == float(posterior["mu"].to_numpy().ravel()[chosen["draw"]])
    assert drawn("--draw", "0", "-p", "mu=2.5")["params"]["mu"] == 2.5
    assert "has no draw 200" in in_process("simulate", name, "-p", "fit", "--draw", "200", code=2).stderr
    assert "give its folder: --params RUN" in in_process("simulate", name, "--draw", "3", code=2).stderr
    assert "error[E623]" in in_process("simulate", name, "-p", ".", code=1).stderr


def test_the_maximum_of_a_run(in_process, model, tmp_path: Path) -> None:
    name = model(AT_A_BOUND.replace("-3.0, -2.0, -4.0", "3.0, 2.0, 4.0"))
    in_process("map", name, "--out", "best")
    in_process("simulate", name, "--params", "best", "--out", "sim")
    maximum = json.loads((tmp_path / "best" / "map.json").read_text())["params"]
    assert json.loads((tmp_path / "sim" / "params.json").read_text()) == maximum
