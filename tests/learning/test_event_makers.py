"""Surrogates of the simulator: events beside simulated ones, densities and heads beside closed forms."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from test_event_methods import TEXT as BLUR

import pdflang
from pdflang import PdflangError
from pdflang.learning import gan, vae
from pdflang.learning.columns import Column, cells_of, column_scales, columns_of, rows_of
from pdflang.learning.event_makers import Network
from pdflang.learning.layout import Part
from pdflang.learning.options import GanOptions
from pdflang.learning.trained import Trained

# An energy above a threshold, a number of cells, a side.
CELLS = """
index side = left, right
data hits = table("hits.csv")
param c ~ LogNormal(6, 0.3)
param b ~ Normal(3, 1) in (0, inf)
const weight = [1, 2]
theory rate(x in (0, 1), s in side) = c * (1 - x)^b * weight[s]
detector cells(y in (-0.5, inf), n in (-0.5, inf), s | x, s) {
    draw n     ~ Poisson(20*x)
    draw noise ~ Normal(0, 0.1)
    let y = max(x + noise - 0.05*n, 0)
}
observe hits ~ PoissonProcess(rate |> cells)
"""
SIGNED = """
data hits = table("hits.csv")
param n ~ LogNormal(6, 0.3)
param b ~ Normal(1.4, 0.1)
theory rate(x in (0, 1)) = n * (1 - b*exp(-100*(x - 0.5)^2))
detector blur(y in (-1, 2) | x) { smear y ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(rate |> blur, weights = hits.w)
"""
DATA = {
    BLUR: {"y": np.linspace(0.1, 0.6, 150)},
    CELLS: {"y": [0.5], "n": [2], "s": ["left"]},
    SIGNED: {"y": [0.1, 0.2], "w": [1.0, 1.0]},
}
TRUTH = {BLUR: {"n": 180.0, "b": 2.4}, CELLS: {"c": 400.0, "b": 3.0}, SIGNED: {"n": 400.0, "b": 1.5}}
SMALL: dict[str, Any] = {"simulations": 200, "events": 128, "width": 32, "seed": 1}
OWN: dict[str, dict[str, Any]] = {
    "flow": {"epochs": 12},
    "gan": {"epochs": 60},
    "vae": {"epochs": 40, "latent": 2, "layers": 1, "learning_rate": 4e-3},
}


@cache
def model(text: str = BLUR) -> pdflang.Model:
    return pdflang.loads(text, data={"hits": DATA[text]})


@cache
def trained(method: str, text: str = BLUR) -> Any:
    return model(text).train(method=method, **SMALL | OWN[method])


@cache
def simulated(text: str = BLUR, count: int = 100) -> dict[str, np.ndarray]:
    """Many events at the truth."""
    lists = model(text).simulator().draw(count, seed=9, parameters=TRUTH[text], traces=False).data["hits"]
    return lists.columns | {"count": lists.counts.mean()}


def distance(first: Any, second: Any) -> float:
    return float(stats.ks_2samp(first, second).statistic)


@pytest.mark.parametrize(
    ("method", "largest", "told"),
    [
        pytest.param("flow", 0.02, 0.54, marks=pytest.mark.slow),
        pytest.param("gan", 0.05, 0.56, marks=pytest.mark.slow),
        pytest.param("vae", 0.025, 0.55, marks=pytest.mark.slow),
    ],
)
def test_events_are_those_of_the_simulator(method: str, largest: float, told: float) -> None:
    learned = trained(method)
    made = learned.simulate(TRUTH[BLUR], events=20_000, seed=2)["hits"]["y"]
    assert len(made) == 20_000
    assert distance(made, simulated()["y"]) < largest
    assert float(learned.expected_events(TRUTH[BLUR])["hits"][0]) == pytest.approx(simulated()["count"], rel=0.05)
    tests = learned.events_beside(points=2, events=1500, seed=4)
    assert len(tests) == 2 and all(one.test.accuracy < told for one in tests), tests
    # At other parameters they are others, and a classifier would see that.
    other = learned.simulate({"n": 100.0, "b": 1.2}, events=20_000, seed=2)["hits"]["y"]
    assert distance(other, simulated()["y"]) > 0.1


@pytest.mark.parametrize(("method", "largest"), [("flow", 0.03), ("vae", 0.06)])
@pytest.mark.slow
def test_columns_of_all_kinds(method: str, largest: float) -> None:
    made, real = trained(method, CELLS).simulate(TRUTH[CELLS], events=20_000)["hits"], simulated(CELLS)
    assert set(made["s"]) == {"left", "right"} and made["n"].dtype.kind == "i" and made["n"].min() == 0
    assert np.mean(made["y"] == 0) == pytest.approx(np.mean(real["y"] == 0), abs=largest)
    assert made["y"].min() == 0 and np.mean(made["s"] == "right") == pytest.approx(2 / 3, abs=largest)
    assert distance(made["y"], real["y"]) < largest and distance(made["n"], real["n"]) < largest
    together = [np.corrcoef(one["y"], one["n"])[0, 1] for one in (made, real)]
    assert together[0] == pytest.approx(together[1], abs=2 * largest) and together[1] < -0.1


def test_the_density_of_all_kinds_of_columns_adds_up_to_one() -> None:
    learned, y = trained("flow", CELLS), np.geomspace(1e-5, 3, 400)
    at = [(n, side, value) for n in range(60) for side in ("left", "right") for value in (0.0, *y)]
    n, side, values = (np.array(column) for column in zip(*at, strict=True))
    logs = learned.event_log_densities("hits", {"y": values, "n": n, "s": side}, TRUTH[CELLS])
    density = np.exp(logs).reshape(120, -1)
    total = (density[:, 0] + np.trapezoid(density[:, 1:] * y, np.log(y))).sum()
    assert total == pytest.approx(1.0, abs=2e-3)


def test_the_density_is_that_of_the_model() -> None:
    y = np.linspace(-0.1, 0.8, 50)
    x, w = np.polynomial.legendre.leggauss(500)
    rate = 3.4 * (1 - (x + 1) / 2) ** 2.4 * w / 2
    known = np.log(stats.norm.pdf(y[:, None], (x + 1) / 2, 0.1) @ rate)
    found = trained("flow").event_log_densities("hits", {"y": y}, TRUTH[BLUR])
    assert np.sqrt(np.mean((found - known) ** 2)) < 0.06
    np.testing.assert_allclose(trained("flow").anomaly("hits", {"y": y}, TRUTH[BLUR]), -found)
    estimated = trained("vae").anomaly("hits", {"y": y}, TRUTH[BLUR])
    assert np.sqrt(np.mean((estimated + known) ** 2)) < 0.15


def test_strange_events_stand_out() -> None:
    usual, strange = simulated()["y"][:200], np.linspace(1.6, 1.9, 20)
    for method in ("flow", "vae"):
        low, high = (trained(method).anomaly("hits", {"y": y}) for y in (usual, strange))
        assert np.quantile(low, 0.99) < high.min()


@pytest.mark.slow
def test_a_flow_is_a_likelihood_too() -> None:
    data = model().simulator().draw(1, seed=4, parameters=TRUTH[BLUR]).dataset(0)
    exact = model().rebind(data)
    at = [{"n": n, "b": b} for n in (150.0, 210.0) for b in (1.9, 2.4, 2.9)]
    found = np.array([float(trained("flow").log_density(point, data)) for point in at])
    known = np.array([float(exact.log_density(point)) for point in at])
    assert np.ptp(known) > 5 and np.ptp(found - known) < 1.5


# --- weights --------------------------------------------------------------------------------------------------


def net(y: np.ndarray) -> np.ndarray:
    """The net density of `SIGNED` at the truth."""
    x, w = np.polynomial.legendre.leggauss(300)
    x, w = (x + 1) / 2, w / 2
    return 400 * (stats.norm.pdf(y[:, None], x, 0.1) @ (w * (1 - 1.5 * np.exp(-100 * (x - 0.5) ** 2))))


@pytest.mark.parametrize(("method", "largest"), [("flow", 0.025), ("gan", 0.035)])
@pytest.mark.slow
def test_of_signed_events_the_sum_is_made(method: str, largest: float) -> None:
    learned = model(SIGNED).train(method=method, **SMALL | OWN[method] | {"simulations": 800})
    grid = np.linspace(-1, 2, 2001)
    cumulated = np.cumsum(net(grid)) * (grid[1] - grid[0])
    made = learned.simulate(TRUTH[SIGNED], events=20_000)["hits"]
    assert set(made["w"]) == {1.0}
    found = stats.kstest(made["y"], lambda y: np.interp(y, grid, cumulated / cumulated[-1]))
    assert found.statistic < largest
    # Without their signs they are others.
    everything = simulated(SIGNED, 20)["y"]
    assert stats.kstest(everything, lambda y: np.interp(y, grid, cumulated / cumulated[-1])).statistic > 0.04
    assert float(learned.expected_events(TRUTH[SIGNED])["hits"][0]) == pytest.approx(cumulated[-1], rel=0.08)
    assert all(one.test.accuracy < 0.56 for one in learned.events_beside(points=2, events=1500))


# --- the optimum of the GAN -----------------------------------------------------------------------------------


def test_v_is_minus_log_4_where_nothing_is_told_apart() -> None:
    """At the optimum exactly; of two normal distributions and the best discriminator it is −log 4 + 2 JSD."""
    column = Column("y", "real", 0, -np.inf, np.inf)
    own = gan.Gan(jax.random.key(0), (column,), 1, GanOptions(noise=1, width=8))
    # The generator makes a standard normal, simulated ones are shifted by 1: the best logit is y − ½.
    own = eqx.tree_at(lambda one: one.generator, own, lambda inputs: inputs[:1])
    rows = np.random.default_rng(0).normal(1, 1, (2000, 16, 1))
    part = {"rows": rows, "weight": np.ones((2000, 16)), "guess": np.zeros((2000, 1))}
    arrays = {"z": np.zeros((2000, 1, 1)), "hits": part}

    def told(logit: Any) -> tuple[float, float]:
        network = Network({"hits": eqx.tree_at(lambda one: one.discriminator, own, logit)})
        value, error = np.asarray(gan.value_and_error(network, arrays))[0]
        return float(value), float(error)

    assert told(lambda inputs: 0 * inputs[0])[0] == pytest.approx(-np.log(4), abs=1e-6)
    y = np.linspace(-9, 10, 20_001)
    p, q = stats.norm.pdf(y, 1), stats.norm.pdf(y)
    known = np.trapezoid(p * np.log(p / (p + q)) + q * np.log(q / (p + q)), y)
    value, error = told(lambda inputs: inputs[0] - 0.5)
    assert value == pytest.approx(known, abs=4 * error) and error < 0.01 and known > -1.25
    assert told(lambda inputs: 0.5 * inputs[0])[0] < value


@pytest.mark.slow
def test_v_ends_at_its_optimum() -> None:
    learned = trained("gan")
    value, error = learned.learned.scales["hits value"][0]
    assert value == pytest.approx(-np.log(4), abs=0.004 + 4 * error)
    told = [entry["train"] for entry in learned.history[0]]
    assert max(told) > -1.38 and told[-1] == pytest.approx(-np.log(4), abs=0.005)
    assert "−log 4 = -1.3863 is the optimum" in gan.remarks(learned.learned.parts, learned.learned.scales)[0]


# --- heads and columns ----------------------------------------------------------------------------------------


def test_heads_of_the_decoder_are_distributions() -> None:
    head = jnp.array([0.7, -0.3, 3.4])
    width = 1e-3 + np.log1p(np.exp(0.4))
    with jax.enable_x64(True):
        # A clipped one: log-normal beside a spike, with the slope of the logarithm.
        column = Column("y", "clipped", 0, 0.0, np.inf, 0.5, 2.0)
        y = np.geomspace(1e-8, 1e8, 4001)
        cells, slopes = cells_of([column], np.concatenate([[0.0], y])[:, None])
        density = np.exp(jax.vmap(lambda one: vae.head_log_density(column, head, one))(cells) + slopes)
        spike = 1 / (1 + np.exp(-0.7))
        known = (1 - spike) * stats.lognorm.pdf(y, 2 * width, scale=np.exp(0.5 - 0.3 * 2))
        np.testing.assert_allclose(density[1:], known, rtol=1e-5, atol=1e-12)
        assert density[0] == pytest.approx(spike)
        assert density[0] + np.trapezoid(density[1:] * y, np.log(y)) == pytest.approx(1.0, abs=1e-6)
        # A whole one: a normal that is rounded, and truncated at 0 and 6.
        column = Column("n", "whole", 0, 0.0, 6.0, 3.0, 2.0)
        cells = cells_of([column], np.arange(7.0)[:, None])[0]
        chances = np.exp(jax.vmap(lambda one: vae.head_log_density(column, head, one))(cells))
        normal = stats.norm(3 - 0.3 * 2, 2 * width)
        known = normal.cdf(np.arange(7) + 0.5) - normal.cdf(np.arange(7) - 0.5)
        np.testing.assert_allclose(chances, known / (normal.cdf(6.5) - normal.cdf(-0.5)), rtol=1e-5)
        assert chances.sum() == pytest.approx(1.0)
        column = Column("s", "label", 3, -np.inf, np.inf)
        chances = np.exp([vae.head_log_density(column, head, one) for one in np.eye(3)])
        np.testing.assert_allclose(chances, np.exp(head) / np.exp(head).sum(), rtol=1e-6)
        column = Column("y", "real", 0, -np.inf, np.inf)
        found = vae.head_log_density(column, head[1:], jnp.array([0.9]))
        assert float(found) == pytest.approx(stats.norm.logpdf(0.9, -0.3, width), rel=1e-6)


@pytest.mark.parametrize("kind", ["clipped", "whole", "label", "real"])
def test_draws_of_a_head_are_those_of_its_density(kind: str) -> None:
    ends = (-np.inf, np.inf) if kind == "real" else (0.0, 6.0)
    column = Column("y", kind, 3 if kind == "label" else 0, *ends, 3.0, 2.0)
    head = jnp.array([0.7, -0.3, 3.4])[-vae.head_size(column) :]
    with jax.enable_x64(True):
        cells = jax.vmap(lambda key: vae.head_drawn(column, head, key))(jax.random.split(jax.random.key(1), 20_000))
        rows = np.asarray(rows_of([column], cells))
        log_density = jax.vmap(lambda one: vae.head_log_density(column, head, one))
        if kind in ("whole", "label"):
            values = rows[:, 0].astype(int) if kind == "whole" else rows.argmax(axis=1)
            points = np.arange(7.0)[:, None] if kind == "whole" else np.eye(3)
            chances = np.asarray(np.exp(log_density(cells_of([column], points)[0])))
            assert stats.chisquare(np.bincount(values, minlength=len(points)), 20_000 * chances).pvalue > 1e-3
        else:
            y = np.linspace(*((1e-9, 6 - 1e-9) if kind == "clipped" else (-30, 30)), 20_001)
            points, slopes = cells_of([column], y[:, None])
            density = np.exp(log_density(points) + slopes)
            cumulated = np.cumsum(density) * (y[1] - y[0])
            free = rows[rows[:, 0] > 0, 0] if kind == "clipped" else rows[:, 0]
            assert stats.kstest(free, lambda at: np.interp(at, y, cumulated / cumulated[-1])).pvalue > 1e-3
            if kind == "clipped":
                assert len(free) / 20_000 == pytest.approx(1 / (1 + np.exp(0.7)), abs=0.015)


def test_columns_are_known_by_their_values_and_come_back() -> None:
    bounds = ((0.0, 2.0), (-1.0, np.inf), (-np.inf, np.inf), (-0.5, 9.5), None, (-1.0, 3.0))
    part = Part("o", True, (), ("a", "b", "c", "n", "s", "e"), (0, 0, 0, 0, 2, 0), bounds=bounds)
    rng = np.random.default_rng(0)
    energy = np.maximum(rng.normal(0, 1, 500), 0)
    numbers = [rng.uniform(0, 2, 500), rng.exponential(1, 500) - 1, rng.normal(5, 3, 500), rng.binomial(9, 0.4, 500)]
    rows = np.column_stack([*numbers, np.eye(2)[rng.integers(2, size=500)], np.minimum(energy, 2.9)])
    with jax.enable_x64(True):
        columns = columns_of(part, column_scales(part, rows))
        assert [column.kind for column in columns] == ["real", "real", "real", "whole", "label", "clipped"]
        assert (columns[3].low, columns[3].high, columns[5].low) == (0.0, 9.0, 0.0)
        cells, slopes = cells_of(columns, rows)
        np.testing.assert_allclose(rows_of(columns, cells), rows, atol=1e-9)
        # Slopes are those of the reals and of the clipped one.
        steps = 1e-6 * np.array([1, 1, 1, 0, 0, 0, 1])
        moved = cells_of(columns, rows + steps)[0]
        known = np.log(np.abs(np.asarray(moved - cells))[:, [0, 1, 2, 7]] / 1e-6)
        there = rows[:, 6] > 0
        np.testing.assert_allclose(slopes[there], known[there].sum(axis=1), atol=2e-2)
        np.testing.assert_allclose(slopes[~there], known[~there, :3].sum(axis=1), atol=2e-2)


# --- ensembles ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_ensemble_knows_its_own_error(tmp_path: Path) -> None:
    learned = model().train(method="flow", ensemble=4, **SMALL | {"simulations": 60, "epochs": 12})
    assert len(learned.history) == 4
    numbers = learned.expected_events(TRUTH[BLUR])["hits"]
    assert numbers.shape == (4,) and 0.002 < numbers.std(ddof=1) / numbers.mean() < 0.2
    assert abs(numbers.mean() - simulated()["count"]) < 5 * numbers.std(ddof=1) + 2
    tests = learned.events_beside(points=1, events=1500)
    spread = tests[0].columns[0].spread
    assert spread is not None and 0.002 < spread < 0.1
    # What one network says of a density, and all of them.
    y = {"y": np.linspace(0, 0.6, 7)}
    together = np.exp(learned.event_log_densities("hits", y, TRUTH[BLUR]))
    each = []
    for member in range(4):
        weights = [leaf[member : member + 1] for leaf in learned.learned.weights]
        alone = Trained(model(), replace(learned.learned, weights=weights, functions={}))
        each.append(np.exp(alone.event_log_densities("hits", y, TRUTH[BLUR])))
    np.testing.assert_allclose(together, np.average(each, axis=0, weights=numbers), rtol=1e-6)
    learned.save(tmp_path / "folder")
    read = pdflang.load_trained(tmp_path / "folder", data={"hits": DATA[BLUR]})
    again = [one.simulate(TRUTH[BLUR], seed=5)["hits"]["y"] for one in (read, learned)]
    np.testing.assert_array_equal(*again)


def test_it_is_the_same_by_seed() -> None:
    few = SMALL | {"simulations": 40, "epochs": 2}
    first, second, other = (model().train(method="flow", ensemble=2, **few | {"seed": seed}) for seed in (1, 1, 2))
    assert first.learned.record() == second.learned.record() != other.learned.record()


def test_one_point_is_learned_alone() -> None:
    learned = model().train(method="flow", parameters=TRUTH[BLUR], **SMALL | {"simulations": 60, "epochs": 12})
    assert distance(learned.simulate(TRUTH[BLUR], events=20_000)["hits"]["y"], simulated()["y"]) < 0.03
    with pytest.raises(PdflangError, match=r"know no events at n = 100., b = 2.: they were trained at one point"):
        learned.simulate({"n": 100.0, "b": 2.0})


# --- mistakes -------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(PdflangError, match="they were trained at draws of which none is near"):
        trained("flow").simulate({"n": 1e9, "b": 2.0})
    with pytest.raises(PdflangError, match="they were trained at draws of which none is near"):
        trained("flow").simulate({"n": 100.0, "b": -2.0})
    with pytest.raises(PdflangError, match="no value is given for `b`"):
        trained("flow").simulate({"n": 100.0})
    with pytest.raises(PdflangError, match="`gan` makes events, and has learned no density of parameters"):
        trained("gan").sample()
    with pytest.raises(PdflangError, match="`gan` has learned no density of single events"):
        trained("gan").anomaly("hits", {"y": [0.1]})
    with pytest.raises(PdflangError, match="`vae` makes events"):
        trained("vae").log_ratio(TRUTH[BLUR])
    with pytest.raises(PdflangError, match="events by `flow` have no traces"):
        trained("flow").at().with_surrogate().simulate(1, TRUTH[BLUR], traces=True)
    other = pdflang.loads("param mu ~ Normal(0, 1)\ndata y = [1, 2, 3]\nobserve y ~ Normal(mu, 1)")
    with pytest.raises(PdflangError, match="`gan` learns from single events, and `y` is no list of events"):
        other.train(method="gan")
    posterior = other.train(method="npe", simulations=100, epochs=1, layers=1)
    with pytest.raises(PdflangError, match="`npe` has learned the posterior, and makes no events"):
        posterior.simulate({"mu": 1.0})
