"""What is learned agrees with posteriors in closed form; it is the same by seed, from a folder, in any host."""

import jax
import numpy as np
import pytest
from known_posteriors import LAYERS, SMALL, X, Y, exact, means
from scipy import stats

import pdflang
from pdflang import PdflangError
from pdflang.inference.platform import double_precision

METHODS = ["npe", "nle", "nre"]


@pytest.fixture(scope="module")
def trained():
    """A training of each method, when it is first asked for."""
    made = {}

    def one(method):
        if method not in made:
            made[method] = means().train(method=method, seed=1, **SMALL, **LAYERS[method])
        return made[method]

    return one


def moments(tree, name="theta"):
    draws = np.asarray(tree["posterior"][name])
    draws = draws.reshape(-1, *draws.shape[2:])
    return draws.mean(axis=0), draws.std(axis=0)


@pytest.mark.parametrize("method", METHODS)
def test_the_posterior_is_the_conjugate_one(trained, method):
    for data in ((X, Y), ([-0.5, 0.1, 0.3], [0.0, -1.0, 0.5, -0.3])):
        tree = trained(method).sample({"x": data[0], "y": data[1]}, draws=1000, seed=3)
        mean, sd = moments(tree)
        known_mean, known_sd = exact(*data)
        assert np.all(np.abs(mean - known_mean) < 0.2 * known_sd), (mean, known_mean)
        assert np.all(np.abs(np.log(sd / known_sd)) < 0.15), (sd, known_sd)
        assert tree.attrs["learned_by"] == method


@pytest.mark.parametrize("method", METHODS)
def test_densities_differ_as_the_exact_ones_do(trained, method):
    mean, sd = exact()
    at, away = {"theta": mean}, {"theta": mean + sd}
    found = trained(method).log_density(at) - trained(method).log_density(away)
    assert found.dtype == np.float64
    assert float(found) == pytest.approx(1.5, abs=0.3)
    if method == "npe":
        normalised = stats.norm.logpdf(mean, mean, sd).sum()
        assert float(trained(method).log_density(at)) == pytest.approx(normalised, abs=0.2)


def test_repeated_measurements_may_be_more(trained):
    """Rows that are alike share a flow: of `nle` their number is not fixed."""
    more = [*Y, 1.0]
    mean, _ = moments(trained("nle").sample({"x": X, "y": more}, draws=500, seed=2))
    known_mean, known_sd = exact(X, more)
    assert np.all(np.abs(mean - known_mean) < 0.25 * known_sd)
    with pytest.raises(PdflangError, match="`y` has 5 rows, not 4"):
        trained("npe").sample({"x": X, "y": more})


def test_the_likelihood_is_in_units_of_the_data(trained):
    params = {"theta": [0.7, -0.4, 1.2]}
    known = stats.norm.logpdf(X, params["theta"], 0.5).sum() + stats.norm.logpdf(Y, 0.7, 1).sum()
    assert float(trained("nle").log_likelihood(params)) == pytest.approx(known, abs=0.3)


def test_the_ratio_is_that_of_likelihood_and_evidence(trained):
    params = {"theta": [0.7, -0.4, 1.2]}
    known = stats.norm.logpdf(X, params["theta"], 0.5).sum() + stats.norm.logpdf(Y, 0.7, 1).sum()
    joint = np.concatenate([X, Y])
    pairs = np.array([0, 1, 2, 0, 0, 0, 0])
    covariance = (pairs[:, None] == pairs).astype(float) + np.diag([0.25] * 3 + [1.0] * 4)
    evidence = stats.multivariate_normal.logpdf(joint, np.zeros(7), covariance)
    assert float(trained("nre").log_ratio(params)) == pytest.approx(known - evidence, abs=0.35)


def test_what_a_method_has_not_learned_is_said(trained):
    with pytest.raises(PdflangError, match="`nle` has learned no ratio: it has learned the likelihood"):
        trained("nle").log_ratio({"theta": X})
    with pytest.raises(PdflangError, match="E662"):
        trained("npe").log_likelihood({"theta": X})


def test_the_maximum_is_that_of_the_posterior(trained):
    mean, sd = exact()
    fit = trained("nre").map()
    assert np.all(np.abs(fit.params["theta"] - mean) < 0.25 * sd)
    assert np.all(np.abs(np.log(fit.standard_errors["theta"] / sd)) < 0.25)


@pytest.mark.parametrize("method", METHODS)
def test_a_folder_gives_the_same_back(trained, method, tmp_path):
    one = trained(method)
    one.save(tmp_path / "trained")
    again = pdflang.load_trained(tmp_path / "trained", data={"x": X, "y": Y})
    params = {"theta": [0.3, 0.2, 0.1]}
    assert float(again.log_density(params)) == float(one.log_density(params))
    assert again.history == one.history
    for file in (tmp_path / "trained").glob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "fiu" for name in arrays.files)


def test_a_damaged_folder_is_said(trained, tmp_path):
    trained("npe").save(tmp_path / "trained")
    (tmp_path / "trained" / "networks.npz").write_bytes(b"nothing")
    with pytest.raises(PdflangError, match="not the folder of a finished training"):
        pdflang.load_trained(tmp_path / "trained", data={"x": X, "y": Y})


