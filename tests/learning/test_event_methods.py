"""What is learned of single events: against the density of the model, quadrature, and closed forms."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import pdflang
from pdflang import PdflangError
from pdflang.inference.options import options_of
from pdflang.learning.event_sample import EventSample, simulated_events
from pdflang.learning.layout import layout_of
from pdflang.learning.options import AliceOptions
from pdflang.learning.points import Points

TEXT = """
data hits = table("hits.csv")
param n ~ LogNormal(5, 0.4)
param b ~ Normal(2, 0.7) in (0, inf)
theory rate(x in (0, 1)) = n * (b + 1) * (1 - x)^b
detector blur(y in (-1, 2) | x) { smear y ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(rate |> blur)
"""
IID = TEXT.replace("PoissonProcess", "Iid").replace("n ~ LogNormal(5, 0.4)", "n ~ LogNormal(0, 0.1)")
TRUTH = {"n": 180.0, "b": 2.4}
OTHER = {"n": 140.0, "b": 1.9}
SMALL: dict[str, Any] = {"simulations": 60, "events": 128, "width": 24, "epochs": 40, "seed": 1}
OWN: dict[str, dict[str, Any]] = {
    "carl": {"simulations": 400},
    "alice": {},
    "rolr": {"simulations": 240},
    "rascal": {"simulations": 240},
    "sally": {"rounds": 2, "simulations": 120},
    "scandal": {"layers": 1},
}
SLOW = ["carl", "rolr", "rascal", "scandal"]
"""Like the others, which are enough to see that nothing is broken."""


@cache
def model(text: str = TEXT) -> pdflang.Model:
    """A model with data drawn at the truth."""
    empty = pdflang.loads(text, data={"hits": {"y": np.linspace(0.1, 0.6, 150)}})
    return empty.rebind(empty.simulator().draw(1, seed=4, parameters=TRUTH).dataset(0))


@cache
def trained(method: str, text: str = TEXT) -> Any:
    return model(text).train(method=method, **SMALL | OWN[method])


@cache
def exact(text: str = TEXT) -> Any:
    return model(text).sample(seed=1, draws=1000)


def moments(tree: Any, name: str) -> tuple[float, float]:
    draws = np.asarray(tree["posterior"][name])
    return float(draws.mean()), float(draws.std())


def densities(y: NDArray[np.float64], b: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """p(y | b) and its derivative in b by Gauss and Legendre."""
    x, w = np.polynomial.legendre.leggauss(2000)
    x, w = (x + 1) / 2, w / 2
    kernel = stats.norm.pdf(y[:, None], x, 0.1) * w
    f = (b + 1) * (1 - x) ** b
    return kernel @ f, kernel @ (f * (1 / (b + 1) + np.log(1 - x)))


@pytest.mark.parametrize("method", [pytest.param(m, marks=[pytest.mark.slow] * (m in SLOW)) for m in OWN])
def test_the_posterior_is_the_exact_one(method: str) -> None:
    tree = trained(method).sample(seed=2, draws=1000)
    for name in TRUTH:
        (mean, sd), (known_mean, known_sd) = moments(tree, name), moments(exact(), name)
        assert abs(mean - known_mean) < 0.35 * known_sd, (name, mean, known_mean, known_sd)
        assert abs(np.log(sd / known_sd)) < 0.15, (name, sd, known_sd)
    assert tree.attrs["learned_by"] == method


@pytest.mark.parametrize("method", ["alice", pytest.param("scandal", marks=pytest.mark.slow)])
def test_independent_events_tell_nothing_of_their_number(method: str) -> None:
    tree = trained(method, IID).sample(seed=2, draws=1000)
    (mean, sd), (known_mean, known_sd) = moments(tree, "b"), moments(exact(IID), "b")
    assert abs(mean - known_mean) < 0.35 * known_sd and abs(np.log(sd / known_sd)) < 0.15
    n = np.asarray(tree["posterior"]["n"]).ravel()
    assert stats.kstest(n[::10], stats.lognorm(0.1).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("method", "largest"),
    [
        ("alice", 0.02),
        pytest.param("rascal", 0.03, marks=pytest.mark.slow),
        pytest.param("scandal", 0.03, marks=pytest.mark.slow),
        ("carl", 0.1),
    ],
)
def test_ratios_of_events_are_those_of_densities(method: str, largest: float) -> None:
    y = np.linspace(-0.1, 0.8, 50)
    found = trained(method).event_log_ratios("hits", {"y": y}, TRUTH, OTHER)
    known = np.log(densities(y, TRUTH["b"])[0] / densities(y, OTHER["b"])[0])
    assert np.sqrt(np.mean((found - known) ** 2)) < largest, np.abs(found - known).max()


@pytest.mark.slow
def test_two_points_and_the_classifier_beside_them() -> None:
    """Between two points the joint ratio teaches far better than labels do, from the same events."""
    two = {name: np.array([TRUTH[name], OTHER[name]]) for name in TRUTH}
    y = model().simulator().draw(30, seed=9, parameters=TRUTH).data["hits"].columns["y"]
    known = np.log(densities(y, TRUTH["b"])[0] / densities(y, OTHER["b"])[0])
    errors = {}
    for method in ("alice", "carl"):
        learned = model().train(method=method, parameters=two, simulations=20, events=128, batch=8, epochs=60, seed=1)
        found = learned.event_log_ratios("hits", {"y": y}, TRUTH, OTHER)
        errors[method] = np.mean((found - known) ** 2)
    assert 5 * errors["alice"] < errors["carl"] and errors["alice"] < 3e-4, errors


@pytest.mark.slow
def test_a_classifier_is_calibrated_between_two_points() -> None:
    """One that was trained too short is as good as it can be when its output is taken for no more than a statistic."""
    learned = model().train(method="carl", simulations=400, events=64, width=24, epochs=1, seed=1)
    y = model().simulator().draw(30, seed=9, parameters=TRUTH).data["hits"].columns["y"]
    known = np.log(densities(y, TRUTH["b"])[0] / densities(y, OTHER["b"])[0])
    ratio = learned.between("hits", TRUTH, OTHER, events=40_000, seed=3)
    raw = learned.event_log_ratios("hits", {"y": y}, TRUTH, OTHER)
    before, after = (np.mean((found - known) ** 2) for found in (raw, ratio.log_ratios({"y": y})))
    assert after < before / 3, (before, after)
    # What it says of events at the other point is the mean of what they are there.
    there = ratio.log_ratios({"y": model().simulator().draw(200, seed=10, parameters=OTHER).data["hits"].columns["y"]})
    assert np.exp(there).mean() == pytest.approx(1.0, abs=4 * np.exp(there).std() / np.sqrt(len(there)) + 0.01)


def test_scores_are_those_of_the_density() -> None:
    learned = model().train(
        method="sally", parameters=TRUTH, rounds=1, simulations=30, events=256, epochs=60, width=24, seed=1
    )
    y = model().simulator().draw(30, seed=9, parameters=TRUTH).data["hits"].columns["y"]
    scores = learned.event_scores("hits", {"y": y})
    density, slope = densities(y, TRUTH["b"])
    known = slope / density
    assert 1 - np.mean((scores["b"] - known) ** 2) / known.var() > 0.998
    assert np.abs(scores["n"]).max() < 0.1 / TRUTH["n"]  # a normalised density does not depend on n


@pytest.mark.slow
def test_any_number_of_events_is_read() -> None:
    """The likelihood of many events is the sum of those of its parts: sums are taken once."""
    learned = trained("alice")
    rng = np.random.default_rng(0)
    parts = [rng.uniform(0, 0.8, 5000), rng.uniform(0, 0.4, 20)]

    def changes(y: NDArray[np.float64]) -> float:
        at = {"hits": {"y": y}}
        return float(learned.log_ratio(TRUTH, at)) - float(learned.log_ratio(OTHER, at))

    together = changes(np.concatenate(parts))
    expected = changes(np.zeros(0))  # −ν(θ) alone
    assert together == pytest.approx(changes(parts[0]) + changes(parts[1]) - expected, rel=1e-9)


def test_what_was_simulated_is_the_same_from_a_file(tmp_path: Path) -> None:
    """So that an interrupted training goes on with it."""
    options = options_of(AliceOptions, {"events": 32, "contrasts": 2, "references": 3})
    made = simulated_events(model(), layout_of(model()), options, "ratios and scores", Points(model()), 5, 10)
    assert made is not None
    np.savez(tmp_path / "sample.npz", **made.arrays())  # type: ignore[arg-type]
    with np.load(tmp_path / "sample.npz") as file:
        read = EventSample.of_arrays(file)
    assert set(made.groups) == {"z", "hits rows", "hits weight", "hits log ratio", "hits score"}
    for name, values in made.groups.items():
        np.testing.assert_array_equal(read.groups[name], values)
    np.testing.assert_array_equal(read.yields["hits"], made.yields["hits"])
    assert (len(read), read.sets) == (10 * 2, 10) and read.reference.shape == (3, 2)
    assert read.groups["hits weight"].sum() == pytest.approx(made.yields["hits"][0] @ made.yields["hits"][1])


def test_the_draws_of_a_run_stand_for_the_prior() -> None:
    learned = model().train(method="alice", parameters=exact(), **SMALL | {"simulations": 120})
    tree = learned.sample(seed=2, draws=1000)
    for name in TRUTH:
        (mean, sd), (known_mean, known_sd) = moments(tree, name), moments(exact(), name)
        assert abs(mean - known_mean) < 0.35 * known_sd and abs(np.log(sd / known_sd)) < 0.15


def test_it_is_the_same_by_seed_and_from_a_folder(tmp_path: Path) -> None:
    again = model().train(method="alice", **SMALL)
    assert again.learned.record() == trained("alice").learned.record()
    again.save(tmp_path / "folder")
    read = pdflang.load_trained(tmp_path / "folder", data={"hits": {"y": [0.1, 0.2]}})
    assert read.learned.parts == again.learned.parts
    at = {"hits": {"y": [0.3, 0.1]}}
    assert float(read.log_density(TRUTH, at)) == float(again.log_density(TRUTH, at))


@pytest.mark.slow
def test_a_simulator_without_a_density() -> None:
    """Where only the detector can be run, the posterior contains the truth, and is narrower than the prior."""
    leaky = "{\n    draw leak ~ Beta(2, 20)\n    draw y ~ Normal(x * (1 - leak), 0.1)\n}"
    text = TEXT.replace("{ smear y ~ Normal(x, 0.1) }", leaky)
    with pytest.raises(PdflangError):
        model(text).sample()
    tree = model(text).train(method="alice", **SMALL).sample(seed=2, draws=500)
    for name, wide in (("n", 70.0), ("b", 0.7)):
        mean, sd = moments(tree, name)
        assert abs(mean - TRUTH[name]) < 3.5 * sd and sd < 0.7 * wide


@pytest.mark.parametrize(
    ("text", "method", "options", "says"),
    [
        ("param mu ~ Normal(0, 1)\ndata y = [1, 2, 3]\nobserve y ~ Normal(mu, 1)", "alice", {}, "is no list of events"),
        (TEXT, "nle", {}, "learns no density of sets of events"),
        (TEXT, "npe", {"parameters": TRUTH}, "`npe` learns from draws of the prior"),
        (TEXT, "alice", {"parameters": {"n": 0.01, "b": 2.0}}, "events of `hits` in 500 simulated lists are too few"),
        (TEXT, "alice", {"parameters": {"n": 1.0}}, "no value is given for `b`"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_said(text: str, method: str, options: dict[str, Any], says: str) -> None:
    made = model(text) if text == TEXT else pdflang.loads(text)
    with pytest.raises(PdflangError, match=says):
        made.train(method=method, **options)


def test_what_was_not_learned_is_said() -> None:
    with pytest.raises(PdflangError, match="`alice` has learned no scores of single events"):
        trained("alice").event_scores("hits", {"y": [0.1]})
    with pytest.raises(PdflangError, match="there is no observation `hit`"):
        trained("alice").event_log_ratios("hit", {"y": [0.1]}, TRUTH, OTHER)


@pytest.mark.slow
def test_events_may_have_signed_weights() -> None:
    """Negative events among positive ones, as corrections of higher order have them: what is learned is their sum."""
    text = """
    data hits = table("hits.csv")
    param n ~ LogNormal(6, 0.3)
    param b ~ Normal(1.5, 0.3)
    theory rate(x in (0, 1)) = n * (1 - b*exp(-100*(x - 0.5)^2))
    detector blur(y in (-1, 2) | x) { smear y ~ Normal(x, 0.2) }
    observe hits ~ PoissonProcess(rate |> blur, weights = hits.w)
    """
    empty = pdflang.loads(text, data={"hits": {"y": [0.1, 0.2], "w": [1.0, 1.0]}})
    truth = {"n": 400.0, "b": 1.6}
    data = empty.simulator().draw(1, seed=3, parameters=truth).dataset(0)
    signs = np.asarray(data["hits"]["w"])
    assert set(signs) == {-1.0, 1.0}
    signed = empty.rebind(data)
    learned = signed.train(method="carl", simulations=2000, events=64, width=48, epochs=30, seed=1)
    points = [{"n": n, "b": b} for n in (350.0, 450.0) for b in (1.2, 1.6, 2.0)]
    found = np.array([float(learned.log_density(point)) for point in points])
    known = np.array([float(signed.log_density(point)) for point in points])
    assert np.ptp(known) > 8 and np.ptp(found - known) < 2, (found - known, known)
    with pytest.raises(PdflangError, match="the events of `hits` have weights"):
        signed.train(method="alice")
