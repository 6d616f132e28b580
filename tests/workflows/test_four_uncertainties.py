"""Four methods on one linear Gaussian problem: curvature, replicas of data, posterior draws, nested sampling."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import ANY, patch

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pdflang
from pdflang.cli import program
from pdflang.cli.reporting import model_of
from pdflang.report.compare_page import chi2_of
from pdflang.report.found import curves_of
from pdflang.results.reading import read_run
from pdflang.results.side_by_side import compare

MODEL = """
    data x[15] = linspace(0, 1, 15)
    data y[15]
    param a ~ Normal(0, 20)
    param b ~ Normal(0, 20)
    let line[i in 15] = a + b*x[i]
    observe y ~ Normal(line, 0.3)
    output middle = a + 0.5*b
    output shape = a + b*t for t in linspace(0, 2, 5)
"""
X = np.linspace(0, 1, 15)
Y = 1 + 2 * X + 0.3 * np.random.default_rng(5).standard_normal(15)
DESIGN = np.column_stack([np.ones(15), X])
COVARIANCE = np.linalg.inv(DESIGN.T @ DESIGN / 0.3**2 + np.eye(2) / 20**2)
MEAN = COVARIANCE @ DESIGN.T @ Y / 0.3**2
OF_MIDDLE = np.array([1.0, 0.5])
DRAWN = np.column_stack([np.ones(5), np.linspace(0, 2, 5)])


def invoked(*arguments: str) -> Result:
    """What a command does; its run is told by its own command line."""
    with patch.object(sys, "argv", ["pdflang", *arguments]):
        return CliRunner().invoke(program, arguments)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of the four methods, as a user makes them."""
    folder = tmp_path_factory.mktemp("four")
    (folder / "model.pdfm").write_text(MODEL.replace("data y[15]", f"data y[15] = {Y.tolist()}"))
    for verb, name, more in (
        ("map", "curvature", []), ("map", "replicas", ["--bootstrap", "2000"]), ("sample", "draws", []),
        ("sample", "nested", ["--method", "nested"]),
    ):  # fmt: skip
        done = invoked(verb, str(folder / "model.pdfm"), "--seed", "1", "--out", str(folder / name), *more)
        assert done.exit_code == 0, done.output
    return folder


def test_they_agree_to_five_percent(four: Path) -> None:
    """Each within 5% of the closed form, in the widths of both parameters and of what follows from them."""
    expected = {"a": COVARIANCE[0, 0], "b": COVARIANCE[1, 1], "middle": OF_MIDDLE @ COVARIANCE @ OF_MIDDLE}
    maximum, replicas = read_run(four / "curvature").maximum, read_run(four / "replicas").replicas
    drawn, nested = (read_run(four / name).drawn for name in ("draws", "nested"))
    assert maximum is not None and replicas is not None and drawn is not None and nested is not None
    curvature = np.array(maximum["covariance"])
    found = {"a": curvature[0, 0], "b": curvature[1, 1], "middle": OF_MIDDLE @ curvature @ OF_MIDDLE}
    for name, variance in expected.items():
        sd = np.sqrt(variance)
        assert np.sqrt(found[name]) == pytest.approx(sd, rel=1e-6)
        for values in (replicas, drawn, nested):
            assert float(values[name].std()) == pytest.approx(sd, rel=0.05)
    for posterior in (drawn, nested):
        assert [float(posterior[name].mean()) for name in "ab"] == pytest.approx(MEAN, abs=0.02)


def test_the_evidence_is_the_closed_form() -> None:
    model = pdflang.loads(MODEL, data={"y": Y})
    tree = model.sample(method="nested", seed=2)
    covariance = 0.3**2 * np.eye(15) + 20**2 * DESIGN @ DESIGN.T
    exact = -0.5 * (Y @ np.linalg.solve(covariance, Y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert float(tree.attrs["log_evidence"]) == pytest.approx(exact, abs=4 * float(tree.attrs["log_evidence_error"]))


def test_they_stand_beside_each_other(four: Path) -> None:
    """Widths of each within 5% of the first's, in the table and in the functions of the page; χ² and evidence."""
    names = ("curvature", "replicas", "draws", "nested")
    page = four / "page.html"
    done = invoked("compare", *(str(four / name) for name in names), "--out", str(page))
    assert done.exit_code == 0, done.output
    runs = [read_run(four / name) for name in names]
    models = [model_of(run, None, ())[0] for run in runs]
    found = compare(runs, chi2=[chi2_of(run, model) for run, model in zip(runs, models, strict=True)])
    assert [fit.errors for fit in found.fits] == ["curvature", "2000 replicas of the data", "4000 draws", ANY]
    smallest = float(np.sum((Y - DESIGN @ MEAN) ** 2)) / 0.3**2
    for fit in found.fits:
        assert fit.widths is None or max(abs(width - 1) for width in fit.widths) < 0.05
        assert (fit.chi2, fit.count) == (pytest.approx(smallest, abs=0.05), 15)
        assert fit.name in done.output and fit.errors in done.output
    assert [row.name for row in found.evidence] == ["nested"] and "log Z" in done.output
    for run, model in zip(runs, models, strict=True):
        curve = next(one for one in curves_of(run, model)[0] if one.declared == "shape")
        sd = np.sqrt(np.einsum("xp,pq,xq->x", DRAWN, COVARIANCE, DRAWN))
        assert curve.width() == pytest.approx(sd * 0.9945, rel=0.1)
        assert curve.line == pytest.approx(DRAWN @ MEAN, abs=0.03)
    text = page.read_text(encoding="utf-8")
    assert "could not be drawn" not in text and 'aria-label="shape of curvature, replicas, draws, nested."' in text


def test_a_tolerance_widens_what_comes_from_curvature(four: Path) -> None:
    runs = [read_run(four / name) for name in ("curvature", "draws")]
    plain, wide = compare(runs), compare(runs, tolerance=2.0)
    for row, other in zip(plain.rows, wide.rows, strict=True):
        (maximum, draws), (wider, same) = row.estimates, other.estimates
        assert maximum and draws and wider and same == draws
        assert wider.mean == maximum.mean and (np.isnan(maximum.sd) or wider.sd == pytest.approx(2 * maximum.sd))
    assert wide.fits[0].errors == "curvature, Δχ² = 4"
    said = invoked("compare", *(str(run.folder) for run in runs), "--tolerance", "2")
    assert "curvature, Δχ² = 4" in said.output
