"""Simulated events through detectors: against convolutions by SciPy, and against the density's own predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from poisson_counts import compatible
from scipy import integrate, stats

import pdflang

Numbers = NDArray[np.float64]

TRACKER = """
data hits = table("hits.csv")
param c ~ LogNormal(10, 0.1)
param a ~ Normal(0.5, 0.5) in (-1, inf)
nuisance s ~ LogNormal(-3, 0.1)
pdf f(x) = c * x^a * (1 - x)^3
detector tracker(y in (0.1, 0.9) | x) {
    efficiency 0.9 * (1 - 0.5*x)
    smear y ~ Normal(x, s * (1 + x))
    background 900 * exp(-3*y)
}
observe hits ~ PoissonProcess(f |> tracker)
const edges = linspace(0.1, 0.9, 17)
let measured = f |> tracker |> bins(edges)
output binned = measured
output lost = integral(f(x) for x in (0, 1)) + 900 * integral(exp(-3*y) for y in (0.1, 0.9)) - sum(measured)
"""
PARAMS = {"c": 30_000.0, "a": -0.5, "s": 0.1}


@cache
def tracker() -> pdflang.embedding.Model:
    return pdflang.loads(TRACKER, data={"hits": {"y": [0.5]}})


def follows(found: Numbers, rate: Callable[[Numbers], Numbers], lower: float, upper: float) -> bool:
    """Number of events, and Kolmogorov and Smirnov's test of their places, for a rate of measured events."""
    grid = np.linspace(lower, upper, 1201)
    cumulative = integrate.cumulative_simpson(rate(grid), x=grid, initial=0)
    assert compatible(len(found), float(cumulative[-1])), (len(found), cumulative[-1])
    return bool(stats.kstest(found, lambda y: np.interp(y, grid, cumulative / cumulative[-1])).pvalue > 1e-3)


def smeared(rate: Callable[[Numbers], Numbers], kernel: Callable[..., Numbers]) -> Callable[[Numbers], Numbers]:
    """∫ rate(x) kernel(y, x) dx over (0, 1), by a fine rule in x = u⁴ that takes powers above −3/4 at 0."""
    u = (np.arange(3000) + 0.5) / 3000
    x, weight = u**4, 4 * u**3 / 3000
    return lambda y: kernel(y[:, None], x) @ (rate(x) * weight)


# --- one variable ------------------------------------------------------------------------------------------------


def test_events_follow_the_convolution() -> None:
    kept = lambda x: 30_000 * x**-0.5 * (1 - x) ** 3 * 0.9 * (1 - 0.5 * x)  # noqa: E731
    signal = smeared(kept, lambda y, x: stats.norm.pdf(y, x, 0.1 * (1 + x)))
    hits = tracker().simulate(3, PARAMS)["hits"]["y"]
    assert follows(hits, lambda y: signal(y) + 900 * np.exp(-3 * y), 0.1, 0.9)


def test_events_in_bins_are_what_the_density_expects() -> None:
    derived = tracker().derived(PARAMS)
    hits, traces = tracker().simulate(4, PARAMS, traces=True)
    found, _ = np.histogram(hits["hits"]["y"], np.linspace(0.1, 0.9, 17))
    expected = np.asarray(derived["binned"])
    assert 1e-3 < stats.chi2.cdf(np.sum((found - expected) ** 2 / expected), len(expected)) < 1 - 1e-3
    lost = sum(int(np.sum(stream["row"] < 0)) for stream in traces["hits"].values())
    assert compatible(lost, float(derived["lost"]))


