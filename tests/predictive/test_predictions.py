"""Predictions and leave-one-out of conjugate models against their closed forms."""

from __future__ import annotations

import json
import math

import arviz_stats
import jax
import numpy as np
import pytest
from scipy import integrate, stats

import pdflang
from pdflang import PdflangError
from pdflang.results.prediction import check_prediction, comparisons, leave_one_out
from pdflang.results.prediction.leave_one_out import relative_efficiency

Y = np.array([0.3, 1.9, -0.4, 2.2, 0.8])
NORMAL = "data y[N]\nparam mu ~ Normal(0, 2)\nobserve y ~ Normal(mu, 0.7)\n"
COUNTS = "data n[4]: int\nparam c ~ Gamma(3, 0.5)\nconst e = [0.5, 1, 2, 4]\nobserve n ~ Poisson(c*e)\n"
N, EXPOSURE = np.array([2, 6, 11, 22]), np.array([0.5, 1, 2, 4])
JOINT = (
    "data y[5]\ndata C[5, 5]\nparam mu ~ Normal(0, 2)\nlet mean[i in 5] = mu\nobserve y ~ MvNormal(mean, cov = C)\n"
)
EVENTS = (
    "data x[N]\nparam c ~ Gamma(4, 0.1)\ntheory rate(x in (0, 2)) = 0.5*c*x\nobserve x ~ PoissonProcess(rate)\n"
)
X = np.array([0.4, 1.1, 1.3, 1.7, 1.9, 0.9, 1.5])
SHAPE = "data x[N]\nparam a ~ Gamma(4, 2)\npdf f(x) = x^a\nobserve x ~ Iid(f)\n"
ALL = {"draws": 4000}


def posterior_of_mean(y: np.ndarray, sigma: float = 0.7):
    """The posterior of the mean of normal data, of standard deviation 2 before."""
    precision = len(y) / sigma**2 + 1 / 4
    return stats.norm(y.sum() / sigma**2 / precision, precision**-0.5)


@pytest.fixture(scope="module")
def normal() -> pdflang.Model:
    return pdflang.loads(NORMAL, data={"y": Y})


# --- predictions -------------------------------------------------------------------------------------------------


def test_normal_data_have_the_predictive_mean_and_variance(normal, known) -> None:
    exact = posterior_of_mean(Y)
    predicted = normal.predict(known("mu", exact), **ALL)["posterior_predictive"]["y"]
    assert predicted.dims == ("chain", "draw", "N") and predicted.shape == (4, 1000, 5)
    variance = exact.var() + 0.49
    assert abs(predicted.mean() - exact.mean()) < 4 * math.sqrt(exact.var() / 4000 + 0.49 / 20000)
    np.testing.assert_allclose(predicted.var(["chain", "draw"]), variance, rtol=4 * math.sqrt(2 / 4000))
    # Data of one draw share its mean: their covariance is the variance of the posterior.
    table = predicted.stack(sample=("chain", "draw")).to_numpy()
    shared = np.cov(table)[np.triu_indices(5, 1)].mean()
    assert shared == pytest.approx(exact.var(), rel=0.2)


def test_data_of_the_prior_have_its_mean_and_variance(normal) -> None:
    tree = normal.predict(**ALL)
    assert set(tree.children) == {"prior", "prior_predictive", "observed_data"}
    predicted = tree["prior_predictive"]["y"]
    assert predicted.shape == (1, 4000, 5)
    assert abs(predicted.mean()) < 4 * math.sqrt(4.49 / 4000)
    np.testing.assert_allclose(predicted.var(["chain", "draw"]), 4.49, rtol=4 * math.sqrt(2 / 4000))
    np.testing.assert_array_equal(tree["observed_data"]["y"], Y)


def test_counts_are_negative_binomial(known) -> None:
    model = pdflang.loads(COUNTS, data={"n": N})
    exact = stats.gamma(3 + N.sum(), scale=1 / (0.5 + EXPOSURE.sum()))
    predicted = model.predict(known("c", exact), **ALL)["posterior_predictive"]["n"].to_numpy().reshape(4000, 4)
    expected = stats.nbinom(3 + N.sum(), 1 / (1 + EXPOSURE / (0.5 + EXPOSURE.sum())))
    assert np.all(np.abs(predicted.mean(0) - expected.mean()) < 4 * expected.std() / math.sqrt(4000))
    np.testing.assert_allclose(predicted.var(0), expected.var(), rtol=0.15)


