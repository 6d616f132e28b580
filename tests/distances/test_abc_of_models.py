"""`abc` on models: beside the exact posterior, without a density, and from the command line to each verb after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pdflang
from pdflang.cli import program
from pdflang.diagnostics import PdflangError

ROOT = Path(__file__).resolve().parents[2]

ROWS = """
param mu ~ Normal(0, 2)
param sigma ~ LogNormal(0, 0.5)
data y[N] = [1.0, 2.0, 0.3, 1.7, 2.9, 0.1]
observe y ~ Normal(mu, sigma)
"""

LEAKING = """
param c ~ LogNormal(3.5, 0.5)
param b ~ Normal(3, 1) in (-1, inf)
data hits = table("hits.csv")
pdf f(x) = c * (1 - x)^b
detector calorimeter(y in (0, 1) | x) {
    draw leak ~ Normal(0.1, 0.03) in (0, 1)
    draw y    ~ Normal(x * (1 - leak), 0.02)
}
observe hits ~ PoissonProcess(f |> calorimeter)
"""

PROXY = {"c_u": 2.0, "a_u": 0.5, "b_u": 3.0, "c_d": 1.0, "a_d": 0.6, "b_d": 4.0}


def moments(tree: Any, names: Mapping[str, Any]) -> np.ndarray:
    """Mean and standard deviation of parameters, (names, 2)."""
    found = tree["posterior"]
    return np.array([[float(found[name].mean()), float(found[name].std())] for name in names])


def apart(found: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """The largest shift in standard deviations, and the largest ratio of widths, or of its inverse."""
    shifts, ratios = (found[:, 0] - exact[:, 0]) / exact[:, 1], np.log(found[:, 1] / exact[:, 1])
    return float(np.abs(shifts).max()), float(np.exp(np.abs(ratios).max()))


def test_repeated_measurements_come_to_the_exact_posterior() -> None:
    """Without the regression, too, as ε falls."""
    model, names = pdflang.loads(ROWS), {"mu": 0, "sigma": 0}
    exact = moments(model.sample(method="nuts", draws=2000), names)
    wider, epsilons = [], []
    for simulations in (3_000, 60_000):
        tree = model.sample(method="abc", simulations=simulations, adjustment="none")
        wider.append(apart(moments(tree, names), exact))
        epsilons.append(tree.attrs["epsilon"])
    assert epsilons[1] < 0.3 < 1 < epsilons[0]
    assert wider[0][1] > 1.3 and wider[1][0] < 0.2 and wider[1][1] < 1.15
    shift, ratio = apart(moments(model.sample(method="abc", simulations=10_000), names), exact)
    assert shift < 0.2 and ratio < 1.15


@pytest.mark.slow
def test_a_model_whose_detector_can_only_be_run() -> None:
    truth = {"c": 100.0, "b": 2.0}
    model = pdflang.loads(LEAKING, data={"hits": {"y": [0.5]}})
    model = model.rebind(model.simulate(3, truth))
    with pytest.raises(PdflangError, match=r"E611(.|\n)*method='abc'"):
        model.sample(method="nuts")
    tree = model.sample(method="abc", simulations=300, chains=2, draws=50)
    (c, sd_c), (b, sd_b) = moments(tree, truth)
    assert abs(c - 100) < 3 * sd_c and abs(b - 2) < 3 * sd_b
    assert sd_c < 80 and sd_b < 0.8  # 97 and 1 under the prior of c with mean 120, and of b
    assert "posterior_predictive" in model.predict(tree, draws=5).children


def test_a_simulator_of_the_embedding_program(request: pytest.FixtureRequest) -> None:
    """Beyond a start there is an exponential delay, of which no density is known to the model."""
    request.addfinalizer(lambda: pdflang.unregister("Delayed"))
    pdflang.register("Delayed", lambda random, start: start + random.exponential(size=np.shape(start)), ["start"])
    model = pdflang.loads("param start ~ Normal(0, 3)\ndata y = 1.5\nobserve y ~ Delayed(start)")
    draws = model.sample(method="abc", simulations=40_000, adjustment="none")["posterior"]["start"].values
    grid = np.linspace(-12, 1.5, 10_001)
    share = np.exp(grid - grid**2 / 18)
    mean = np.average(grid, weights=share)
    sd = np.sqrt(np.average((grid - mean) ** 2, weights=share))
    assert abs(draws.mean() - mean) < 0.2 * sd and draws.std() == pytest.approx(sd, rel=0.15)


def test_what_cannot_be_compared_is_told() -> None:
    for text, code in (
        (ROWS.replace("Normal(0, 2)", "Flat()"), "E625"),
        ("param mu ~ Normal(0, 1)\nfactor f = -mu^2", "E662"),
    ):
        with pytest.raises(PdflangError, match=code):
            pdflang.loads(text).sample(method="abc")


@pytest.mark.slow
def test_nothing_is_taken_from_what_was_learned() -> None:
    pytest.importorskip("flowjax")
    trained = pdflang.loads(ROWS).train(simulations=200, epochs=1)
    with pytest.raises(PdflangError, match=r"E662(.|\n)*`abc` simulates the model"):
        trained.sample(method="abc")


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by `abc` of a process of its own, whose command line it remembers."""
    folder = tmp_path_factory.mktemp("abc")
    (folder / "model.pdfm").write_text(ROWS)
    words = ["sample", "model.pdfm", "--method", "abc", "--simulations", "6000", "--out", "abc.run", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "pdflang", *words], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert "within ε = " in done.stdout and "6000 simulations" in done.stdout
    return folder / "abc.run"