def test_traces_are_what_happened() -> None:
    data, traces = tracker().simulate(5, PARAMS, traces=True)
    signal, background = traces["hits"]["f"], traces["hits"]["background of tracker"]
    measured = data["hits"]["y"]
    kept = signal["row"] >= 0
    assert np.array_equal(kept, signal["tracker detected"] & signal["tracker inside"])
    assert np.array_equal(signal["tracker inside"], (signal["tracker.y"] > 0.1) & (signal["tracker.y"] < 0.9))
    assert np.array_equal(measured[signal["row"][kept]], signal["tracker.y"][kept])
    assert np.array_equal(measured[background["row"]], background["y"])
    assert sorted([*signal["row"][kept], *background["row"]]) == list(range(len(measured)))
    pull = (signal["tracker.y"] - signal["x"]) / (0.1 * (1 + signal["x"]))
    assert stats.kstest(pull, stats.norm.cdf).pvalue > 1e-3
    expected = np.sum(0.9 * (1 - 0.5 * signal["x"]))
    assert abs(np.sum(signal["tracker detected"]) - expected) < 4 * np.sqrt(expected)
    # Streams are shuffled: the rows of the background are spread evenly.
    assert stats.kstest(background["row"] / len(measured), stats.uniform.cdf).pvalue > 1e-3


class ScoredEvent:
    """What generated code calls `event`, given the trace: it adds up the log-probability of what happened."""

    def __init__(self, sites: dict[str, Any]) -> None:
        self._sites, self.log_probability = sites, jnp.zeros(())

    def detect(self, stage: str, efficiency: Any) -> None:
        self.log_probability += jnp.log(jnp.where(self._sites[f"{stage} detected"], efficiency, 1 - efficiency))

    def draw(self, site: str, distribution: Any, *arguments: Any) -> Any:
        self.log_probability += distribution.log_prob(self._sites[site], *arguments)
        return self._sites[site]

    def confine(self, stage: str, inside: Any) -> None:
        self.inside = inside


def test_the_same_code_gives_the_probability_of_a_trace() -> None:
    signal = tracker().simulate(9, PARAMS, traces=True)[1]["hits"]["f"]
    detect = tracker().functions.module.detect_hits_1

    def score(s: jax.Array, sites: dict[str, Any]) -> jax.Array:
        event = ScoredEvent(sites)
        detect(event, sites["x"], {"s": s}, {})
        return event.log_probability

    with jax.enable_x64(True):
        both = jax.vmap(jax.value_and_grad(score), (None, 0))(jnp.asarray(0.1), dict(signal))
        values, slopes = map(np.asarray, both)
    kept = 0.9 * (1 - 0.5 * signal["x"])
    expected = np.log(np.where(signal["tracker detected"], kept, 1 - kept))
    expected += stats.norm.logpdf(signal["tracker.y"], signal["x"], 0.1 * (1 + signal["x"]))
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    # The expected score is zero: traces are drawn from what they are scored by.
    assert abs(slopes.mean()) < 4 * slopes.std() / np.sqrt(len(slopes))


def test_a_seed_gives_the_same_events_with_traces_and_without() -> None:
    one, other, third = (tracker().simulate(seed, PARAMS)["hits"]["y"] for seed in (6, 6, 7))
    traced = tracker().simulate(6, PARAMS, traces=True)[0]["hits"]["y"]
    assert np.array_equal(one, other) and np.array_equal(one, traced)
    assert not np.array_equal(one[:20], third[:20])


def model(text: str, **data: Any) -> pdflang.embedding.Model:
    return pdflang.loads(text, data=data or {"hits": {"y": [0.5]}})


def test_two_detectors_and_a_trigger_in_turn() -> None:
    found = model("""
data hits = table("hits.csv")
param c ~ LogNormal(10, 0.1)
theory f(x in (0, 1)) = c * x
detector trigger(x | x) { efficiency 0.8 }
detector magnet(y in (0, 1) | x) { smear y ~ Normal(x, 0.1)
                                   background 1000 }
detector tracker(y in (0.2, 2) | x) { efficiency 1 - 0.5*x
                                      smear y ~ LogNormal(log(x), 0.3) }
observe hits ~ PoissonProcess(f |> trigger |> magnet |> tracker)
""").simulate(1, {"c": 15_000.0})["hits"]["y"]
    inner = smeared(lambda x: 0.8 * 15_000 * x, lambda y, x: stats.norm.pdf(y, x, 0.1))
    outer = smeared(lambda x: (inner(x) + 1000) * (1 - 0.5 * x), lambda y, x: stats.lognorm.pdf(y, 0.3, scale=x))
    assert follows(found, outer, 0.2, 2)


