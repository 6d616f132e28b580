"""Weights of data sets in a fit, its χ² by NumPy from the covariance of the same sets without them."""

import json
import shutil

import numpy as np
import pytest
from as_a_user import pdflang
from test_nuisances import COVARIANCE, FOLDER, NUISANCES, SETS, TEXT

import pdflang as package
from pdflang.predictive.agreement import agreement_of

WEIGHTED = TEXT.replace(SETS, f"{SETS}, weights = [1, 2.5]")
ROWS = {"BCDMS_NC_NOTFIXED_P_EM-F2": slice(0, 337), "BCDMS_NC_NOTFIXED_D_EM-F2": slice(337, 587)}
PARTS = """
output full = bcdms.covariance(t0 = t0.proton |> F2)
output error = bcdms.errors(t0 = t0.proton |> F2)
"""


def test_chi2_of_all_has_the_weights_and_that_of_a_set_has_not(tmp_path):
    folder = tmp_path / "dis"
    shutil.copytree(FOLDER, folder)
    (folder / "weighted.pdfm").write_text(WEIGHTED)
    said = pdflang(folder, "map", "weighted.pdfm", "--starts", "1", "--out", "fit")
    assert "for 250, without its weight of 2.5\n" in said and "for 337\n" in said
    found = json.loads((folder / "fit" / "map.json").read_text())

    model = package.loads(TEXT + PARTS, folder=FOLDER)
    plain = {name: np.asarray(value) for name, value in model.derived(found["params"]).items()}
    away = np.asarray(model.predictions(found["params"])["bcdms"]) - model.bound.arrays["bcdms.central"]
    weight = np.repeat([1.0, 2.5], [337, 250])
    heavy = plain["full"] / np.sqrt(np.outer(weight, weight))
    assert found["chi2"]["bcdms"] == pytest.approx(away @ np.linalg.solve(heavy, away), rel=1e-8)
    for name, rows in ROWS.items():
        alone = away[rows] @ np.linalg.solve(plain["full"][rows, rows], away[rows])
        assert found["chi2_by_data"][name] == pytest.approx(alone, rel=1e-8)
    # What weighs more is described better than the 290.5 of the fit without weights.
    assert found["chi2_by_data"]["BCDMS_NC_NOTFIXED_D_EM-F2"] < 289

    # The nuisance form: χ² of a set is of its own errors, about the shifted prediction.
    nuisances = package.loads(WEIGHTED.replace(COVARIANCE, NUISANCES), folder=FOLDER)
    params = {**found["params"], "r": np.linspace(-1, 1, nuisances.bound.lengths["bcdms.correlated"])}
    parts = {part.name: part.chi2 for part in agreement_of(nuisances, params).by_data}
    shifted = np.asarray(nuisances.predictions(params)["bcdms"])
    squares = ((shifted - model.bound.arrays["bcdms.central"]) / plain["error"]) ** 2
    for name, rows in ROWS.items():
        assert parts[name] == pytest.approx(squares[rows].sum(), rel=1e-9)
    assert float(nuisances.chi2(params)["bcdms"]) == pytest.approx((weight * squares).sum(), rel=1e-9)