def test_events_are_counted_in_bins(known) -> None:
    model = pdflang.loads(EVENTS, data={"x": X})
    tree = model.predict(known("c", stats.gamma(400, scale=1.0)), draws=400)
    edges, counts = tree["constant_data"]["x edges"].to_numpy(), tree["posterior_predictive"]["x"]
    assert (edges[0], edges[-1]) == (0, 2) and len(edges) > 10
    assert counts.dims == ("chain", "draw", "x_bin") and counts.shape == (4, 100, len(edges) - 1)
    expected = 400 * np.diff(edges**2) / 4
    assert np.all(expected > 3)
    error = np.sqrt((expected + expected**2 / 400) / 400)
    np.testing.assert_array_less(np.abs(counts.mean(["chain", "draw"]) - expected), 4 * error)
    np.testing.assert_array_equal(tree["observed_data"]["x"], np.histogram(X, edges)[0])


LABELLED = """
index run = early, late
data ev = table("ev.csv")
const share = [0.25, 0.75]
param c ~ Gamma(400, 1)
theory rate(x in (0, 1), r in run) = share[r]*c*2*x
"""


def test_variables_of_events_are_counted_each_for_itself(known) -> None:
    events = {"x": [0.9, 0.5, 0.7], "r": ["late", "late", "early"]}
    model = pdflang.loads(f"{LABELLED}observe ev ~ PoissonProcess(rate)\n", data={"ev": events})
    tree = model.predict(known("c", stats.gamma(400)), draws=100)
    predicted, observed = tree["posterior_predictive"], tree["observed_data"]
    assert set(observed.data_vars) == set(predicted.data_vars) == {"ev.x", "ev.r"}
    assert observed["ev.r"].coords["ev.r_bin"].to_numpy().tolist() == ["early", "late"]
    assert observed["ev.r"].to_numpy().tolist() == [1, 2]
    np.testing.assert_array_equal(observed["ev.x"].sum(), 3)
    totals = predicted["ev.r"].mean(["chain", "draw"]).to_numpy()
    np.testing.assert_allclose(totals, [100, 300], atol=4 * math.sqrt((300 + 300**2 / 400) / 100))
    np.testing.assert_array_equal(predicted["ev.r"].sum("ev.r_bin"), predicted["ev.x"].sum("ev.x_bin"))
    assert [one.entries[0] for one in comparisons(tree)][1] == "ev.r in early"


def test_weighted_events_are_counted_by_weight_and_not_left_out(known) -> None:
    """The rate 200 (1 − 3x) is negative above 1/3; its integral is −100, that of its magnitude 500/3."""
    text = 'data ev = table("ev.csv")\nparam a ~ Normal(0, 0.3)\ntheory rate(x in (0, 1)) = 200*(1 + a*x)\n'
    events = {"x": [0.1, 0.5, 0.7], "w": [1.0, -1.0, -1.0]}
    model = pdflang.loads(f"{text}observe ev ~ PoissonProcess(rate, weights = ev.w)\n", data={"ev": events})
    tree = model.predict(known("a", stats.norm(-3, 1e-6)), draws=100)
    counts = tree["posterior_predictive"]["ev"]
    assert counts[..., -1].mean() < 0 < counts[..., 0].mean()
    assert float(counts.sum("ev_bin").mean()) == pytest.approx(-100, abs=4 * math.sqrt(500 / 3 / 100))
    assert float(tree["observed_data"]["ev"].sum()) == -1
    assert "log_likelihood" not in tree.children
    assert json.loads(tree.attrs["without_density"]) == {"ev": "its events are weighted"}


def test_what_is_predicted_at_a_draw_depends_on_it_alone(normal, known) -> None:
    posterior = known("mu", posterior_of_mean(Y))
    all_of_them, some = (normal.predict(posterior, draws=n, seed=7)["posterior_predictive"]["y"] for n in (4000, 40))
    assert some.sizes["draw"] == 10 and some["draw"].to_numpy().tolist() == list(range(0, 1000, 100))
    np.testing.assert_array_equal(some, all_of_them.sel(draw=some["draw"]))
    chain, draw = 2, 300
    key = jax.random.fold_in(jax.random.key(7), chain * 1000 + draw)
    data = normal.simulate(key, {"mu": posterior["posterior"]["mu"].to_numpy()[chain, draw]})
    np.testing.assert_allclose(all_of_them.sel(chain=chain, draw=draw), data["y"], rtol=1e-12)
    other = normal.predict(posterior, draws=40, seed=8)["posterior_predictive"]["y"]
    assert not np.any(other.to_numpy() == some.to_numpy())