@pytest.mark.slow
def test_a_seed_gives_the_same_network():
    few = {"simulations": 300, "epochs": 2, "width": 8, "layers": 1}
    first, second, other = (means().train(seed=seed, **few) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first.learned.weights, second.learned.weights, strict=True))
    assert first.history == second.history != other.history


def test_the_host_keeps_its_precision(trained):
    jax.config.update("jax_enable_x64", False)
    try:
        one = trained("npe")
        params = {"theta": np.array([0.3, 0.2, 0.1])}
        assert one.log_density(params).dtype == np.float64
        assert one.sample(draws=10)["posterior"]["theta"].dtype == np.float64
        assert not jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", True)


def test_data_of_another_shape_are_refused(trained):
    text = "param theta[4] ~ Normal(0, 1)\ndata x[4]\nobserve x ~ Normal(theta, 0.5)"
    other = pdflang.loads(text, data={"x": [1, 2, 3, 4]})
    with pytest.raises(PdflangError, match="E624"):
        other.with_learned(trained("npe").learned)


@pytest.mark.slow
def test_bounds_and_whole_numbers():
    """A probability, and counts: Beta(1 + n, 11 - n) within its bounds, normalised on the scale of the probability."""
    text = "param p ~ Uniform(0, 1)\ndata n: int\nobserve n ~ Binomial(10, p)"
    model = pdflang.loads(text, data={"n": 3})
    grid = (np.arange(400) + 0.5) / 400
    known = stats.beta.pdf(grid, 4, 8)
    small = {"simulations": 3000, "epochs": 25, "width": 24, "layers": 2, "seed": 1}
    for method in ("npe", "nle"):
        one = model.train(method=method, **small)
        own = one.at()
        with double_precision():
            z = np.log(grid / (1 - grid))
            density = jax.vmap(own.maximised().log_density, in_axes=(0, None))(z[:, None], own.target().arrays)
        found = np.exp(np.asarray(density))
        if method == "npe":
            assert found.mean() == pytest.approx(1, abs=0.02)
        found /= found.mean()
        assert np.abs(found - known).mean() < 0.12


def test_sets_of_events():
    """A rate by the number of events: Gamma(20 + n, 2); their places are summarised too."""
    text = """
    param c ~ Gamma(20, 1)
    data hits = table("hits.csv").x
    theory rate(x in (0, 1)) = c
    observe hits ~ PoissonProcess(rate)
    """
    model = pdflang.loads(text, data={"hits": np.linspace(0.01, 0.99, 25)})
    one = model.train(simulations=600, epochs=20, width=16, layers=2, summaries=4, seed=1)
    mean, sd = moments(one.sample(draws=1000), "c")
    assert abs(mean - 22.5) < 0.35 * 45**0.5 / 2
    assert abs(np.log(sd / (45**0.5 / 2))) < 0.25
    fewer, _ = moments(one.sample({"hits": np.linspace(0.01, 0.99, 12)}, draws=1000), "c")
    assert abs(fewer - 16) < 1.2
    with pytest.raises(PdflangError, match="E662"):
        model.train(method="nle")


@pytest.mark.slow
def test_rounds_are_for_one_data_set():
    one = means().train(seed=1, rounds=2, simulations=2000, epochs=15, width=16, layers=2)
    mean, sd = moments(one.sample(draws=1000))
    known_mean, known_sd = exact()
    assert np.all(np.abs(mean - known_mean) < 0.25 * known_sd)
    assert np.all(np.abs(np.log(sd / known_sd)) < 0.2)
    assert len(one.history) == 2
    with pytest.raises(PdflangError, match="rounds are made for one data set"):
        one.sample({"x": [0, 0, 0], "y": Y})


def test_what_is_not_finite_is_never_learned():
    text = "param mu ~ Normal(0, 1)\ndata y\nobserve y ~ Normal(exp(exp(10*mu)), 1)"
    with pytest.raises(PdflangError, match=r"E661.*simulations are not finite"):
        pdflang.loads(text, data={"y": 1.0}).train(simulations=200)
    with pytest.raises(PdflangError, match="the loss is not finite in pass"):
        means().train(method="nle", simulations=300, epochs=3, width=8, layers=1, learning_rate=1e30)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rounds", [1, 3])
def test_ten_means(method, rounds):
    """Ten means at once, amortised and in rounds, against the exact posterior."""
    text = "param theta[10] ~ Normal(0, sqrt(0.1))\ndata x[10]\nobserve x ~ Normal(theta, sqrt(0.1))"
    observed = np.random.default_rng(4).normal(0, 0.4, 10)
    one = pdflang.loads(text, data={"x": observed}).train(method=method, seed=2, rounds=rounds, simulations=6000)
    mean, sd = moments(one.sample(draws=2000, seed=1))
    known = np.sqrt(0.05)
    assert np.all(np.abs(mean - observed / 2) < 0.25 * known)
    assert np.all(np.abs(np.log(sd / known)) < 0.15)
