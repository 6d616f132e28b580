"""Nuisances that are integrated out, beside exact answers and NUTS of all parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arviz_stats.base import array_stats
from posed_problems import assert_has_the_moments, correlated, draw
from scipy import integrate, stats

import pdflang
from pdflang.diagnostics import PdflangError
from pdflang.inference.marginal import _marginal, _split
from pdflang.inference.options import MarginalOptions
from pdflang.results.checkpoints import FolderCheckpoints
from pdflang.results.run_folder import RunFolder

Y, SIGMA = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
SCHOOLS = """
param mu ~ Normal(0, 5)
param tau ~ HalfCauchy(5)
nuisance theta[8] ~ Normal(mu, tau)
data y[8]
data sigma[8]
observe y ~ Normal(theta, sigma)
"""
COUNTS = """
data n[B]: int
data signal[B]
data background[B]
data shift[B, K]
param strength ~ HalfNormal(5)
nuisance t[K] ~ Normal(0, 1)
observe n ~ Poisson((strength * signal + background) * exp(shift @ t))
"""


def schools() -> pdflang.Model:
    return pdflang.loads(SCHOOLS, data={"y": Y, "sigma": SIGMA})


def counted(bins: int = 20, nuisances: int = 6) -> pdflang.Model:
    random = np.random.default_rng(0)
    place = np.arange(bins)
    signal, background = 20 * np.exp(-0.5 * ((place - 10) / 2) ** 2), 50 * np.exp(-place / 10.0)
    shift = random.normal(0, 0.08, (bins, nuisances))
    n = random.poisson((signal + background) * np.exp(shift @ random.normal(size=nuisances)))
    return pdflang.loads(COUNTS, data={"n": n, "signal": signal, "background": background, "shift": shift})


@pytest.mark.parametrize("nuisances", [(0,), (1, 2), (0, 2)])
def test_normal_nuisances_are_integrated_exactly(nuisances: tuple[int, ...]) -> None:
    problem = correlated(3)
    draws = draw(problem._replace(target=replace(problem.target, nuisances=nuisances)), MarginalOptions())
    assert_has_the_moments(draws, problem, 1500)
    assert draws.pareto_k is not None and draws.pareto_k < 0.3


def test_the_marginal_is_that_of_a_hierarchy() -> None:
    """Of normal effects it is known: y ~ N(mu, σ² + τ²); with slopes, as implicit functions give them."""
    import jax

    target = schools().target()
    split = _split(target)
    assert target.nuisances == tuple(range(2, 10))
    with jax.enable_x64(True):
        marginal = _marginal(target, split, np.array([4.0, 1.0]), np.zeros(8))
        for mu, log_tau in ((3.0, 0.5), (-2.0, 2.0), (8.0, -3.0)):

            def exact(mu: float, log_tau: float) -> float:
                tau = np.exp(log_tau)
                prior = stats.norm.logpdf(mu, 0, 5) + stats.halfcauchy.logpdf(tau, 0, 5) + log_tau
                return float(prior + stats.norm.logpdf(Y, mu, np.hypot(SIGMA, tau)).sum())

            u = np.array([mu, log_tau])
            value, slope = jax.value_and_grad(marginal.log_density)(u, marginal.arrays)
            assert float(value) == pytest.approx(exact(mu, log_tau), rel=1e-9)
            h = 1e-5
            for axis, step in enumerate(np.eye(2) * h):
                change = (exact(*(u + step)) - exact(*(u - step))) / (2 * h)
                assert float(slope[axis]) == pytest.approx(change, rel=1e-5, abs=1e-6)


def test_slopes_and_curvatures_are_those_of_the_density() -> None:
    """Of counts, whose nuisances are not normal: both follow the mode, and the curvature around it."""
    import jax

    target = counted(8, 3).target()
    with jax.enable_x64(True):
        marginal = _marginal(target, _split(target), np.array([0.3]), np.zeros(3))
        value, slope, curvature = (
            jax.jit(f(marginal.log_density)) for f in (lambda g: g, jax.grad, jax.hessian)
        )  # fmt: skip
        u, h = np.array([-0.4]), 1e-4
        for of, change in ((value, slope), (slope, curvature)):
            expected = (of(u + h, marginal.arrays) - of(u - h, marginal.arrays)) / (2 * h)
            np.testing.assert_allclose(np.ravel(change(u, marginal.arrays)), np.ravel(expected), rtol=1e-6)
        centre = {**marginal.arrays["centre"], "slope": np.full((3, 1), 1e4)}
        astray = float(value(u, {**marginal.arrays, "centre": centre}))
        assert astray == pytest.approx(float(value(u, marginal.arrays)), rel=1e-12)


def test_a_longer_run_goes_on_with_the_same_draws(tmp_path: Path) -> None:
    problem = correlated(3)
    target = replace(problem.target, nuisances=(0, 2))
    short, long = MarginalOptions(2, 100, 100, seed=3), MarginalOptions(2, 100, 160, seed=3)
    for options in (short, long):
        kept = FolderCheckpoints(RunFolder(tmp_path), lambda folder: None)
        draws = draw(problem._replace(target=target), options, checkpoints=kept)
    np.testing.assert_array_equal(draws.z, draw(problem._replace(target=target), long).z)


def test_a_centred_hierarchy_is_sampled_without_its_funnel() -> None:
    """NUTS of all ten parameters diverges at small τ, and its mean of τ comes out too large."""
    tree = schools().sample(method="marginal", seed=1)
    tau = np.asarray(tree["posterior"]["tau"])

    def weight(log_tau: float) -> float:
        v = SIGMA**2 + np.exp(2 * log_tau)
        precision = np.sum(1 / v) + 1 / 25
        mean = np.sum(Y / v) / precision
        log = -0.5 * np.log(v).sum() - 0.5 * np.log(precision) + 0.5 * precision * mean**2 - 0.5 * np.sum(Y**2 / v)
        return float(np.exp(log + stats.halfcauchy.logpdf(np.exp(log_tau), 0, 5) + log_tau + 30))

    def expected(power: int) -> float:
        return float(integrate.quad(lambda t: np.exp(power * t) * weight(t), -25, 8, limit=500)[0])

    mean = expected(1) / expected(0)
    ess = array_stats.ess(tau, chain_axis=0, draw_axis=1)
    assert ess > 800 and not np.asarray(tree["sample_stats"]["diverging"]).any()
    assert abs(tau.mean() - mean) < 4.5 * tau.std() / np.sqrt(ess)
    assert tree["posterior"]["theta"].shape == (4, 1000, 8)
    assert tree.attrs["pareto_k"] < 0.5


def test_counts_agree_with_nuts_of_all_parameters() -> None:
    model = counted()
    one, other = (model.sample(method=method, draws=2000, seed=2) for method in ("marginal", "nuts"))
    assert one.attrs["pareto_k"] < 0.7
    for name in ("strength", "t"):
        a, b = (np.asarray(tree["posterior"][name]).reshape(8000, -1) for tree in (one, other))
        sd = b.std(axis=0)
        assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < 0.12 * sd)
        np.testing.assert_allclose(a.std(axis=0), sd, rtol=0.1)


@pytest.mark.slow
def test_histfactory_agrees_with_nuts_of_all_parameters() -> None:
    """Rates that interpolate between variations, and bins with a free factor each."""
    text = """
