"""Corrections of simulated events by those observed: weights and maps beside closed forms, and their closure tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.linalg import sqrtm

import pdflang
from pdflang import PdflangError
from pdflang.learning.columns import columns_of
from pdflang.learning.reweight import calibrated
from pdflang.learning.trained import Trained
from pdflang.learning.transport import Convex, energy_distance, quantiles
from pdflang.results.correction import Sample, Variable, correction_test

pytest.importorskip("sklearn")

# A normal distribution in two columns, which a detector makes of a uniform one; its means and slope are parameters.
NORMAL = """
data hits = table("hits.csv")
param n ~ LogNormal(7, 1)
param a ~ Normal(0, 1)
param b ~ Normal(0, 1)
param r ~ Normal(0, 1)
theory rate(x in (0, 1)) = n
detector plane(u in (-20, 20), v in (-20, 20) | x) {
    draw u ~ Normal(a, 1)
    draw v ~ Normal(b + r*u, 1)
}
observe hits ~ PoissonProcess(rate |> plane)
"""
LINE = """
data hits = table("hits.csv")
param n ~ LogNormal(7, 1)
param a ~ Normal(0, 1)
theory rate(u in (-20, 20)) = n * exp(-(u - a)^2/2)
observe hits ~ PoissonProcess(rate)
"""
KINDS = """
index side = left, right
data hits = table("hits.csv")
param n ~ LogNormal(6, 0.3)
param m ~ LogNormal(1, 0.5)
const weight = [1, 2]
theory rate(x in (0, 1), s in side) = n * weight[s]
detector cells(y in (-0.5, inf), k in (-0.5, inf), s | x, s) {
    draw k ~ Poisson(m)
    draw e ~ Normal(x, 0.5)
    let y = max(e, 0)
}
observe hits ~ PoissonProcess(rate |> cells)
"""
SIGNED = """
data hits = table("hits.csv")
param n ~ LogNormal(7, 0.3)
param b ~ Normal(1.4, 0.1)
theory rate(x in (0, 1)) = n * (1 - b*exp(-100*(x - 0.5)^2))
detector blur(u in (-1, 2) | x) { smear u ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(rate |> blur, weights = hits.w)
"""
POINT = {"n": 4000.0, "a": 0.0, "b": 0.0, "r": 0.0}
TRUTH = {"n": 4000.0, "a": 0.4, "b": -0.3, "r": 0.3}
QUICK: dict[str, Any] = {"seed": 1, "events": 10_000, "epochs": 30, "width": 32}


@cache
def pseudo(text: str, **truth: float) -> dict[str, np.ndarray]:
    """Events of a model at a point of the parameters."""
    shape = {"NORMAL": NORMAL, "LINE": LINE, "KINDS": KINDS, "SIGNED": SIGNED}[text]
    start: dict[str, Any] = {"u": [0.5], "v": [0.5], "y": [0.5], "k": [1], "s": ["left"], "w": [1.0]}
    model = pdflang.loads(shape, data={"hits": start})
    return dict(model.simulate(5, truth)["hits"])


@cache
def trained(method: str, text: str = "NORMAL") -> Trained:
    """What was learned of events at another point than the simulation is at."""
    shape, truth = (NORMAL, TRUTH) if text == "NORMAL" else (LINE, {"n": 4000.0, "a": 0.5})
    model = pdflang.loads(shape, data={"hits": pseudo(text, **truth)})
    point = POINT if text == "NORMAL" else truth | {"a": 0.0}
    return model.train(method, parameters=point, **QUICK)


def test_weights_are_the_ratio_of_densities() -> None:
    """In the bulk of the simulation, whose density and that of the pseudo-data are normal."""
    u, v = np.random.default_rng(0).normal(size=(2, 2000))
    known = stats.norm.logpdf(u, 0.4) - stats.norm.logpdf(u)
    known += stats.norm.logpdf(v, -0.3 + 0.3 * u) - stats.norm.logpdf(v)
    found = np.log(trained("reweight").event_weights("hits", {"u": u, "v": v}))
    assert np.std(known) > 0.5
    assert np.corrcoef(found, known)[0, 1] > 0.97
    assert np.sqrt(np.mean((found - known) ** 2)) < 0.17
    assert np.mean(np.exp(found)) == pytest.approx(1.0, abs=0.04)


def test_reweighted_events_have_the_moments_of_those_observed() -> None:
    hits = trained("reweight").simulate(events=20_000, seed=2)["hits"]
    assert set(hits) == {"u", "v", "weight"} and len(hits["u"]) == 20_000
    mean = [np.average(hits[name], weights=hits["weight"]) for name in ("u", "v")]
    np.testing.assert_allclose(mean, [0.4, -0.18], atol=0.05)
    assert abs(hits["u"].mean()) < 0.03


def test_one_column_is_moved_by_quantiles() -> None:
    """Of normal distributions the map is a shift; and it goes on in the tails."""
    grid = np.linspace(-2, 2.5, 10)
    moved = trained("transport", "LINE").moved("hits", {"u": grid})
    np.testing.assert_allclose(moved["u"], grid + 0.5, atol=0.13)
    assert trained("transport", "LINE").history == [[]]
    far = trained("transport", "LINE").moved("hits", {"u": [-10.0, 10.0]})["u"]
    np.testing.assert_allclose(far, [-9.5, 10.5], atol=1.5)


def test_rounding_makes_no_spike() -> None:
    """Of numbers that were written with a digit, of which two are the least one; and an array has weights beside it."""
    rounded = np.append(np.round(pseudo("LINE", n=4000.0, a=0.5)["u"], 1), [-3.4, -3.4])
    text = LINE.replace('data hits = table("hits.csv")', "data u[N]").replace("observe hits", "observe u")
    model = pdflang.loads(text, data={"u": rounded})
    moved = model.train("transport", parameters={"n": 4000.0, "a": 0.0}, **QUICK).moved("u", np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(moved, [-0.5, 0.5, 1.5], atol=0.1)
    few = QUICK | {"epochs": 2, "events": 1000}
    made = model.train("reweight", parameters={"n": 4000.0, "a": 0.0}, **few).simulate(seed=1)
    assert set(made) == {"u", "u_weight"} and made["u"].shape == made["u_weight"].shape


def test_independent_events_are_as_many_as_observed() -> None:
    text = LINE.replace("PoissonProcess", "Iid")
    model = pdflang.loads(text, data={"hits": pseudo("LINE", n=4000.0, a=0.5)})
    learned = model.train("transport", parameters={"n": 4000.0, "a": 0.0}, **QUICK)
    count = len(pseudo("LINE", n=4000.0, a=0.5)["u"])
    assert len(learned.simulate(seed=1)["hits"]["u"]) == count
    made = learned.simulate(events=30, seed=1)["hits"]["u"]
    assert len(made) == 30 and abs(made.mean() - 0.5) < 0.6


def test_quantiles_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    map_of = quantiles(rng.normal(0, 1, 40_000), rng.normal(1, 2, 20_000))
    grid = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(np.interp(grid, *map_of), 1 + 2 * grid, atol=0.7)
    inner = np.linspace(-2, 2, 21)
    np.testing.assert_allclose(np.interp(inner, *map_of), 1 + 2 * inner, atol=0.1)
    assert (np.diff(map_of, axis=1) > 0).all()
    # Of few events, of which many are the same.
    assert np.isfinite(quantiles(np.zeros(100), np.ones(100))).all()


@pytest.mark.slow
def test_two_columns_are_moved_as_little_as_can_be() -> None:
    """The map of normal distributions is linear, A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2, in units of the columns."""
    learned = trained("transport")
    columns = columns_of(learned.learned.parts[0], learned.learned.scales)
    low, high = -20.0, 20.0
    events = np.random.default_rng(1).normal(size=(2000, 2))
    moved = np.stack(list(learned.moved("hits", dict(zip("uv", events.T, strict=True))).values()), axis=1)
    # The region has ends, so that columns are seen as logits: near the middle these are linear.
    units = np.array([column.spread for column in columns]) * (high - low) / 4
    one, mean = np.eye(2), np.array([0.4, -0.18])
    other = np.array([[1.0, 0.3], [0.3, 1.09]])
    a, b = one / np.outer(units, units), other / np.outer(units, units)
    root = np.real(sqrtm(a))
    matrix = np.linalg.inv(root) @ np.real(sqrtm(root @ b @ root)) @ np.linalg.inv(root)
    known = mean + (events / units) @ matrix.T * units
    assert np.sqrt(np.mean((moved - known) ** 2, axis=0)).max() < 0.13
    assert np.sqrt(np.mean((moved - events) ** 2, axis=0)).min() > 0.15
    np.testing.assert_allclose(np.cov(moved.T), other, atol=0.12)


@pytest.mark.slow
def test_a_convex_network_is_convex() -> None:
    own = Convex(jax.random.key(3), 3, 8, 2)
    points = jax.random.normal(jax.random.key(4), (50, 3)) * 3
    slopes = jax.vmap(jax.hessian(own.potential))(points)
    assert np.linalg.eigvalsh(slopes).min() > 0
    first, second = points[:25], points[25:]
    steps = jax.vmap(own)(first) - jax.vmap(own)(second)
    assert (np.sum(steps * (first - second), axis=1) > 0).all()


def test_the_energy_distance_is_that_of_shifted_points() -> None:
    """Of two normal distributions in one dimension, in closed form; and none of one distribution."""
    x, y, z = jax.random.normal(jax.random.key(0), (3, 1500, 1))
    # E |X − Y| of N(0, 2) is 2/√π, and of N(d, 2) by the folded normal distribution.
    known = 2 * stats.foldnorm.mean(1 / np.sqrt(2), scale=np.sqrt(2)) - 4 / np.sqrt(np.pi)
    assert float(energy_distance(x, y + 1)) == pytest.approx(known, abs=0.06)
    assert float(energy_distance(x, z)) == pytest.approx(0, abs=0.01)


def test_logits_are_made_right() -> None:
    """Those that are twice too large, of normal distributions a unit apart."""
    rng = np.random.default_rng(0)
    simulated, observed = (2 * (rng.normal(at, 1, 20_000) - 0.5) + 0.3 for at in (0, 1))
    factor, constant = calibrated((simulated, np.ones(20_000)), (observed, np.ones(20_000)))
    assert factor == pytest.approx(0.5, abs=0.02) and constant == pytest.approx(-0.15, abs=0.03)


# --- the closure test -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["reweight", "transport"])
def test_events_that_were_put_aside_are_like_corrected_ones(method: str) -> None:
    learned = trained(method)
    (test,) = learned.correction_tests(events=1000, seed=3)
    kept = learned.learned.scales["hits kept"]
    assert test.observed == min(1000, len(kept)) and test.simulated == 10 * test.observed
    assert len(kept) == pytest.approx(0.2 * len(pseudo("NORMAL", **TRUTH)["u"]), abs=1)
    assert test.before.accuracy > 0.58 and test.after.accuracy < 0.54
    for column in test.columns:
        assert column.chi2(corrected=False)[2] < 1e-3 < column.chi2(corrected=True)[2]
    assert test.effective == 1 if method == "transport" else 0.4 < test.effective < 0.9


@pytest.mark.slow
def test_distributions_and_effective_numbers_are_those_of_the_weights() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=4000), rng.integers(0, 3, 4000), np.eye(2)[rng.integers(2, size=4000)]])
    weights = np.where(rows[:, 3] > 0, 1.5, 0.5)
    variables = [Variable("y"), Variable("k", is_whole=True), Variable("s", ("left", "right"))]
    sides = (Sample(rows[:400], np.ones(400)), Sample(rows, np.ones(4000)), Sample(rows, weights))
    test = correction_test({}, "hits", variables, sides, rng)
    assert test.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum() / 4000)
    y, k, s = test.columns
    assert k.names == ("0", "1", "2") and s.names == ("left", "right") and len(y.names) == 10
    for column in test.columns:
        for side in (column.observed, column.simulated, column.corrected):
            assert side[:, 0].sum() == pytest.approx(1)
    right = np.average(rows[:, 3], weights=weights)
    assert s.corrected[1] == pytest.approx([right, np.sqrt((weights**2)[rows[:, 3] > 0].sum()) / weights.sum()])
    assert test.before.accuracy < 0.55 and test.after.accuracy > 0.55


# --- columns of all kinds, weights ----------------------------------------------------------------------------


@cache
def of_kinds() -> Any:
    observed = pseudo("KINDS", n=1500.0, m=4.0)
    return pdflang.loads(KINDS, data={"hits": observed})


@pytest.mark.slow
def test_labels_and_whole_numbers_are_weighted() -> None:
    learned = of_kinds().train("reweight", parameters={"n": 1500.0, "m": 3.0}, **QUICK)
    k = np.arange(1, 8)
    weights = learned.event_weights("hits", {"y": np.full(7, 0.6), "k": k, "s": ["left"] * 7})
    known = stats.poisson.logpmf(k, 4) - stats.poisson.logpmf(k, 3)
    np.testing.assert_allclose(np.log(weights), known, atol=0.3)
    (test,) = learned.correction_tests(events=1000)
    assert [column.name for column in test.columns] == ["y", "k", "s"] and test.columns[2].names == ("left", "right")
    assert test.columns[1].chi2(corrected=False)[2] < 1e-6 < test.columns[1].chi2(corrected=True)[2]


def test_labels_and_whole_numbers_are_not_moved() -> None:
    with pytest.raises(PdflangError, match="E662") as caught:
        of_kinds().train("transport", parameters={"n": 1500.0, "m": 3.0}, **QUICK)
    assert "the column `y` of `hits` has numbers of which many are the least one" in str(caught.value)
    assert "use `reweight`" in str(caught.value)


@pytest.mark.slow
def test_weights_may_have_signs() -> None:
    """Events are of a sum that is positive: of what the smearing makes of the signed rate."""

    def net(u: np.ndarray, b: float) -> np.ndarray:
        x, w = np.polynomial.legendre.leggauss(300)
        x, w = (x + 1) / 2, w / 2
        found = stats.norm.pdf(u[:, None], x, 0.1) @ (w * (1 - b * np.exp(-100 * (x - 0.5) ** 2)))
        return found / (w @ (1 - b * np.exp(-100 * (x - 0.5) ** 2)))

    observed = pseudo("SIGNED", n=25_000.0, b=0.4)
    model = pdflang.loads(SIGNED, data={"hits": observed})
    learned = model.train("reweight", parameters={"n": 25_000.0, "b": 1.4}, **QUICK | {"events": 20_000})
    u = np.linspace(0.05, 0.95, 19)
    known = np.log(net(u, 0.4) / net(u, 1.4))
    assert np.ptp(known) > 0.8
    found = np.log(learned.event_weights("hits", {"u": u}))
    assert np.sqrt(np.mean((found - known) ** 2)) < 0.2
    hits = learned.simulate(events=40_000, seed=4)["hits"]
    assert set(hits) == {"u", "w"} and (hits["w"] < 0).mean() > 0.01
    middle = abs(hits["u"] - 0.5) < 0.1
    share = np.trapezoid(net(np.linspace(0.4, 0.6, 201), 0.4), dx=1e-3)
    assert hits["w"][middle].sum() / hits["w"].sum() == pytest.approx(share, abs=0.015)
    assert np.sign(hits["w"])[middle].sum() / np.sign(hits["w"]).sum() < share - 0.06
    with pytest.raises(PdflangError, match="have weights") as caught:
        model.train("transport", parameters={"n": 12_000.0, "b": 1.4}, **QUICK)
    assert "by `reweight`" in str(caught.value)


# --- mistakes, and the folder ---------------------------------------------------------------------------------


def test_what_cannot_be_learned_is_told() -> None:
    model = pdflang.loads(LINE, data={"hits": {"u": np.linspace(-1, 1, 60)}})
    point = {"n": 100.0, "a": 0.0}
    for given, code, said in (
        ({}, "E662", "and none is given"),
        ({"parameters": {"n": [1.0, 2.0], "a": [0.0, 0.0]}}, "E662", "and 2 are given"),
        ({"parameters": point, "rounds": 2}, "E662", "has no rounds"),
        ({"parameters": point}, "E661", "48 observed events of `hits` to learn from are too few"),
    ):
        with pytest.raises(PdflangError, match=code) as caught:
            model.train("reweight", seed=1, **given)
        assert said in str(caught.value)
    few = pdflang.loads(LINE, data={"hits": {"u": np.linspace(-1, 1, 200)}})
    with pytest.raises(PdflangError, match="simulated events of `hits` to learn from are too few"):
        few.train("reweight", parameters=point | {"n": 10.0}, simulations=2, seed=1)


def test_what_a_correction_cannot_do_is_told() -> None:
    for method, other in (("reweight", "moved"), ("transport", "event_weights")):
        learned = trained(method)
        with pytest.raises(PdflangError, match="corrects events, and has learned no density of parameters"):
            learned.sample()
        with pytest.raises(PdflangError, match="E662"):
            getattr(learned, other)("hits", {"u": [0.0], "v": [0.0]})
        with pytest.raises(PdflangError, match="alone"):
            learned.simulate(TRUTH)
        with pytest.raises(PdflangError, match="E609"):
            learned.simulate({"n": 1.0})


@pytest.mark.slow
def test_it_is_the_same_by_seed_and_from_a_folder(tmp_path: Path) -> None:
    few = {"parameters": {"n": 4000.0, "a": 0.0}, "events": 1000, "epochs": 2, "width": 16}
    model = trained("transport", "LINE")._model
    first, again, other = (model.train("reweight", seed=seed, **few) for seed in (1, 1, 2))
    assert first.learned.record() == again.learned.record() != other.learned.record()
    first.save(tmp_path / "folder")
    # Tests are of events that were put aside, also where the data are others now.
    read = pdflang.load_trained(tmp_path / "folder", data={"hits": {"u": [0.1, 0.2]}})
    np.testing.assert_array_equal(read.simulate(seed=3)["hits"]["weight"], first.simulate(seed=3)["hits"]["weight"])
    assert read.correction_tests(events=200)[0].observed == 200
