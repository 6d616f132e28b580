"""`simulate` writes what `map` and `sample` read back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray
from command_line import EXAMPLES

PROCESS = """\
data x = table("events/x.csv").x
data exposure = 10
param a ~ Normal(1, 0.1) in (0, inf)
theory rate(x in (0, 1)) = 20*exposure*a*x
observe x ~ PoissonProcess(rate)
"""
COUNTS = """\
data n[5]: int
param a ~ Normal(1, 0.1) in (0, inf)
theory rate(x in (0, 1)) = 200*a*x
observe n ~ Poisson(rate |> bins(linspace(0, 1, 6)))
"""
PLATE = """\
index group = near, far
data y[row] = table("t.csv").y
data z[row] = table("t.csv").z
data x[row] = table("t.csv").x
data g[row]: group = table("t.csv").g
param mu[group] ~ Normal(0, 5)
observe y ~ Normal(mu[g] + x, 0.1)
observe z ~ Normal(mu[g] - x, 0.1)
"""
PLATE_TABLE = "x,y,z,g\n0.5,1,1,near\n0.7,2,1,far\n0.9,1.5,2,near\n"
IID = """\
data hits[N]
param a ~ Normal(2, 1) in (0, inf)
pdf f(x in (0, 1)) = x^a
observe hits ~ Iid(f)
"""
RUNS = """\
index run = early, late
data events = table("events.csv")
param a ~ Normal(0, 0.5) in (-1, inf)
nuisance width[run] ~ LogNormal(-3, 0.1)
theory rate(x in (0, 1), r in run) = (if r == run.early then 300 else 900) * x^a
detector tracker(y in (0, 1), r in run | x, r) {
    efficiency 0.5
    smear y ~ Normal(x, width[r])
    background 100*y
}
observe events ~ PoissonProcess(rate |> tracker)
"""
FLAT = "data y[4]\nparam mu ~ Flat()\nobserve y ~ Normal(mu, 1)\n"
FACTOR = FLAT.replace("Flat()", "Normal(0, 1)") + "factor good = sin(mu)\n"


def fitted(run, *arguments: str) -> dict:
    return json.loads(run("map", *arguments, "--json").stdout)


@pytest.mark.parametrize(("text", "more"), [(PROCESS, ()), (COUNTS, ()), (IID, ("--size", "hits=300"))])
def test_data_come_back(run, model, tmp_path: Path, text: str, more: tuple[str, ...]) -> None:
    name = model(text)
    run("simulate", name, "--params", "a=1.1", "--seed", "3", *more, "--out", "sim")
    fit = fitted(run, name, "--data", "sim/data.json")
    assert abs(fit["params"]["a"] - 1.1) < 5 * fit["standard_errors"]["a"]
    assert json.loads((tmp_path / "sim" / "params.json").read_text()) == {"a": 1.1}


def test_events_are_read_from_the_run_folder_as_from_data_json(run, model, tmp_path: Path) -> None:
    name = model(PROCESS)
    run("simulate", name, "--data", "exposure=20", "--out", "sim")
    assert (tmp_path / "sim" / "events" / "x.csv").is_file()
    from_json = fitted(run, name, "--data", "sim/data.json")
    from_csv = fitted(run, "sim/model.pdfm", "--data", "exposure=20")
    assert from_json["params"] == from_csv["params"]


def test_a_table_keeps_its_other_columns(run, model, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(PLATE_TABLE)
    run("simulate", model(PLATE), "--params", "mu=[3,-3]", "--out", "sim")
    lines = (tmp_path / "sim" / "t.csv").read_text().splitlines()
    assert lines[0] == "y,z,x,g" and [line.split(",")[2:] for line in lines[1:]] == [
        ["0.5", "near"], ["0.7", "far"], ["0.9", "near"],
    ]  # fmt: skip
    fit = fitted(run, "sim/model.pdfm")
    assert fit["params"]["mu"] == pytest.approx([3, -3], abs=0.5)
    assert fit["params"] == fitted(run, "model.pdfm", "--data", "sim/data.json")["params"]


def test_events_of_a_detector_come_back_with_labels_and_traces(run, model, tmp_path: Path) -> None:
    name = model(RUNS)
    told = run("simulate", name, "-p", "a=0.5", "-p", "width=[0.05, 0.05]", "--traces", "--out", "sim").stdout
    lines = (tmp_path / "sim" / "events.csv").read_text().splitlines()
    assert lines[0] == "y,r" and {line.split(",")[1] for line in lines[1:]} == {"early", "late"}
    assert f"events: {len(lines) - 1} events" in told and "traces.nc" in told
    with xarray.open_datatree(tmp_path / "sim" / "traces.nc", engine="h5netcdf") as tree:
        signal, background = tree["events/rate"], tree["events/background of tracker"]
        kept = signal["row"].values >= 0
        measured = np.array([float(line.split(",")[0]) for line in lines[1:]])
        assert np.array_equal(measured[signal["row"].values[kept]], signal["tracker.y"].values[kept])
        assert kept.sum() + len(background["row"]) == len(measured) and 0.4 < kept.mean() < 0.6
        assert [lines[1:][row].split(",")[1] for row in signal["row"].values[kept][:5]] == list(signal["r"][kept][:5])
    record = json.loads((tmp_path / "sim" / "data.json").read_text())["events"]
    assert [f"{y!r},{r}" for y, r in zip(record["y"], record["r"], strict=True)] == lines[1:]
    fit = fitted(run, "sim/model.pdfm", "--data", "sim/data.json")
    assert abs(fit["params"]["a"] - 0.5) < 5 * fit["standard_errors"]["a"]


def test_data_given_on_the_command_line_come_back_too(run, tmp_path: Path) -> None:
    example = EXAMPLES / "eight_schools" / "model.pdfm"
    given = {"y": list(range(8)), "sigma": [1.5] * 8}
    (tmp_path / "given.json").write_text(json.dumps(given))
    run("simulate", str(example), "--data", "given.json", "--out", "sim")
    data = json.loads((tmp_path / "sim" / "data.json").read_text())
    assert data["sigma"] == given["sigma"] and data["y"] != given["y"]


def test_the_run_folder_of_a_model_of_several_files_is_a_model(run, model, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    model("param a ~ Normal(1, 0.1) in (0, inf)\n", "parts/prior.pdfm")
    used = 'use "prior.pdfm" as prior\n' + PROCESS.replace("param a ~ Normal(1, 0.1) in (0, inf)\n", "")
    model(used.replace("*a*x", "*prior.a*x"), "parts/counts.pdfm")
    run("simulate", model('use "parts/counts.pdfm" as counts\noutput twice = 2*counts.exposure\n'), "--out", "sim")
    assert (tmp_path / "sim" / "parts" / "events" / "x.csv").is_file()
    assert "1 parameter, 1 observation" in run("check", "sim/model.pdfm").stdout
    params = fitted(run, "sim/model.pdfm")["params"]
    assert params == fitted(run, "model.pdfm", "--data", "sim/data.json")["params"]


def test_the_seed_decides(run, model, tmp_path: Path) -> None:
    name = model(COUNTS)
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        run("simulate", name, "--seed", seed, "--out", out)
    a, b, c = (json.loads((tmp_path / out / "data.json").read_text()) for out in "abc")
    assert a == b != c
    record = json.loads((tmp_path / "a" / "provenance.json").read_text())
    assert record["seed"] == 1 and record["method"] == "simulate"


def test_parameters_as_number_list_array_and_file(run, model, tmp_path: Path) -> None:
    text = "data y[2]\nparam m[2] ~ Normal(0, 1)\nparam s ~ LogNormal(0, 1)\nobserve y ~ Normal(m, s)\n"
    name = model(text)
    np.save(tmp_path / "m.npy", np.array([1.0, 2.0]))
    run("simulate", name, "-p", "m=[1, 2]", "-p", "s=0.5", "--out", "a")
    run("simulate", name, "-p", "m=m.npy", "-p", "s=0.5", "--out", "b")
    run("simulate", name, "-p", "a/params.json", "--out", "c")
    a, b, c = ((tmp_path / out / "data.json").read_bytes() for out in "abc")
    assert a == b == c


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (("m=1",), "no parameter `m`"),
        (("mu=[1, 2]",), "`mu` is a number, but its value is an array of shape (2,)"),
        (("mu=word.json",), "there is no file `word.json`"),
        (("y=1",), "no parameter `y`"),
    ],
)
def test_wrong_parameters(run, model, params: tuple[str, ...], told: str) -> None:
    name = model("data y[4]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\n")
    assert told in run("simulate", name, "--params", *params, code=1).stderr


@pytest.mark.parametrize(("text", "line"), [(FLAT, "2:7"), (FACTOR, "4:8")])
def test_what_has_no_prior_to_draw_from_is_refused_with_its_line(run, model, text: str, line: str) -> None:
    name = model(text)
    stderr = run("simulate", name, code=1).stderr
    assert "error[E607]" in stderr and f"model.pdfm:{line}" in stderr
    run("simulate", name, "--params", "mu=1")


def test_the_size_of_a_sample_must_be_known(run, model) -> None:
    assert "--size hits=100" in run("simulate", model(IID), code=1).stderr
    assert "7 events" in run("simulate", "model.pdfm", "--size", "N=7").stdout
    text = "data y[M]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\n"
    assert "5 values" in run("simulate", model(text), "--size", "M=5").stdout


@pytest.mark.slow
def test_simulated_data_can_be_sampled(run, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "proxy" / "model.pdfm", tmp_path / "model.pdfm")
    truth = ("c_u=2", "a_u=.5", "b_u=3", "c_d=1", "a_d=.6", "b_d=4")

    run("simulate", "model.pdfm", *(word for text in truth for word in ("-p", text)))
    assert {"proxy_p.csv", "proxy_n.csv"} <= {path.name for path in (tmp_path / "model.run").iterdir()}
    run("sample", "model.run/model.pdfm", "--draws", "100", "--warmup", "200", "--chains", "2", "--out", "fit")


@pytest.mark.slow
def test_pseudodata_of_a_measured_set_are_fitted_with_its_errors(run, tmp_path: Path) -> None:
    dis = str(EXAMPLES / "dis" / "model.pdfm")
    (tmp_path / "truth.json").write_text(json.dumps(fitted(run, dis)["params"]))
    run("simulate", dis, "--params", "truth.json", "--out", "sim")
    chi2 = fitted(run, dis, "--data", "sim/data.json")["chi2"]["bcdms"]
    assert abs(chi2 - (587 - 10)) < 5 * (2 * 577) ** 0.5
    (tmp_path / "short.json").write_text('{"bcdms": [1, 2]}')
    assert "`bcdms` has 587 points" in run("map", dis, "--data", "short.json", code=1).stderr
