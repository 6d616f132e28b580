"""A data set of ratios among others, from its files to the density: F2 of the deuteron over that of the proton."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from test_dis_numbers import T0, proton

import pdflang
from pdflang.components.flavours import evolution_rotation
from pdflang.diagnostics import PdflangError

EXAMPLE = Path(__file__).parents[2] / "examples" / "dis"
P, RATIO = "BCDMS_NC_NOTFIXED_P_EM-F2", "DOVERP_NC_F2R"
MODEL = f"""
use "dis_t0.pdfm" as t0
data dis = commondata("{P}", "{RATIO}", variant = "legacy") where Q2 > 3.49 and W2 > 12.5

param c ~ LogNormal(0, 0.2)
pdfset found(x) at Q = 1.65 {{
    g = t0.xg(x), u = c*t0.xuv(x) + 0.2*t0.xS(x), ubar = 0.2*t0.xS(x), d = t0.xdv(x) + 0.2*t0.xS(x),
    dbar = 0.2*t0.xS(x), s = 0.1*t0.xS(x), sbar = 0.1*t0.xS(x)
}}

theory f2 = fktable("bcdms_p_f2.npz", rows = dis["{P}"])
theory above = fktable("bcdms_d_f2.npz", rows = dis["{RATIO}"])
theory below = fktable("bcdms_p_f2.npz", rows = dis["{RATIO}"])
func predicted(p) = concat(p |> f2, (p |> above)/(p |> below))

observe dis ~ MvNormal(predicted(found), cov = dis.covariance(t0 = predicted(t0.proton)))

