"""Numbers and words of predictive checks."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from scipy import stats

from pdflang.results.diagnostics import to_text as words_of
from pdflang.results.posterior import group_of, tree_of
from pdflang.results.prediction import (
    Comparison,
    LeaveOneOut,
    check_prediction,
    comparisons,
    findings_of,
    leave_one_out,
    to_csv,
    to_text,
)
from pdflang.results.schema import VariableSchema

SHAPE = (4, 500)


def comparison(observed: np.ndarray, predicted: np.ndarray, **more) -> Comparison:
    names = tuple(f"y[{i}]" for i in range(len(observed)))
    return Comparison("y", observed, predicted, names, len(observed), "posterior", **more)


def tree(kind: str = "posterior", without: dict[str, str] | None = None):
    """A normal mean and six data, one of them far out; counts of events in three bins."""
    random = np.random.default_rng(11)
    y, counts = np.array([0.1, -0.7, 1.2, 0.4, -1.1, 5.0]), np.array([12, 7, 2])
    mu = random.normal(0.8, 6**-0.5, SHAPE)
    predicted = {"y": random.normal(mu[..., None], 1, (*SHAPE, 6)), "x": random.poisson([10, 8, 3], (*SHAPE, 3))}
    known = {"y": VariableSchema(("school",), {"school": list("ABCDEF")}), "x": VariableSchema(("x_bin",))}
    terms = {"y": stats.norm.logpdf(y, mu[..., None], 1)}
    groups = {
        kind: group_of({"mu": mu}, {}),
        f"{kind}_predictive": group_of(predicted, known),
        "log_likelihood": group_of(terms, known) if kind == "posterior" else None,
        "chi2": group_of({"y": ((y - mu[..., None]) ** 2).sum(-1)}, {}) if kind == "posterior" else None,
        "observed_data": group_of({"y": y, "x": counts}, known, ()),
        "constant_data": group_of({"x edges": np.array([0.0, 0.25, 0.5, 1.0])}, {}, ()),
    }
    return tree_of(groups, {"kind": kind, "seed": 0, "without_density": without or {}}).to_xarray()


POSTERIOR = """\
   data     χ² / n      p  in 68%  in 95%  largest pull
y     6  25.31 / 6  3e-04  3 of 6  5 of 6  3.78 at y[F]
x    21   0.91 / 3  0.819  3 of 3  3 of 3  0.65 at x in 0 to 0.25

LOO  parts    elpd    SE  p_loo  largest k
y        6  -20.61  9.08   4.20  0.88 at y[F]

warning: y lies farther from its prediction than data of this model do (p = 0.00034)
  help: look at the pulls in its picture: an effect that the model lacks, or errors that are too small
warning: Pareto k is above 0.70 for y[F]: the posterior without is far from this one, and elpd of y is not reliable
  help: draw more (`sample --draws`); if k stays, such data decide alone: sample without to see what changes
