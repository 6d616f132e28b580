"""A measured spectrum unfolded: the density against closed forms, the truth inside of the bands."""

import importlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from as_a_user import EXAMPLES, pdflang
from scipy import special, stats

from pdflang import load

FOLDER = EXAMPLES / "unfolding"
DATA = json.loads((FOLDER / "data.json").read_text(encoding="utf-8"))


def test_data_are_what_the_script_writes(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    script = importlib.import_module("make_data")
    assert {name: array.tolist() for name, array in script.experiment().items()} == DATA


def test_density_is_that_of_closed_forms():
    data = {name: np.array(value) for name, value in DATA.items()}
    random = np.random.default_rng(1)
    shape = data["reconstructed"] + 0.5
    p = {
        "R": random.gamma(shape) / data["generated"], "jes": 1.3, "xsec": -1.7, "lumi": 1.02, "mu_tt": 0.9,
        "level": 8.6, "tau": 0.4, "z": random.normal(size=9),
    }  # fmt: skip
    log_c = p["level"] + np.concatenate([[0], np.cumsum(p["tau"] * p["z"])])
    # The integral of a Bernstein polynomial over a bin is a difference of incomplete Beta functions.
    bins = [np.diff(special.betainc(k + 1, 10 - k, np.linspace(0, 1, 21))) / 10 for k in range(10)]
    truth = np.exp(log_c) @ np.array(bins)
    tt = p["lumi"] * p["mu_tt"] * 0.94**1.7
    background = tt * (data["tt_sr"] + 1.3 * (data["tt_sr_up"] - data["tt_sr"]))
    expected = (
        stats.poisson.logpmf(data["n_sr"], p["lumi"] * p["R"] @ truth + background).sum()
        + stats.poisson.logpmf(data["n_cr"], tt * data["tt_cr"]).sum()
        + stats.gamma.logpdf(p["R"], shape, scale=1 / data["generated"]).sum()
        + stats.norm.logpdf([p["jes"], p["xsec"], *p["z"]]).sum()
        + stats.norm.logpdf(p["lumi"], 1, 0.017)
        + stats.uniform.logpdf(p["mu_tt"], 0, 10)
        + stats.norm.logpdf(p["level"], 7, 2)
        + stats.halfnorm.logpdf(p["tau"], scale=0.5)
    )
    model = load(FOLDER / "model.pdfm", data=DATA)
    assert float(model.log_density(p)) == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(model.derived(p)["unfolded"], truth, rtol=1e-6)


@pytest.mark.slow
def test_bands_hold_the_truth_where_a_bin_by_bin_correction_does_not(tmp_path):
    pdflang(tmp_path, "sample", FOLDER / "model.pdfm", "--data", FOLDER / "data.json")
    picture = tmp_path / "unfolding.png"
    printed = subprocess.run(
        [sys.executable, FOLDER / "compare.py", tmp_path / "model.run", picture],
        check=True, capture_output=True, text=True, encoding="utf-8",
    ).stdout  # fmt: skip
    found = re.findall(r"^([\w ]+): (\d+) of 10 .* χ² ([\d.]+)", printed, re.M)
    result = {name: (int(held), float(chi2)) for name, held, chi2 in found}
    assert result["posterior"][0] >= 8 and result["posterior"][1] < stats.chi2.isf(0.01, 5)
    assert result["bin by bin"][0] <= 5 and result["bin by bin"][1] > stats.chi2.isf(1e-4, 5)
    assert picture.read_bytes().startswith(b"\x89PNG")
