"""Each example gives what its expected.md says."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from as_a_user import EXAMPLES, TRUTH, params, pdflang, posterior

import pdflang as package

QUICK = ("--draws", 500, "--warmup", 500)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.pdfm")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_check_without_remarks(path, tmp_path):
    messages = json.loads(pdflang(tmp_path, "check", "--json", path))["messages"]
    assert {message["code"] for message in messages} == ({"L404"} if path.stem == "theory" else set())


def test_every_example_says_what_it_must_give():
    for folder in filter(Path.is_dir, EXAMPLES.iterdir()):
        assert (folder / "expected.md").is_file()


def cells(table):
    """What stands in a table, row by row: the numbers, and the words."""
    numbers, words = [], []
    with table.open(encoding="utf-8", newline="") as file:
        for cell in (cell for row in csv.reader(file) for cell in row):
            try:
                numbers.append(float(cell))
            except ValueError:
                words.append(cell)
    return numbers, words


@pytest.mark.parametrize(
    ("model", "truth", "tables"),
    [
        ("proxy/model.pdfm", params(TRUTH), ["proxy_p.csv", "proxy_n.csv"]),
        ("detector/model.pdfm", None, ["events.csv"]),
        ("events_2d/model.pdfm", None, ["events.csv"]),
        ("weinberg/combination.pdfm", None, ["energies.csv", "polarised.csv"]),
    ],
)
def test_data_are_what_the_page_says(model, truth, tables, tmp_path):
    path = EXAMPLES / model
    truth = truth or ["-p", path.parent / "truth.json"]
    pdflang(tmp_path, "simulate", path, *truth, "--seed", 1, "--out", "simulated")
    for name in tables:
        numbers, words = cells(path.parent / name)
        assert cells(tmp_path / "simulated" / name) == (pytest.approx(numbers, rel=1e-9), words)


def test_proxy_posterior_holds_the_truth(tmp_path):
    pdflang(tmp_path, "sample", EXAMPLES / "proxy/model.pdfm", *QUICK)
    draws, statistics = posterior(tmp_path / "model.run")
    for name, truth in TRUTH.items():
        assert float(draws[name].mean()) == pytest.approx(truth, abs=3 * float(draws[name].std())), name
    assert not statistics["diverging"].any()


def test_eight_schools_have_their_labels(tmp_path):
    printed = pdflang(tmp_path, "sample", EXAMPLES / "eight_schools/model.pdfm", *QUICK)
    assert "effect[A]" in printed
    draws, _ = posterior(tmp_path / "model.run")
    assert list(draws["effect"]["school"].to_numpy()) == list("ABCDEFGH")
    for name, values, mean, sd in (
        ("mu", draws["mu"], 4.4, 3.3),
        ("tau", draws["tau"], 3.6, 3.2),
        ("effect[A]", draws["effect"].sel(school="A"), 6.2, 5.6),
        ("effect[C]", draws["effect"].sel(school="C"), 3.9, 5.3),
    ):
        assert float(values.mean()) == pytest.approx(mean, abs=0.2 * sd), name
        assert float(values.std()) == pytest.approx(sd, rel=0.15), name


def test_dis_reaches_its_maximum(tmp_path):
    printed = pdflang(tmp_path, "map", EXAMPLES / "dis/model.pdfm", "--starts", 3)
    assert "3 of 3 starts" in printed
    fit = json.loads((tmp_path / "model.run/map.json").read_text(encoding="utf-8"))
    assert f"{fit['chi2']['bcdms']:.2f}" == "656.45"
    assert len(fit["starts"]) == 3


def test_dis_is_biased_with_the_experimental_covariance():
    """The known bias of multiplicative errors, at the numbers of an independent program."""
    text = (EXAMPLES / "dis/model.pdfm").read_text(encoding="utf-8")
    experimental = text.replace("bcdms.covariance(t0 = t0.proton |> F2)", "bcdms.covariance")
    fit = package.loads(experimental, folder=EXAMPLES / "dis").map(starts=16, seed=1)
    assert fit.chi2 == pytest.approx(424.2, abs=0.1)
    assert [round(float(fit.params[name]), 2) for name in ("a_uv", "c_s")] == [0.48, 0.06]


DIS = {
    "a_uv": (0.908, 0.020), "b_uv": (3.638, 0.078), "e_uv": (0.328, 0.188), "a_dv": (0.846, 0.043),
    "b_dv": (5.144, 0.136), "a_g": (-0.504, 0.131), "b_g": (7.88, 1.70), "c_s": (0.92, 0.25),
    "a_s": (-0.110, 0.081), "b_s": (8.99, 1.00),
}  # fmt: skip


@pytest.mark.slow
def test_dis_posterior_and_its_picture(tmp_path):
    pdflang(tmp_path, "sample", EXAMPLES / "dis/model.pdfm")
    draws, statistics = posterior(tmp_path / "model.run")
    for name, (mean, sd) in DIS.items():
        assert float(draws[name].mean()) == pytest.approx(mean, abs=0.2 * sd), name
        assert float(draws[name].std()) == pytest.approx(sd, rel=0.15), name
    assert float(statistics["diverging"].mean()) < 0.01
    records = json.loads((tmp_path / "model.run/diagnostics.json").read_text(encoding="utf-8"))
    assert not [record for record in records if "R-hat" in record["sentence"]]

    picture = tmp_path / "bands.png"
    subprocess.run([sys.executable, EXAMPLES / "dis/plot.py", tmp_path / "model.run", picture], check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


CRAMER_RAO = {"c_u": 0.056, "a_u": 0.045, "b_u": 0.021, "a_d": 0.10, "b_d": 0.057}
"""Relative standard deviations at lumi 11430, where the prior does not matter."""


@pytest.mark.slow
def test_proxy_with_ten_times_the_exposure(tmp_path):
    model, lumi = EXAMPLES / "proxy/model.pdfm", ("--data", "lumi=11430")
    pdflang(tmp_path, "simulate", model, *lumi, *params(TRUTH), "--seed", 2, "--out", "data")
    columns = [part for n in ("p", "n") for part in ("--data", f"events_{n}=data/proxy_{n}.csv")]
    pdflang(tmp_path, "sample", model, *lumi, *columns, "--out", "run")
    draws, _ = posterior(tmp_path / "run")
    for name, truth in TRUTH.items():
        assert float(draws[name].mean()) == pytest.approx(truth, abs=3 * float(draws[name].std())), name
    for name, width in CRAMER_RAO.items():
        assert float(draws[name].std()) / TRUTH[name] == pytest.approx(width, rel=0.2), name
