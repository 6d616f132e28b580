"""The nuisance form of systematic errors is the covariance form: by profiling, in χ², in maxima, in marginals."""

import numpy as np
import pytest
from as_a_user import EXAMPLES

import pdflang
from pdflang.fields import schemas
from pdflang.results.schema import entry_names

FOLDER = EXAMPLES / "dis"
TEXT = (FOLDER / "model.pdfm").read_text()
COVARIANCE = "observe bcdms ~ MvNormal(proton |> F2, cov = bcdms.covariance(t0 = t0.proton |> F2))"
NUISANCES = """
nuisance r[bcdms.sources] ~ Normal(0, 1)
observe bcdms ~ Normal((proton |> F2) + bcdms.shifts(t0 = t0.proton |> F2) @ r, bcdms.errors(t0 = t0.proton |> F2))
"""
POINT = {
    "a_uv": 0.9, "b_uv": 3.6, "e_uv": 0.3, "a_dv": 0.85, "b_dv": 5.1, "a_g": -0.5, "b_g": 7.9, "c_s": 0.9, "a_s": -0.11,
    "b_s": 9.0,
}  # fmt: skip


SETS = 'variant = "legacy"'


@pytest.fixture(
    scope="module",
    params=[pytest.param("", id="alike", marks=pytest.mark.slow), pytest.param(", weights = [1, 2.5]", id="weighted")],
)
def text(request):
    assert COVARIANCE in TEXT and SETS in TEXT
    return TEXT.replace(SETS, SETS + request.param)


@pytest.fixture(scope="module")
def models(text):
    return [pdflang.loads(model, folder=FOLDER) for model in (text, text.replace(COVARIANCE, NUISANCES))]


def test_profiled_nuisances_give_the_covariance(models, text) -> None:
    """min over r of Σ (d − t − Γr)²/Δ² + r² is (d − t)ᵀ C⁻¹ (d − t), at any parameters."""
    covariance, nuisances = models
    gamma, delta = (
        np.asarray(pdflang.loads(f"{text}\noutput found = {part}\n", folder=FOLDER).derived(POINT)["found"])
        for part in ("bcdms.shifts(t0 = t0.proton |> F2)", "bcdms.errors(t0 = t0.proton |> F2)")
    )
    away = covariance.bound.arrays["bcdms.central"] - np.asarray(covariance.predictions(POINT)["bcdms"])
    scaled = gamma / delta[:, None]
    r = np.linalg.solve(np.eye(gamma.shape[1]) + scaled.T @ scaled, scaled.T @ (away / delta))
    chi2 = float(nuisances.chi2({**POINT, "r": r})["bcdms"])
    assert chi2 + r @ r == pytest.approx(float(covariance.chi2(POINT)["bcdms"]), rel=1e-9)
    # It is a minimum: any other shift is worse.
    worse = r + 0.1 * np.random.default_rng(1).standard_normal(len(r))
    assert float(nuisances.chi2({**POINT, "r": worse})["bcdms"]) + worse @ worse > chi2 + r @ r


def test_the_maxima_are_one(models) -> None:
    covariance, nuisances = (model.map(starts=2, seed=1) for model in models)
    for name, value in covariance.params.items():
        assert nuisances.params[name] == pytest.approx(value, abs=1e-3 * covariance.standard_errors[name]), name
        # Curvature: a nuisance that is left free widens as the covariance does.
        assert nuisances.standard_errors[name] == pytest.approx(covariance.standard_errors[name], rel=1e-3)
    assert nuisances.dof == covariance.dof
    pulls = nuisances.params["r"]
    assert nuisances.chi2 + pulls @ pulls == pytest.approx(covariance.chi2, rel=1e-6)


def test_results_have_the_names_of_the_sources(models) -> None:
    nuisances = models[1]
    names = entry_names("r", (nuisances.bound.lengths["bcdms.correlated"],), schemas(nuisances)["r"])
    assert names[:3] == ["r[BCDMSFB]", "r[BCDMSFS]", "r[BCDMSFR]"]
    assert names[5] == "r[BCDMS_NC_NOTFIXED_P_EM-F2: sys_6]" and names[-1] == "r[BCDMS_NC_NOTFIXED_D_EM-F2: sys_8]"
    assert not [lint for lint in nuisances.program.lints if "sigma" in lint.message]