def test_events_of_a_draw_are_those_that_simulate_draws() -> None:
    model = pdflang.loads(EVENTS + "data z\nobserve z ~ Normal(c, 1)\n", data={"x": X, "z": 30.0})
    tree = model.predict(draws=3, seed=5)
    for number in range(3):
        data = model.simulate(jax.random.fold_in(jax.random.key(5), number))
        counts = np.histogram(data["x"], tree["constant_data"]["x edges"])[0]
        np.testing.assert_array_equal(tree["prior_predictive"]["x"][0, number], counts)
        assert float(tree["prior_predictive"]["z"][0, number]) == pytest.approx(float(data["z"]), rel=1e-12)


def test_what_is_not_drawn_is_no_prediction() -> None:
    text = "data y[N]\nparam a ~ Normal(0, 1)\nobserve y[t in 1:N] ~ Normal(a*y[t - 1], 1)\n"
    tree = pdflang.loads(text, data={"y": [1.0, 2.0, 3.0]}).predict(draws=200)
    assert np.all(tree["prior_predictive"]["y"][..., 0] == 1.0)
    (found,) = comparisons(tree)
    assert found.entries == ("y[1]", "y[2]") and list(found.observed) == [2.0, 3.0]


# --- leaving one out ---------------------------------------------------------------------------------------------


def assert_left_out(tree, expected, atol: float) -> None:
    (found,) = leave_one_out(tree)
    np.testing.assert_allclose(found.elpd_i, expected, atol=atol)
    assert found.elpd == pytest.approx(np.sum(expected), abs=len(expected) ** 0.5 * atol)
    assert found.se == pytest.approx(math.sqrt(len(expected) * np.var(expected)), rel=0.2)


def test_normal_data_left_out(normal, known) -> None:
    expected = []
    for i in range(5):
        rest = posterior_of_mean(np.delete(Y, i))
        expected.append(stats.norm.logpdf(Y[i], rest.mean(), math.sqrt(rest.var() + 0.49)))
    assert_left_out(normal.predict(known("mu", posterior_of_mean(Y)), **ALL), expected, 0.03)


def test_counts_left_out(known) -> None:
    model = pdflang.loads(COUNTS, data={"n": N})
    expected = []
    for i in range(4):
        shape, rate = 3 + np.delete(N, i).sum(), 0.5 + np.delete(EXPOSURE, i).sum()
        expected.append(stats.nbinom.logpmf(N[i], shape, rate / (rate + EXPOSURE[i])))
    posterior = known("c", stats.gamma(3 + N.sum(), scale=1 / (0.5 + EXPOSURE.sum())))
    assert_left_out(model.predict(posterior, **ALL), expected, 0.05)


def test_an_entry_of_a_normal_vector_is_left_out_given_the_others(known) -> None:
    root = np.random.default_rng(2).normal(size=(5, 5))
    covariance = 0.2 * root @ root.T + 0.5 * np.eye(5)
    model = pdflang.loads(JOINT, data={"y": Y, "C": covariance})
    marginal, ones = covariance + 4.0, np.ones(5)
    expected = []
    for i in range(5):
        rest = np.delete(np.arange(5), i)
        weights = np.linalg.solve(marginal[np.ix_(rest, rest)], marginal[rest, i])
        variance = marginal[i, i] - weights @ marginal[rest, i]
        expected.append(stats.norm.logpdf(Y[i], weights @ Y[rest], math.sqrt(variance)))
    precision = ones @ np.linalg.solve(covariance, ones) + 1 / 4
    exact = stats.norm(ones @ np.linalg.solve(covariance, Y) / precision, precision**-0.5)
    tree = model.predict(known("mu", exact), **ALL)
    assert tree["log_likelihood"]["y"].shape == (4, 1000, 5)
    assert_left_out(tree, expected, 0.05)


def test_an_event_is_left_out_with_its_share_of_the_exposure(known) -> None:
    """Without it and 1/n of the integral c the posterior is Gamma(4 + n − 1, 0.1 + (n − 1)/n)."""
    model, n = pdflang.loads(EVENTS, data={"x": X}), len(X)
    shape, rate = 4 + n - 1, 0.1 + (n - 1) / n
    # ∫ c exp(−c/n) Gamma(c; shape, rate) dc
    share = math.log(shape) + shape * math.log(rate) - (shape + 1) * math.log(rate + 1 / n)
    tree = model.predict(known("c", stats.gamma(4 + n, scale=1 / 1.1)), draws=1000)
    assert_left_out(tree, np.log(X / 2) + share, 0.02)
    terms = tree["log_likelihood"]["x"].to_numpy()[1, 5]
    at = {"c": tree["posterior"]["c"].to_numpy()[1, 5]}
    assert terms.sum() == pytest.approx(sum(np.asarray(v).sum() for v in model.log_likelihood(at).values()), rel=1e-12)


