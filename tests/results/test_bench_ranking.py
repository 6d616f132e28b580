"""The ranking of methods: errors that are there are found, those that are not are not; its words and tables."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from scipy import stats

from pdflang.inference import Draws
from pdflang.inference.options import HmcOptions
from pdflang.results.bench import Bench, Contestant, Run, findings_of, ranked, reference_of, to_csv, to_record, to_text
from pdflang.results.bench.distance import distance_between
from pdflang.results.bench.measured import measured, thinned
from pdflang.results.bench.ranking import largest_by_chance
from pdflang.results.plain import to_json

NAMES = ("mu", "<b>%s</b>", "$x_{")


def run(seed: int, draws: int = 1000, shift: float = 0.0, scale: float = 1.0, seconds: float = 1.0, apart: float = 0):
    """Four chains of independent normal draws of three numbers; of the first the mean or the width may be off."""
    z = np.random.default_rng(seed).normal(size=(4, draws, len(NAMES)))
    z[..., 0] = shift + scale * z[..., 0]
    z += apart * np.arange(4)[:, None, None]
    statistics = {"n_gradients": np.full(z.shape[:2], 3), "diverging": np.zeros(z.shape[:2], bool)}
    made = Draws(
        z, statistics, seed, HmcOptions(), "hmc", warmup_gradients=np.array([100] * 4), seconds={"judge": 0.25}
    )
    record = measured(NAMES, z, made, seconds + 1.25, 1.0)
    return Run({"name": "any", "cores": 1, "memory": 2**20, **record}, thinned(z, record["ess"]))


@pytest.fixture(scope="module")
def reference() -> Run:
    return run(0, 5000)


def of(runs: dict[str, Run], reference: Run | None, approximates: tuple[str, ...] = (), refused: str = "") -> Bench:
    contestants = [Contestant(name, name, {}, name in approximates) for name in runs]
    contestants += [Contestant(refused, refused, refused="the prior is improper")] if refused else []
    told = reference_of("nuts", reference)
    rows = ranked(contestants, {(name, 1): one for name, one in runs.items()}, reference, told.is_known, 1)
    return Bench("$m_{%s}.pdfm", rows, told, 60.0, 1)


def test_what_is_measured():
    record = run(3, seconds=2.0).record
    assert record["seconds"] == pytest.approx(2.0) and record["compile_seconds"] == 1.0
    assert record["gradients"] == 4 * 1000 * 3 + 400
    assert record["sd_error"][0] == pytest.approx(1 / math.sqrt(2 * 4000), rel=0.1)


def test_what_is_right_agrees(reference):
    verdicts = [of({"one": run(seed)}, reference)["one"].verdict for seed in range(1, 41)]
    assert verdicts.count("agrees") >= 39


@pytest.mark.parametrize("wrong", [{"shift": 0.15}, {"scale": 1.12}, {"scale": 0.9}])
def test_what_is_wrong_differs_and_is_told(reference, wrong):
    found = of({"good": run(1), "wrong": run(2, seconds=0.01, **wrong)}, reference)
    assert found.best.name == "good" and found["wrong"].verdict == "differs"
    assert found["wrong"].means.name == "mu" or found["wrong"].widths.name == "mu"
    text = to_text(found)
    assert "`good` is the best here" in text and "`wrong` should be exact" in text and "but not right" in text


def test_a_wrong_shape_is_seen_by_the_distance(reference):
    """An exponential of the same mean and width."""
    z = np.array(run(1).draws)
    z[:, 0] = np.random.default_rng(1).exponential(size=len(z)) - 1
    found = distance_between(z, reference.draws, 0)
    assert found.is_significant


def test_the_distance_of_normal_distributions_is_that_of_their_means():
    generator = np.random.default_rng(0)
    first, second = generator.normal(2, 3, (4000, 1)), generator.normal(3.5, 3, (4000, 1))
    assert distance_between(second, first, 0).value == pytest.approx(0.5, abs=0.07)
    assert distance_between(second[:1], first, 0) is None


def test_the_floor_is_the_distance_of_two_sets_of_the_same_posterior():
    """Correlated, and of different scales: as of independent numbers, after whitening."""
    generator = np.random.default_rng(1)
    shape = np.array([[1.0, 0.0], [999.0, 1.0]])
    one, other = (generator.normal(size=(2000, 2)) @ shape.T for _ in range(2))
    found = distance_between(other[:1000], one, 0)
    assert found.value == pytest.approx(found.floor, abs=3 * found.spread) and not found.is_significant
    away = distance_between(other[:1000] + shape @ [0.0, 0.3], one, 0)
    assert away.is_significant


def test_the_largest_deviation_by_chance():
    found = largest_by_chance(1)
    assert 2 * 2 * stats.norm.sf(found) == pytest.approx(1e-3)


def test_the_order_and_who_is_recommended(reference):
    runs = {
        "slow": run(1, seconds=5.0), "fast": run(2, seconds=1.0), "normal": run(3, seconds=0.1),
        "apart": run(4, apart=0.5, seconds=0.01), "ended": Run({"name": "ended", "cores": 1, "failure": "E601: no"}),
    }  # fmt: skip
    found = of(runs, reference, ("normal",), "flat")
    assert [row.name for row in found.rows] == ["fast", "slow", "normal", "apart", "ended", "flat"]
    assert found.best.name == "fast" and found["apart"].verdict == "not converged"
    assert found["flat"].why == "the prior is improper" and found["ended"].why == "E601: no"
    text = to_text(found)
    assert "× `slow`" in text and "`normal` approximates, and agrees" in text and "ended: E601: no" in text
    assert not findings_of(found) and "fast is the best" in repr(found)


def test_an_approximation_is_never_recommended_as_exact(reference):
    found = of({"normal": run(1)}, reference, ("normal",))
    assert found.best is None and findings_of(found)[0].severity == "error"
    assert "No method is recommended: those that have run are approximations" in to_text(found)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        (Run({"failure": "E601: nothing is finite"}), "nothing is finite"),
        (run(0, apart=0.5), "not converged"),
        (None, "not run"),
    ],
)
def test_without_a_reference_nothing_is_known_of_errors(reference, why):
    found = of({"one": run(1)}, reference)
    assert found["one"].verdict == "not known" and found["one"].means is None and found.best is None
    assert why in to_text(found) and why in findings_of(found)[0].sentence


def test_draws_that_are_all_the_same_differ(reference):
    stuck = run(1)
    z = np.tile(stuck.draws[:1], (4, 100, 1))
    made = Draws(z, {}, 0, HmcOptions(), "hmc")
    found = of({"stuck": Run(measured(NAMES, z, made, 1.0, 0.0), z[0])}, reference)
    assert found["stuck"].verdict == "differs" and found["stuck"].means.largest > 50
    assert "`stuck` should be exact" in to_text(found)


def test_files_that_others_read(reference):
    found = of({"one": run(1), "other": run(2, shift=1.0)}, reference, refused="flat")
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [row["name"] for row in rows] == ["one", "other", "flat"]
    assert float(rows[0]["means_largest"]) == found["one"].means.largest and rows[2]["seconds"] == "nan"
    read = json.loads(to_json(to_record(found)))
    assert read["best"] == "one" and read["methods"][1]["distance"]["value"] == found["other"].distance.value
    assert read["methods"][2]["ess"] is None


def test_the_picture(reference):
    from pdflang.report.bench import picture

    found = of({"one": run(1), "other": run(2, shift=1.0)}, reference, ("other",))
    assert picture(found, "svg") == picture(found, "svg")
    assert picture(of({"one": run(1)}, None), "png").startswith(b"\x89PNG")
