"""`report` and `compare` as a user calls them: where they write, what they refuse, how they find the model again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import NORMAL, environment

from pdflang.results import reading
from pdflang.results.reading import read_record

FAST = ("--draws", "60", "--warmup", "100", "--chains", "2")


@pytest.fixture
def fit(run, model, tmp_path: Path) -> str:
    """A run on a model beside whose file its data lie."""
    (tmp_path / "y.csv").write_text("y\n1\n2\n3\n")
    text = 'param mu ~ Normal(0, 5)\ndata y = table("y.csv").y\npdf f(x) = mu*x\nobserve y ~ Normal(f(1), 1)\n'
    run("sample", model(text), *FAST, "--out", "fit.run", code={0, 3})
    return "fit.run"


@pytest.mark.slow
def test_a_report_is_not_replaced_unless_asked(run, fit: str, tmp_path: Path) -> None:
    assert run("report", fit).stdout == "report in fit.run/report.html\n"
    again = run("report", fit, code=1)
    assert "error[E621]: `fit.run/report.html` exists already" in again.stderr
    page = tmp_path / "fit.run" / "report.html"
    before = page.stat().st_mtime_ns
    record = json.loads(run("report", fit, "--overwrite", "--json").stdout)
    assert record["report"] == "fit.run/report.html" and page.stat().st_mtime_ns > before
    run("report", fit, "--out", "elsewhere.html")
    assert (tmp_path / "elsewhere.html").read_bytes() == page.read_bytes()


def test_a_run_is_read_once(in_process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit" / "provenance.json").write_text('{"method": "nuts"}')
    read: list[Path] = []
    monkeypatch.setattr(reading, "read_record", lambda folder: read.append(folder) or read_record(folder))
    in_process("report", "fit")
    assert read == [Path("fit")] and (tmp_path / "fit" / "report.html").is_file()


def test_overwriting_a_run_takes_its_report_away(run, fit: str, tmp_path: Path) -> None:
    run("report", fit)
    run("sample", "model.pdfm", *FAST, "--out", "fit.run", "--overwrite", code={0, 3})
    assert not (tmp_path / "fit.run" / "report.html").exists()


@pytest.mark.slow
def test_the_model_is_found_again(run, fit: str, tmp_path: Path) -> None:
    """From another folder by way of the run's; where it was changed or moved, `--model` and the page say so."""
    (tmp_path / "other").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pdflang", "report", "../fit.run", "--json"], cwd=tmp_path / "other",
        env=environment(), capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout)["notes"] == []
    assert "f(x)" in (tmp_path / "fit.run" / "report.html").read_text(encoding="utf-8")
    (tmp_path / "model.pdfm").rename(tmp_path / "moved.pdfm")
    without = run("report", fit, "--overwrite")
    said = "note: Functions are not drawn and data not predicted: the file `model.pdfm` does not exist"
    assert said in without.stderr
    assert "Name the model with --model" in (tmp_path / "fit.run" / "report.html").read_text(encoding="utf-8")
    assert run("report", fit, "--overwrite", "--model", "moved.pdfm").stderr == ""
    (tmp_path / "y.csv").write_text("y\n1\n2\n4\n")
    changed = run("report", fit, "--overwrite", "--model", "moved.pdfm", code=1)
    assert "error[E624]: `fit.run` is of other data: `y` is not what it was then" in changed.stderr


def test_data_of_the_command_line_are_given_again(run, model, tmp_path: Path) -> None:
    name = model("param mu ~ Normal(0, 5)\ndata y[N]\nobserve y ~ Normal(mu, 1)\n")
    run("sample", name, "--data", "y=[1,2,4]", *FAST, "--out", "fit", code={0, 3})
    assert json.loads(run("report", "fit", "--json").stdout)["notes"] == []
    assert "y and its prediction" in (tmp_path / "fit" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["sample", "map", "predict"])
