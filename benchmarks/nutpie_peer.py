"""Models by PyMC and nutpie as their users write them: low-rank metric, chains on two threads.

    python benchmarks/nutpie_peer.py MODEL SEED DRAWS.npz

Writes draws, gradients of warmup and sampling, and seconds of a second run, where nothing is compiled. It runs in an
environment of its own, with the packages pymc, nutpie and numba.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import references
from proxy import BINS, LOWER, UPPER, A, B, C, binned, gauss, smeared, unbinned


def density(flavour: str) -> Any:
    """A parton density with its priors, as a function of log x and log(1 - x)."""
    c = pm.LogNormal(f"c_{flavour}", *C)
    a = pm.TruncatedNormal(f"a_{flavour}", *A, lower=0)
    b = pm.TruncatedNormal(f"b_{flavour}", *B, lower=0)
    return lambda log_x, log_rest: c * pt.exp(a * log_x + b * log_rest)


def counts(lumi: float, bins: int) -> tuple[Any, Any]:
    """What is expected of u and d in bins."""
    x, w = gauss(np.linspace(LOWER, UPPER, bins + 1), 8)
    u, d = ((lumi * w * density(flavour)(np.log(x), np.log1p(-x))).sum(1) for flavour in "ud")
    return 4 * u + d, u + 4 * d


def of_counts() -> None:
    data = binned(15000)
    proton, neutron = counts(data["lumi"], BINS)
    pm.Poisson("n_p", proton, observed=data["n_p"])
    pm.Poisson("n_n", neutron, observed=data["n_n"])


def of_measurements() -> None:
    data = smeared(15000)
    whiten = np.linalg.inv(np.linalg.cholesky(data["cov"]))
    mean = pt.dot(whiten @ data["R"], pt.concatenate(counts(data["lumi"], 100)))
    pm.Potential("y", -0.5 * ((mean - whiten @ data["y"]) ** 2).sum())


def of_events() -> None:
    data = unbinned(15000)
    x, w = (values.ravel() for values in gauss(np.linspace(LOWER, UPPER, 9), 16))
    u, d = density("u"), density("d")
    expected = 5 * (data["lumi"] * w * (u(np.log(x), np.log1p(-x)) + d(np.log(x), np.log1p(-x)))).sum()
    proton, neutron = ((np.log(data[name]), np.log1p(-data[name])) for name in ("events_p", "events_n"))
    log_rates = pt.log(4 * u(*proton) + d(*proton)).sum() + pt.log(u(*neutron) + 4 * d(*neutron)).sum()
    pm.Potential("events", log_rates - expected)


def eight_schools() -> None:
    data = references.data("eight_schools")
    mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
    pm.Normal("y", mu + tau * pm.Normal("z", 0, 1, shape=data["J"]), data["sigma"], observed=data["y"])


def diamonds() -> None:
    data = references.data("diamonds")
    predictors = np.asarray(data["X"], float)[:, 1:]
    b = pm.Normal("b", 0, 1, shape=data["K"] - 1)
    intercept, sigma = pm.StudentT("intercept", nu=3, mu=8, sigma=10), pm.HalfStudentT("sigma", nu=3, sigma=10)
    pm.Normal("Y", intercept + pt.dot(predictors - predictors.mean(0), b), sigma, observed=data["Y"])


def gp_pois_regr() -> None:
    data = references.data("gp_pois_regr")
    rho, alpha = pm.Gamma("rho", 25, 4), pm.HalfNormal("alpha", 2)
    f_tilde = pm.Normal("f_tilde", 0, 1, shape=data["N"])
    distance = np.subtract.outer(data["x"], data["x"])
    covariance = alpha**2 * pt.exp(-(distance**2) / (2 * rho**2)) + 1e-10 * np.eye(data["N"])
    pm.Poisson("k", pt.exp(pt.dot(pt.linalg.cholesky(covariance), f_tilde)), observed=data["k"])


MODELS = {
    "binned": of_counts, "unbinned": of_events, "smeared": of_measurements, "eight_schools": eight_schools,
    "diamonds": diamonds, "gp_pois_regr": gp_pois_regr,
}  # fmt: skip


def main(name: str, seed: int, place: Path) -> None:
    with pm.Model() as model:
        MODELS[name]()
    compiled = nutpie.compile_pymc_model(model, backend="numba")

    def run() -> Any:
        return nutpie.sample(
            compiled, draws=1000, tune=400, chains=4, cores=2, seed=seed, progress_bar=False, save_warmup=True,
            low_rank_modified_mass_matrix=True,
        )  # fmt: skip

    run()
    begin = time.perf_counter()
    tree = run()
    seconds = time.perf_counter() - begin
    steps = [int(np.sum(group["n_steps"].values)) for group in (tree.warmup_sample_stats, tree.sample_stats)]
    draws = {str(name): tree.posterior[name].values for name in tree.posterior.data_vars}
    np.savez(place, seconds=seconds, gradients=sum(steps), **draws)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
