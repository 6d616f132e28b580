"""`earlier(…)`: numbers at an earlier fit, found by fitting again and again, or given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import pdflang
from pdflang.cli import program

POINTS = """
    data x[N]
    data y[N]
    param slope ~ Normal(2, 1)
    param offset ~ Normal(1, 1)
    solve twice where twice == 2*offset
    let line[i in N] = slope*x[i] + twice/2
    observe y ~ Normal(line, 0.1*earlier(line))
"""
X, Y = np.array([0.5, 1.0, 2.0, 3.0]), np.array([1.9, 3.2, 4.8, 7.4])


def weighted(reference: np.ndarray) -> np.ndarray:
    """Offset and slope of least squares with errors of a tenth of a reference, and the priors."""
    design = np.column_stack([np.ones(4), X])
    precision = design.T / (0.1 * reference) ** 2
    return np.linalg.solve(precision @ design + np.eye(2), precision @ Y + np.array([1.0, 2.0]))


def test_the_fit_finds_itself() -> None:
    reference = np.ones(4)
    for _ in range(100):
        offset, slope = weighted(reference)
        reference = offset + slope * X
    fit = pdflang.loads(POINTS, data={"x": X, "y": Y}).map()
    assert fit.params["offset"] == pytest.approx(offset, rel=1e-5)
    assert fit.params["slope"] == pytest.approx(slope, rel=1e-5)
    assert fit.earlier["slope"] == pytest.approx(slope, rel=1e-4)
    assert 3 < fit.rounds < 20


def test_a_given_fit_is_kept(tmp_path) -> None:
    given = {"offset": 0.5, "slope": 1.0}
    model = pdflang.loads(POINTS, data={"x": X, "y": Y, "earlier": given})
    fit = model.map()
    offset, slope = weighted(0.5 + X)
    assert (fit.params["offset"], fit.params["slope"]) == (pytest.approx(offset), pytest.approx(slope))
    assert fit.rounds == 0 and fit.earlier["offset"] == 0.5
    # The same by a model that had another, or none.
    for other in (model.after({"offset": 3, "slope": 3}), pdflang.loads(POINTS, data={"x": X, "y": Y})):
        assert other.after(given).map().params["slope"] == fit.params["slope"]
    # One fit is the earlier of the next.
    again = pdflang.loads(POINTS, data={"x": X, "y": Y, "earlier": fit})
    assert again.bound.arrays["earlier.offset"] == fit.params["offset"]


def test_constants_solved_from_parameters_are_earlier_too() -> None:
    """χ² at the parameters themselves: pulls of a tenth of the line."""
    model = pdflang.loads(POINTS, data={"x": X, "y": Y, "earlier": {"offset": 1.0, "slope": 2.0}})
    chi2 = float(model.chi2({"offset": 0.0, "slope": 2.0})["y"])
    assert chi2 == pytest.approx(np.sum(((Y - 2 * X) / (0.1 * (1 + 2 * X))) ** 2))
    # The earlier line does not follow the parameters: the slope of the density has the weights of the first one only.
    gradient = model.log_density({"offset": 0.1, "slope": 2.0}) - model.log_density({"offset": 0.0, "slope": 2.0})
    pulls = [(Y - o - 2 * X) / (0.1 * (1 + 2 * X)) for o in (0.1, 0.0)]
    change = -0.5 * (np.sum(pulls[0] ** 2) - np.sum(pulls[1] ** 2)) - 0.5 * (0.9**2 - 1)
    assert float(gradient) == pytest.approx(change)


def test_only_map_goes_without_a_fit() -> None:
    model = pdflang.loads(POINTS, data={"x": X, "y": Y})
    with pytest.raises(pdflang.PdflangError, match="E643"):
        model.sample()
    with pytest.raises(pdflang.PdflangError, match="E643"):
        model.simulate(0)
    tree = model.after(model.map()).sample(draws=200, seed=1)
    assert tree["posterior"].sizes["draw"] >= 200


@pytest.mark.parametrize(
    ("earlier", "code"), [({"offset": 1.0}, "E518"), (3.0, "E519"), ({"offset": np.nan, "slope": 1.0}, "E507")]
)
def test_what_is_no_fit(earlier, code: str) -> None:
    with pytest.raises(pdflang.PdflangError, match=code):
        pdflang.loads(POINTS, data={"x": X, "y": Y, "earlier": earlier})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("data y = 1.0\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a, earlier(2.0))", "E403"),
        ("data earlier = 1.0\nparam a ~ Normal(0, 1)\nobserve earlier ~ Normal(a, 1)", None),
    ],
)
def test_where_it_means_nothing(text: str, code: str | None) -> None:
    if code is None:
        assert pdflang.loads(text).dimension == 1
        return
    with pytest.raises(pdflang.PdflangError, match=code):
        pdflang.loads(text)


def test_data_cannot_follow_a_fit(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("v\n1\n2\n")
    text = """
        param a ~ Normal(0, 1)
        data t = table("t.csv") where v > earlier(a)
        data y = 1.0
        observe y ~ Normal(a + t.v[0], 1)
    """
    with pytest.raises(pdflang.PdflangError, match="E403"):
        pdflang.loads(text, folder=tmp_path)


def test_a_grid_may_be_where_a_fit_was() -> None:
    text = """
        data y = 1.0
        param a ~ Normal(2, 1) in (0, inf)
        observe y ~ Normal(a, 1)
        output square = x^2 for x in linspace(0, 1, 3)*earlier(a)
    """
    model = pdflang.loads(text, data={"earlier": {"a": 4.0}})
    assert np.asarray(model.derived({"a": 1.0})["square"]) == pytest.approx([0, 4, 16])
    posterior = model.sample(draws=20, chains=1, warmup=50, seed=1)["posterior"]
    assert posterior["square"].sizes[posterior["square"].dims[-1]] == 3


def test_flows_and_recurrences_are_taken_earlier_as_a_whole() -> None:
    text = """
        data y[3] = [1.0, 2.1, 4.2]
        param growth ~ Normal(2, 0.5)
        func step(before, n) = growth*before
        let grown = scan(step, 0.5, [1.0, 2.0, 3.0])
        observe y ~ Normal(grown, 0.1*earlier(grown))
    """
    model = pdflang.loads(text, data={"earlier": {"growth": 2.0}})
    pulls = (np.array([1.0, 2.1, 4.2]) - np.array([0.75, 1.125, 1.6875])) / (0.1 * np.array([1.0, 2.0, 4.0]))
    assert float(model.chi2({"growth": 1.5})["y"]) == pytest.approx(np.sum(pulls**2))




@pytest.mark.parametrize("verb", ["sample", "profile", "predict", "simulate", "calibrate"])
def test_verbs_ask_for_the_fit_before_anything_is_compiled(verb: str, tmp_path: Path) -> None:
    (tmp_path / "m.pdfm").write_text(POINTS)
    data = [f"--data={name}={values.tolist()}" for name, values in (("x", X), ("y", Y))]
    words = [verb, str(tmp_path / "m.pdfm"), *(["slope"] if verb == "profile" else []), *data]
    done = CliRunner().invoke(program, words)
    assert done.exit_code == 1 and "E643" in done.output


def test_the_folder_of_a_fit_or_of_a_posterior_is_one(tmp_path: Path) -> None:
    (tmp_path / "m.pdfm").write_text(POINTS)
    data = [f"--data={name}={values.tolist()}" for name, values in (("x", X), ("y", Y))]

    def run(verb: str, out: str, *more: str) -> str:
        done = CliRunner().invoke(program, [verb, str(tmp_path / "m.pdfm"), *data, "--out", str(tmp_path / out), *more])
        assert done.exit_code == 0, done.output
        return done.output

    assert "rounds" in run("map", "fit")
    assert "rounds" not in run("map", "again", f"--data=earlier={tmp_path / 'fit'}")
    first, second = (json.loads((tmp_path / out / "map.json").read_text()) for out in ("fit", "again"))
    assert first["params"] == pytest.approx(second["params"], rel=1e-3) and first["rounds"] > second["rounds"] == 0
    short = ("--draws", "400", "--chains", "2", "--seed", "1")
    run("sample", "draws", f"--data=earlier={tmp_path / 'fit'}", *short)
    run("map", "third", f"--data=earlier={tmp_path / 'draws'}")
    third = json.loads((tmp_path / "third" / "map.json").read_text())
    means = pdflang.results.open_run(tmp_path / "draws")["posterior"].to_dataset().mean(("chain", "draw"))
    assert third["earlier"]["slope"] == pytest.approx(float(means["slope"]))
    # The page of a fit has the t0 of the fit.
    done = CliRunner().invoke(
        program, ["report", str(tmp_path / "fit"), "--model", str(tmp_path / "m.pdfm"), *data]
    )
    assert done.exit_code == 0 and "note" not in done.output, done.output
