"""Inference compilation: weights make draws of a learned proposal exact and give the evidence, whatever was learned."""

from __future__ import annotations

import numpy as np
import pytest
from known_posteriors import SMALL, X, Y, exact, means
from scipy import integrate, stats

import pdflang
from pdflang import PdflangError
from pdflang.inference import Target
from pdflang.inference.options import AutoOptions
from pdflang.inference.workers import StopRequest
from pdflang.learning.compilation import weighted_draws

SCHOOLS = """
param mu  ~ Normal(0, 5)
param tau ~ HalfNormal(5)
param z[4] ~ Normal(0, 1)
const sigma = [3, 2, 4, 3]
data y[4]
observe y ~ Normal(mu + tau*z, sigma)
"""
"""Effects of schools are latent sites of a trace."""

SMEARED = """
param b ~ Normal(2, 1) in (0, inf)
data hits = table("hits.csv").y
theory f(x in (0, 1)) = 30 * (b + 1) * (1 - x)^b
detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(f |> d)
"""
"""The true places of events are integrated by the model."""

SQUARE = "param a ~ Normal(0.5, 1.5)\ndata y\nobserve y ~ Normal(a^2, 0.5)"
"""Two modes of unequal weight."""


@pytest.fixture(scope="module")
def trained():
    return means().train(method="compilation", seed=1, layers=2, **SMALL)


def _evidence(x, y):
    """log Z of conjugate normals."""
    of = np.array([0, 1, 2, *[0] * len(y)])
    covariance = (of[:, None] == of).astype(float) + np.diag([0.25] * 3 + [1.0] * len(y))
    return stats.multivariate_normal.logpdf([*x, *y], np.zeros(len(of)), covariance)


def test_posterior_and_evidence_are_the_conjugate_ones(trained):
    for data in ((X, Y), ([-0.5, 0.1, 0.3], [0.0, -1.0, 0.5, -0.3])):
        tree = trained.sample({"x": data[0], "y": data[1]}, draws=1000, seed=3)
        draws = np.asarray(tree["posterior"]["theta"]).reshape(-1, 3)
        mean, sd = exact(*data)
        assert np.all(np.abs(draws.mean(axis=0) - mean) < 5 * sd / np.sqrt(tree.attrs["effective"]))
        assert np.all(np.abs(np.log(draws.std(axis=0) / sd)) < 0.06)
        assert abs(tree.attrs["log_evidence"] - _evidence(*data)) < 4 * tree.attrs["log_evidence_error"]
        assert tree.attrs["log_evidence_error"] < 0.02 and tree.attrs["pareto_k"] < 0.7


@pytest.mark.parametrize(("simulations", "epochs", "y"), [(2000, 15, 2.0), (200, 1, 6.0)])
@pytest.mark.slow
def test_two_modes_have_their_weights(simulations, epochs, y):
    """Beside quadrature; also where little was learned: weights take over, and tell what they cost."""
    model = pdflang.loads(SQUARE, data={"y": y})
    trained = model.train(method="compilation", seed=1, simulations=simulations, epochs=epochs, layers=3)
    tree = trained.sample(draws=1000, seed=2)

    def joint(a):
        return stats.norm.pdf(a, 0.5, 1.5) * stats.norm.pdf(y, a**2, 0.5)

    root = np.sqrt(y)
    whole = integrate.quad(joint, -8, 8, points=[-root, root])[0]
    upper = integrate.quad(joint, 0, 8, points=[root])[0]
    attrs = tree.attrs
    assert abs(attrs["log_evidence"] - np.log(whole)) < 4 * attrs["log_evidence_error"] < 0.3
    share = float((tree["posterior"]["a"] > 0).mean())
    assert share == pytest.approx(upper / whole, abs=5 * 0.5 / np.sqrt(min(4000, attrs["effective"])))
    assert (attrs["proposals"] > 20_000) == (epochs == 1)


@pytest.mark.slow
def test_latent_sites_that_are_parameters():
    """Beside quadrature over the two parameters that are left when the effects are integrated: y ~ N(mu, tau² + σ²)."""
    y, sigma = np.array([7.0, -1.0, 3.0, 12.0]), np.array([3.0, 2.0, 4.0, 3.0])
    trained = pdflang.loads(SCHOOLS, data={"y": y}).train(
        method="compilation", seed=1, simulations=3000, epochs=20, layers=3, width=32
    )
    tree = trained.sample(draws=1000, seed=2)
    mu, tau = np.meshgrid(np.linspace(-25, 25, 801), np.linspace(0, 30, 801), indexing="ij")
    logs = stats.norm.logpdf(mu, 0, 5) + stats.halfnorm.logpdf(tau, scale=5)
    logs = logs + sum(stats.norm.logpdf(one, mu, np.hypot(tau, s)) for one, s in zip(y, sigma, strict=True))
    density = np.exp(logs)
    whole = integrate.trapezoid(integrate.trapezoid(density, tau[0], axis=1), mu[:, 0])
    attrs = tree.attrs
    assert abs(attrs["log_evidence"] - np.log(whole)) < 4 * attrs["log_evidence_error"] < 0.2
    mean = integrate.trapezoid(integrate.trapezoid(density * tau, tau[0], axis=1), mu[:, 0]) / whole
    found = np.asarray(tree["posterior"]["tau"])
    assert abs(found.mean() - mean) < 5 * found.std() / np.sqrt(min(4000, attrs["effective"]))