def test_the_folder_is_that_of_a_run(run: Path) -> None:
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert (origin["method"], origin["options"]["simulations"], origin["interrupted"]) == ("abc", 6000, False)
    tree = pdflang.results.open_run(run)
    assert tree.attrs["simulations"] == 6000 and tree["sample_stats"]["distance"].shape == (4, 250)
    for words in (
        ("report", run),
        ("sample", run.parent / "model.pdfm", "--out", run.parent / "exact.run"),
        ("compare", run, run.parent / "exact.run"),
        ("predict", run.parent / "model.pdfm", "--run", run, "--draws", 50, "--out", run.parent / "predicted"),
    ):
        done = invoked(*words)
        assert done.exit_code in (0, 3), done.output


@pytest.mark.slow
def test_it_is_calibrated_and_validated_by_itself(run: Path) -> None:
    pytest.importorskip("sklearn")
    words = ("--fits", 12, "--draws", 19, "--thin", 1)
    done = invoked(
        "calibrate", run.parent / "model.pdfm", "--method", "abc", "--simulations", 1000, *words, "--json", "--out",
        run.parent / "calibrated",
    )  # fmt: skip
    assert done.exit_code in (0, 3), done.output
    record = json.loads(done.stdout)
    names = [quantity["name"] for quantity in record["quantities"]]
    assert names == ["mu", "sigma", "log-density", "distance (TARP)"] and not record["failures"]
    done = invoked("validate", run, *words, "--simulations", 100, "--json", "--out", run.parent / "validated")
    assert done.exit_code in (0, 3), done.output
    record = json.loads(done.stdout)
    assert set(record["calibrations"]) == set(record["beside"]) == {"abc"}
    for entry in record["beside"]["abc"]["entries"]:
        assert abs(entry["shift"]) < 0.4 and 0.75 < entry["ratio"] < 1.3, entry


@pytest.mark.slow
def test_it_is_calibrated() -> None:
    """Without a density nothing else tells."""
    done = pdflang.loads(ROWS).calibrate(method="abc", simulations=5_000, fits=200, draws=49)
    assert done.uniform, done


@pytest.mark.slow
def test_events_come_to_the_exact_posterior() -> None:
    """The proxy with some sixty events, in six dimensions."""
    model = pdflang.load(ROOT / "examples" / "proxy" / "model.pdfm", data={"lumi": 50.0})
    model = model.rebind({**model.simulate(3, PROXY), "lumi": 50.0})
    exact = moments(model.sample(method="nuts", draws=2000), PROXY)
    few, many = (
        moments(model.sample(method="abc", simulations=simulations, adjustment="none"), PROXY)
        for simulations in (4_000, 20_000)
    )
    shift, ratio = apart(many, exact)
    assert apart(few, exact)[1] > 1.5 and shift < 0.5 and ratio < 1.45
    shift, ratio = apart(moments(model.sample(method="abc", simulations=20_000), PROXY), exact)
    assert shift < 0.25 and ratio < 1.2