use std.histfactory: normsys, histosys_smooth
data n[6]: int = [38, 45, 61, 62, 40, 33]
data s[6] = [1, 4, 12, 13, 5, 1]
data b[6] = [40, 42, 41, 38, 36, 33]
data up[6] = [44, 45, 43, 37, 34, 30]
data down[6] = [36, 39, 39, 39, 38, 36]
param mu ~ HalfNormal(5)
nuisance norm ~ Normal(0, 1)
nuisance shape ~ Normal(0, 1)
nuisance gamma[6] ~ LogNormal(0, 0.1)
let background = gamma * histosys_smooth(shape, b, up, down)
observe n ~ Poisson(normsys(norm, 1.1, 0.9) * (mu * s + background))
"""
    model = pdflang.loads(text)
    one, other = (model.sample(method=method, draws=2000, seed=2) for method in ("marginal", "nuts"))
    assert one.attrs["pareto_k"] < 0.7
    for name in ("mu", "norm", "shape", "gamma"):
        a, b = (np.asarray(tree["posterior"][name]).reshape(8000, -1) for tree in (one, other))
        sd = b.std(axis=0)
        assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < 0.12 * sd)
        np.testing.assert_allclose(a.std(axis=0), sd, rtol=0.1)


def test_pareto_k_tells_nuisances_that_are_far_from_normal() -> None:
    """One that the data hardly touch has its prior for a posterior, which is skew on the unconstrained scale."""
    text = "param a ~ Normal(0, 1)\nnuisance w ~ HalfNormal(1)\ndata y\nobserve y ~ Normal(0.1 * w + a, 2)\n"
    model = pdflang.loads(text, data={"y": 1.0})
    assert model.sample(method="marginal").attrs["pareto_k"] > 0.7


def test_nuisances_without_a_mode() -> None:
    text = "param a ~ Normal(0, 1)\nnuisance w[2] ~ Flat()\ndata y\nobserve y ~ Normal(a + w[0] + w[1], 1)\n"
    with pytest.raises(PdflangError, match="nuisances have no mode"):
        pdflang.loads(text, data={"y": 1.0}).sample(method="marginal")


def test_it_needs_nuisances_and_something_else() -> None:
    with pytest.raises(PdflangError, match="the model declares none"):
        pdflang.loads("param a ~ Normal(0, 1)\ndata y = 1\nobserve y ~ Normal(a, 1)\n").sample(method="marginal")
    with pytest.raises(PdflangError, match="nothing but nuisances"):
        pdflang.loads("nuisance a ~ Normal(0, 1)\ndata y = 1\nobserve y ~ Normal(a, 1)\n").sample(method="marginal")