@pytest.mark.parametrize(
    ("kernel", "density"),
    [
        ("Normal(x, 0.2) in (0, 1)", lambda y, x: stats.truncnorm.pdf(y, -x / 0.2, (1 - x) / 0.2, x, 0.2)),
        (
            "Mixture([0.8, 0.2], [Normal(x, 0.05), Cauchy(x, 0.2)])",
            lambda y, x: 0.8 * stats.norm.pdf(y, x, 0.05) + 0.2 * stats.cauchy.pdf(y, x, 0.2),
        ),
        ("Beta(1 + 4*x, 2)", lambda y, x: stats.beta.pdf(y, 1 + 4 * x, 2)),
        ("Gamma(5, 5/(x + 0.1))", lambda y, x: stats.gamma.pdf(y, 5, scale=(x + 0.1) / 5)),
    ],
)
def test_kernels(kernel: str, density: Callable[..., Numbers]) -> None:
    found = model(f"""
data hits = table("hits.csv")
param c ~ LogNormal(9, 0.1)
theory f(x in (0, 1)) = c * x * (1 - x)
detector d(y in (0, 1) | x) {{ smear y ~ {kernel} }}
observe hits ~ PoissonProcess(f |> d)
""").simulate(2, {"c": 60_000.0})["hits"]["y"]
    assert follows(found, smeared(lambda x: 60_000 * x * (1 - x), density), 0, 1)


def test_a_kernel_without_a_density_draws_and_computes() -> None:
    shower = model("""
data hits = table("hits.csv")
param c ~ LogNormal(9, 0.1)
theory f(x in (0, 1)) = c
detector calorimeter(y in (0, inf) | x) {
    efficiency x
    draw layers ~ Poisson(20)
    draw leak ~ Beta(2, 20)
    let kept = 1 - leak
    let y = x * kept^(layers / 20)
}
observe hits ~ PoissonProcess(f |> calorimeter)
""")
    data, traces = shower.simulate(1, {"c": 20_000.0}, traces=True)
    sites, y = traces["hits"]["f"], data["hits"]["y"]
    assert list(sites) == [
        "x", "calorimeter detected", "calorimeter.layers", "calorimeter.leak", "calorimeter.kept", "calorimeter.y",
        "calorimeter inside", "row",
    ]  # fmt: skip
    assert compatible(len(y), 10_000)
    assert sites["calorimeter.layers"].dtype.kind == "i"
    np.testing.assert_allclose(
        sites["calorimeter.y"], sites["x"] * (1 - sites["calorimeter.leak"]) ** (sites["calorimeter.layers"] / 20)
    )
    # E[x | kept] = 2/3, and E[(1 − leak)^(n/20)] = E[exp(20 ((1 − leak)^(1/20) − 1))] over the leak.
    shrunk, _ = integrate.quad(lambda v: stats.beta.pdf(v, 2, 20) * np.exp(20 * ((1 - v) ** 0.05 - 1)), 0, 1)
    assert abs(y.mean() - 2 / 3 * shrunk) < 4 * y.std() / np.sqrt(len(y))


def _of_layers(y: Numbers, x: Numbers) -> Numbers:
    layers = np.arange(30)
    widths = 0.1 / np.sqrt(layers + 1)
    return np.sum([p * stats.norm.pdf(y, x, w) for p, w in zip(stats.poisson.pmf(layers, 5), widths, strict=True)], 0)


