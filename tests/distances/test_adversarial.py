"""Adversarial variational optimisation: the critic beside a known ratio, estimates beside those of the likelihood."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

pytest.importorskip("equinox")

import pdflang
from pdflang.cli import program
from pdflang.diagnostics import PdflangError
from pdflang.distances.adversarial import Contest
from pdflang.distances.adversarial_fit import at_rest
from pdflang.distances.critic import Sample, new_critics, read, trained
from pdflang.inference import MapOptions
from pdflang.inference.workers import StopRequest

SHOWER = Path(__file__).resolve().parents[2] / "examples" / "shower" / "model.pdfm"

NORMAL = """
param mu ~ Normal(0, 2)
param sigma ~ LogNormal(0, 0.5)
data y[N]
observe y ~ Normal(mu, sigma)
"""


def _normal(count: int = 200) -> pdflang.embedding.Model:
    return pdflang.loads(NORMAL, data={"y": np.random.default_rng(3).normal(1.5, 0.7, count)})


def test_a_critic_learns_the_ratio_of_intensities() -> None:
    """Numbers of events count: 4000 observed ones, where a tenth as many are expected of others."""
    random = np.random.default_rng(0)
    observed, others = random.normal(0.5, 1, (4000, 1)), random.normal(0, 1, (8000, 1))
    sample = Sample(others, np.full(8000, 400 / 8000))
    critics = new_critics(jax.random.key(0), {"x": 1})
    for number in range(4):
        critics = trained(critics, {"x": observed}, {"x": sample}, jax.random.key(number))
    at = np.linspace(-1.5, 2, 15)[:, None]
    wanted = np.log(10) + stats.norm.logpdf(at[:, 0], 0.5) - stats.norm.logpdf(at[:, 0])
    np.testing.assert_allclose(read(critics["x"], at)[1], wanted, atol=0.2)


@pytest.mark.slow
def test_measurements_beside_the_likelihood() -> None:
    """Within the errors that are given of the maximum of the posterior, errors not far from the least ones."""
    model = _normal()
    fit, exact = model.map(score="adversarial", seed=1), model.map()
    assert fit.converged and fit.rounds >= 16
    for name, least in exact.standard_errors.items():
        error = float(fit.standard_errors[name])
        assert abs(float(fit.params[name]) - float(exact.params[name])) < 2 * error, name
        assert 0.7 * float(least) < error < 2 * float(least), name


def test_a_seed_gives_the_same_rounds() -> None:
    paths = []
    for seed in (1, 1, 2):
        contest = Contest(_normal(), "all", seed, None)
        contest.round(StopRequest())
        paths.append(contest.path[-1].mean)
    np.testing.assert_array_equal(paths[0], paths[1])
    assert not np.array_equal(paths[0], paths[2])


class _StopsAfter(StopRequest):
    """A stop that is requested in the last of some rounds."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.left = rounds

    @property
    def requested(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_an_interrupt_leaves_the_rounds_so_far() -> None:
    found, optima = at_rest(_normal(), MapOptions(score="adversarial"), stop=_StopsAfter(8))
    assert optima.interrupted and 1 <= found.rounds < 16 and np.all(np.isfinite(optima.best.z))
    with pytest.raises(KeyboardInterrupt):
        at_rest(_normal(), MapOptions(score="adversarial"), stop=_StopsAfter(0))


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        ("param a ~ Normal(0, 1)\ndata y = 1\nobserve y ~ Normal(a, 1)", {}, r"E662(.|\n)*`y`, which is one array"),
        (NORMAL.replace("Normal(0, 2)", "Flat()"), {"y": [1.0, 2.0]}, r"E607"),
        ("data y = 1\nobserve y ~ Normal(0, 1)", {}, r"E608"),
    ],
)
def test_what_has_no_adversarial_score(text: str, data: dict[str, object], message: str) -> None:
    with pytest.raises(PdflangError, match=message):
        pdflang.loads(text, data=data).map(score="adversarial")


def test_a_list_without_events_and_errors_of_the_density() -> None:
    model = pdflang.load(SHOWER, data={"hits": {"y": [0.5]}})
    with pytest.raises(PdflangError, match=r"E662(.|\n)*`hits`, which has fewer than two events"):
        model.map(score="adversarial")
    with pytest.raises(PdflangError, match=r"E620(.|\n)*`--minos` follows the density, of which the adversarial score"):
        model.map(score="adversarial", minos=True)


@pytest.mark.slow
def test_the_shower(tmp_path: Path) -> None:
    """No density, nothing differentiated: the truth within 3 errors, and these below those of the prior."""
    done = CliRunner().invoke(
        program, ["map", str(SHOWER), "--score", "adversarial", "--bootstrap", "2", "--out", str(tmp_path / "r")]
    )
    assert done.exit_code == 0, done.output
    assert "the proposal is at rest" in done.output and "adversarial score" in done.output
    record = json.loads((tmp_path / "r" / "map.json").read_text(encoding="utf-8"))
    assert record["log_density"] is None and -0.01 < record["adversarial_score"] < np.log(2)
    truth = json.loads((SHOWER.parent / "truth.json").read_text(encoding="utf-8"))
    for name, (least, prior) in {"c": (40, 215), "a": (0.1, 0.5), "b": (0.2, 1.0)}.items():
        error = record["standard_errors"][name]
        assert abs(record["params"][name] - truth[name]) < 3 * error, name
        assert least < error < prior, name
    assert CliRunner().invoke(program, ["report", str(tmp_path / "r")]).exit_code == 0


@pytest.mark.slow
def test_many_events_of_a_detector_that_can_only_be_run() -> None:
    """A hundred times as many: errors fall, the truth is within 3.5 of them."""
    truth = {"c": 40_000.0, "a": 0.6, "b": 3.2}
    model = pdflang.load(SHOWER)
    fit = model.rebind(model.simulate(5, truth)).map(score="adversarial", priors="nuisance", seed=1)
    assert fit.converged
    for name, most in {"c": 10_000, "a": 0.08, "b": 0.25}.items():
        error = float(fit.standard_errors[name])
        assert abs(float(fit.params[name]) - truth[name]) < 3.5 * error and error < most, name