@pytest.mark.slow
def test_smeared_events():
    """Beside the marginal likelihood by quadrature of SciPy, for a list of a length that no training has seen."""
    random = np.random.default_rng(4)
    hits = random.beta(1, 4, 25) + random.normal(0, 0.1, 25)
    hits = hits[(hits > 0) & (hits < 1)]
    trained = pdflang.loads(SMEARED, data={"hits": hits}).train(
        method="compilation", seed=1, simulations=1000, epochs=15, layers=3, width=32, summaries=4
    )
    attrs = trained.sample(draws=500, seed=2).attrs

    def log_joint(b):
        x = np.linspace(0, 1, 2001)
        rate = 30 * (b + 1) * (1 - x) ** b
        intensity = [integrate.simpson(rate * stats.norm.pdf(y, x, 0.1), x=x) for y in hits]
        inside = stats.norm.cdf(1, x, 0.1) - stats.norm.cdf(0, x, 0.1)
        prior = stats.norm.logpdf(b, 2, 1) - stats.norm.logcdf(2)
        return np.sum(np.log(intensity)) - integrate.simpson(rate * inside, x=x) + prior

    at = np.linspace(1e-6, 8, 161)
    logs = np.array([log_joint(b) for b in at])
    whole = np.log(integrate.simpson(np.exp(logs - logs.max()), x=at)) + logs.max()
    assert abs(attrs["log_evidence"] - whole) < 4 * attrs["log_evidence_error"] + 1e-3
    assert attrs["log_evidence_error"] < 0.05


def test_chains_and_maxima_are_those_of_the_model(trained):
    """A proposal stands in for nothing: methods that are named, and `map`, are of the density of the model."""
    model = means()
    assert float(trained.map().log_density) == pytest.approx(float(model.map().log_density), abs=1e-9)
    options = {"method": "nuts", "chains": 1, "warmup": 100, "draws": 50, "seed": 4}
    ours, theirs = trained.sample(**options)["posterior"]["theta"], model.sample(**options)["posterior"]["theta"]
    np.testing.assert_array_equal(ours, theirs)


def test_a_seed_gives_the_same_draws(trained):
    first, second, other = (trained.sample(draws=50, seed=seed)["posterior"]["theta"] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def _normal_target() -> Target:
    import jax.numpy as jnp

    return Target(1, lambda z, arrays: -jnp.sum(z**2) / 2, lambda key, arrays: jnp.zeros(1), {}, lambda z, arrays: 0.0)


def test_weights_that_are_worth_little_are_said_and_an_interrupt_leaves_what_there_is():
    calls, stop = [], StopRequest()

    def proposed(part, count):
        calls.append(part)
        if len(calls) == 3:
            stop.request()
        z = np.random.default_rng(part).normal(4.0, 1.0, (count, 1))
        return z, stats.norm.logpdf(z[:, 0], 4.0, 1.0)

    found = weighted_draws(proposed, _normal_target(), AutoOptions(), (2, 50), 1, None, stop)
    assert found.interrupted and len(calls) == 3 and found.z.shape == (2, 50, 1)
    assert found.details["proposals"] == 3000
    (remark,) = found.remarks
    assert remark.severity == "error" and "3000 proposals of the network are worth" in remark.sentence
    stop = StopRequest()
    stop.request()
    nothing = weighted_draws(proposed, _normal_target(), AutoOptions(), (2, 50), 1, None, stop)
    assert nothing.interrupted and nothing.z.shape == (2, 0, 1)


def test_no_number_is_ever_drawn():
    """Where a density is no number nothing is drawn, and the evidence is that of the rest."""

    def proposed(part, count):
        z = np.random.default_rng(part).normal(size=(count, 1))
        return z, stats.norm.logpdf(z[:, 0])

    def half(z, arrays):
        import jax.numpy as jnp

        return jnp.where(z[0] > 0, -jnp.sum(z**2) / 2, jnp.nan)

    target = _normal_target()
    found = weighted_draws(proposed, Target(1, half, target.initial, {}, target.log_prior), AutoOptions(), (1, 400), 1)
    assert np.all(found.z > 0) and np.all(np.isfinite(found.statistics["lp"]))
    assert found.evidence.log_z == pytest.approx(np.log(0.5 * np.sqrt(2 * np.pi)), abs=4 * found.evidence.error)


def test_a_model_without_a_density_cannot_weigh():
    text = """
    param c ~ LogNormal(3, 0.3)
    data hits = table("hits.csv")
    pdf f(x) = c * (1 - x)
    detector calorimeter(y in (0, 1) | x) {
        draw leak ~ Beta(2, 20)
        let y = x * (1 - leak)
    }
    observe hits ~ PoissonProcess(f |> calorimeter)
    """
    with pytest.raises(PdflangError, match="E611"):
        pdflang.loads(text, data={"hits": {"y": [0.5, 0.4]}}).train(method="compilation", simulations=100)