STEPS = {
    "computed": ("let w = 0.02 + 0.1*x smear y ~ Normal(x, w)", lambda y, x: stats.norm.pdf(y, x, 0.02 + 0.1 * x)),
    "drawn": (
        "draw w ~ Gamma(8, 100) draw y ~ Laplace(x, w)",
        # A Laplace law whose scale has a Gamma law, by the nodes of a rule in the probability of the scale.
        lambda y, x: np.mean(
            [stats.laplace.pdf(y, x, w) for w in stats.gamma.ppf((np.arange(40) + 0.5) / 40, 8, scale=0.01)], axis=0
        ),
    ),
    "computed from what was drawn": ("draw n ~ Poisson(5) let w = 0.1/sqrt(n + 1) draw y ~ Normal(x, w)", _of_layers),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_resolution_that_a_step_makes(name: str) -> None:
    steps, kernel = STEPS[name]
    seen = model(f"""
data hits = table("hits.csv")
param c ~ LogNormal(10, 0.1)
theory f(x in (0, 1)) = c * x * (1 - x)
detector d(y in (0, 1) | x) {{ {steps} }}
observe hits ~ PoissonProcess(f |> d)
""")
    found = seen.simulate(2, {"c": 30_000.0})["hits"]["y"]
    assert follows(found, smeared(lambda x: 30_000 * x * (1 - x), kernel), 0, 1)


def test_a_narrowed_region_cuts_signal_and_background() -> None:
    text = TRACKER.replace("f |> tracker)", "f |> tracker, over = (0.3, 0.6))")
    kept = lambda x: 30_000 * x**-0.5 * (1 - x) ** 3 * 0.9 * (1 - 0.5 * x)  # noqa: E731
    signal = smeared(kept, lambda y, x: stats.norm.pdf(y, x, 0.1 * (1 + x)))
    hits = model(text).simulate(3, PARAMS)["hits"]["y"]
    assert follows(hits, lambda y: signal(y) + 900 * np.exp(-3 * y), 0.3, 0.6)


def test_a_sample_of_a_given_size_is_of_what_is_measured() -> None:
    hits = model(TRACKER.replace("PoissonProcess", "Iid")).simulate(8, PARAMS, sizes={"hits": 4000})["hits"]["y"]
    expected = np.asarray(tracker().derived(PARAMS)["binned"])
    found, _ = np.histogram(hits, np.linspace(0.1, 0.9, 17))
    assert found.sum() == len(hits) == 4000
    assert stats.chisquare(found, 4000 * expected / expected.sum()).pvalue > 1e-3


# --- several variables -------------------------------------------------------------------------------------------


EVENTS = """
index run = early, late
data events = table("events.csv")
param p ~ Normal(1, 0.1)
nuisance lumi[run] ~ LogNormal(8, 0.1)
nuisance eff[run] ~ Beta(90, 10)
theory rate(x in (0, 1), y in (0, 1), r in run) = lumi[r] * x^p * (1 + y)
const V = [[0.01, 0.006], [0.006, 0.0064]]
detector tracker(u in (0, 1), v in (-inf, inf), r in run | x, y, r) {
    efficiency eff[r] * (1 - 0.3*x)
    smear (u, v) ~ MvNormal([x, y], cov = V)
    draw nothing ~ Normal(0, 1)    # no density is wanted here
}
"""


def events() -> tuple[dict[str, Any], dict[str, Any]]:
    columns = {"u": [0.5], "v": [0.5], "r": ["late"]}
    compiled = model(f"{EVENTS}observe events ~ PoissonProcess(rate |> tracker)\n", events=columns)
    data, traces = compiled.simulate(1, {"p": 1.0, "lumi": [4000, 8000], "eff": [0.5, 0.9]}, traces=True)
    return data["events"], traces["events"]


def test_a_joint_smear_in_two_variables_and_two_runs() -> None:
    data, traces = events()
    sites = traces["rate"]
    # ∫∫ x (1 + y) (1 − 0.3 x) = (1/2 − 0.1) 3/2 before anything is lost at the ends of u.
    for run, lumi, efficiency in (("early", 4000, 0.5), ("late", 8000, 0.9)):
        here = sites["r"] == run
        assert compatible(int(here.sum()), lumi * 0.75)
        assert compatible(int(np.sum(sites["tracker detected"] & here)), lumi * efficiency * 0.4 * 1.5)
    assert data["r"].dtype.kind == "U" and set(data["r"]) == {"early", "late"}
    residual = np.array([sites["tracker.u"] - sites["x"], sites["tracker.v"] - sites["y"]])
    found, expected = np.cov(residual), np.array([[0.01, 0.006], [0.006, 0.0064]])
    spread = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / len(sites["x"]))
    assert np.all(np.abs(found - expected) < 4 * spread)
    marginal = smeared(lambda x: 1.5 * 9200 * x * (1 - 0.3 * x), lambda u, x: stats.norm.pdf(u, x, 0.1))
    assert follows(data["u"], marginal, 0, 1)
    # What is lost at the ends of u takes v along, which is correlated with it.
    grid = np.linspace(-0.5, 1.5, 401)
    slope, rest = 0.006 / 0.0064, np.sqrt(0.01 - 0.006**2 / 0.0064)

    def of_v(v: Numbers) -> Numbers:
        x, y = (np.arange(120) + 0.5)[:, None, None] / 120, (np.arange(120) + 0.5)[:, None] / 120
        mean = x + slope * (v - y)
        inside = stats.norm.cdf((1 - mean) / rest) - stats.norm.cdf(-mean / rest)
        return np.mean(9200 * x * (1 - 0.3 * x) * (1 + y) * inside * stats.norm.pdf(v, y, 0.08), axis=(0, 1))

    cumulative = integrate.cumulative_simpson(of_v(grid), x=grid, initial=0)
    assert stats.kstest(data["v"], lambda v: np.interp(v, grid, cumulative / cumulative[-1])).pvalue > 1e-3


