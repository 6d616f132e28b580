"""Fits beside each other: differences in sigmas, LOO against ArviZ, evidence, and when these cannot be compared."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pytest
from click.testing import CliRunner

import pdflang
from pdflang.cli import program
from pdflang.diagnostics import PdflangError
from pdflang.results.reading import Run, read_run
from pdflang.results.side_by_side import Estimate, compare
from pdflang.results.side_by_side_words import to_text, value

DATA = [1.0, 2.0, 3.5, 0.5, 2.2, 1.4]
HASH = {"y": {"sha256": "1"}}
NORMAL = "data y[N]\nparam mu ~ Normal(0, 5)\nobserve y ~ Normal(mu, 1)"
WIDE = "data y[N]\nparam mu ~ Normal(0, 5)\nparam s ~ HalfNormal(2)\nobserve y ~ StudentT(4, mu, s)"


def run(name: str, tree: Any = None, data: dict[str, Any] | None = None, maximum: Any = None) -> Run:
    return Run(Path(f"{name}.run"), {"method": "nuts", "data": HASH if data is None else data}, tree, maximum)


@pytest.fixture(scope="module")
def normal() -> Any:
    model = pdflang.loads(NORMAL, data={"y": DATA})
    return model.sample(chains=2, warmup=200, draws=400, seed=1, log_likelihood=True)


@pytest.fixture(scope="module")
def wide() -> Any:
    model = pdflang.loads(WIDE, data={"y": DATA})
    return model.sample(chains=2, warmup=200, draws=400, seed=1, log_likelihood=True)


def test_differences_are_in_sigmas(normal: Any) -> None:
    maximum = {"params": {"mu": 2.5, "k": 1.0}, "standard_errors": {"mu": 0.3, "k": 0.1}, "derived": {"d": 3.0}}
    found = compare([run("a", normal), run("b", maximum=maximum)])
    (row,) = found.rows
    draws = np.asarray(normal["posterior"]["mu"]).ravel()
    mean, sd = draws.mean(), draws.std(ddof=1)
    assert row.estimates == (Estimate(pytest.approx(mean), pytest.approx(sd)), Estimate(2.5, 0.3))
    assert row.sigmas == (pytest.approx((2.5 - mean) / math.hypot(sd, 0.3)),)
    assert "only in b: `k`, `d`" in found.words
    text = to_text(found)
    assert f"{mean:.2f} ± {sd:.2f}" in text and "2.50 ± 0.30" in text and " σ" in text


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # ArviZ's use of pandas
def test_loo_is_that_of_arviz(normal: Any, wide: Any) -> None:
    found = compare([run("normal", normal), run("wide", wide)])
    theirs = arviz_stats.compare({"normal": normal, "wide": wide})
    assert [row.name for row in found.loo] == list(theirs.index)
    for row in found.loo:
        other = theirs.loc[row.name]
        # ArviZ turns the sign of differences and rounds what it shows.
        assert row.elpd == pytest.approx(other["elpd"], abs=0.06)
        assert abs(row.difference) == pytest.approx(abs(other["elpd_diff"]), abs=0.06)
        assert row.se_difference == pytest.approx(other["dse"], abs=0.06)
    assert found.loo[0].difference == 0 and found.loo[1].difference < 0


def test_evidence_of_known_size() -> None:
    """log Z of a normal mean with a normal prior is that of a multivariate normal."""
    from scipy import stats

    found = {}
    for width in (1.0, 5.0):
        model = pdflang.loads(NORMAL.replace("Normal(0, 5)", f"Normal(0, {width})"), data={"y": DATA})
        found[f"w{width:g}"] = run(f"w{width:g}", model.sample(method="smc", seed=2, particles=1000))
    exact = {
        f"w{width:g}": stats.multivariate_normal(np.zeros(6), np.eye(6) + width**2).logpdf(DATA)
        for width in (1.0, 5.0)
    }
    best, other = compare(list(found.values())).evidence
    assert exact[best.name] > exact[other.name]
    expected = exact[other.name] - exact[best.name]
    assert abs(other.difference - expected) < 5 * other.error_difference < 1.0
    assert other.error_difference == pytest.approx(math.hypot(best.error, other.error))


def test_other_data_and_nothing_to_compare(normal: Any, wide: Any) -> None:
    other = compare([run("a", normal), run("b", wide, {"y": {"sha256": "2"}})])
    assert (other.loo, other.evidence) == ((), ())
    assert other.words[-1] == "LOO and evidence are not compared: b has other data than a, `y`"
    bare = pdflang.loads(NORMAL, data={"y": DATA}).sample(chains=1, warmup=50, draws=50, seed=1)
    without = compare([run("a", normal), run("b", bare)])
    assert without.words == ("no LOO of b: there is no log-likelihood; sample with `--log-likelihood`",)
    with pytest.raises(PdflangError, match="E623"):
        compare([run("a", normal), run("b")])


def test_inputs_that_are_not_observed_may_differ(normal: Any, wide: Any) -> None:
    found = compare([run("a", normal, {**HASH, "lumi": 1}), run("b", wide, {**HASH, "lumi": 2})])
    assert len(found.loo) == 2


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(1.91834, 0.30712), "1.92 ± 0.31"), (Estimate(6171.2, 2024.0), "6200 ± 2000"),
        (Estimate(1.5e-9, 2e-10), "1.50e-09 ± 2.0e-10"), (Estimate(3.25, math.nan), "3.25"), (None, "–"),
        (Estimate(-0.0004, 0.0312), "-0.000 ± 0.031"),
    ],
)  # fmt: skip
def test_values_show_two_digits_of_their_error(estimate: Estimate | None, text: str) -> None:
    assert value(estimate) == text


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    """However its folder is written."""
    folder = tmp_path / "a.run"
    folder.mkdir()
    (folder / "provenance.json").write_text('{"method": "map"}')
    (folder / "map.json").write_text('{"params": {"mu": 1.0}}')
    (tmp_path / "link").symlink_to(folder)
    for other in (folder, folder / ".." / "a.run", tmp_path / "link"):
        done = CliRunner().invoke(program, ["compare", str(folder), str(other)])
        assert done.exit_code == 2, done.output
        assert f"error[E620]: the run in `{other}` is given twice" in " ".join(done.output.split())


FLAVOURS = "data y[flavour] = [{}]\nparam c[flavour] ~ Normal(0, 100)\nobserve y ~ Normal(c, 0.1)\noutput o = c\n"
ORDERS = {
    "a": "index flavour = u, d\n" + FLAVOURS.format("1, 9"),
    "b": "index flavour = d, u\n" + FLAVOURS.format("9, 1"),
}


@pytest.mark.parametrize("kinds", [("sample", "sample"), ("map", "map"), ("sample", "map"), ("map", "sample")])
def test_entries_are_those_of_one_label_in_whatever_order(kinds: tuple[str, str], tmp_path: Path) -> None:
    """The data are the same by their labels: u is 1, d is 9."""
    runs = []
    for kind, (name, text) in zip(kinds, ORDERS.items(), strict=True):
        (tmp_path / f"{name}.pdfm").write_text(text, encoding="utf-8")
        options = ["--draws", "100", "--warmup", "100", "--chains", "2", "--seed", "1"] if kind == "sample" else []
        file = str(tmp_path / f"{name}.pdfm")
        done = CliRunner().invoke(program, [kind, file, *options, "--out", str(tmp_path / name)])
        assert done.exit_code in (0, 3), done.output
        runs.append(read_run(tmp_path / name))
    found = {row.name: row for row in compare(runs).rows}
    for entry, truth in (("c[u]", 1.0), ("c[d]", 9.0), ("o[u]", 1.0), ("o[d]", 9.0)):
        assert [estimate.mean for estimate in found[entry].estimates if estimate] == [
            pytest.approx(truth, abs=0.1), pytest.approx(truth, abs=0.1)
        ]  # fmt: skip


def test_a_maximum_without_labels_borrows_none() -> None:
    """One that has kept none: what its entries are is not known, and they stand beside none that have labels."""
    labelled = {"params": {"c": [1.0, 9.0]}, "axes": {"c": {"dims": ["f"], "coords": {"f": ["u", "d"]}}}}
    old = {"params": {"c": [9.0, 1.0]}}
    assert compare([run("a", maximum=labelled), run("b", maximum=old)]).rows == ()
    assert [row.name for row in compare([run("a", maximum=old), run("b", maximum=old)]).rows] == ["c[0]", "c[1]"]
