"""Members of densities at any x and scale against closed forms, HOPPET itself, and sets that were written of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate
from toys import MODEL, Powers, invoked

import pdflang
from pdflang.cli.reporting import model_of
from pdflang.diagnostics import PdflangError
from pdflang.ensemble import ensemble_of, standard_normals
from pdflang.evolution import PIDS, Evolution, evolved
from pdflang.partons.combinations import COMBINATIONS, correlations, luminosities
from pdflang.partons.densities import declared_pdfset, densities_of
from pdflang.partons.ensembles import RunPartons, SetPartons, partons_of_run
from pdflang.results.reading import read_run

with_hoppet = pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")
X = np.geomspace(1e-3, 0.7, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A maximum, and one with replicas of its data."""
    place = tmp_path_factory.mktemp("partons")
    (place / "model.pdfm").write_text(MODEL)
    for name, more in (("fit", []), ("boot", ["--bootstrap", "60"])):
        done = invoked("map", str(place / "model.pdfm"), "--out", str(place / name), *more)
        assert done.exit_code == 0, done.output
    return place


def of_run(folder: Path, name: str = "fit", evolution: Evolution | None = None) -> RunPartons:
    run = read_run(folder / name)
    model, _ = model_of(run, None, ())
    assert model is not None
    return partons_of_run(run, model, model.program.pdfsets["proton"], evolution or Evolution(), X)


def test_points_of_a_normal_are_spread_as_one() -> None:
    points = standard_normals(512, 5)
    assert np.allclose(points.mean(axis=0), 0, atol=1e-12) and np.allclose(points.std(axis=0), 1)
    assert np.cov(points.T) == pytest.approx(np.eye(5), abs=0.02)
    assert np.quantile(points, [0.1587, 0.8413], axis=0) == pytest.approx(np.outer([-1, 1], np.ones(5)), abs=0.03)


def test_members_around_a_maximum_have_its_covariance(folder: Path) -> None:
    run = read_run(folder / "fit")
    model, _ = model_of(run, None, ())
    assert model is not None and run.maximum is not None
    for tolerance in (1.0, 0.1):
        found = ensemble_of(run, model, tolerance=tolerance)
        assert found is not None and found.kind == "normal"
        spread = np.cov([found.members["a_g"], found.members["b_v"]])
        assert spread == pytest.approx(tolerance**2 * np.array(run.maximum["covariance"]), rel=0.05, abs=1e-6)


def test_values_are_those_of_the_model_and_replicas_are_members(folder: Path) -> None:
    run = read_run(folder / "fit")
    assert run.maximum is not None
    found = of_run(folder).at(X, 1.65)
    expected = 2 * X ** run.maximum["params"]["a_g"] * (1 - X) ** 5
    np.testing.assert_allclose(found.central[PIDS.index(21)], expected, rtol=1e-12)
    again = read_run(folder / "boot")
    assert again.replicas is not None
    members = of_run(folder, "boot").at(X, 1.65).members
    exponents = np.asarray(again.replicas["a_g"])
    np.testing.assert_allclose(members[:, PIDS.index(21)], 2 * X ** exponents[:, None] * (1 - X) ** 5, rtol=1e-12)
    # Elsewhere values are interpolated.
    between = np.sqrt(X[1:] * X[:-1])
    found = of_run(folder).at(between, 1.65)
    expected = 2 * between ** run.maximum["params"]["a_g"] * (1 - between) ** 5
    np.testing.assert_allclose(found.central[PIDS.index(21)], expected, rtol=1e-5)


@with_hoppet
def test_at_another_scale_they_are_evolved(folder: Path) -> None:
    """Operators on knots against HOPPET on the densities themselves."""
    run = read_run(folder / "fit")
    model, _ = model_of(run, None, ())
    assert model is not None and run.maximum is not None
    params = {name: np.asarray(value)[None] for name, value in run.maximum["params"].items()}
    densities = densities_of(model, model.program.pdfsets["proton"], params)
    direct = evolved(Evolution("nnlo"), 1.65, densities, X, np.array([10.0, 100.0])).values[0]
    ours = of_run(folder, evolution=Evolution("nnlo"))
    ours.prepare([10.0, 100.0])
    for row, scale in enumerate((10.0, 100.0)):
        np.testing.assert_allclose(ours.at(X, scale).central, direct[row].T, rtol=2e-4, atol=2e-6)


