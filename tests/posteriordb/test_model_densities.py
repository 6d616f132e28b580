"""The models of the reference posteriors on small made-up data, against densities written in NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from reference_posteriors import HERE, POSTERIORS
from scipy import special, stats

import pdflang

Values = dict[str, Any]

RANDOM = np.random.default_rng(7)
N = 12


def reals(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    return RANDOM.uniform(0.5, 3, size=shape)


def bits(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 2, size=shape)


DATA: dict[str, Values] = {
    "eight_schools": {"J": 8, "y": 10 * reals(8), "sigma": 10 * positive(8)},
    "kidscore_momiq": {"N": N, "kid_score": 80 + 10 * reals(N), "mom_iq": 100 + 15 * reals(N)},
    "kidscore_interaction": {"kid_score": reals(N), "mom_hs": bits(N), "mom_iq": reals(N), "N": N},
    "arK": {"K": 3, "T": 9, "y": reals(9)},
    "logmesquite_logvash": {
        "N": N,
        "group": bits(N),
        **{name: positive(N) for name in ("weight", "diam1", "diam2", "canopy_height", "total_height")},
    },
    "nes": {
        "N": N,
        "age_discrete": np.arange(N) % 4 + 1,
        **{name: reals(N) for name in ("partyid7", "real_ideo", "race_adj", "educ1", "gender", "income")},
    },
    "logearn_interaction": {"N": N, "earn": positive(N), "height": positive(N), "male": bits(N)},
    "blr": {"N": N, "D": 3, "X": reals(N, 3), "y": reals(N)},
    "diamonds": {"N": N, "K": 4, "X": reals(N, 4), "Y": 8 + reals(N)},
    "gp_pois_regr": {"N": 5, "x": np.array([-4.0, -1.5, 0.0, 2.0, 5.0]), "k": np.array([3, 0, 2, 7, 1])},
    "garch": {"T": 9, "y": reals(9), "sigma1": 0.8},
    "low_dim_gauss_mix": {"N": N, "y": 3 * reals(N)},
}

PARAMETERS: dict[str, Values] = {
    "eight_schools": {"mu": 1.5, "tau": 2.5, "z": reals(8)},
    "kidscore_momiq": {"beta": np.array([20.0, 0.6]), "sigma": 15.0},
    "kidscore_interaction": {"beta": reals(4), "sigma": 1.5},
    "arK": {"alpha": 0.3, "beta": np.array([0.5, -0.2, 0.1]), "sigma": 0.7},
    "logmesquite_logvash": {"beta": reals(6), "sigma": 0.8},
    "nes": {"beta": reals(9), "sigma": 1.8},
    "logearn_interaction": {"beta": reals(4), "sigma": 0.9},
    "blr": {"beta": reals(3), "sigma": 1.2},
    "diamonds": {"b": reals(3), "intercept": 7.8, "sigma": 1.1},
    "gp_pois_regr": {"rho": 3.5, "alpha": 1.7, "f_tilde": reals(5)},
    "garch": {"mu": 0.2, "alpha0": 0.4, "alpha1": 0.5, "beta1": 0.3},
    "low_dim_gauss_mix": {"mu": np.array([-1.0, 2.0]), "sigma": np.array([0.7, 1.9]), "theta": 0.4},
}


def half_cauchy(value: Any, scale: float) -> Any:
    return stats.halfcauchy.logpdf(value, scale=scale)


def eight_schools(p: Values, d: Values) -> Any:
    effect = p["mu"] + p["tau"] * p["z"]
    prior = stats.norm.logpdf(p["mu"], 0, 5) + half_cauchy(p["tau"], 5) + stats.norm.logpdf(p["z"]).sum()
    return prior + stats.norm.logpdf(d["y"], effect, d["sigma"]).sum()


def kidscore_momiq(p: Values, d: Values) -> Any:
    mean = p["beta"][0] + p["beta"][1] * d["mom_iq"]
    return half_cauchy(p["sigma"], 2.5) + stats.norm.logpdf(d["kid_score"], mean, p["sigma"]).sum()


def kidscore_interaction(p: Values, d: Values) -> Any:
    design = np.stack([np.ones(N), d["mom_hs"], d["mom_iq"], d["mom_hs"] * d["mom_iq"]], axis=1)
    return half_cauchy(p["sigma"], 2.5) + stats.norm.logpdf(d["kid_score"], design @ p["beta"], p["sigma"]).sum()


def ark(p: Values, d: Values) -> Any:
    prior = stats.norm.logpdf(p["alpha"], 0, 10) + stats.norm.logpdf(p["beta"], 0, 10).sum()
    total = prior + half_cauchy(p["sigma"], 2.5)
    for t in range(d["K"], d["T"]):
        mean = p["alpha"] + sum(p["beta"][k] * d["y"][t - 1 - k] for k in range(d["K"]))
        total += stats.norm.logpdf(d["y"][t], mean, p["sigma"])
    return total


def log_normal(value: Any, mean: Any, sigma: float) -> Any:
    return stats.lognorm.logpdf(value, sigma, scale=np.exp(mean)).sum()


def mesquite(p: Values, d: Values) -> Any:
    d1, d2, height = d["diam1"], d["diam2"], d["canopy_height"]
    columns = [np.ones(N), np.log(d1 * d2 * height), np.log(d1 * d2), np.log(d1 / d2)]
    design = np.stack([*columns, np.log(d["total_height"]), d["group"]], axis=1)
    return log_normal(d["weight"], design @ p["beta"], p["sigma"])


def nes(p: Values, d: Values) -> Any:
    classes = [(d["age_discrete"] == i).astype(float) for i in (2, 3, 4)]
    columns = [np.ones(N), d["real_ideo"], d["race_adj"], *classes, d["educ1"], d["gender"], d["income"]]
    return stats.norm.logpdf(d["partyid7"], np.stack(columns, axis=1) @ p["beta"], p["sigma"]).sum()


def earnings(p: Values, d: Values) -> Any:
    design = np.stack([np.ones(N), d["height"], d["male"], d["height"] * d["male"]], axis=1)
    return log_normal(d["earn"], design @ p["beta"], p["sigma"])


def blr(p: Values, d: Values) -> Any:
    prior = stats.norm.logpdf(p["beta"], 0, 10).sum() + stats.halfnorm.logpdf(p["sigma"], scale=10)
    return prior + stats.norm.logpdf(d["y"], d["X"] @ p["beta"], p["sigma"]).sum()


def diamonds(p: Values, d: Values) -> Any:
    centred = d["X"][:, 1:] - d["X"][:, 1:].mean(axis=0)
    prior = stats.norm.logpdf(p["b"]).sum() + stats.t.logpdf(p["intercept"], 3, 8, 10)
    prior += stats.t.logpdf(p["sigma"], 3, 0, 10) + np.log(2)
    return prior + stats.norm.logpdf(d["Y"], p["intercept"] + centred @ p["b"], p["sigma"]).sum()


def gaussian_process(p: Values, d: Values) -> Any:
    squares = (d["x"][:, None] - d["x"]) ** 2
    kernel = p["alpha"] ** 2 * np.exp(-squares / (2 * p["rho"] ** 2)) + 1e-10 * np.eye(len(d["x"]))
    rate = np.exp(np.linalg.cholesky(kernel) @ p["f_tilde"])
    prior = stats.gamma.logpdf(p["rho"], 25, scale=1 / 4) + stats.halfnorm.logpdf(p["alpha"], scale=2)
    return prior + stats.norm.logpdf(p["f_tilde"]).sum() + stats.poisson.logpmf(d["k"], rate).sum()


def garch(p: Values, d: Values) -> Any:
    variance = d["sigma1"] ** 2
    total = 0.0
    for before, value in zip([None, *d["y"]], d["y"], strict=False):
        if before is not None:
            variance = p["alpha0"] + p["alpha1"] * (before - p["mu"]) ** 2 + p["beta1"] * variance
        total += stats.norm.logpdf(value, p["mu"], np.sqrt(variance))
    return total


def mixture(p: Values, d: Values) -> Any:
    # An ordered pair has half of the prior's mass, and the density of one that is normalised there.
    prior = stats.norm.logpdf(p["mu"], 0, 2).sum() + np.log(2)
    prior += stats.halfnorm.logpdf(p["sigma"], scale=2).sum() + stats.beta.logpdf(p["theta"], 5, 5)
    parts = stats.norm.logpdf(d["y"][:, None], p["mu"], p["sigma"])
    return prior + special.logsumexp(parts + np.log([p["theta"], 1 - p["theta"]]), axis=1).sum()


DENSITIES: dict[str, Callable[[Values, Values], Any]] = {
    "eight_schools": eight_schools,
    "kidscore_momiq": kidscore_momiq,
    "kidscore_interaction": kidscore_interaction,
    "arK": ark,
    "logmesquite_logvash": mesquite,
    "nes": nes,
    "logearn_interaction": earnings,
    "blr": blr,
    "diamonds": diamonds,
    "gp_pois_regr": gaussian_process,
    "garch": garch,
    "low_dim_gauss_mix": mixture,
}


@pytest.mark.parametrize("name", DENSITIES)
def test_the_density_is_the_formula(name: str) -> None:
    data, parameters = DATA[name], PARAMETERS[name]
    model = pdflang.load(HERE / f"{name}.pdfm", data=data)
    assert not model.bound.notes
    expected = DENSITIES[name](parameters, data)
    assert float(model.log_density(parameters)) == pytest.approx(expected, rel=1e-10, abs=1e-10)
    gradient = jax.grad(model.log_density_unconstrained)(model.unconstrain(parameters))
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("name", DENSITIES)
def test_simulated_data_are_of_the_observed_shape_and_have_a_density(name: str) -> None:
    data, parameters = DATA[name], PARAMETERS[name]
    model = pdflang.load(HERE / f"{name}.pdfm", data=data)
    simulated = {key: np.asarray(value) for key, value in model.simulate(3, parameters).items()}
    assert {key: value.shape for key, value in simulated.items()} == {
        key: np.shape(data[key]) for key in model.program.observations
    }
    again = model.rebind({**data, **simulated})
    assert float(again.log_density(parameters)) == pytest.approx(
        DENSITIES[name](parameters, {**data, **simulated}), rel=1e-10, abs=1e-10
    )


def test_every_posterior_has_its_formula() -> None:
    assert {posterior.name for posterior in POSTERIORS} == set(DENSITIES)


def test_a_size_that_the_data_determine_is_compared_and_not_noted() -> None:
    data = DATA["blr"]
    with pytest.raises(pdflang.PdflangError, match="`N` is given as 13, but `y` makes it 12"):
        pdflang.load(HERE / "blr.pdfm", data={**data, "N": N + 1})
    model = pdflang.load(HERE / "blr.pdfm", data={**data, "year": np.zeros(N)})
    assert model.bound.notes == ("no `data` is called `year`; what is given for it is ignored",)
