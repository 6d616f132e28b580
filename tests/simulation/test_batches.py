"""Batches of simulations: the same whatever batch they are in, at parameters of the prior, of a proposal, of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from scipy import stats

import pdflang
from pdflang.simulator import EventSets, Proposal, matrix

LINE = """
data x[4] = [0, 1, 2, 3]
data y[4] = [0, 1, 2, 3]
param a ~ Normal(0, 1)
param b ~ LogNormal(0, 0.5)
observe y ~ Normal(a + b*x, 0.3)
"""
HITS = """
index kind = soft, hard
data hits = table("hits.csv")
data n
param c[kind] ~ LogNormal(3, 0.5)
theory rate(x in (0, 1), k in kind) = c[k] * x
detector tracker(y in (0, 1), k | x, k) { smear y ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(rate |> tracker)
observe n ~ Normal(sum(c), 1)
"""


def line() -> pdflang.Model:
    return pdflang.loads(LINE)


def hits() -> pdflang.Model:
    return pdflang.loads(HITS, data={"hits": {"y": [0.5], "k": ["soft"]}, "n": 3.0})


def test_a_number_is_the_same_simulation_in_any_batch() -> None:
    simulator = line().simulator()
    whole = simulator.draw(2500, seed=5)
    for first, count in ((0, 1), (63, 3), (1000, 1100), (2499, 1)):
        part, cut = simulator.draw(count, seed=5, first=first), whole.part(first, first + count)
        for found, expected in ((part.parameters, cut.parameters), (part.data, cut.data)):
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values)
    assert not np.array_equal(simulator.draw(10, seed=6).data["y"], whole.data["y"][:10])
    one = simulator.model.simulate(jax.random.fold_in(jax.random.key(5), 77))
    np.testing.assert_allclose(one["y"], whole.data["y"][77], rtol=1e-12)


def test_the_joint_distribution_is_that_of_the_model() -> None:
    batch = line().simulator().draw(20_000, seed=1)
    assert stats.kstest(batch.parameters["a"], "norm").pvalue > 1e-3
    assert stats.kstest(np.log(batch.parameters["b"]) / 0.5, "norm").pvalue > 1e-3
    rest = batch.data["y"] - batch.parameters["a"][:, None] - batch.parameters["b"][:, None] * np.arange(4)
    assert stats.kstest(np.ravel(rest) / 0.3, "norm").pvalue > 1e-3
    np.testing.assert_array_equal(batch.log_weights, 0.0)


def test_lists_of_events() -> None:
    simulator = hits().simulator()
    batch = simulator.draw(40, seed=2)
    events = batch.data["hits"]
    assert isinstance(events, EventSets) and len(events) == 40 and batch.data["n"].shape == (40,)
    key = jax.random.fold_in(jax.random.key(2), 11)
    one = simulator.model.simulate(key)
    again = batch.dataset(11)
    np.testing.assert_array_equal(one["hits"]["y"], again["hits"]["y"])
    assert list(one["hits"]["k"]) == list(again["hits"]["k"]) and set(again["hits"]["k"]) <= {"soft", "hard"}
    np.testing.assert_allclose(one["n"], again["n"], rtol=1e-12)
    assert simulator.model.rebind(again).event_counts()["hits"] == len(one["hits"]["y"])
    trace = batch.traces["hits"]["rate"]
    np.testing.assert_array_equal(np.sort(trace["row"]), np.arange(events.splits[-1]))
    np.testing.assert_array_equal(events.columns["y"][trace["row"]], trace["tracker.y"])
    assert np.all(trace["tracker detected"] if "tracker detected" in trace else trace["tracker inside"])
    np.testing.assert_array_equal(events.counts, np.bincount(events.owner, minlength=40))
    np.testing.assert_array_equal(events[3]["y"], events.columns["y"][events.splits[3] : events.splits[4]])


def test_parts_behind_each_other_are_the_whole() -> None:
    batch = hits().simulator().draw(30, seed=2)
    joined = batch.part(0, 7).followed_by(batch.part(7, 30))
    for name in ("hits",):
        for column, values in batch.data[name].columns.items():
            np.testing.assert_array_equal(joined.data[name].columns[column], values)
        for site, values in batch.traces[name]["rate"].items():
            np.testing.assert_array_equal(joined.traces[name]["rate"][site], values)
    np.testing.assert_allclose(matrix(joined.joint_score()), matrix(batch.joint_score()), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        matrix(batch.part(7, 9).joint_score()), matrix(batch.joint_score())[7:9], rtol=1e-9, atol=1e-9
    )


def test_no_events() -> None:
    simulator = hits().simulator()
    empty = simulator.draw(5, parameters={"c": [1e-9, 1e-9]})
    assert empty.data["hits"].splits.tolist() == [0] * 6
    np.testing.assert_allclose(empty.joint_score()["c"][:, 0] - (empty.data["n"] - 2e-9), -empty.event_scores(
        "hits"
    ).slopes["c"][:, 0] * empty.event_scores("hits").expected, rtol=1e-6)  # fmt: skip


class Wide:
    """Twice as wide as the prior of LINE in a; b is uniform, partly where the prior is zero."""

    def sample(self, key: Any, count: int) -> Mapping[str, Any]:
        first, second = jax.random.split(key)
        return {
            "a": 2 * jax.random.normal(first, (count,)),
            "b": jax.random.uniform(second, (count,), minval=-1.0, maxval=4.0),
        }

    def log_prob(self, parameters: Mapping[str, Any]) -> Any:
        return stats.norm.logpdf(parameters["a"], 0, 2) + np.log(1 / 5)


def test_a_proposal_is_weighted() -> None:
    assert isinstance(Wide(), Proposal)
    batch = line().simulator().draw(30_000, seed=4, parameters=Wide())
    a, b = batch.parameters["a"], batch.parameters["b"]
    assert b.min() > 0 and a.std() > 1.9
    expected = stats.norm.logpdf(a) + stats.lognorm.logpdf(b, 0.5) - stats.norm.logpdf(a, 0, 2) - np.log(1 / 5)
    np.testing.assert_allclose(batch.log_weights, expected, rtol=1e-9, atol=1e-9)
    weights = np.exp(batch.log_weights)
    for values, moment in ((a, 0.0), (a**2, 1.0), (batch.data["y"][:, 0], 0.0)):
        error = np.sqrt(np.sum(weights**2 * (values - moment) ** 2)) / weights.sum()
        assert abs(np.sum(weights * values) / weights.sum() - moment) < 4 * error
    part = line().simulator().draw(100, seed=4, first=130, parameters=Wide())
    np.testing.assert_array_equal(part.parameters["b"], b[130:230])


class Elsewhere(Wide):
    def sample(self, key: Any, count: int) -> Mapping[str, Any]:
        return {"a": jnp.zeros(count), "b": -jnp.ones(count)}


def test_proposals_and_parameters_that_are_none() -> None:
    simulator = line().simulator()
    for parameters, said in (
        (Elsewhere(), "hardly any is where the prior allows one"),
        (7, "no parameters to draw data at"),
        ({"a": 0.0}, "no value is given for `b`"),
        ({"a": 0.0, "b": 1.0, "d": 2.0}, "no parameter `d`"),
        ({"a": np.zeros(5), "b": 1.0}, "`a` is given for 5 simulations, not for 10"),
        ({"a": np.zeros((10, 2)), "b": 1.0}, "`a` is a number"),
    ):
        with pytest.raises(pdflang.PdflangError, match=f"E609.*{said}"):
            simulator.draw(10, parameters=parameters)
    with pytest.raises(pdflang.PdflangError, match="E607"):
        pdflang.loads(LINE.replace("Normal(0, 1)", "Flat()")).simulator().draw(3)
    with pytest.raises(pdflang.PdflangError, match="E610"):
        simulator.draw(3, sizes={"y": 3})
    with pytest.raises(pdflang.PdflangError, match="E610"):
        simulator.draw(0)
    with pytest.raises(pdflang.PdflangError, match=r"E613.*not finite"):
        pdflang.loads(LINE.replace("a + b*x", "exp(900*b)*x")).simulator().draw(30)


def test_each_simulation_at_parameters_of_its_own() -> None:
    a = np.linspace(-1, 1, 100)
    batch = line().simulator().draw(100, parameters={"a": a, "b": 2.0})
    np.testing.assert_array_equal(batch.parameters["a"], a)
    assert set(batch.parameters["b"]) == {2.0}
    assert np.corrcoef(batch.data["y"][:, 0], a)[0, 1] > 0.5


def test_draws_of_a_posterior() -> None:
    model = line()
    tree = model.sample(method="laplace", draws=200, seed=1)
    assert isinstance(tree, xarray.DataTree)
    batch = model.simulator().draw(500, seed=1, parameters=tree)
    assert batch.log_weights is None
    assert set(batch.parameters["a"]) <= set(np.ravel(tree["posterior"]["a"]))
    assert len(set(batch.parameters["a"])) > 100


def test_traces_need_not_be_kept() -> None:
    batch = hits().simulator().draw(3, traces=False)
    assert batch.traces is None
    with pytest.raises(ValueError, match="traces=True"):
        batch.joint_score()