"""


def told(of) -> str:
    shown, loo = list(comparisons(of)), leave_one_out(of)
    checks = [check_prediction(one) for one in shown]
    return f"{to_text(checks, loo)}\n{words_of(findings_of(checks, loo, of))}"


def test_the_tables_and_the_words() -> None:
    assert told(tree()) == POSTERIOR


def test_of_the_prior_nothing_is_left_out() -> None:
    said = told(tree("prior"))
    assert "LOO" not in said
    assert "than data usually do" in said and "a wrong unit or a wrong sign" in said


def test_data_that_no_parameter_has_a_part_in() -> None:
    """Their weights are all the same: what is predicted is their density, and nothing is learned from them."""
    mu = np.random.default_rng(0).normal(0, 0.4, SHAPE)
    terms = np.stack([np.full(SHAPE, -1.5), stats.norm.logpdf(0.3, mu, 1), np.where(mu > 0.2, -2.0, -3.0)], axis=-1)

    def left_out(part: np.ndarray) -> LeaveOneOut:
        groups = {"posterior": group_of({"mu": mu}, {}), "log_likelihood": group_of({"y": part}, {})}
        return leave_one_out(tree_of(groups, {}).to_xarray())[0]

    found = left_out(terms)
    weights = np.exp(-terms[..., 2])
    expected = np.log(np.sum(weights * np.exp(terms[..., 2])) / np.sum(weights))
    assert found.elpd_i[[0, 2]] == pytest.approx([-1.5, expected])
    assert found.pareto_k[[0, 2]] == pytest.approx([0, 0]) and found.pareto_k[1] < 0.7
    # The others are as they are without them.
    assert left_out(terms[..., 1:2]).elpd_i[0] == found.elpd_i[1]


def test_what_has_no_density_is_told() -> None:
    said = told(tree(without={"x": "the detector has no density"}))
    assert "note: there is no LOO of x: the detector has no density\n  help: only its prediction" in said


def test_a_row_for_every_entry() -> None:
    of = tree()
    shown, loo = list(comparisons(of)), leave_one_out(of)
    rows = list(csv.DictReader(io.StringIO(to_csv(shown, loo))))
    assert [row["entry"] for row in rows] == [f"y[{s}]" for s in "ABCDEF"] + [
        "x in 0 to 0.25", "x in 0.25 to 0.5", "x in 0.5 to 1",
    ]  # fmt: skip
    assert float(rows[5]["observed"]) == 5 and float(rows[5]["pull"]) == shown[0].pulls[5]
    assert float(rows[2]["elpd"]) == loo[0].elpd_i[2] and rows[7]["elpd"] == ""
    assert float(rows[0]["0.025"]) < float(rows[0]["0.5"]) < float(rows[0]["0.975"])


def test_intervals_hold_what_they_should() -> None:
    random = np.random.default_rng(0)
    check = check_prediction(comparison(random.normal(size=4000), random.normal(size=(2000, 4000))))
    assert check.inside[0] == pytest.approx(0.68 * 4000, abs=4 * math.sqrt(4000 * 0.68 * 0.32))
    assert check.inside[1] == pytest.approx(0.95 * 4000, abs=4 * math.sqrt(4000 * 0.95 * 0.05))
    assert check.chi2 == pytest.approx(4000, abs=4 * math.sqrt(2 * 4000))


def test_p_values_of_right_predictions_are_uniform() -> None:
    random = np.random.default_rng(1)
    rates = np.array([0.3, 2.0, 7.0, 30.0])
    found = [
        check_prediction(comparison(random.poisson(rates) * 1.0, random.poisson(rates, (400, 4)) * 1.0)).p_value
        for _ in range(300)
    ]
    assert stats.kstest(found, "uniform").pvalue > 1e-3


def test_p_values_of_a_gaussian_are_those_of_chi2() -> None:
    chi2 = np.array([2.0, 3.0, 9.0])
    check = check_prediction(comparison(np.zeros(4), np.random.default_rng(2).normal(size=(3, 4)), chi2=chi2))
    assert check.p_value == pytest.approx(stats.chi2.sf(chi2, 4).mean(), rel=1e-12)
    assert check.chi2 == pytest.approx(14 / 3)


def test_what_no_draw_predicts_has_the_smallest_p_value() -> None:
    predicted = np.zeros((99, 2))
    predicted[:, 1] = np.random.default_rng(3).normal(size=99)
    check = check_prediction(comparison(np.array([1.0, 0.0]), predicted))
    assert (check.p_value, check.largest_pull, check.pulled) == (0.01, math.inf, "y[0]")
    assert check_prediction(comparison(np.zeros(1), np.zeros((9, 1)))).p_value == 1.0


def test_predictions_that_are_not_finite_are_an_error() -> None:
    predicted = np.random.default_rng(5).normal(size=(200, 2))
    predicted[3, 1] = np.inf
    with np.errstate(invalid="ignore"):
        check = check_prediction(comparison(np.zeros(2), predicted))
    assert math.isnan(check.p_value)
    (finding,) = findings_of([check], [], tree())
    assert finding.severity == "error" and "not finite" in finding.sentence


def test_parts_that_decide_alone_are_named() -> None:
    found = LeaveOneOut("y", tuple(f"y[{i}]" for i in range(9)), np.zeros(9), 1.0, np.linspace(0.2, 1.0, 9), 0.65)
    (finding,) = findings_of([], [found], tree())
    assert finding.names == ("y[8]", "y[7]", "y[6]", "y[5]")
    assert "Pareto k is above 0.65 for y[8], y[7], y[6], y[5]: the posterior without" in finding.sentence
    assert math.isnan(LeaveOneOut("y", ("y",), np.zeros(1), 1.0, np.zeros(1), 0.65).se)


def test_the_attributes_survive_a_file(tmp_path) -> None:
    of = tree(without={"x": "why"})
    of.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    from pdflang.results import open_run

    again = open_run(tmp_path / "t.nc")
    assert json.loads(again.attrs["without_density"]) == {"x": "why"}
    assert told(again) == told(of)
