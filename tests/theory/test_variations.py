"""Tables at varied scales and couplings in models: as nuisances, as a covariance, α_s as a parameter. HERA CC data."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hadron_grids import SHAPES, declared

import pdflang
from pdflang.cli import program
from pdflang.workflows import TheoryOptions
from pdflang.workflows.theory import make_table

pytestmark = pytest.mark.skipif(
    find_spec("hoppet") is None or find_spec("pineappl") is None, reason="needs the extras `evolution`, `pineappl`"
)

HERE = Path(__file__).parent
GRID = HERE / "hera_cc_em_grid.pineappl.lz4"
TABLES = {
    "central": {},
    "up": {"renormalisation": 2.0, "factorisation": 2.0},
    "down": {"renormalisation": 0.5, "factorisation": 0.5},
    "as_116": {"alpha_s": 0.116},
    "as_117": {"alpha_s": 0.117},
    "as_120": {"alpha_s": 0.120},
}
HEAD = 'data cc = commondata("HERA_CC_318GEV_EM-SIGMARED", variant = "legacy")\nparam k ~ Normal(1, 0.5)\n'
HEAD += declared("proton", SHAPES, factor="k") + declared("earlier_fit", SHAPES)
HEAD += "".join(f'theory {name} = fktable("{name}.npz", rows = cc)\n' for name in TABLES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("variations")
    shutil.copytree(HERE.parents[1] / "examples" / "hera" / "HERA_CC_318GEV", home / "HERA_CC_318GEV")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDFLANG_CACHE", str(home / "cache"))
        for name, settings in TABLES.items():
            make_table(GRID, home / f"{name}.npz", TheoryOptions(points=30, **settings))
    return home


def predictions(folder: Path) -> dict[str, np.ndarray]:
    text = HEAD + "".join(f"output p_{name} = proton |> {name}\n" for name in TABLES)
    found = pdflang.loads(text, folder=folder).derived({"k": 1.0})
    return {name: np.asarray(found[f"p_{name}"]) for name in TABLES}


def test_scales_as_a_nuisance(folder: Path) -> None:
    """The nuisance goes from table to table, and its pull and width are those of the straight line, nearly one here."""
    at = predictions(folder)
    text = HEAD + "use std.theory: varied\nnuisance r ~ Normal(0, 1)\n"
    text += "let t = varied(r, proton |> central, proton |> up, proton |> down)\noutput found = t\n"
    text += "observe cc ~ MvNormal(t, cov = cc.covariance(t0 = earlier_fit |> central))\n"
    model = pdflang.loads(text, folder=folder)
    for r, name in ((0.0, "central"), (1.0, "up"), (-1.0, "down")):
        found = np.asarray(model.derived({"k": 1.0, "r": r})["found"])
        assert found == pytest.approx(at[name], rel=1e-12)
        assert name == "central" or np.abs(found / at["central"] - 1).max() > 0.003
    # Data that the upper scales predict pull the nuisance there, as far as the covariance lets them.
    moved = pdflang.loads(text, folder=folder, data={"cc": at["up"]})
    fit = moved.map(starts=1)
    assert 0 < fit.params["r"] < 1 and fit.standard_errors["r"] < 1
    assert moved.log_density(fit.params) > moved.log_density({"k": 1.0, "r": 0.0})


def test_scales_as_a_covariance(folder: Path) -> None:
    """Two nuisances of Gaussian shifts, at their best, give the χ² of three points."""
    shift = "(earlier_fit |> {}) - (earlier_fit |> central)"
    up, down = shift.format("up"), shift.format("down")
    errors = "cc.covariance(t0 = earlier_fit |> central)"
    text = HEAD + f"use std.theory: three_points\noutput up_shift = {up}\noutput down_shift = {down}\n"
    text += f"observe cc ~ MvNormal(proton |> central, cov = {errors} + three_points({up}, {down}))\n"
    with_theory = pdflang.loads(text, folder=folder)
    alone = HEAD + f"observe cc ~ MvNormal(proton |> central, cov = {errors})\noutput c = {errors}\n"
    without = pdflang.loads(alone, folder=folder)
    point = {"k": 1.03}
    shifts = np.stack([np.asarray(with_theory.derived(point)[f"{name}_shift"]) for name in ("up", "down")]) / np.sqrt(2)
    covariance = np.asarray(without.derived(point)["c"])
    away = without.bound.arrays["cc.central"] - np.asarray(without.predictions(point)["cc"])
    white, gamma = (np.linalg.solve(np.linalg.cholesky(covariance), part) for part in (away, shifts.T))
    best = np.linalg.solve(np.eye(2) + gamma.T @ gamma, gamma.T @ white)
    expected = float(np.sum((white - gamma @ best) ** 2) + best @ best)
    assert float(with_theory.chi2(point)["cc"]) == pytest.approx(expected, rel=1e-9)
    assert float(with_theory.chi2(point)["cc"]) < float(without.chi2(point)["cc"])


def test_the_coupling_as_a_parameter(folder: Path) -> None:
    """Between three tables: a fourth to 2e-5, and data made at its coupling give that back."""
    at = predictions(folder)
    text = HEAD.replace("Normal(1, 0.5)", "Normal(1, 1e-6)") + "use std.theory: quadratic\n"
    text += "param alpha_s ~ Normal(0.118, 0.005)\n"
    text += "let t = quadratic(alpha_s, 0.116, proton |> as_116, 0.118, proton |> central, 0.12, proton |> as_120)\n"
    text += "observe cc ~ Normal(t, 1e-4)\noutput found = t\n"
    model = pdflang.loads(text, folder=folder, data={"cc": at["as_117"]})
    assert np.abs(at["as_117"] / at["central"] - 1).max() > 1e-3
    found = np.asarray(model.derived({"k": 1.0, "alpha_s": 0.117})["found"])
    assert found == pytest.approx(at["as_117"], rel=2e-5)
    assert model.map(starts=1).params["alpha_s"] == pytest.approx(0.117, abs=2e-5)


def test_the_page(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of docs/pdf_fits.md, and each of its models, with the data and a pdfset before them."""
    page = (HERE.parents[1] / "docs" / "pdf_fits.md").read_text(encoding="utf-8")
    section = page[page.index("## Theory tables") : page.index("## Ratios and")]
    command, nuisance, covariance, _, coupling = (
        textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, re.M)
    )
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PDFLANG_CACHE", str(folder / "cache"))
    shutil.copy(GRID, "cc.pineappl.lz4")
    done = CliRunner().invoke(program, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    for name, table in (("cc_up", "up"), ("cc_down", "down")):
        shutil.copy(f"{table}.npz", f"{name}.npz")
    head = HEAD[: HEAD.index("theory ")]
    tables, rest = nuisance.split("\n\n", 1)
    others = {"low": "as_116", "high": "as_120"}
    low_and_high = "".join(f'theory {name} = fktable("{table}.npz", rows = cc)\n' for name, table in others.items())
    for text in (tables + "\n" + rest, tables + "\n" + covariance, tables + "\n" + low_and_high + coupling):
        fit = pdflang.loads(head + text, folder=tmp_path).map(starts=1)
        assert fit.converged and fit.params["k"] == pytest.approx(1, abs=0.6)


def test_every_prescription() -> None:
    text = "use std.theory: quadratic, seven_points\nconst a = [1, 2]\nconst b = [-1, 1]\n"
    text += "output s = seven_points(a, b, 2*a, 3*b, a + b, a - b)\noutput q = quadratic(1.5, 0, 1, 1, 3, 3, 13)\n"
    found = pdflang.loads(text).derived({})
    a, b = np.array([1, 2]), np.array([-1, 1])
    parts = [np.outer(v, v) for v in (a, b, 2 * a, 3 * b, a + b, a - b)]
    assert np.asarray(found["s"]) == pytest.approx(np.sum(parts, axis=0) / 3)
    # 1, 3 and 13 are x² + x + 1 at 0, 1 and 3.
    assert float(found["q"]) == pytest.approx(1.5**2 + 1.5 + 1)
