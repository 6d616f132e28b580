"""Statistics of many data sets are those of NumPy, set by set; and a data set has the same as an observed one."""

from __future__ import annotations

import numpy as np

import pdflang
from pdflang.distances.experiment import ModelExperiment
from pdflang.distances.statistics import Statistics
from pdflang.inference.workers import StopRequest
from pdflang.learning.layout import layout_of
from pdflang.predictive.observed import observed_data

EVENTS = """
index kind = [e, mu]
data hits = table("hits.csv")
param c ~ LogNormal(1, 1)
pdf f(x, k in kind) = c * (1 - x)^2
observe hits ~ PoissonProcess(f)
"""

HITS = """
data hits = [0.2, 0.5, 0.9]
param c ~ LogNormal(1, 1)
pdf f(x) = c * (1 - x)
observe hits ~ PoissonProcess(f)
"""

ROWS = """
data y[N]
param mu ~ Normal(0, 1)
observe y ~ Normal(mu, 1)
"""

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def by_hand(x: np.ndarray) -> list[float]:
    if not len(x):
        return [np.nan] * 7
    return [x.mean(), np.log(x.var()) if x.var() > 0 else np.nan, *np.quantile(x, QUANTILES)]


def test_events_have_those_of_their_column_and_their_number() -> None:
    model = pdflang.loads(HITS)
    batch = model.simulator().draw(60, seed=1)
    assert 0 in batch.data["hits"].counts and 1 in batch.data["hits"].counts
    found = Statistics(model, layout_of(model)).of_many(batch.data, 60)
    for number in range(60):
        x = batch.data["hits"][number]["x"]
        logs = [np.log(x).mean(), np.log1p(-x).mean()] if len(x) else [np.nan, np.nan]
        np.testing.assert_allclose(found[number], [np.sqrt(len(x)), *by_hand(x), *logs], atol=1e-9)


def test_repeated_measurements_are_a_set() -> None:
    model = pdflang.loads(ROWS, data={"y": [0.3, 1.0, 2.0, -1.0]})
    batch = model.simulator().draw(20, seed=1)
    found = Statistics(model, layout_of(model)).of_many(batch.data, 20)
    for number in range(20):
        np.testing.assert_allclose(found[number], by_hand(batch.data["y"][number]), atol=1e-9)


def test_observed_data_are_described_as_simulated_ones() -> None:
    for text, data in ((HITS, {}), (ROWS, {"y": [0.3, 1.0, 2.0, -1.0]})):
        model = pdflang.loads(text, data=data)
        batch = model.simulator().draw(5, seed=3)
        statistics = Statistics(model, layout_of(model))
        many = statistics.of_many(batch.data, 5)
        for number in range(5):
            own = statistics.of_observed(model, batch.dataset(number))
            np.testing.assert_allclose(own, many[number], atol=1e-9)
        assert ModelExperiment(model).observed.shape == statistics.of_observed(model, observed_data(model)).shape


def test_simulations_of_a_seed_are_the_same_on_any_threads() -> None:
    experiment, stop = ModelExperiment(pdflang.loads(HITS)), StopRequest()
    first, second = (experiment.simulate(3, 40, None, threads, stop) for threads in (1, 2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    z, statistics = experiment.simulate(3, 40, first[0], 1, stop)
    np.testing.assert_array_equal(z, first[0])
    assert statistics.shape == first[1].shape


def test_the_prior_is_that_of_the_unconstrained_scale_with_factors() -> None:
    model = pdflang.loads("data y = 1\nparam a ~ LogNormal(0, 1)\nfactor f = -a\nobserve y ~ Normal(a, 1)")
    z = np.array([[-1.0], [0.5], [2.0]])
    found = ModelExperiment(model).log_prior(z)
    expected = -(z[:, 0] ** 2) / 2 - np.exp(z[:, 0])
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-9)
