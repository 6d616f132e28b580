"""Classifiers that do not depend on a nuisance: beside exact posteriors, and an exactly pivotal classifier."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

import pdflang
from pdflang import PdflangError
from pdflang.learning.hypotheses import Hypotheses, hypotheses_of, labelled_events
from pdflang.learning.layout import layout_of
from pdflang.learning.options import PivotOptions
from pdflang.learning.trade_off import PriorDraws, found_by_fresh
from pdflang.report.trade_off import picture
from pdflang.results.trade_off import TradeOff, area_under_curve, of_record, to_csv, to_record, to_text
from pdflang.results.two_samples import kolmogorov_distance

TOY = Path(__file__).resolve().parents[2] / "examples" / "pivot" / "model.pdfm"
COUNTS = """
data hits = table("hits.csv")
param b ~ Normal(2, 0.5) in (0, inf)
nuisance n ~ LogNormal(0.7, 0.5)
nuisance scale ~ Beta(4, 3)
theory rate(x in (0, 1)) = n * (b + 1) * (1 - x)^b
detector blur(y in (-1, 2) | x) { smear y ~ Normal(x*scale, 0.1) }
observe hits ~ PoissonProcess(rate |> blur)
"""
SMALL: dict[str, Any] = {"simulations": 250, "batch": 8, "width": 24, "epochs": 100, "seed": 2}
BOTH = {"s": [0, 1]}


@cache
def model() -> pdflang.Model:
    return pdflang.load(TOY)


@cache
def trained() -> Any:
    return model().train(method="pivot", parameters=BOTH, penalties=(0, 50), **SMALL)


@cache
def curve() -> TradeOff:
    (found,) = trained().trade_offs(500, seed=3)
    return found


def events(count: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Events of NumPy, half of them of either hypothesis, their labels and nuisances."""
    random = np.random.default_rng(seed)
    label, z = np.arange(count) % 2, random.normal(size=count)
    first, second = random.normal(size=(2, count))
    x1 = first + label
    x2 = np.where(label == 1, 1 + z + second, -0.5 * x1 + np.sqrt(0.75) * second)
    return {"x1": x1, "x2": x2}, label, z