def test_verbs_leave_a_report(verb: str, run, model, tmp_path: Path) -> None:
    options = {"sample": FAST, "map": (), "predict": ("--draws", "30")}[verb]
    done = run(verb, model(NORMAL), *options, "--out", "fit", "--report", code={0, 3})
    assert done.stdout.splitlines()[-1] == "report in fit/report.html"
    assert (tmp_path / "fit" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (("profile", "model.pdfm", "mu", "--points", "5"), "by profile"),
        (("simulate", "model.pdfm", "-p", "mu=1"), "by simulate"),
        (("simulate", "model.pdfm", "--count", "3"), "by simulations"),
        (("closure", "model.pdfm", "--truth", "mu=1", "--fits", "3", "--replicas", "3"), "by closure"),
    ],
)  # fmt: skip
def test_what_is_no_fit_leaves_a_report_too(
    arguments: tuple[str, ...], title: str, run, model, tmp_path: Path
) -> None:
    model("param mu ~ Normal(0, 5)\ndata y[4] = [1, 2, 3, 2]\nobserve y ~ Normal(mu, 1)\n")
    done = run(*arguments, "--report", "--out", "made", code={0, 3})
    assert done.stdout.endswith("report in made/report.html\n")
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert title in page
    drawn = {"profile": "log-density where everything else", "closure": "R_bv with its error"}.get(arguments[0], "")
    assert drawn in page and ("data:image/svg" in page or not drawn)


def test_fits_beside_each_other(run, model, tmp_path: Path) -> None:
    for name, width in (("a", 5), ("b", 1)):
        file = model(NORMAL.replace("0, 5", f"0, {width}"), f"{name}.pdfm")
        run("sample", file, *FAST, "--log-likelihood", code={0, 3})
    printed = run("compare", "a.run", "b.run", "--out", "page.html").stdout
    lines = [line.split() for line in printed.splitlines()]
    assert lines[0] == ["a", "b", "b", "−", "a"] and [line[0] for line in lines[1:3]] == ["mu", "twice"]
    assert printed.splitlines()[-1] == "page in page.html" and "elpd" in printed
    assert "exists already" in run("compare", "a.run", "b.run", "--out", "page.html", code=1).stderr
    record = json.loads(run("compare", "a.run", "b.run", "--json").stdout)
    assert record["names"] == ["a", "b"] and {row["name"] for row in record["loo"]} == {"a", "b"}
    assert "two runs at least" in run("compare", "a.run", code=2).stderr
    assert "E623" in run("compare", "a.run", ".", code=1).stderr


@pytest.mark.slow
def test_the_page_of_several_fits_says_what_it_lacks(run, model, tmp_path: Path) -> None:
    """Functions that cannot be drawn, fits whose model is gone, and arrays that are too long for a table."""
    text = """
        data y = [1.0, 2.0]
        param mu ~ Normal(0, 5)
        pdf plane(x in (0, 1), z in (0, 1)) = mu*x*z
        observe y ~ Normal(mu, 1)
        output curve = mu*x for x in linspace(0, 1, 50)
    """
    for name in ("a", "b", "c"):
        run("map", model(text, f"{name}.pdfm"))
    (tmp_path / "c.pdfm").unlink()
    done = run("compare", "a.run", "b.run", "c.run", "--out", "page.html")
    said = done.stdout + done.stderr
    assert "note: c: functions are not computed: the file `c.pdfm` does not exist" in said
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "a, b: plane is not drawn: it is a function of 2 variables" in page
    assert "c: functions are not computed: the file <code>c.pdfm</code> does not exist" in page
    assert "numbers of arrays with more than 20 entries are not compared: `curve`" in said
    assert "numbers of arrays with more than 20 entries are not compared: <code>curve</code>" in page


def test_other_verbs_do_not_pay_for_it(tmp_path: Path) -> None:
    """Neither help nor the other verbs import what pages are made of."""
    program = (
        "import sys\nfrom pdflang.cli import program\n"
        "program.main(['{}', '--help'], standalone_mode=False)\n"
        "print({{'jinja2', 'matplotlib', 'jax', 'xarray'}} & set(sys.modules))"
    )
    for verb in ("report", "compare", "sample", "map", "predict"):
        done = subprocess.run(
            [sys.executable, "-c", program.format(verb)], env=environment(), capture_output=True, text=True,
            encoding="utf-8",
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "set()", (verb, done.stdout[-200:], done.stderr)
