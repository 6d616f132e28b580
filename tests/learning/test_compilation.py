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
    assert found.details["proposals"] == 300
    (remark,) = found.remarks
    assert remark.severity == "error" and "300 proposals of the network are worth" in remark.sentence
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