def exact_outputs(x: dict[str, np.ndarray]) -> np.ndarray:
    """P(signal | x) averaged over the nuisance by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    at_signal = stats.norm.pdf(x["x2"][:, None], 1 + nodes, 1) @ weights / np.sqrt(2 * np.pi)
    signal = stats.norm.pdf(x["x1"], 1) * at_signal
    background = stats.multivariate_normal([0, 0], [[1, -0.5], [-0.5, 1]]).pdf(np.stack([x["x1"], x["x2"]], axis=1))
    return signal / (signal + background)


# --- the toy of the paper -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_plain_classifier_is_the_posterior_averaged_over_the_nuisance() -> None:
    x, label, _ = events(20_000)
    found, known = trained().event_outputs("hits", x, penalty=0), exact_outputs(x)
    assert np.sqrt(np.mean((found - known) ** 2)) < 0.03
    plain = curve().classifiers[0]
    assert plain.auc == pytest.approx(area_under_curve(known, label, np.ones(len(label))), abs=0.01)
    assert plain.loss == pytest.approx(-np.mean(np.log(np.where(label == 1, known, 1 - known))), abs=0.015)


@pytest.mark.slow
def test_what_the_plain_classifier_tells_of_the_nuisance_is_what_histograms_say() -> None:
    """The mutual information of its output and the nuisance, by two million events."""
    x, _, z = events(2_000_000)
    known = exact_outputs(x)
    bins = [np.floor(stats.rankdata(one) / (len(z) + 1) * 60).astype(int) for one in (known, z)]
    table = np.zeros((60, 60))
    np.add.at(table, tuple(bins), 1 / len(z))
    outer = table.sum(axis=1)[:, None] * table.sum(axis=0)
    information = np.sum(np.where(table > 0, table * np.log(np.where(table > 0, table, 1) / outer), 0))
    information -= 59**2 / (2 * len(z))
    plain = curve().classifiers[0]
    assert 0.05 < information < 0.09
    assert plain.information == pytest.approx(information, abs=0.004 + 3 * plain.information_error)
    at_ends = [exact_outputs(_at(one)) for one in stats.norm.ppf([0.16, 0.84])]
    assert plain.distances[0] == pytest.approx(stats.ks_2samp(*at_ends).statistic, abs=0.03)
    assert curve().entropy == pytest.approx(stats.norm.entropy(), abs=0.1)


def _at(z: float) -> dict[str, np.ndarray]:
    """Events at one nuisance."""
    x, label, own = events(200_000, 7)
    return {**x, "x2": x["x2"] + np.where(label == 1, z - own, 0.0)}


@pytest.mark.slow
def test_with_a_penalty_the_nuisance_is_gone_at_a_moderate_loss() -> None:
    """One coordinate alone is exactly pivotal: its AUC is Φ(1/√2), which the classifier must nearly have, or more."""
    plain, most = curve().classifiers
    assert plain.information > 0.05 and plain.distances[0] > 0.2
    assert most.information + 3 * most.information_error < plain.information / 10
    assert most.distances[0] < 0.25 * plain.distances[0]
    assert plain.auc > most.auc > stats.norm.cdf(1 / np.sqrt(2)) - 0.01
    assert plain.loss < most.loss < np.log(2) - 0.05
    # The same with events of NumPy.
    low, high = (trained().event_outputs("hits", _at(z)) for z in (-1.0, 1.0))
    assert stats.ks_2samp(low, high).statistic < 0.08
    plainly = [trained().event_outputs("hits", _at(z), penalty=0) for z in (-1.0, 1.0)]
    assert stats.ks_2samp(*plainly).statistic > 0.2


@pytest.mark.slow
def test_it_is_the_same_by_seed_and_from_its_folder(tmp_path: Path) -> None:
    few = {**SMALL, "simulations": 40, "epochs": 2, "penalties": "0,1", "width": 8}
    first, second, other = (
        model().train(method="pivot", parameters=BOTH, **few | {"seed": seed}) for seed in (1, 1, 2)
    )
    assert first.learned.record() == second.learned.record() != other.learned.record()
    assert len(first.history) == 2 and all(np.isfinite(one["validation"]) for one in first.history[1])
    first.save(tmp_path / "folder")
    read, x = pdflang.load_trained(tmp_path / "folder"), events(100)[0]
    for penalty in (0, 1):
        np.testing.assert_array_equal(
            read.event_outputs("hits", x, penalty=penalty), first.event_outputs("hits", x, penalty=penalty)
        )
    (one,), (again,) = (which.trade_offs(100, seed=5) for which in (read, first))
    assert one == again == of_record(to_record(one))
    assert to_text([one]).startswith("hits: s = 0 beside s = 1, and what outputs tell of z\nλ")
    assert to_csv([one]).splitlines()[0] == "observation,penalty,loss,auc,information,information_error,z"
    assert picture([one], "svg") == picture([one], "svg") and b"<svg" in picture([one], "svg")


@pytest.mark.slow
def test_a_curve_of_penalties_falls() -> None:
    """By the defaults; with one coordinate alone the loss is that of normals a unit apart, and nothing is told."""
    learned = model().train(method="pivot", parameters=BOTH, penalties=(0, 1, 5, 20, 50), seed=2)
    (found,) = learned.trade_offs(1000, seed=1)
    known = found.classifiers
    assert [one.penalty for one in known] == [0, 1, 5, 20, 50]
    for name in ("information", "auc"):
        told = [getattr(one, name) for one in known]
        assert told == sorted(told, reverse=True), told
    losses = [one.loss for one in known]
    assert losses == sorted(losses)
    x = np.linspace(-8, 9, 4001)
    alone = np.trapezoid(stats.norm.pdf(x) * np.logaddexp(0, x - 0.5), x)
    assert losses[-1] < alone + 0.003 and known[-1].auc > stats.norm.cdf(1 / np.sqrt(2))
    assert known[-1].information < known[0].information / 50 and known[-1].distances[0] < 0.06


# --- measures -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fresh_adversary_finds_what_is_there() -> None:
    """Of normal pairs of correlation ρ it is −½ log(1 − ρ²) at any scale of the output, and nothing of others."""
    random = np.random.default_rng(1)
    draws, each = 1200, 16
    z = random.normal(size=(draws, 1))
    noise = random.normal(size=(draws, each))
    outputs = [rho * z + np.sqrt(1 - rho**2) * noise for rho in (0.0, 0.3, 0.9)]
    outputs += [3 + 1e-9 * outputs[2], np.abs(outputs[2]), np.zeros((draws, each))]
    far = random.normal(size=(8192, 1))
    prior = PriorDraws(far, stats.norm.logpdf(far[:, 0]))
    gains = found_by_fresh(np.stack(outputs), z, np.ones((draws, each)), prior, 5, jax.random.key(0))
    assert gains is not None and gains.shape == (6, draws // 2)
    mean, error = gains.mean(axis=1), gains.std(axis=1, ddof=1) / np.sqrt(draws // 2)
    known = -np.log1p(-np.array([0.0, 0.3, 0.9, 0.9]) ** 2) / 2
    assert (np.abs(mean[:4] - known) < 4 * error[:4] + [0.001, 0.005, 0.03, 0.03]).all(), (mean, known, error)
    # Of the magnitude alone there is less, but by far not nothing; of a constant there is nothing.
    assert 0.1 < mean[4] < 0.7 * known[2] and abs(mean[5]) < 0.001, mean


def test_areas_and_distances_are_the_known_ones() -> None:
    random = np.random.default_rng(0)
    outputs, labels = np.round(random.normal(size=500), 1), random.integers(2, size=500)
    pairs = outputs[labels == 1][:, None] - outputs[labels == 0]
    assert area_under_curve(outputs, labels, np.ones(500)) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    twice = np.concatenate([outputs, outputs[:100]]), np.concatenate([labels, labels[:100]])
    weights = 1.0 + (np.arange(500) < 100)
    assert area_under_curve(outputs, labels, weights) == pytest.approx(area_under_curve(*twice, np.ones(600)))
    first, second = outputs[:200], outputs[200:] + 0.1
    assert kolmogorov_distance(first, second, [np.ones(200), np.ones(300)]) == pytest.approx(
        stats.ks_2samp(first, second).statistic
    )
    assert kolmogorov_distance(first, first, [np.ones(200), np.ones(200)]) == pytest.approx(0, abs=1e-12)
    assert area_under_curve(np.zeros(500), labels, np.ones(500)) == pytest.approx(0.5)


# --- draws of the nuisance ------------------------------------------------------------------------------------


def hypotheses(text: str, points: dict[str, Any], **options: Any) -> Hypotheses:
    model = pdflang.loads(text, data={"hits": {"y": [0.1, 0.2, 0.3]}})
    return hypotheses_of(model, points, PivotOptions(seed=0, **options))


def test_the_prior_of_nuisances_is_known_on_the_unconstrained_scale() -> None:
    found = hypotheses(COUNTS, {"b": [1, 3]})
    assert found.nuisance == found.names == ("n", "scale") and found.words == ("b = 1", "b = 3")
    z = np.array(found.drawn(jax.random.key(1), 2000))
    log_n, scale = z[:, found.coordinates[0]], expit(z[:, found.coordinates[1]])
    assert stats.kstest(log_n, stats.norm(0.7, 0.5).cdf).pvalue > 1e-3
    known = stats.norm.logpdf(log_n, 0.7, 0.5) + stats.beta.logpdf(scale, 4, 3) + np.log(scale * (1 - scale))
    np.testing.assert_allclose(found.log_prior(z), known, rtol=1e-8)
    one = hypotheses(COUNTS, {"b": [1, 3], "n": 5}, nuisance="scale")
    np.testing.assert_allclose(one.log_prior(z), known - stats.norm.logpdf(log_n, 0.7, 0.5), rtol=1e-8)
    np.testing.assert_allclose(found.quantiles()[:, 0], stats.norm(0.7, 0.5).ppf([0.16, 0.84]), atol=0.05)


def test_a_simplex_has_a_density_of_all_its_entries_but_the_last() -> None:
    text = COUNTS.replace("nuisance scale ~ Beta(4, 3)", "nuisance w ~ Dirichlet([4, 3, 2])")
    text = text.replace("x*scale", "x*w[0]")
    found = hypotheses(text, {"b": [1, 3], "n": 2}, nuisance=["w"])
    assert found.names == ("w[0]", "w[1]")
    z = np.zeros((90_000, found.model.dimension))
    grid = np.linspace(-9, 9, 300)
    z[:, found.coordinates] = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    assert np.exp(found.log_prior(z)).sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1.0, abs=1e-3)


def test_lists_of_any_number_count_alike() -> None:
    found = hypotheses(COUNTS, {"b": [1, 3]})
    z = found.drawn(jax.random.key(1), 200)
    sample = labelled_events(found, layout_of(found.model), 4, z, 1, None)
    assert sample is not None and len(sample) == 200
    weight, rows = sample.draws["hits weight"], sample.draws["hits rows"]
    totals = weight.reshape(200, 2, 4).sum(axis=2)
    # About two events are expected: where a list is empty, none of its draw counts.
    assert (np.isclose(totals, 4) | (totals == 0)).all() and (totals[:, 0] == totals[:, 1]).all()
    assert 0.5 < np.mean(totals > 0) < 0.95 and set(np.round(weight.ravel(), 6)) == {0, 1, round(4 / 3, 6), 2, 4}
    assert (rows[..., 0][:, :4].mean() > rows[..., 0][:, 4:].mean()) and np.isfinite(rows).all()
    same = type(sample).of_arrays(sample.arrays())
    np.testing.assert_array_equal(same.draws["hits rows"], rows)
    np.testing.assert_array_equal(same.points["b"], [1, 3])


# --- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (None, {}, "E609.*learns between two hypotheses, which are not given"),
        ({"s": 0.5}, {}, "E609.*learns between two hypotheses"),
        ({"s": [0, 0.5, 1]}, {}, "E609.*learns between two hypotheses"),
        ({"s": [0.5, 0.5]}, {}, "E609.*the two hypotheses are the same"),
        ({"s": [0, 1], "z": 0}, {}, "E609.*`z` is the nuisance, which is drawn from its prior"),
        ({"t": [0, 1]}, {}, "E609"),
        ({"s": [0, 1]}, {"nuisance": "y"}, "E609.*the model has no parameter `y`"),
        ({"s": [0, 1]}, {"nuisance": "z,s"}, "E662.*all parameters are nuisances"),
        ({"s": [0, 1]}, {"penalties": "0,x"}, "E620.*`penalties` must be different numbers"),
        ({"s": [0, 1]}, {"penalties": [1, -1]}, "E620.*`penalties` must be different numbers"),
        ({"s": [0, 1]}, {"penalties": (1, 1)}, "E620.*`penalties` must be different numbers"),
        ({"s": [0, 1]}, {"rounds": 2}, "E620.*`rounds` must be at most 1"),
    ],
)
def test_what_cannot_be_learned_is_said(points: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(PdflangError) as found:
        model().train(method="pivot", parameters=points, **{"simulations": 20, **options})
    (one,) = found.value.diagnostics
    code, _, words = message.partition(".*")
    assert one.code == code and words in one.message, one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (COUNTS.replace("nuisance", "param"), "the model declares no `nuisance`"),
        (COUNTS.replace("LogNormal(0.7, 0.5)", "LogNormal(b, 0.5)"), "the prior of `n` depends on `b`"),
        (COUNTS.replace("Normal(2, 0.5)", "Normal(n, 0.5)"), "the prior of `b` depends on the nuisance `n`"),
        (COUNTS + "factor f = -n^2\n", "the factor `f` depends on the nuisance `n`"),
    ],
)
def test_a_nuisance_must_have_a_prior_of_its_own(text: str, message: str) -> None:
    with pytest.raises(PdflangError, match=message):
        hypotheses(text, {"b": [1, 3]})


@pytest.mark.slow
def test_what_was_not_learned_is_said() -> None:
    for asked in (trained().sample, trained().map):
        with pytest.raises(PdflangError, match="`pivot` tells hypotheses apart, and has learned no density"):
            asked()
    with pytest.raises(PdflangError, match="`pivot` has learned the output, and makes no events"):
        trained().simulate({"s": 0.5, "z": 0.0})
    with pytest.raises(PdflangError, match="`pivot` has learned no ratios of single events"):
        trained().event_log_ratios("hits", events(3)[0], {"s": 0, "z": 0}, {"s": 1, "z": 0})
    with pytest.raises(PdflangError, match="there is no classifier of the penalty 2") as found:
        trained().event_outputs("hits", events(3)[0], penalty=2)
    assert found.value.diagnostics[0].remedy == "there are those of 0, 50"
    with pytest.raises(PdflangError, match="there is no observation `hit`"):
        trained().event_outputs("hit", events(3)[0])
    with pytest.raises(PdflangError, match="`held_out` must be at least 100"):
        trained().trade_offs(10)
    with pytest.raises(PdflangError, match="the loss is not finite"):
        model().train(method="pivot", parameters=BOTH, **SMALL | {"simulations": 40, "learning_rate": 1e30})
    carl = model().train(method="carl", simulations=20, events=16, epochs=1, width=8, seed=1)
    with pytest.raises(PdflangError, match="`carl` has learned no output of single events"):
        carl.event_outputs("hits", events(3)[0])
    with pytest.raises(PdflangError, match="`carl` has learned the ratio, and no outputs of penalties"):
        carl.trade_offs()
    signed = 'data hits = table("h.csv")\nparam a ~ Normal(1, 1)\nnuisance n ~ LogNormal(3, 1)\n'
    signed += "theory f(x in (0, 1)) = n*(1 + a*x)\nobserve hits ~ PoissonProcess(f, weights = hits.w)\n"
    weighted = pdflang.loads(signed, data={"hits": {"x": [0.1], "w": [1.0]}})
    with pytest.raises(PdflangError, match="the events of `hits` have weights"):
        weighted.train(method="pivot", parameters={"a": [0, 1]})
