"""The HERA fit, its χ² by plain NumPy from the files themselves."""

from functools import cache

import numpy as np
import pytest
import yaml
from as_a_user import EXAMPLES, pdflang, posterior
from scipy.special import beta

import pdflang as package
from pdflang.predictive.measured import measured

FOLDER = EXAMPLES / "hera"
SETS = {
    "HERA_NC_318GEV_EP-SIGMARED": "hera_nc_ep.npz",
    "HERA_NC_318GEV_EM-SIGMARED": "hera_nc_em.npz",
    "HERA_CC_318GEV_EP-SIGMARED": "hera_cc_ep.npz",
    "HERA_CC_318GEV_EM-SIGMARED": "hera_cc_em.npz",
    "BCDMS_NC_NOTFIXED_P_EM-F2": "bcdms_p_f2.npz",
}


@cache
def files(name):
    """Central values, absolute errors by (treatment, type, position), kinematics, rows of the FK table."""
    folder, _, observable = name.rpartition("_")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = lambda kind: yaml.load((FOLDER / folder / f"{kind}_{observable}.yaml").read_text(), loader)  # noqa: E731
    errors = read("uncertainties_legacy")
    kinematics = np.array([[float(row[v]["mid"]) for v in ("x", "Q2", "y")] for row in read("kinematics")["bins"]])
    x, q2 = kinematics[:, 0], kinematics[:, 1]
    kept = (q2 > 3.49) & (0.938272**2 + q2 * (1 - x) / x > 12.5)
    columns = [
        (d["treatment"], d["type"], np.array([float(row[source]) for row in errors["bins"]])[kept])
        for source, d in errors["definitions"].items()
    ]
    with np.load(FOLDER / SETS[name]) as table:
        nearest = [
            np.argmin(np.abs(table["kin"] / point - 1).sum(axis=1)) for point in kinematics[kept]
        ]
        return np.array(read("data_legacy")["data_central"])[kept], columns, table["fk"][nearest], table["xgrid"]


def densities(p, x):
    """x·f by flavour, the constants by Beta functions."""
    shape = lambda a, b: x**a * (1 - x) ** b  # noqa: E731
    uv, dv = p["a_uv"], p["a_dv"]
    A_uv = 2 / (beta(uv, p["b_uv"] + 1) + p["e_uv"] * beta(uv + 2, p["b_uv"] + 1))
    A_dv = 1 / beta(dv, p["b_dv"] + 1)
    moment = lambda a, b, *terms: sum(c * beta(a + 1 + k, b + 1) for k, c in terms)  # noqa: E731
    others = (
        A_uv * moment(uv, p["b_uv"], (0, 1), (2, p["e_uv"]))
        + A_dv * moment(dv, p["b_dv"], (0, 1))
        + 2 * 0.6 * p["c_D"] * moment(p["a_S"], p["b_U"], (0, 1), (1, p["d_U"]))
        + 2 * p["c_D"] * moment(p["a_S"], p["b_D"], (0, 1))
    )
    A_g = (1 - others) / moment(p["a_g"], p["b_g"], (0, 1), (0.5, p["d_g"]), (1, p["e_g"]))
    up, down = A_uv * shape(uv, p["b_uv"]) * (1 + p["e_uv"] * x**2), A_dv * shape(dv, p["b_dv"])
    gluon = A_g * shape(p["a_g"], p["b_g"]) * (1 + p["d_g"] * np.sqrt(x) + p["e_g"] * x)
    ubar = 0.6 * p["c_D"] * shape(p["a_S"], p["b_U"]) * (1 + p["d_U"] * x)
    sea = p["c_D"] * shape(p["a_S"], p["b_D"])
    return gluon, up, down, ubar, sea


def evolution_basis(p, x):
    """S, g, V, V3, V8, V15, T3, T8, T15 without charm."""
    g, up, down, ubar, sea = densities(p, x)
    u, d, s = up + 2 * ubar, down + 2 * 0.6 * sea, 2 * 0.4 * sea
    total, valence = u + d + s, up + down
    return np.array([total, g, valence, up - down, valence, valence, u - d, u + d - 2 * s, total])


def predictions(p):
    found = []
    for name in SETS:
        _, _, fk, x = files(name)
        found.append(np.einsum("dka,ka->d", fk, evolution_basis(p, x)))
    return found