output ratio = (found |> above)/(found |> below)
output beam_energy = dis["{P}"].y
output covariance = dis.covariance(t0 = predicted(t0.proton))
"""


def _read(folder: str, kind: str) -> Any:
    return yaml.load((EXAMPLE / folder / f"{kind}_EM-F2.yaml").read_text(), yaml.CSafeLoader)


def _target(folder: str) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Kinematics x and Q2, central values, errors by source, of the first row at each (x, Q2)."""
    bins = _read(folder, "kinematics")["bins"]
    kin = np.array([[float(row[name]["mid"]) for name in ("x", "Q2")] for row in bins])
    kin, first = np.unique(kin, axis=0, return_index=True)
    central = np.array(_read(folder, "data_legacy")["data_central"], float)[first]
    errors = _read(folder, "uncertainties_legacy")["bins"]
    return kin, central, {name: np.array([float(row[name]) for row in errors])[first] for name in errors[0]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with the ratio as a data set: its energy scale errors are those of both targets, by name."""
    root = tmp_path_factory.mktemp("ratio") / "dis"
    shutil.copytree(EXAMPLE, root)
    (kin_d, d, errors_d), (kin_p, p, errors_p) = (_target(f"BCDMS_NC_NOTFIXED_{target}") for target in "DP")
    pairs = [(i, j) for i in range(len(d)) for j in range(len(p)) if np.allclose(kin_d[i], kin_p[j], rtol=1e-6)]
    i, j = np.array(pairs).T
    ratio = d[i] / p[j]
    shift = lambda name: (errors_d[name][i] / d[i] - errors_p[name][j] / p[j]) * ratio  # noqa: E731
    statistical = np.hypot(errors_d["stat"][i] / d[i], errors_p["stat"][j] / p[j]) * ratio
    sources = {
        "stat": ("ADD", "UNCORR", statistical),
        "beam": ("ADD", "BCDMSFB", shift("sys_1")),
        "field": ("ADD", "BCDMSFS", shift("sys_2")),
        "target": ("MULT", "CORR", 0.01 * ratio),
    }
    set_folder = root / "DOVERP_NC"
    set_folder.mkdir()
    files = {
        "metadata.yaml": {
            "implemented_observables": [{
                "observable_name": "F2R", "ndata": len(ratio), "data_central": "data.yaml",
                "data_uncertainties": ["errors.yaml"], "variants": {"legacy": {}},
                "kinematics": {"variables": {"x": {}, "Q2": {}}, "file": "kin.yaml"},
                "theory": {"FK_tables": [["bcdms_d_f2"], ["bcdms_p_f2"]], "operation": "ratio"},
            }],
        },
        "data.yaml": {"data_central": ratio.tolist()},
        "kin.yaml": {"bins": [{n: {"mid": float(v)} for n, v in zip(("x", "Q2"), k, strict=True)} for k in kin_d[i]]},
        "errors.yaml": {
            "definitions": {name: {"treatment": t, "type": kind} for name, (t, kind, _) in sources.items()},
            "bins": [{name: float(v[row]) for name, (*_, v) in sources.items()} for row in range(len(ratio))],
        },
    }  # fmt: skip
    for name, content in files.items():
        (set_folder / name).write_text(yaml.safe_dump(content))
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return pdflang.loads(MODEL, folder=folder)


def _table(folder: Path, name: str, x: np.ndarray, q2: np.ndarray) -> np.ndarray:
    """Predictions at points of x and Q2 by NumPy, at the constants of the earlier fit."""
    with np.load(folder / name) as table:
        values = np.einsum("dka,ka->d", table["fk"], evolution_rotation() @ proton(T0, table["xgrid"]))
        near = [np.argmin(np.abs(table["kin"][:, :2] / point - 1).sum(axis=1)) for point in np.stack([x, q2], 1)]
    return values[near]


def test_predictions_are_ratios_of_tables(model: Any, folder: Path) -> None:
    arrays, rows = model.bound.arrays, model.bound.data_sets["dis"]
    x, q2 = arrays["dis.x"], arrays["dis.Q2"]
    own = rows[RATIO]
    assert len(own) > 60 and len(rows[P]) == 337
    expected = _table(folder, "bcdms_p_f2.npz", x, q2)
    expected[own] = _table(folder, "bcdms_d_f2.npz", x[own], q2[own]) / expected[own]
    assert 0.6 < expected[own].min() < expected[own].max() < 1
    np.testing.assert_allclose(model.predictions({"c": 1.0})["dis"], expected, rtol=1e-7)
    np.testing.assert_allclose(model.derived({"c": 1.0})["ratio"], expected[own], rtol=1e-7)
    assert not model.notes


def test_errors_are_correlated_across_a_target_and_the_ratio(model: Any) -> None:
    matrix = np.asarray(model.derived({"c": 1.0})["covariance"])
    rows = model.bound.data_sets["dis"]
    block = matrix[np.ix_(rows[P], rows[RATIO])]
    shifts = model.bound.arrays["dis.correlated_absolute"][:, :2]  # BCDMSFB, BCDMSFS; both are absolute
    np.testing.assert_allclose(block, (shifts @ shifts.T)[np.ix_(rows[P], rows[RATIO])], rtol=1e-9)
    assert model.bound.labels["dis.sources"][:2] == ("BCDMSFB", "BCDMSFS") and np.abs(block).max() > 0
    # The normalisation of the ratio is relative to its t0 prediction.
    own = rows[RATIO]
    t0 = np.asarray(model.predictions({"c": 1.0})["dis"])[own]
    off = ~np.eye(len(own), dtype=bool)
    rest = matrix[np.ix_(own, own)] - (shifts @ shifts.T)[np.ix_(own, own)]
    np.testing.assert_allclose(rest[off], (0.01**2 * np.outer(t0, t0))[off], rtol=1e-9)


def test_a_set_has_variables_that_the_others_lack(model: Any) -> None:
    assert "dis.y" not in model.bound.arrays
    assert len(model.derived({"c": 1.0})["beam_energy"]) == 337


def test_the_fit_finds_what_made_the_data(model: Any, folder: Path) -> None:
    truth = {"c": 1.07}
    made = np.asarray(model.simulate(3, truth)["dis"])
    fit = pdflang.loads(MODEL, folder=folder, data={"dis": made}).map(starts=1, seed=1)
    assert abs(fit.params["c"] - 1.07) < 4 * fit.standard_errors["c"] < 0.1
    assert fit.chi2_by_data.keys() == {P, RATIO} and 0.7 < fit.chi2 / fit.dof < 1.3


def _refused(folder: Path, old: str, new: str) -> str:
    assert old in MODEL
    with pytest.raises(PdflangError) as caught:
        pdflang.loads(MODEL.replace(old, new), folder=folder)
    return str(caught.value)


def test_parts_in_another_order_are_refused(folder: Path) -> None:
    said = _refused(folder, "concat(p |> f2, (p |> above)/(p |> below))", "concat((p |> above)/(p |> below), p |> f2)")
    assert "E302" in said and "another order than in `dis`" in said
    said = _refused(folder, f'rows = dis["{P}"]', f'rows = dis["{RATIO}", "{P}"]')
    assert "E305" in said and "in the order of `dis`" in said
    assert "E512" in _refused(folder, f'rows = dis["{P}"]', 'rows = dis["BCDMS_NC_NOTFIXED_P_EM-F1"]')


def test_a_part_that_is_left_out_is_told_by_the_lengths(folder: Path) -> None:
    said = _refused(folder, "concat(p |> f2, (p |> above)/(p |> below))", "concat(p |> f2)")
    assert "E302" in said or "E307" in said


def test_one_table_for_a_ratio_gets_a_note(folder: Path) -> None:
    text = MODEL.replace("(p |> above)/(p |> below)", "p |> above").replace("(found |> above)/(found |> below)", "c")
    (note,) = pdflang.loads(text, folder=folder).notes
    assert f"the metadata of `{RATIO}` say RATIO" in note and "a/b" in note


def test_tables_without_rows_have_their_own(folder: Path) -> None:
    """Denominators of normalised observables are sums over all of a table, or its only row."""
    text = MODEL + 'theory every = fktable("bcdms_p_f2.npz")\noutput share = (found |> every)/sum(found |> every)\n'
    share = np.asarray(pdflang.loads(text, folder=folder).derived({"c": 1.0})["share"])
    with np.load(folder / "bcdms_p_f2.npz") as table:
        values = np.einsum("dka,ka->d", table["fk"], evolution_rotation() @ proton(T0, table["xgrid"]))
    np.testing.assert_allclose(share, values / values.sum(), rtol=1e-7)
