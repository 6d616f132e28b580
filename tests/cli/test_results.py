"""What the verbs print and leave behind."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import AT_A_BOUND, EXAMPLES, NORMAL, command, environment
from scipy.stats import norm

from pdflang.results import open_run

FAST = ("--draws", "100", "--warmup", "100", "--chains", "2")

LABELLED = """\
index flavour = u, d
nuisance shift ~ Normal(0, 1)
param c[flavour] ~ Normal(0, 1)
param a ~ Normal(0, 1)
data y[30]
let m = c.u + c.d + shift
observe y ~ Normal(m + a, 1)
output xs = a*x for x in linspace(0, 1, 30)
"""


def labelled(model, tmp_path: Path) -> tuple[str, ...]:
    np.save(tmp_path / "y.npy", np.linspace(-1, 1, 30))
    return model(LABELLED), "--data", "y=y.npy"


def names_of(table: str) -> list[str]:
    return [line.split()[0] for line in table.split("\n\n")[0].splitlines()[1:]]


def test_the_summary_of_sample_has_labels_in_the_order_of_declaration(run, model, tmp_path: Path) -> None:
    done = run("sample", *labelled(model, tmp_path), "--log-likelihood", *FAST)
    names = names_of(done.stdout)
    assert names[:5] == ["c[u]", "c[d]", "a", "shift", "xs[0]"]
    assert "xs: 20 of 30 entries shown" in done.stdout
    assert "R-hat" in done.stdout.splitlines()[0]
    folder = tmp_path / "model.run"
    assert len((folder / "summary.csv").read_text().splitlines()) == 1 + 4 + 30
    tree = open_run(folder)
    assert tree["posterior"]["c"].sel(flavour="u").shape == (2, 100)
    assert tree["log_likelihood"]["y"].shape == (2, 100, 30)
    assert done.stdout.endswith("2 chains of 100 draws with seed 0 in model.run\n")
    assert not done.stderr


def test_draws_are_made_until_they_suffice_and_it_is_told(run, model, tmp_path: Path) -> None:
    """With one step in a trajectory NUTS is a slow random walk: 1000 draws of a chain are worth some 60."""
    text = "param x[10] ~ Normal(0, 1)\ndata y = 0\nobserve y ~ Normal(x[0], 1)\n"
    slowly = ("sample", model(text), "--method", "nuts", "--max-tree-depth", "1")
    done = run(*slowly, "--seed", "1")
    wish = "R-hat < 1.01 and ESS ≥ 400"
    told = re.search(rf"4 chains of (\d+) draws \((\d+) more until {wish}\) with seed 1", done.stdout)
    assert told and int(told[1]) == 1000 + int(told[2])
    rows = list(csv.DictReader((tmp_path / "model.run" / "summary.csv").read_text().splitlines()))
    assert all(float(row["rhat"]) < 1.01 and float(row["ess_bulk"]) >= 400 for row in rows)
    account = json.loads((tmp_path / "model.run" / "provenance.json").read_text(encoding="utf-8"))["draws"]
    assert account == f"{told[1]} per chain: {told[2]} more until {wish}"
    assert open_run(tmp_path / "model.run")["posterior"].sizes["draw"] == int(told[1])

    capped = run(*slowly, "--max-draws", "1200").stdout
    assert f"4 chains of 1200 draws (200 more, as many as --max-draws allows, but not {wish})" in capped
    assert "4 chains of 1000 draws with seed" in run(*slowly, "--draws", "1000").stdout


def test_arviz_predicts_left_out_data_from_a_saved_run(run, model, tmp_path: Path) -> None:
    """The predictive density of each datum given the others is a Gaussian here."""
    run("sample", model(NORMAL), "--log-likelihood", "--draws", "1000", "--warmup", "300", "--chains", "2")
    import arviz_stats
    import xarray

    with xarray.open_datatree(tmp_path / "model.run" / "draws.nc") as tree:
        loo = arviz_stats.loo(tree, pointwise=True)
    y = np.array([1.0, 2.0, 3.0])
    precision = 2 + 1 / 5**2
    expected = norm.logpdf(y, (y.sum() - y) / precision, np.sqrt(1 + 1 / precision))
    np.testing.assert_allclose(loo.elpd_i, expected, atol=0.1)


def test_the_table_of_map_is_in_the_order_of_declaration(run, model, tmp_path: Path) -> None:
    done = run("map", *labelled(model, tmp_path))
    assert names_of(done.stdout)[:4] == ["shift", "c[u]", "c[d]", "a"]
    assert "xs: 20 of 30 entries shown; all are in map.json" in done.stdout
    assert "for 30 data" in done.stdout


def test_only_the_parameters_at_a_bound_lose_their_errors(run, model) -> None:
    text = AT_A_BOUND + "param mu ~ Normal(0, 1)\ndata z = 0.5\nobserve z ~ Normal(mu, 1)\n"
    record = json.loads(run("map", model(text), "--json", code=3).stdout)
    assert record["at_bound"] == ["tau"] and record["standard_errors"]["tau"] is None
    assert record["standard_errors"]["mu"] == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (("check",), {"parameters", "observations", "outputs", "data"}),
        (("fmt", "--check"), {"changed"}),
        (("compile",), {"module"}),
        (("map",), {"params", "standard_errors", "covariance", "log_density", "chi2", "folder"}),
        (("simulate",), {"params", "data", "files", "folder"}),
        (("sample", *FAST), {"summary", "diagnostics", "folder", "seed", "interrupted"}),
    ],
)
def test_json_is_one_object_of_messages_and_results(run, model, arguments: tuple[str, ...], fields: set[str]) -> None:
    done = run(*arguments, model(NORMAL), "--json")
    record = json.loads(done.stdout)
    assert fields | {"messages", "notes"} <= set(record)
    assert record["messages"] == [] and not done.stderr


@pytest.mark.parametrize("verb", ["check", "fmt", "sample", "map", "simulate", "predict", "compile"])
def test_errors_as_json(run, model, verb: str) -> None:
    done = run(verb, model("param mu ~ Normal(0, 1\n"), "--json", code=1)
    (message,) = json.loads(done.stdout)["messages"]
    assert (message["severity"], message["code"], message["place"]["line"]) == ("error", "E104", 1)
    assert not done.stderr


def test_data_that_no_declaration_names_are_noted(run, model, tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text('{"y": [1, 2], "z": 3}')
    done = run("map", model(NORMAL), "--data", "all.json")
    assert done.stderr == "note: no `data` is called `z`; what is given for it is ignored\n"


def test_absent_data_name_their_declarations(run, model) -> None:
    done = run("map", model("data y[N]\ndata s[N]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, s)\n"), code=1)
    assert "--data y=FILE" in done.stderr and "--data s=FILE" in done.stderr and "2 errors" in done.stderr


def test_fmt_leaves_broken_files_and_lays_the_others_out(run, model, tmp_path: Path) -> None:
    broken, ugly = model("param mu ~ Normal(0,\n", "a.pdfm"), model("param   mu~Normal( 0,1 ) # kept\n", "b.pdfm")
    done = run("fmt", broken, ugly, code=1)
    assert done.stdout == "b.pdfm changed\n" and "error[E104]" in done.stderr
    assert (tmp_path / "a.pdfm").read_text() == "param mu ~ Normal(0,\n"
    assert (tmp_path / "b.pdfm").read_text().startswith("param mu ~ Normal(0, 1)")
    assert run("fmt", "--check", ugly).stdout == ""
    assert run("fmt", "--stdout", ugly).stdout == (tmp_path / "b.pdfm").read_text()


def test_results_are_never_overwritten_silently(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    run("simulate", name, "--out", "fit")
    before = {path.name: path.read_bytes() for path in (tmp_path / "fit").iterdir()}
    assert "--overwrite" in run("map", name, "--out", "fit", code=1).stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "fit").iterdir()} == before
    run("map", name, "--out", "fit", "--overwrite")
    assert sorted(path.name for path in (tmp_path / "fit").iterdir()) == [
        "map.json", "model.pdfm", "provenance.json", "summary.txt",
    ]  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    assert "not a run's" in run("map", name, "--out", "mine", "--overwrite", code=1).stderr
    assert "not a folder" in run("map", name, "--out", name, "--overwrite", code=1).stderr


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write")
def test_a_place_that_cannot_be_written_is_told(run, model) -> None:
    assert "--out" in run("map", model(NORMAL), "--out", "/proc/self/fit", code=1).stderr


def test_provenance_says_where_a_result_comes_from(run, model, tmp_path: Path) -> None:
    model("param mu ~ Normal(0, 5)\n", "prior.pdfm")
    text = 'use "prior.pdfm" as prior\ndata y[2] = [1.0, 2.0]\nobserve y ~ Normal(prior.mu, 1)\n'
    run("sample", model(text), "--seed", "5", *FAST)
    record = json.loads((tmp_path / "model.run" / "provenance.json").read_text())
    assert [source["name"] for source in record["sources"]] == ["model.pdfm", "prior.pdfm"]
    assert record["sources"][0]["text"] == text and len(record["sources"][0]["sha256"]) == 64
    assert record["data"]["y"]["shape"] == [2] and len(record["data"]["y"]["sha256"]) == 64
    assert (record["seed"], record["options"]["draws"]) == (5, 100)
    assert record["command"][1:3] == ["sample", "model.pdfm"]
    assert {"python", "pdflang", "jax", "numpy"} <= set(record["versions"])
    written = {str(path.relative_to(tmp_path / "model.run")) for path in (tmp_path / "model.run").rglob("*.*")}
    assert set(record["files"]) == {name for name in written if not name.startswith("checkpoint")}
    assert "1 parameter" in run("check", "model.run/model.pdfm").stdout


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are pinned in the way of Linux")
def test_fresh_processes_draw_the_same_bytes_on_any_number_of_cores(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    run("sample", name, *FAST, "--out", "a")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        run("sample", name, *FAST, "--out", "b")
    finally:
        os.sched_setaffinity(0, cores)
    run("sample", name, *FAST, "--seed", "1", "--out", "c")
    a, b, c = ((tmp_path / folder / "draws.nc").read_bytes() for folder in "abc")
    assert a == b
    assert a != c


@pytest.mark.slow
@pytest.mark.parametrize("example", ["proxy", "eight_schools", "dis"])
def test_the_examples_run(example: str, tmp_path: Path) -> None:
    path = str(EXAMPLES / example / "model.pdfm")
    for verb in ("check", "map", "sample"):
        done = subprocess.run(
            command(verb, path), cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=600
        )
        # The maximum of a hierarchical model lies where its scale vanishes.
        wanted = 3 if (example, verb) == ("eight_schools", "map") else 0
        assert done.returncode == wanted, done.stderr