def covariance(references):
    """Errors of all sets at once: multiplicative ones by the references, special names across sets."""
    lengths = [len(files(name)[0]) for name in SETS]
    starts = np.cumsum([0, *lengths])
    diagonal, vectors = np.zeros(starts[-1]), {}
    for number, (name, reference) in enumerate(zip(SETS, references, strict=True)):
        central, columns, _, _ = files(name)
        rows = slice(starts[number], starts[number + 1])
        for position, (treatment, kind, values) in enumerate(columns):
            size = values * reference / central if treatment == "MULT" else values
            if kind == "UNCORR":
                diagonal[rows] += size**2
            else:
                key = (name, position) if kind == "CORR" else kind
                vectors.setdefault(key, np.zeros(starts[-1]))[rows] += size
    stacked = np.array(list(vectors.values()))
    return np.diag(diagonal) + stacked.T @ stacked, starts


@pytest.fixture(scope="module")
def fit():
    return package.load(FOLDER / "model.pdfm").map()


def test_chi2_is_that_of_the_files(fit):
    theory = predictions(fit.params)
    matrix, starts = covariance(theory)
    away = np.concatenate([t - files(name)[0] for t, name in zip(theory, SETS, strict=True)])
    assert len(away) == fit.dof + 14 == 954
    assert fit.chi2 == pytest.approx(away @ np.linalg.solve(matrix, away), rel=1e-6)
    for number, name in enumerate(SETS):
        rows = slice(starts[number], starts[number + 1])
        alone = away[rows] @ np.linalg.solve(matrix[rows, rows], away[rows])
        assert fit.chi2_by_data[name] == pytest.approx(alone, rel=1e-5), name


def test_pulls_of_data_and_of_systematic_errors_are_chi2(fit):
    """Shifts by least squares over data and nuisances at once, from the files themselves."""
    model = package.load(FOLDER / "model.pdfm").after(fit.earlier)
    found = list(measured(model, "dis", fit.params))
    assert [one.name for one in found] == list(SETS) and all(one.has_shifts for one in found)
    theory = predictions(fit.params)
    matrix, _ = covariance(theory)
    uncorrelated = np.concatenate([uncorrelated_errors(name, t) for name, t in zip(SETS, theory, strict=True)])
    values, vectors = np.linalg.eigh(matrix - np.diag(uncorrelated**2))
    correlated = vectors * np.sqrt(np.maximum(values, 0))
    away = np.concatenate([files(name)[0] - t for t, name in zip(theory, SETS, strict=True)])
    design = np.vstack([correlated / uncorrelated[:, None], np.eye(len(away))])
    nuisances = np.linalg.lstsq(design, np.concatenate([away / uncorrelated, np.zeros(len(away))]), rcond=None)[0]
    pulls = np.concatenate([one.pulls for one in found])
    np.testing.assert_allclose(pulls, (away - correlated @ nuisances) / uncorrelated, atol=1e-4)
    assert pulls @ pulls + nuisances @ nuisances == pytest.approx(fit.chi2, rel=1e-5)
    assert {one.name: one.chi2 for one in found} == pytest.approx(fit.chi2_by_data)


def uncorrelated_errors(name, reference):
    central, columns, _, _ = files(name)
    sizes = [values * reference / central if treatment == "MULT" else values for treatment, kind, values in columns]
    return np.sqrt(sum(size**2 for size, (_, kind, _) in zip(sizes, columns, strict=True) if kind == "UNCORR"))


def test_it_is_as_good_as_the_reference(fit):
    assert fit.converged and fit.optima.agreeing == 4
    assert fit.chi2 / fit.dof <= 1.40
    assert fit.chi2 == pytest.approx(1308.2, abs=0.1)


@pytest.mark.slow
def test_densities_of_the_library_fit_as_well():
    fit = package.load(FOLDER / "ct18.pdfm").map(starts=1)
    assert fit.converged and len(fit.params) == 14
    assert fit.chi2 == pytest.approx(1293.6, abs=0.2) and fit.dof == 954 - 30


def test_the_earlier_fit_is_the_fit_itself(fit):
    assert 3 <= fit.rounds <= 10
    for name, value in fit.params.items():
        assert abs(value - fit.earlier[name]) < 1e-3 * fit.standard_errors[name], name


@pytest.mark.slow
def test_the_posterior(tmp_path):
    pdflang(tmp_path, "map", FOLDER / "model.pdfm", "--out", "fit")
    said = pdflang(tmp_path, "sample", FOLDER / "model.pdfm", "--data", "earlier=fit", "--out", "draws")
    assert "nothing to complain about" in said
    draws, statistics = posterior(tmp_path / "draws")
    assert not statistics["diverging"].any()
    expected = {"a_uv": (0.828, 0.013), "a_dv": (1.12, 0.06), "a_g": (0.25, 0.06), "a_S": (-0.193, 0.005)}
    for name, (mean, sd) in expected.items():
        assert float(draws[name].mean()) == pytest.approx(mean, abs=sd / 3), name
        assert float(draws[name].std()) == pytest.approx(sd, rel=0.2), name
