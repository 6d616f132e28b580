"""The proxy by NumPyro as its users write it: dense metric, parallel chains, summary and NetCDF.

    python benchmarks/numpyro_peer.py FOLDER SEED [MODEL [EVENTS]]

MODEL is binned, unbinned or smeared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import arviz_base
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import references
from arviz_stats.base import array_stats
from numpyro.infer import MCMC, NUTS
from proxy import BINS, LOWER, UPPER, A, B, C, binned, gauss, smeared, unbinned

numpyro.enable_x64()
Density = Callable[[Any, Any], jax.Array]


def density(flavour: str) -> Density:
    """A parton density with its priors, as a function of log x and log(1 - x)."""
    c = numpyro.sample(f"c_{flavour}", dist.LogNormal(*C))
    a = numpyro.sample(f"a_{flavour}", dist.TruncatedNormal(*A, low=0.0))
    b = numpyro.sample(f"b_{flavour}", dist.TruncatedNormal(*B, low=0.0))
    return lambda log_x, log_rest: c * jnp.exp(a * log_x + b * log_rest)


def of_counts(events: int) -> Callable[[], None]:
    data = binned(events)
    x, w = gauss(np.linspace(LOWER, UPPER, BINS + 1), 8)
    logs, weights = (jnp.log(x), jnp.log1p(-x)), jnp.asarray(data["lumi"] * w)

    def model() -> None:
        u, d = ((weights * density(flavour)(*logs)).sum(1) for flavour in "ud")
        numpyro.sample("n_p", dist.Poisson(4 * u + d), obs=data["n_p"])
        numpyro.sample("n_n", dist.Poisson(u + 4 * d), obs=data["n_n"])

    return model


def of_measurements(events: int) -> Callable[[], None]:
    data = smeared(events)
    x, w = gauss(np.linspace(LOWER, UPPER, 101), 8)
    logs, weights = (jnp.log(x), jnp.log1p(-x)), jnp.asarray(data["lumi"] * w)
    root = jnp.asarray(np.linalg.cholesky(data["cov"]))

    def model() -> None:
        u, d = ((weights * density(flavour)(*logs)).sum(1) for flavour in "ud")
        mean = data["R"] @ jnp.concatenate([4 * u + d, u + 4 * d])
        numpyro.sample("y", dist.MultivariateNormal(mean, scale_tril=root), obs=data["y"])

    return model


def of_events(events: int) -> Callable[[], None]:
    data = unbinned(events)
    x, w = (values.ravel() for values in gauss(np.linspace(LOWER, UPPER, 9), 16))
    logs, weights = (jnp.log(x), jnp.log1p(-x)), jnp.asarray(data["lumi"] * w)
    proton, neutron = ((jnp.log(data[name]), jnp.log1p(-data[name])) for name in ("events_p", "events_n"))

    def model() -> None:
        u, d = density("u"), density("d")
        expected = 5 * (weights * (u(*logs) + d(*logs))).sum()
        log_rates = jnp.log(4 * u(*proton) + d(*proton)).sum() + jnp.log(u(*neutron) + 4 * d(*neutron)).sum()
        numpyro.factor("events", log_rates - expected)

    return model


MODELS = {"binned": of_counts, "unbinned": of_events, "smeared": of_measurements}


def eight_schools(y: Any, sigma: Any, J: int) -> None:
    mu, tau = numpyro.sample("mu", dist.Normal(0, 5)), numpyro.sample("tau", dist.HalfCauchy(5))
    z = numpyro.sample("z", dist.Normal(0, 1).expand([J]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * z, jnp.asarray(sigma)), obs=jnp.asarray(y))


def diamonds(Y: Any, X: Any, K: int, **others: Any) -> None:
    predictors = jnp.asarray(X)[:, 1:]
    b = numpyro.sample("b", dist.Normal(0, 1).expand([K - 1]).to_event(1))
    intercept = numpyro.sample("intercept", dist.StudentT(3, 8, 10))
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(3, 0, 10)))
    numpyro.sample("Y", dist.Normal(intercept + (predictors - predictors.mean(0)) @ b, sigma), obs=jnp.asarray(Y))


def gp_pois_regr(x: Any, k: Any, N: int, **others: Any) -> None:
    rho, alpha = numpyro.sample("rho", dist.Gamma(25, 4)), numpyro.sample("alpha", dist.HalfNormal(2))
    f_tilde = numpyro.sample("f_tilde", dist.Normal(0, 1).expand([N]).to_event(1))
    distance = jnp.asarray(x)[:, None] - jnp.asarray(x)
    covariance = alpha**2 * jnp.exp(-(distance**2) / (2 * rho**2)) + 1e-10 * jnp.eye(N)
    numpyro.sample("k", dist.Poisson(jnp.exp(jnp.linalg.cholesky(covariance) @ f_tilde)), obs=jnp.asarray(k))


REFERENCES = {"eight_schools": eight_schools, "diamonds": diamonds, "gp_pois_regr": gp_pois_regr}


def sampler_of(name: str, events: int = 15000) -> MCMC:
    """The sampler of a model, not yet run."""
    if name in REFERENCES:
        model: Callable[[], None] = partial(REFERENCES[name], **references.data(name))
    else:
        model = MODELS[name](events)
    return MCMC(
        NUTS(model, dense_mass=True),
        num_warmup=1000,
        num_samples=1000,
        num_chains=4,
        chain_method="parallel",
        progress_bar=False,
    )


def main(folder: Path, seed: int, name: str = "binned", events: int = 15000) -> None:
    sampler = sampler_of(name, events)
    sampler.run(jax.random.PRNGKey(seed))
    draws = {name: np.asarray(values) for name, values in sampler.get_samples(group_by_chain=True).items()}
    tree = arviz_base.from_dict({"posterior": draws})
    for name in tree["posterior"].data_vars:
        values = tree["posterior"][name].to_numpy()
        row = [
            array_stats.ess(values),
            array_stats.ess(values, method="tail", prob=(0.05, 0.95)),
            array_stats.rhat(values),
        ]
        print(name, values.mean(), values.std(), *np.quantile(values, (0.05, 0.95)), *map(float, row))
    tree.to_netcdf(folder / "posterior.nc", engine="h5netcdf")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4], *map(int, sys.argv[4:]))
