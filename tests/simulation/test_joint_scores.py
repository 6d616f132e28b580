"""Joint scores and ratios: against closed forms, finite differences, the densities of models, and their own means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import pdflang
from pdflang.simulator import Batch, matrix

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Numbers = NDArray[np.float64]


@cache
def example(name: str) -> pdflang.Model:
    return pdflang.load(EXAMPLES / name / "model.pdfm")


def is_zero(values: Mapping[str, Numbers], sigmas: float = 4.5) -> bool:
    """Whether the means of scores (count, …) are zero within their errors, and rounding."""
    scores = matrix(values)
    errors = scores.std(axis=0) / np.sqrt(len(scores))
    return bool(np.all(np.abs(scores.mean(axis=0)) < sigmas * errors + 1e-12))


def sds(scores: Numbers) -> Numbers:
    """What an estimate would have, were the trace known: the diagonal of the inverse of the covariance of scores."""
    return np.sqrt(np.diag(np.linalg.inv(np.cov(scores.T))))


# --- data that are no events ---------------------------------------------------------------------------------------

NORMAL = """
param mu ~ Normal(0, 2)
param sigma ~ HalfNormal(1)
data y[5] = [1, 2, 3, 4, 5]
observe y ~ Normal(mu, sigma)
"""


@pytest.mark.parametrize("at", [{"mu": 0.0, "sigma": 1.0}, {"mu": -3.0, "sigma": 0.3}, {"mu": 1e4, "sigma": 20.0}])
def test_a_normal_observation(at: dict[str, float]) -> None:
    batch = pdflang.loads(NORMAL).simulator().draw(20_000, seed=3, parameters=at)
    score, y = batch.joint_score(), batch.data["y"]
    z = (y - at["mu"]) / at["sigma"]
    np.testing.assert_allclose(score["mu"], z.sum(axis=1) / at["sigma"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(score["sigma"], (z**2 - 1).sum(axis=1) / at["sigma"], rtol=1e-8, atol=1e-8)
    assert is_zero(score)
    fisher = np.diag([5, 10]) / at["sigma"] ** 2
    np.testing.assert_allclose(np.cov(matrix(score).T), fisher, atol=0.05 * fisher.max())


CONDITIONED = {
    "recurrence": """
        data y[8]
        param phi ~ Uniform(-1, 1)
        param s ~ HalfNormal(1)
        observe y[t in 1:8] ~ Normal(phi*y[t - 1], s)
    """,
    "vector": """
        data x[6] = [0, 1, 2, 3, 4, 5]
        data y[6]
        param a ~ LogNormal(0, 0.5)
        param b ~ Normal(0, 1)
        observe y ~ MvNormal(b*x[i] for i in 6, cov = add_diag((a*exp(-(x[i] - x[j])^2) for i in 6 for j in 6), 0.3))
    """,
    "one reads another": """
        data n[4]: int
        data y[4]
        param rate ~ LogNormal(1, 0.5)
        param s ~ LogNormal(0, 0.5)
        observe n ~ Poisson(rate)
        observe y ~ Normal(n, s)
    """,
    "mixture": """
        data y[7]
        param w ~ Beta(2, 2)
        param m[2]: ordered ~ Normal(0, 2)
        observe y ~ Mixture([w, 1 - w], [Normal(m[0], 1) in (-3, 5), Normal(m[1], 0.5)])
    """,
}


@pytest.mark.parametrize("name", CONDITIONED)
def test_probabilities_of_simulated_data_are_those_of_the_model_that_is_given_them(name: str) -> None:
    text = CONDITIONED[name]
    length = int(text.split("data y[")[1][0])
    data = {"y": np.linspace(-1, 1, length), **({"n": np.arange(length)} if "data n" in text else {})}
    model = pdflang.loads(text, data=data)
    batch = model.simulator().draw(6, seed=2)
    other = model.draw_prior(99)
    found = batch.joint_log_ratio(other)
    for i in range(6):
        own = {parameter: values[i] for parameter, values in batch.parameters.items()}
        twin = model.rebind(batch.dataset(i))
        first, second = (sum(np.sum(np.asarray(v)) for v in twin.log_likelihood(p).values()) for p in (other, own))
        np.testing.assert_allclose(found[i], first - second, rtol=1e-9, atol=1e-9)
    assert_is_the_slope_of_the_ratio(batch)


def assert_is_the_slope_of_the_ratio(batch: Batch, rtol: float = 1e-5) -> None:
    """The joint score by central differences of joint ratios, in each entry of each parameter."""
    for name, score in batch.joint_score().items():
        for entry in np.ndindex(score.shape[1:]):
            sides = []
            step = 1e-5 * np.maximum(np.abs(batch.parameters[name][(slice(None), *entry)]), 0.1)
            for sign in (1, -1):
                moved = {n: values.copy() for n, values in batch.parameters.items()}
                moved[name][(slice(None), *entry)] += sign * step
                sides.append(moved)
            slope = batch.joint_log_ratio(*sides) / (2 * step)
            found = score[(slice(None), *entry)]
            np.testing.assert_allclose(found, slope, rtol=rtol, atol=1e-5 * max(1.0, np.abs(score).max()))


def test_counts_in_bins_have_the_fisher_information_of_their_model() -> None:
    model = pdflang.loads("""
        data n[12]: int
        param c ~ LogNormal(5, 1)
        param a ~ Normal(0.5, 0.5) in (-1, inf)
        param b ~ Normal(3, 1) in (-1, inf)
        nuisance s ~ LogNormal(-2, 0.2)
        pdf f(x) = c * x^a * (1 - x)^b
        detector tracker(y in (0, 1) | x) { smear y ~ Normal(x, s) }
        let mean = f |> tracker |> bins(linspace(0, 1, 13))
        observe n ~ Poisson(mean)
        output expected = mean
    """, data={"n": np.ones(12, int)})  # fmt: skip
    at = {"c": 9000.0, "a": 0.6, "b": 2.5, "s": 0.12}
    score = model.simulator().draw(8000, seed=5, parameters=at).joint_score()
    assert is_zero(score)
    with jax.enable_x64(True):
        slopes = jax.jacfwd(lambda p: model.derived(p)["expected"])({name: jnp.asarray(v) for name, v in at.items()})
        gradient = np.stack([np.asarray(slopes[name]) for name in at])
    fisher = gradient / np.asarray(model.derived(at)["expected"]) @ gradient.T
    np.testing.assert_allclose(sds(matrix(score)), np.sqrt(np.diag(np.linalg.inv(fisher))), rtol=0.06)


def test_many_parameters_have_scores_too() -> None:
    data = json.loads((EXAMPLES / "unfolding/data.json").read_text(encoding="utf-8"))
    model = pdflang.load(EXAMPLES / "unfolding/model.pdfm", data=data)
    batch = model.simulator().draw(300, seed=1, parameters=model.draw_prior(1))
    assert is_zero(batch.joint_score(), sigmas=5.5)


# --- events --------------------------------------------------------------------------------------------------------

DETECTOR = {"c": 900.0, "a": 0.5, "b": 3.0, "width": 0.05, "eff": 0.9}


@cache
def detector() -> Batch:
    return example("detector").simulator().draw(500, seed=1, parameters=DETECTOR)


@pytest.mark.parametrize("changed", [{}, {"a": -0.4, "width": 0.2}, {"b": 6.0, "c": 4000.0, "eff": 0.5}])
def test_the_mean_score_of_events_is_zero(changed: dict[str, float]) -> None:
    at = DETECTOR | changed
    batch = example("detector").simulator().draw(300, seed=7, parameters=at) if changed else detector()
    assert is_zero(batch.joint_score())


@pytest.mark.slow
def test_the_covariance_is_that_of_the_score_and_more() -> None:
    """E[t | data] is the score of the density: what a trace says more is uncorrelated with it."""
    model, batch = example("detector"), detector().part(0, 150)

    def log_likelihood(params: Any, arrays: Any) -> Any:
        return sum(jnp.sum(term) for term in model.functions.log_likelihood(params, arrays).values())

    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(log_likelihood))
        point = {name: jnp.asarray(value) for name, value in DETECTOR.items()}
        twins = (model.rebind(batch.dataset(i)) for i in range(len(batch)))
        rows = [slope(point, twin.arrays) for twin in twins]
    for name, joint in batch.joint_score().items():
        score = np.array([float(row[name]) for row in rows])
        products = (joint - score) * score
        assert abs(products.mean()) < 4 * products.std() / np.sqrt(len(products)) + 1e-9 * score.var(), name
        assert np.var(joint) > np.var(score) * (1 - 1e-9), name


def test_scores_are_finite_differences_of_ratios() -> None:
    assert_is_the_slope_of_the_ratio(detector().part(0, 40))


def test_a_ratio_has_the_mean_one_at_what_it_is_divided_by() -> None:
    ratio = np.exp(detector().joint_log_ratio(DETECTOR | {"b": 3.1, "a": 0.52, "c": 930.0}))
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))
    assert ratio.std() > 0.2


def test_events_add_up_to_data_sets() -> None:
    batch = detector()
    of_events, events = batch.event_scores("events"), batch.data["events"]
    for name, score in batch.joint_score().items():
        total = events.sums(of_events.events[name]) + (events.counts - of_events.expected) * of_events.slopes[name]
        np.testing.assert_allclose(total, score, rtol=1e-8, atol=1e-8)
    assert not any(errors.any() for errors in of_events.errors.values())
    assert abs(events.counts.mean() / of_events.expected[0] - 1) < 4 / np.sqrt(events.counts.sum())


def test_the_joint_density_of_an_event_is_what_a_hand_would_write() -> None:
    batch, other = detector(), DETECTOR | {"a": 0.7, "width": 0.06, "eff": 0.8}
    found, trace = batch.event_log_ratios("events", other, DETECTOR), batch.traces["events"]["f"]
    x, y, row = trace["x"], trace["tracker.y"], trace["row"]

    def log_intensity(p: Mapping[str, float]) -> Numbers:
        rate = p["c"] * x ** p["a"] * (1 - x) ** p["b"] * p["eff"] * (1 - 0.3 * x)
        return np.log(rate) + stats.norm.logpdf(y, x, p["width"])

    np.testing.assert_allclose(found[row], log_intensity(other) - log_intensity(DETECTOR), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(batch.data["events"].columns["y"][row], y)
    np.testing.assert_array_equal(found[batch.traces["events"]["background of tracker"]["row"]], 0.0)


@pytest.mark.slow
def test_events_of_two_variables_and_two_periods() -> None:
    model = example("events_2d")
    at = {
        "p0": 0.3, "p1": 2.5, "p2": 0.5, "p3": 3.0, "p4": 3.0, "lumi": [300.0, 600.0], "sx": [0.05, 0.045],
        "sy": [0.08, 0.09], "eff": [0.9, 0.88], "bkg": [20.0, 25.0],
    }  # fmt: skip
    batch = model.simulator().draw(200, seed=4, parameters=at)
    score = batch.joint_score()
    assert is_zero(score)
    assert_is_the_slope_of_the_ratio(batch.part(0, 5))
    # Events of a period say nothing of what is the other's.
    run = batch.data["events"].columns["r"]
    of_events = batch.event_scores("events")
    whole = of_events.events["sx"] + of_events.slopes["sx"][batch.data["events"].owner]
    np.testing.assert_allclose(whole[run == 0, 1], 0.0, atol=1e-9)
    assert np.mean(whole[run == 0, 0] != 0) > 0.2  # the rest is background


SITES = """
index kind = soft, hard
data hits = table("hits.csv")
param c[kind] ~ LogNormal(4, 0.5)
param s ~ LogNormal(-2, 0.2)
param w ~ Beta(2, 2)
theory rate(x in (0, 1), k in kind) = c[k] * (1 + x)
detector first(u, v, k | x, k) {
    efficiency 0.8 - 0.2*x
    smear (u, v) ~ MvNormal([x, 2*x], cov = [[s^2, 0.5*s^2], [0.5*s^2, s^2]])
}
detector second(y in (-1, 3), k | u, v, k) {
    draw noise ~ Normal(0, 0.1*s) in (-1, 1)
    let sum = u + v/(1 + s) + noise
    smear y ~ Mixture([w, 1 - w], [Normal(sum/2, s), Normal(sum/2, 3*s)])
}
observe hits ~ PoissonProcess(rate |> first |> second)
"""


@cache
def sites() -> pdflang.Model:
    return pdflang.loads(SITES, data={"hits": {"y": [0.5], "k": ["soft"]}})


@pytest.mark.slow
def test_every_kind_of_site_has_its_density() -> None:
    at = {"c": np.array([90.0, 60.0]), "s": 0.15, "w": 0.3}
    other = {"c": np.array([80.0, 70.0]), "s": 0.17, "w": 0.4}
    batch = sites().simulator().draw(300, seed=3, parameters=at)
    trace = batch.traces["hits"]["rate"]

    def log_intensity(p: Mapping[str, Any]) -> Numbers:
        s, x, u, v = p["s"], trace["x"], trace["first.u"], trace["first.v"]
        k, noise, y = trace["k"], trace["second.noise"], trace["second.y"]
        cov = s**2 * np.array([[1, 0.5], [0.5, 1]])
        middle = (u + v / (1 + s) + noise) / 2
        mixed = p["w"] * stats.norm.pdf(y, middle, s) + (1 - p["w"]) * stats.norm.pdf(y, middle, 3 * s)
        pair = stats.multivariate_normal([0, 0], cov).logpdf(np.stack([u - x, v - 2 * x], axis=1))
        cut = stats.truncnorm(-1 / (0.1 * s), 1 / (0.1 * s), 0, 0.1 * s).logpdf(noise)
        return np.log(p["c"][k] * (1 + x) * (0.8 - 0.2 * x)) + pair + cut + np.log(mixed)

    found = batch.event_log_ratios("hits", other, at)[trace["row"]]
    np.testing.assert_allclose(found, log_intensity(other) - log_intensity(at), rtol=1e-7, atol=1e-8)
    assert is_zero(batch.joint_score())


SMEARED = """
data y = [0.1, 0.2, 0.3]
param mu ~ Normal(0, 1)
param s ~ LogNormal(0, 0.3)
theory shape(x in (-40, 40)) = exp(-(x - mu)^2/2)
detector tracker(y in (-60, 60) | x) { smear y ~ Normal(x, s) }
observe y ~ Iid(shape |> tracker)
"""


@pytest.mark.slow
def test_the_mean_of_the_joint_score_at_given_data_is_the_score() -> None:
    at = {"mu": 0.4, "s": 1.5}
    batch = pdflang.loads(SMEARED).simulator().draw(3000, seed=2, parameters=at)
    events, y = batch.event_scores("y").events, batch.data["y"].columns["y"]
    variance = 1 + at["s"] ** 2
    score = {
        "mu": (y - at["mu"]) / variance,
        "s": at["s"] / variance * ((y - at["mu"]) ** 2 / variance - 1),
    }  # fmt: skip
    edges = np.quantile(y, np.linspace(0, 1, 9))
    for name, expected in score.items():
        rest = events[name] - expected
        for low, high in pairwise(edges):
            inside = rest[(y >= low) & (y < high)]
            assert abs(inside.mean()) < 4 * inside.std() / np.sqrt(len(inside)), (name, low, high)
        # The trace tells more than the data.
        assert rest.std() > 0.1
    assert is_zero(batch.joint_score())


def test_independent_events_are_normalised() -> None:
    batch = pdflang.loads(SMEARED).simulator().draw(1000, seed=8, parameters={"mu": 0.4, "s": 1.5}, sizes={"y": 5})
    assert set(batch.data["y"].counts) == {5}
    ratio = np.exp(batch.joint_log_ratio({"mu": 0.5, "s": 1.4}))
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))
    assert_is_the_slope_of_the_ratio(batch.part(0, 20))


# --- models without an integral of the rate ---------------------------------------------------------------------------

DRAWN = """
data hits[N]
param c ~ LogNormal(5, 0.5)
param a ~ Normal(0.5, 0.2) in (-0.5, inf)
param s ~ LogNormal(-2.5, 0.2)
pdf f(x) = c * x^a * (1 - x)^3
detector tracker(y in (0.1, 0.9) | x) {
    efficiency 1 - 0.4*x
    STEP y ~ Normal(x, s)
}
observe hits ~ OBSERVED(f |> tracker)
"""
AT = {"c": 1500.0, "a": 0.3, "s": 0.1}


def drawn(step: str, observed: str = "PoissonProcess") -> pdflang.Model:
    return pdflang.loads(DRAWN.replace("STEP", step).replace("OBSERVED", observed), data={"hits": np.full(30, 0.5)})


@pytest.mark.parametrize("observed", ["PoissonProcess", "Iid"])
def test_expected_numbers_are_estimated_where_there_is_no_integral(observed: str) -> None:
    known, unknown = drawn("smear", observed), drawn("draw", observed)
    exact, estimated = (m.simulator(yield_sets=6).draw(150, seed=5, parameters=AT) for m in (known, unknown))
    np.testing.assert_array_equal(exact.data["hits"].columns["y"], estimated.data["hits"].columns["y"])
    first, second = (batch.event_scores("hits") for batch in (exact, estimated))
    for name in AT:
        pull = (second.slopes[name] - first.slopes[name])[0] / max(second.errors[name][0], 1e-12)
        assert abs(pull) < 4, name
        assert second.errors[name][0] < 0.1 * np.std(exact.joint_score()[name])
    assert is_zero(estimated.joint_score())
    other = AT | {"a": 0.35, "s": 0.105}
    ratios = exact.joint_log_ratio(other), estimated.joint_log_ratio(other)
    # One shift, of the estimated difference, for all data sets.
    assert np.std(ratios[0] - ratios[1]) < 1e-9
    assert abs(np.mean(ratios[0] - ratios[1])) < 0.2 * np.std(ratios[0])


def test_at_parameters_of_their_own_estimates_are_unbiased() -> None:
    simulator = drawn("draw").simulator(yield_sets=2)
    batch = simulator.draw(200, seed=6)
    assert is_zero(batch.joint_score())
    assert np.all(np.isfinite(matrix(batch.joint_score())))


@pytest.mark.slow
def test_a_detector_without_a_density() -> None:
    text = (Path(__file__).resolve().parents[1] / "good/shower.pdfm").read_text(encoding="utf-8")
    model = pdflang.loads(text, data={"hits": {"y": [0.5]}})
    batch = model.simulator().draw(100, seed=1, parameters={"c": 4000.0, "a": 0.5, "b": 3.0})
    assert is_zero(batch.joint_score())
    # y is computed of what was drawn, whose density does not know it: the trace is that of true energies alone.
    trace = batch.traces["hits"]["f"]
    found = batch.event_log_ratios("hits", {"c": 4000.0, "a": 0.6, "b": 3.0})[trace["row"]]
    np.testing.assert_allclose(found, 0.1 * np.log(trace["x"]), rtol=1e-9, atol=1e-12)


# --- what has no joint score ---------------------------------------------------------------------------------------

CHAIN = """
data hits = [0.5]
param c ~ LogNormal(5, 0.5)
nuisance e ~ Normal(0.5, 0.1) in (0, 1)
pdf f(x) = RATE
detector tracker(y in (0, 1) | x) { STEPS }
observe hits ~ PoissonProcess(f |> tracker)
"""
REFUSED = {
    "c*(1 - x)|draw z ~ Normal(x, 0.1) let y = z + 0.1*e": "`y` of `tracker` is computed from parameters",
    "c*(1 - x)|let z = x*e draw y ~ Uniform(0, z)": "the support of Uniform moves",
    "c*(if x < e then 1 else 0.5)|smear y ~ Normal(x, 0.1)": "the rate of f may jump",
    "c*(1 - x)|efficiency step(x - e) smear y ~ Normal(x, 0.1)": "the efficiency of `tracker` may jump",
    "c*(1 - x)|draw y ~ Mixture([0.5, 0.5], [Uniform(0, e), Uniform(0, 1)])": "the support of Uniform moves",
}
ALLOWED = [
    "c*(1 - x)|draw z ~ Normal(x, 0.1) let y = z + 0.1",
    "c*(1 - x)|let z = x*e draw y ~ Normal(z, 0.1)",
    "c*(1 - x)|draw y ~ Uniform(x, x + 0.1)",
    "c*(if x < 0.5 then e else 0.5)|smear y ~ Normal(x, 0.1)",
    "c*max(x - e, 0)|efficiency min(x, e) smear y ~ Normal(x, 0.1)",
    "c*(1 - x)|smear y ~ Normal(if x < e then x else e, 0.1)",
]  # fmt: skip


def chain(case: str) -> pdflang.Model:
    rate, steps = case.split("|")
    return pdflang.loads(CHAIN.replace("RATE", rate).replace("STEPS", steps))


@pytest.mark.parametrize("case", REFUSED)
def test_what_moves_with_the_parameters_is_refused(case: str) -> None:
    batch = chain(case).simulator().draw(2, parameters={"c": 100.0, "e": 0.5})
    for call in (batch.joint_score, lambda: batch.joint_log_ratio({"c": 110.0, "e": 0.5})):
        with pytest.raises(pdflang.PdflangError) as caught:
            call()
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "E617" and REFUSED[case] in diagnostic.message and diagnostic.span is not None


@pytest.mark.parametrize("case", ALLOWED)
def test_what_does_not_move_is_not(case: str) -> None:
    batch = chain(case).simulator().draw(150, seed=1, parameters={"c": 300.0, "e": 0.5})
    assert is_zero(batch.joint_score())


@pytest.mark.parametrize(
    "text",
    [
        "param t ~ LogNormal(0, 1)\ndata y[3] = [1, 2, 3]\nobserve y ~ Uniform(0, t)",
        "param t ~ LogNormal(0, 1)\ndata y[3] = [1, 2, 3]\nobserve y ~ Normal(0, 1) in (-t, inf)",
    ],
)
def test_data_whose_support_moves_are_refused(text: str) -> None:
    with pytest.raises(pdflang.PdflangError, match=r"E617.*the support of \w+ moves with the parameters"):
        pdflang.loads(text).simulator().draw(3).joint_score()


def test_a_registered_simulator_has_no_score() -> None:
    pdflang.register("Leaking", lambda generator, x: x * generator.beta(20, 2, x.shape), ["x"])
    try:
        batch = chain("c*(1 - x)|draw y ~ Leaking(x)").simulator().draw(3, parameters={"c": 100.0, "e": 0.5})
        with pytest.raises(pdflang.PdflangError, match=r"E617.*`Leaking` is a simulator that was registered"):
            batch.joint_score()
    finally:
        pdflang.unregister("Leaking")


def test_an_opaque_function_of_places_alone_does_no_harm() -> None:
    pdflang.register("falling", lambda x: np.exp(-x), ["x"], kind="function", values=(0, 1))
    try:
        assert is_zero(chain("c*falling(x)|smear y ~ Normal(x, 0.1*e)").simulator().draw(
            100, parameters={"c": 100.0, "e": 0.5}
        ).joint_score())  # fmt: skip
        with pytest.raises(pdflang.PdflangError, match=r"E612"):
            chain("c*falling(x*e)|smear y ~ Normal(x, 0.1)").simulator().draw(2).joint_score()
    finally:
        pdflang.unregister("falling")


def test_weighted_events_have_no_score() -> None:
    model = pdflang.loads(
        "param a ~ LogNormal(0, 0.1)\ndata hits = table('h.csv')\ntheory r(x in (0, 1)) = 50*a*(x - 0.2)\n"
        "observe hits ~ PoissonProcess(r, weights = hits.w)".replace("'", '"'),
        data={"hits": {"x": [0.5], "w": [1.0]}},
    )
    batch = model.simulator().draw(4)
    assert set(np.unique(batch.data["hits"].weights)) == {-1.0, 1.0}
    with pytest.raises(pdflang.PdflangError, match="E614"):
        batch.joint_score()


def test_in_a_host_of_64_bits_and_of_32() -> None:
    first = detector().part(0, 5).joint_score()
    with jax.enable_x64(True):
        second = detector().part(0, 5).joint_score()
    for name, values in first.items():
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, second[name])
