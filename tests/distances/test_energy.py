"""The energy score: sums by sorting, the Beta toy, the proxy beside the bound of Cramér and Rao, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import polygamma

import pdflang
from pdflang.cli import program
from pdflang.diagnostics import PdflangError
from pdflang.distances.energy import (
    EnergyScore,
    ScoreProgram,
    distances_to,
    mean_distance,
    weighted_mean_distance,
)

PROXY = Path(__file__).resolve().parents[2] / "examples" / "proxy" / "model.pdfm"
TRUTH = {"c_u": 2.0, "a_u": 0.5, "b_u": 3.0, "c_d": 1.0, "a_d": 0.6, "b_d": 4.0}

BETA = """
param b ~ Uniform(1, 30)
data xs = table("x.csv").x
pdf f(x in (0, 1)) = x^4.5 * (1 - x)^(b - 1)
observe xs ~ Iid(f)
"""

PLANE = """
param c ~ LogNormal(6, 0.5)
param a ~ Normal(2, 1) in (0, inf)
param b ~ Normal(2, 1) in (0, inf)
data hits = table("hits.csv")
theory rate(x in (0, 1), y in (0, 1)) = c * x^a * y^b
observe hits ~ PoissonProcess(rate)
"""

LEAKING = """
param c ~ LogNormal(6, 0.5)
param b ~ Normal(3, 1) in (-1, inf)
data hits = table("hits.csv")
pdf f(x) = c * (1 - x)^b
detector calorimeter(y in (0, 1) | x) {
    draw leak ~ Normal(0.1, 0.03) in (0, 1)
    draw y    ~ Normal(x * (1 - leak), 0.02)
}
observe hits ~ PoissonProcess(f |> calorimeter)
"""


def test_sums_by_sorting_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(0)
    x, y, weights = np.sort(random.standard_normal(50)), random.standard_normal(30), random.dirichlet(np.ones(50))
    apart = np.abs(x[:, None] - x)
    np.testing.assert_allclose(distances_to(x, y), np.abs(x[:, None] - y).mean(axis=1))
    assert mean_distance(y) == pytest.approx(np.abs(y[:, None] - y).sum() / (30 * 29))
    # Without the pairs i = j, of which the weights are Σ w².
    expected = weights @ apart @ weights / (1 - np.sum(weights**2))
    assert float(weighted_mean_distance(weights, np.diff(x))) == pytest.approx(expected, rel=1e-6)


def test_the_score_is_that_of_all_pairs_also_where_events_are_weighted() -> None:
    """An Iid list has nothing else in it: N S/G, by importance weights at another point."""
    data = np.random.default_rng(1).beta(5.5, 5.5, 40)
    model = pdflang.loads(BETA, data={"xs": data})
    program, at, other = ScoreProgram(model), *(np.asarray(model.unconstrain({"b": b})) for b in (5.0, 7.0))
    score = EnergyScore(model, program, at, 3, 1)
    target = score.target(model)
    x = score._events["xs"].ordered[0] + score._events["xs"].center[0]
    weights = (1 - x) ** 2.0
    weights /= weights.sum()
    spread = weights @ np.abs(x[:, None] - x) @ weights / (1 - np.sum(weights**2))
    found = weights @ np.abs(x[:, None] - data).mean(axis=1) - spread / 2
    unit = np.abs(data[:, None] - data).sum() / (40 * 39) / 2
    assert -float(target.log_density(other, target.arrays)) == pytest.approx(40 * found / unit, rel=1e-9)


@pytest.mark.slow
def test_the_beta_toy_and_its_convergence() -> None:
    """The second shape, by five simulated events for each: the error falls by the root of the number of events."""
    model, errors = pdflang.loads(BETA, data={"xs": [0.4, 0.5, 0.6]}), []
    for count in (200, 800, 3200):
        pulls = []
        for number in range(4):
            data = np.random.default_rng((count, number)).beta(5.5, 5.5, count)
            fit = model.rebind({"xs": data}).map(score="energy", simulated=5.0, seed=number)
            assert fit.converged
            pulls.append((float(fit.params["b"]) - 5.5) / float(fit.standard_errors["b"]))
        assert np.abs(pulls).max() < 3.5 and np.sqrt(np.mean(np.square(pulls))) < 1.8
        least = (count * (polygamma(1, 5.5) - polygamma(1, 11))) ** -0.5
        errors.append(float(fit.standard_errors["b"]))
        assert 0.9 * least < errors[-1] < 1.4 * least  # √1.2 of it for the simulated ones
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2, rtol=0.25)


@pytest.mark.slow
def test_several_variables_are_projected() -> None:
    truth = {"c": 1500.0, "a": 1.5, "b": 2.5}
    model = pdflang.loads(PLANE, data={"hits": {"x": [0.5, 0.4], "y": [0.5, 0.6]}})
    model = model.rebind(model.simulate(2, truth))
    fit, least = model.map(score="energy", simulated=4.0), model.cramer_rao(truth)
    for name, value in truth.items():
        error = float(fit.standard_errors[name])
        assert abs(float(fit.params[name]) - value) < 4 * error
        assert 0.8 < error / float(least[name]) < 2.5


@pytest.mark.slow
def test_a_detector_that_can_only_be_run() -> None:
    truth = {"c": 600.0, "b": 2.0}
    model = pdflang.loads(LEAKING, data={"hits": {"y": [0.5, 0.4]}})
    model = model.rebind(model.simulate(2, truth))
    fit = model.map(score="energy", simulated=4.0)
    for name, value in truth.items():
        assert abs(float(fit.params[name]) - value) < 4 * float(fit.standard_errors[name])


def test_what_has_no_energy_score() -> None:
    with pytest.raises(PdflangError, match=r"E662(.|\n)*`y`, which is no list of events"):
        pdflang.loads("param a ~ Normal(0, 1)\ndata y = 1\nobserve y ~ Normal(a, 1)").map(score="energy")
    with pytest.raises(PdflangError, match=r"E620(.|\n)*`--minos` follows the density"):
        pdflang.load(PROXY).map(score="energy", minos=True)


def test_the_command_prints_what_the_score_gives_away(tmp_path: Path) -> None:
    words = ["--score", "energy", "--simulated", "3", "--bootstrap", "3", "--seed", "1", "--out", str(tmp_path / "r")]
    done = CliRunner().invoke(program, ["map", str(PROXY), *words])
    assert done.exit_code == 0, done.output
    assert "energy score with yields" in done.output and "(Cramér–Rao) over error: c_u 0." in done.output
    record = json.loads((tmp_path / "r" / "map.json").read_text(encoding="utf-8"))
    assert record["log_density"] is None and record["energy_score"] < 0
    done = CliRunner().invoke(program, ["report", str(tmp_path / "r")])
    assert done.exit_code == 0, done.output


@pytest.mark.slow
@pytest.mark.parametrize(("size", "replicas"), [(1, 40), (10, 40), (100, 15)])
def test_the_proxy_beside_the_least_errors(size: int, replicas: int) -> None:
    """Data A, B and C: within errors of the truth, errors not far above the bound, and the same by the bootstrap."""
    model = pdflang.load(PROXY, data={"lumi": 1143.0 * size})
    model = model.rebind({**model.simulate(11, TRUTH), "lumi": 1143.0 * size})
    fit = model.map(score="energy", seed=2)
    least = model.cramer_rao(fit.params)
    again = model.bootstrap(fit, replicas=replicas)
    for name, value in TRUTH.items():
        error = float(fit.standard_errors[name])
        assert abs(float(fit.params[name]) - value) < 3.5 * error, name
        assert 0.9 < error / float(least[name]) < 2, name
        if size > 1:  # of data A the distribution of c_d has a long tail
            assert 0.5 < float(again.arrays[name].std()) / error < 1.6, name