def test_of_a_shape_an_event_is_left_out_with_its_normalisation(known) -> None:
    x = np.array([0.2, 0.5, 0.7, 0.9])
    model = pdflang.loads(SHAPE, data={"x": x})
    # p(a | x) ∝ a³ e^(−2a) (a + 1)⁴ exp(a Σ log x): draws by the inverse of its distribution function.
    grid = np.linspace(0, 30, 20001)

    def density(values: np.ndarray) -> np.ndarray:
        return stats.gamma.pdf(grid, 4, scale=0.5) * (grid + 1) ** len(values) * np.exp(grid * np.log(values).sum())

    cumulative = integrate.cumulative_trapezoid(density(x), grid, initial=0)
    draws = np.interp(np.random.default_rng(3).random(4000), cumulative / cumulative[-1], grid).reshape(4, 1000)
    posterior = known("a", stats.norm())
    posterior["posterior"]["a"][:] = draws
    rest = [np.trapezoid(density(np.delete(x, i)), grid) for i in range(4)]
    expected = np.log(np.trapezoid(density(x), grid) / rest)
    assert_left_out(model.predict(posterior, draws=1000), expected, 0.05)


def test_arviz_finds_the_same(normal, known) -> None:
    tree = normal.predict(known("mu", posterior_of_mean(Y)), **ALL)
    (found,) = leave_one_out(tree)
    other = arviz_stats.loo(tree, pointwise=True, reff=relative_efficiency(tree))
    np.testing.assert_allclose(found.elpd_i, other.elpd_i, rtol=1e-12)
    np.testing.assert_allclose(found.pareto_k, other.pareto_k, rtol=1e-12)
    assert (found.elpd, found.se, found.p_loo) == pytest.approx((other.elpd, other.se, other.p), rel=1e-12)
    assert found.good_k == other.good_k


def test_sample_keeps_the_same_terms() -> None:
    model = pdflang.loads(EVENTS, data={"x": X})
    draws = model.sample(chains=1, warmup=50, draws=20, log_likelihood=True)
    terms = model.predict(draws, draws=20)["log_likelihood"]["x"]
    np.testing.assert_allclose(draws["log_likelihood"]["x"], terms, rtol=1e-12)


# --- agreement ---------------------------------------------------------------------------------------------------


def test_the_p_value_of_normal_data_is_exact(normal, known) -> None:
    """χ² at a mean μ is n (ȳ − μ)²/σ² more than its smallest value."""
    exact = posterior_of_mean(Y)
    (found,) = comparisons(normal.predict(known("mu", exact), **ALL))
    check = check_prediction(found)

    def chi2(mu: float) -> float:
        return float(np.sum((Y - mu) ** 2) / 0.49)

    span = exact.mean() - 8 * exact.std(), exact.mean() + 8 * exact.std()
    p_value = integrate.quad(lambda mu: stats.chi2.sf(chi2(mu), 5) * exact.pdf(mu), *span)[0]
    assert check.p_value == pytest.approx(p_value, abs=4 * 0.1 / math.sqrt(4000))
    assert check.chi2 == pytest.approx(chi2(exact.mean()) + 5 * exact.var() / 0.49, rel=0.02)


def test_a_prior_that_cannot_be_drawn_from() -> None:
    with pytest.raises(PdflangError) as failure:
        pdflang.loads(NORMAL.replace("Normal(0, 2)", "Flat()"), data={"y": Y}).predict()
    assert failure.value.diagnostics[0].code == "E607"


def test_a_posterior_of_another_model(normal, known) -> None:
    with pytest.raises(PdflangError, match="no parameter `m`"):
        normal.predict(known("m", stats.norm()))


def test_options_that_there_are_not(normal) -> None:
    for options in ({"draw": 3}, {"draws": 1}, {"seed": -1}):
        with pytest.raises(PdflangError) as failure:
            normal.predict(**options)
        assert failure.value.diagnostics[0].code == "E620"


def test_a_model_without_observations_or_parameters() -> None:
    tree = pdflang.loads("param mu ~ Normal(0, 1)\n").predict(draws=5)
    assert list(comparisons(tree)) == [] and tree["prior"]["mu"].shape == (1, 5)
    tree = pdflang.loads("data y = 1\nobserve y ~ Normal(0, 1)").predict(draws=5)
    assert tree["prior_predictive"]["y"].shape == (1, 5)
