"""What `sample` says of what the data taught: in the table's files, in words, and beside the Cramér–Rao bound."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

IDLE = """\
param mu ~ Normal(0, 5)
param idle ~ Normal(0, 1)
data y[N] = [1.0, 2.0, 3.0]
observe y ~ Normal(mu + 0*idle, 1)
"""
FAST = ("--method", "nuts", "--draws", "500", "--warmup", "200", "--chains", "2")


def test_contraction_and_the_bound(run, model, tmp_path: Path) -> None:
    done = run("sample", model(IDLE), *FAST, "--information", "--out", "fit")
    assert "note: the data taught nothing about idle: the variance is not even 5% less" in done.stdout
    said = r"Cramér–Rao bound of such data over the sd of the posterior: (.*) \(mu\); for 1 more the data have no info"
    assert float(re.search(said, done.stdout)[1]) == pytest.approx((76 / 75) ** 0.5, rel=0.1)

    def table(name: str) -> dict[str, dict[str, str]]:
        return {row["name"]: row for row in csv.DictReader((tmp_path / "fit" / name).read_text().splitlines())}

    rows, bounds = table("summary.csv"), table("information.csv")
    assert float(rows["mu"]["contraction"]) == pytest.approx(75 / 76, abs=0.01)
    assert float(bounds["mu"]["cramer_rao"]) == pytest.approx(3**-0.5)
    assert bounds["idle"]["ratio"] == "inf"
    assert "information.csv" in json.loads((tmp_path / "fit" / "provenance.json").read_text())["files"]
    record = json.loads(run("sample", "model.pdfm", *FAST, "--json").stdout)
    assert record["information"] is None
    assert record["summary"][0]["contraction"] == pytest.approx(75 / 76, abs=0.01)


def test_more_draws_keep_the_bound_and_no_page_of_those_before(run, model, tmp_path: Path) -> None:
    run("sample", model(IDLE), *FAST, "--information", "--out", "fit")
    before = (tmp_path / "fit/information.csv").read_text()
    (tmp_path / "fit/report.html").write_text("of the draws before")
    run("sample", "model.pdfm", "--more", "100", "--out", "fit")
    assert (tmp_path / "fit/information.csv").read_text() != before
    assert not (tmp_path / "fit/report.html").exists()
    assert "information.csv" in json.loads((tmp_path / "fit/provenance.json").read_text())["files"]


def test_weights_are_told_before_anything_is_drawn(run, model, tmp_path: Path) -> None:
    text = (
        "data x[N] = [0.2, 0.5]\ndata w[N] = [1.0, -0.5]\nparam c ~ Gamma(2, 1)\ntheory rate(x in (0, 1)) = c*x\n"
        "observe x ~ PoissonProcess(rate, weights = w)\n"
    )
    assert "error[E614]" in run("sample", model(text), *FAST, "--information", "--out", "fit", code=1).stderr
    assert not (tmp_path / "fit").exists()
