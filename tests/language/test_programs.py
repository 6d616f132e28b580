"""Programs of tests/good with detectors: what they simulate, and whether a fit finds where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import special, stats

import pdflang

GOOD = Path(__file__).resolve().parents[1] / "good"
EDGES = np.linspace(0.05, 0.95, 31)


def in_bins(a: float, b: float, width: float, slope: float = 0.0) -> np.ndarray:
    """x^a (1 - x)^b (1 - slope x) smeared with a width and counted in bins, by a Gauss-Jacobi rule."""
    node, weight = special.roots_jacobi(300, b, a)
    x = (1 + node[:, None]) / 2
    kept = weight / 2 ** (a + b + 1) * (1 - slope * x[:, 0])
    return kept @ np.diff(stats.norm.cdf(EDGES, x, width), axis=1)


# --- counts of a smeared rate --------------------------------------------------------------------------------------

COUNTS = {"n_p": np.zeros(30, int), "n_n": np.zeros(30, int)}
QUARKS = {"c": [2.0, 1.0], "a": [0.5, 0.6], "b": [3.0, 4.0], "s": 0.03, "eff": 0.9, "lumi": 1.0}


def smeared_counts(p: dict[str, Any], up: float, down: float) -> np.ndarray:
    """Expected counts for a luminosity of 1: two quarks with their weights, and the background."""
    quarks = zip((up, down), p["c"], p["a"], p["b"], strict=True)
    signal = sum(weight * c * p["eff"] * in_bins(a, b, p["s"], slope=0.3) for weight, c, a, b in quarks)
    return signal - 0.1 / 3 * np.diff(np.exp(-3 * EDGES))


def test_counts_of_a_smeared_rate() -> None:
    model = pdflang.load(GOOD / "smeared_counts.pdfm", data=COUNTS)
    drawn = model.simulate(1, QUARKS)
    found = pdflang.load(GOOD / "smeared_counts.pdfm", data=drawn).log_likelihood(QUARKS)
    for name, lumi, up, down in (("n_p", 1e4, 4, 1), ("n_n", 5e3, 1, 4)):
        expected = lumi * smeared_counts(QUARKS, up, down)
        assert stats.chi2.sf(np.sum((drawn[name] - expected) ** 2 / expected), 30) > 1e-3
        np.testing.assert_allclose(found[name], stats.poisson.logpmf(drawn[name], expected), rtol=1e-8)


@pytest.mark.slow
def test_a_fit_of_smeared_counts_finds_the_truth() -> None:
    model = pdflang.load(GOOD / "smeared_counts.pdfm", data=COUNTS)
    draws = model.rebind(model.simulate(1, QUARKS)).sample(seed=1)["posterior"].to_dataset()
    for name, value in QUARKS.items():
        pull = (draws[name].mean(("chain", "draw")) - value) / draws[name].std(("chain", "draw"))
        assert np.all(np.abs(pull) < 3), name


# --- the resolution of modules, from a test beam ---------------------------------------------------------------------


def beam() -> dict[str, Any]:
    """Ragged: 20 to 66 hits for each module."""
    module = np.repeat(np.arange(24), 20 + 2 * np.arange(24))
    energy = stats.uniform.rvs(0.5, 2, size=module.size, random_state=1)
    empty = {"tb_residual": np.zeros(module.size), "n": np.zeros((24, 30), int)}
    return {"tb_module": module, "tb_energy": energy, **empty}


Z = stats.norm.rvs(size=24, random_state=2)
MODULES = {"mu": -3.3, "tau": 0.3, "z": Z, "kappa": -0.4, "a": 0.4, "b": 2.5, "c": 500.0}
RESOLUTION = np.exp(-3.3 + 0.3 * Z)


def measured() -> tuple[pdflang.Model, dict[str, Any]]:
    data = beam()
    model = pdflang.load(GOOD / "modules.pdfm", data=data)
    data |= model.simulate(3, MODULES)
    return model.rebind(data), data


def test_the_resolution_of_each_module_smears_its_counts() -> None:
    model, data = measured()
    width = RESOLUTION[data["tb_module"]] * data["tb_energy"] ** MODULES["kappa"]
    expected = 500 * np.array([in_bins(0.4, 2.5, resolution) for resolution in RESOLUTION])
    assert stats.kstest(data["tb_residual"] / width, "norm").pvalue > 1e-3
    assert stats.chi2.sf(np.sum((data["n"] - expected) ** 2 / expected), data["n"].size) > 1e-3
    found = model.log_likelihood(MODULES)
    np.testing.assert_allclose(found["tb_residual"], stats.norm.logpdf(data["tb_residual"], 0, width), rtol=1e-9)
    np.testing.assert_allclose(found["n"], stats.poisson.logpmf(data["n"], expected), rtol=1e-6)
    slope = jax.grad(model.log_density_unconstrained)(model.unconstrain(MODULES))
    assert np.all(np.isfinite(slope))


@pytest.mark.slow
def test_a_fit_of_all_modules_finds_the_truth() -> None:
    fit = measured()[0].map(starts=1, seed=1)
    assert fit.converged
    for name in ("a", "b", "c", "kappa"):
        assert fit.params[name] == pytest.approx(MODULES[name], abs=4 * fit.standard_errors[name]), name
    found = fit.params["mu"] + fit.params["tau"] * np.asarray(fit.params["z"])
    # From 20 to 66 hits of the test beam a width is known to 16 to 9 %.
    assert np.sqrt(np.mean((found - np.log(RESOLUTION)) ** 2)) < 0.15


# --- a detector that is run and not written down -------------------------------------------------------------------


def test_a_shower_is_simulated_and_not_sampled() -> None:
    model = pdflang.load(GOOD / "shower.pdfm", data={"hits": {"y": [0.5]}})
    hits = np.asarray(model.simulate(1, {"c": 300_000.0, "a": 2.0, "b": 3.0})["hits"]["y"])
    true, leak = stats.beta(3, 4), stats.beta(2, 20)
    kept = true.expect(lambda x: 1 - np.exp(-50 * x))
    assert abs(len(hits) - 300_000 / 60 * kept) < 4 * np.sqrt(5000)
    # The mean of (1 - leak)^(layers / 20) over the layers, then over the leak; noise shifts nothing.
    shrunk = leak.expect(lambda v: np.exp(20 * ((1 - v) ** 0.05 - 1)))
    mean = shrunk * true.expect(lambda x: x * (1 - np.exp(-50 * x))) / kept
    assert abs(hits.mean() - mean) < 4 * hits.std() / np.sqrt(len(hits))

    with pytest.raises(pdflang.PdflangError) as failure:
        model.sample(draws=10)
    (diagnostic,) = failure.value.diagnostics
    assert diagnostic.code == "E611"
    assert diagnostic.span is not None and diagnostic.span.text == "draw layers ~ Poisson(20)"