# --- weights -----------------------------------------------------------------------------------------------------

SIGNED = """
data events = table("events.csv")
param a ~ Normal(-1, 0.1)
theory rate(x in (0, 1)) = 8000 * (x - a)
observe events ~ PoissonProcess(rate, weights = events.w)
"""


def test_negative_rates_give_negative_weights() -> None:
    drawn = model(SIGNED, events={"x": [0.5], "w": [1]}).simulate(1, {"a": 0.25})["events"]
    assert set(drawn) == {"x", "w"}
    assert np.array_equal(drawn["w"], np.where(drawn["x"] < 0.25, -1.0, 1.0))
    assert compatible(int(np.sum(drawn["w"] < 0)), 250) and compatible(int(np.sum(drawn["w"] > 0)), 2250)


def test_a_prior_may_allow_negative_rates_of_weighted_events() -> None:
    text = SIGNED.replace("Normal(-1, 0.1)", "Uniform(0.2, 0.4)")
    drawn = model(text, events={"x": [0.5], "w": [1]}).simulate(1, {"a": 0.25})["events"]
    assert np.array_equal(drawn["w"], np.where(drawn["x"] < 0.25, -1.0, 1.0))
    assert compatible(int(np.sum(drawn["w"] < 0)), 250) and compatible(int(np.sum(drawn["w"] > 0)), 2250)


def test_weights_may_be_a_datum_of_their_own() -> None:
    text = SIGNED.replace('events = table("events.csv")\n', 'events[event]\ndata w[event]\n').replace("events.w", "w")
    drawn = model(text, events=[0.5], w=[1]).simulate(1, {"a": -1.0})
    assert list(drawn) == ["events", "w"] and len(drawn["w"]) == len(drawn["events"]) and np.all(drawn["w"] == 1)


def test_computed_weights_cannot_be_drawn() -> None:
    compiled = model(SIGNED.replace("events.w", "2 * events.w"), events={"x": [0.5], "w": [1]})
    with pytest.raises(pdflang.PdflangError, match="the weights of `events` are computed"):
        compiled.simulate(1, {"a": 0.25})


def test_a_rate_that_is_negative_is_told_with_its_place() -> None:
    text = SIGNED.replace(", weights = events.w", "")
    with pytest.raises(pdflang.PdflangError, match=r"the rate of rate is negative, -\d+, at x = ") as caught:
        model(text, events={"x": [0.5]}).simulate(1, {"a": 0.25})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E613" and diagnostic.span is not None


def test_an_opaque_simulator_sees_each_true_event_once() -> None:
    seen: list[Numbers] = []

    def shower(generator: np.random.Generator, x: Numbers) -> Numbers:
        seen.append(np.array(x))
        return generator.normal(x, 0.01)

    pdflang.register("Costly", shower, ["x"])
    try:
        compiled = model("""
data hits = table("hits.csv")
param c ~ LogNormal(5, 0.1)
theory f(x in (0, 1)) = c
detector d(y in (0, 1) | x) { draw y ~ Costly(x) }
observe hits ~ PoissonProcess(f |> d)
""")
        seen.clear()
        _, traces = compiled.simulate(1, {"c": 200.0}, traces=True)
    finally:
        pdflang.unregister("Costly")
    (called,) = seen
    assert np.array_equal(called, traces["hits"]["f"]["x"])
