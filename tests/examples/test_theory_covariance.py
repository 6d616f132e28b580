"""A covariance of the theory beside that of the data: from a file, or of shifts of predictions."""

import json
import shutil

import numpy as np
import pytest
from as_a_user import pdflang
from test_nuisances import COVARIANCE, FOLDER, POINT, TEXT

import pdflang as package
from pdflang.diagnostics import PdflangError
from pdflang.predictive.agreement import agreement_of

T0 = "bcdms.covariance(t0 = t0.proton |> F2)"
SHIFTS = TEXT.replace(
    COVARIANCE,
    f"""
let central = t0.proton |> F2
let shift = [0.02*central, 0.1*central*bcdms.x]
observe bcdms ~ MvNormal(proton |> F2, cov = {T0} + transpose(shift) @ shift)
""",
)
FILE = TEXT.replace(
    COVARIANCE,
    f"""
data extra[bcdms, bcdms] = table("extra.npz").scales
observe bcdms ~ MvNormal(proton |> F2, cov = {T0} + extra)
""",
)


@pytest.fixture(scope="module")
def parts():
    """The covariance of the data, that of the theory, the residuals, at one point; all by NumPy after that."""
    model = package.loads(f"{TEXT}\noutput C = {T0}\noutput t = t0.proton |> F2\noutput x = bcdms.x\n", folder=FOLDER)
    found = {name: np.asarray(value) for name, value in model.derived(POINT).items()}
    shift = np.array([0.02 * found["t"], 0.1 * found["t"] * found["x"]])
    away = np.asarray(model.predictions(POINT)["bcdms"]) - model.bound.arrays["bcdms.central"]
    return found["C"], shift.T @ shift, away


@pytest.fixture(scope="module")
def folder(parts, tmp_path_factory):
    root = tmp_path_factory.mktemp("theory") / "dis"
    shutil.copytree(FOLDER, root)
    np.savez(root / "extra.npz", scales=parts[1], other=np.eye(3))
    return root


@pytest.mark.parametrize("text", [SHIFTS, FILE], ids=["shifts", "file"])
def test_chi2_and_density(text, parts, folder):
    data, theory, away = parts
    model = package.loads(text, folder=folder)
    whole = data + theory
    assert float(model.chi2(POINT)["bcdms"]) == pytest.approx(away @ np.linalg.solve(whole, away), rel=1e-8)
    plain = package.loads(TEXT, folder=FOLDER)
    # −½ (χ² + log|C|) changes; nothing else of the density does.
    change = float(model.log_density(POINT)) - float(plain.log_density(POINT))
    before, after = (-0.5 * (away @ np.linalg.solve(c, away) + np.linalg.slogdet(c)[1]) for c in (data, whole))
    assert change == pytest.approx(after - before, rel=1e-8)
    # χ² of a data set is with its own block of the whole covariance.
    proton, deuteron = agreement_of(model, POINT).by_data
    for part, rows in ((proton, slice(0, 337)), (deuteron, slice(337, 587))):
        alone = away[rows] @ np.linalg.solve(whole[rows, rows], away[rows])
        assert part.chi2 == pytest.approx(alone, rel=1e-8)
    # The matrix is made and factorised once, before any density.
    prepared, densities = model.functions.generated.source.split("def log_prior")
    assert prepared.count(" cholesky(") == 1 and " cholesky(" not in densities and "extra" not in densities


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda c: c[:100, :100], "E506", "the axis `bcdms` has 587"),
        (lambda c: c[0], "E506", "has 1 axis"),
        (lambda c: c + np.eye(len(c), k=3), "E511", "is not symmetric: row"),
        (lambda c: c - np.eye(len(c)), "E511", "is not positive definite: its smallest eigenvalue"),
        (lambda c: np.where(np.eye(len(c)) > 0, np.nan, c), "E507", "`extra` is NaN in row 1"),
    ],
)
def test_what_is_no_covariance(change, code, words, parts, folder):
    with pytest.raises(PdflangError) as caught:
        package.loads(FILE, folder=folder, data={"extra": change(parts[1])}).log_density(POINT)
    assert [d.code for d in caught.value.diagnostics] == [code] and words in str(caught.value)


def test_a_matrix_may_be_comma_separated(parts, folder):
    np.savetxt(folder / "extra.csv", parts[1], delimiter=",", fmt="%.17g")
    (folder / "csv.pdfm").write_text(FILE.replace('table("extra.npz").scales', 'table("extra.csv")'))
    said = pdflang(folder, "check", "csv.pdfm", "--json")
    assert json.loads(said)["data"] == ["bcdms", "extra"]
    found = package.load(folder / "csv.pdfm")
    np.testing.assert_array_equal(found.bound.arrays["extra"], parts[1])