@with_hoppet
def test_a_set_of_eigenvectors_has_the_bands_of_the_run(folder: Path) -> None:
    place = folder / "fit_pdf"
    for name, more in (("fit", ["--tolerance", "1.6448536"]), ("boot", [])):
        assert invoked("export", "lhapdf", str(folder / name), "--out", f"{folder / name}_pdf", *more).exit_code == 0
    # Members at 1.645 standard deviations are of 90%.
    info = place / "fit_pdf.info"
    info.write_text(info.read_text().replace("ErrorConfLevel: 6.826894921E+01", "ErrorConfLevel: 90"))
    assert "ErrorConfLevel: 90\n" in info.read_text()
    for name, kind in (("fit", "2 pairs of eigenvectors"), ("boot", "60 replicas")):
        ours, theirs = of_run(folder, name).at(X, 100.0), SetPartons(f"{place.parent / name}_pdf")
        assert (theirs.name, theirs.words) == (f"{name}_pdf", kind)
        other = theirs.at(X, 100.0)
        for combination in COMBINATIONS[:4]:
            low, high = combination.of(ours).interval(0.68)
            their_low, their_high = combination.of(other).interval(0.68)
            np.testing.assert_allclose(their_high - their_low, high - low, rtol=0.04)
            if name == "fit":
                np.testing.assert_allclose(combination.of(other).central, combination.of(ours).central, rtol=2e-3)
    with pytest.raises(PdflangError, match="outside of the grid"):
        theirs.at(X, 1.0)
    assert np.isnan(theirs.at(np.array([1e-12, 0.1]), 100.0).central[0]).tolist() == [True, False]


def test_a_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PdflangError, match="E5"):
        SetPartons(str(tmp_path / "nothing"))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "half.info").write_text("Format: lhagrid1\nNumMembers: many\n")
    with pytest.raises(PdflangError, match="E520"):
        SetPartons(str(tmp_path / "half"))


@pytest.mark.parametrize("mass", [20.0, 1000.0])
def test_luminosities_are_their_integrals(mass: float) -> None:
    """By adaptive quadrature of the definition."""
    root_s, powers = 13000.0, Powers()
    tau = mass**2 / root_s**2
    quarks = (1, 2, -2)

    def integral(first: int, second: int) -> float:
        def integrand(y: float) -> float:
            x = np.exp(y)
            # dx/x f_i(x) f_j(τ/x), of f = (x·f)/x
            return float(powers.density(first, x) / x * powers.density(second, tau / x) / (tau / x))

        return float(integrate.quad(integrand, np.log(tau), 0, epsabs=0, epsrel=1e-9, limit=400)[0]) / root_s**2

    expected = {
        "gg": integral(21, 21),
        "qq̄": integral(2, -2) + integral(-2, 2),
        "qg": sum(integral(quark, 21) for quark in quarks),
        "qq": sum(integral(first, second) for first in quarks for second in quarks),
    }
    found = luminosities(powers, root_s, np.array([mass]))
    for channel, value in expected.items():
        assert found[channel].central[0] == pytest.approx(value, rel=1e-5), channel
        np.testing.assert_allclose(found[channel].members[:, 0], value * powers.sizes**2, rtol=1e-5)


def test_a_pdfset_in_the_evolution_basis_has_partons() -> None:
    model = pdflang.loads("""
        param a ~ Normal(0, 1)
        pdfset p(x) at Q = 1.65 {
            g = a*(1 - x)^5, Sigma = (1 - x)^3, V = x*(1 - x)^3, V3 = 0.3*x, T3 = 0.2*x, T8 = 0.5*x
        }
        data y = 1
        observe y ~ Normal(p.g(0.1), 1)
    """)
    points = np.array([0.1, 0.3])
    found = densities_of(model, declared_pdfset(model, None), {"a": np.array([2.0, 3.0])})(points)
    gluon = found[:, PIDS.index(21)]
    np.testing.assert_allclose(gluon, np.outer([2, 3], (1 - points) ** 5))
    np.testing.assert_allclose(found.sum(axis=1) - gluon, np.tile((1 - points) ** 3, (2, 1)))
    by_name = {one.name: one.of_all(found)[0] for one in COMBINATIONS}
    np.testing.assert_allclose(by_name["uv"] - by_name["dv"], 0.3 * points)


def test_combinations_and_correlations() -> None:
    powers, x = Powers(), np.array([0.1, 0.3])
    by_name = {one.name: one.of(powers.at(x, 10.0)).central for one in COMBINATIONS}
    u, ubar, d = (powers.density(pid, x) for pid in (2, -2, 1))
    np.testing.assert_allclose(by_name["uv"], u - ubar)
    np.testing.assert_allclose(by_name["dv"], d)
    np.testing.assert_allclose(by_name["sea"], 2 * ubar)
    # The sea is what is neither gluon nor valence.
    np.testing.assert_allclose(by_name["uv"] + by_name["dv"] + by_name["sea"], u + ubar + d)
    values = np.random.default_rng(1).normal(size=(40, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.2], [0, 0, 1]])
    np.testing.assert_allclose(correlations(values), np.corrcoef(values.T))
    assert np.isnan(correlations(np.ones((5, 1)))).all()
