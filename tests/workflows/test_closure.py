"""Closure tests: exact numbers of linear Gaussian problems, what a wrong covariance gives away, runs that go on."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pdflang
from pdflang.cli import program
from pdflang.data.lhapdf_files import Block, Member, write_info, write_member
from pdflang.inference.workers import StopRequest
from pdflang.results.closure import Closure, expected_xi
from pdflang.workflows import ClosureOptions
from pdflang.workflows.closure import _Fits, closure

LINE = """
    data x[20] = linspace(0, 1, 20)
    data y[20] = linspace(0, 1, 20)
    param a ~ Flat()
    param b ~ Flat()
    let line[i in 20] = a + b*x[i]
    observe y ~ Normal(line, SIGMA)
    output f = a + b*t for t in linspace(0, 1, 5)
"""
TRUTH = {"a": 1.0, "b": 2.0}
EXAMPLES = Path(__file__).parents[2] / "examples"


def line(sigma: float = 0.1) -> pdflang.embedding.Model:
    return pdflang.loads(LINE.replace("SIGMA", repr(sigma)))


def closed(options: ClosureOptions, sigma: float = 0.1, simulated: float | None = None) -> Closure:
    fitted = line(sigma)
    return closure(fitted, options, line(simulated) if simulated else fitted, TRUTH)


def test_a_linear_problem_is_faithful() -> None:
    """R_bv = 1 and ξ = 0.68; bias and variance are the number of parameters over that of data, exactly."""
    found = closed(ClosureOptions(fits=60, replicas=30, seed=2))
    assert (found.fits, found.failures, found.lost, found.interrupted) == (60, {}, 0, False)
    for estimate, expected in (
        (found.data.r_bv, 1.0),
        (found.data.bias, 2 / 20),
        (found.data.variance, 2 / 20),
        (found.data.xi, expected_xi(1.0)),
        (found.chi2, 1.0),
        (found.outputs[0].r_bv, 1.0),
        (found.outputs[0].xi, 0.683),
    ):
        assert 0 < estimate.error < 0.3 * expected
        assert estimate.value == pytest.approx(expected, abs=3.5 * estimate.error)
    # φ is the root of the mean variance over K: an identity.
    assert found.phi.value == pytest.approx(math.sqrt(found.data.variance.value * 29 / 30), rel=0.01)
    assert found.faithful and all(p > 1e-3 for p in found.ranks.values()) and set(found.ranks) >= {"a", "b"}


def test_one_number_may_predict_all_data() -> None:
    mean = pdflang.loads("data y[8] = linspace(0, 1, 8)\nparam m ~ Flat()\nobserve y ~ Normal(m, 0.1)")
    np.testing.assert_array_equal(mean.predictions({"m": 0.5})["y"], np.full(8, 0.5))
    found = closure(mean, ClosureOptions(fits=30, replicas=30, seed=2), mean, {"m": 0.5})
    assert found.failures == {}
    assert found.data.bias.value == pytest.approx(1 / 8, abs=3.5 * found.data.bias.error)
    assert found.data.variance.value == pytest.approx(1 / 8, abs=3.5 * found.data.variance.error)


def test_a_covariance_too_small_by_two_is_found_out() -> None:
    """Noise of 0.2 fitted with an error of 0.1: deviations are twice what is stated."""
    found = closed(ClosureOptions(fits=40, replicas=20, seed=1), 0.1, 0.2)
    assert found.data.r_bv.value == pytest.approx(2.0, abs=4 * found.data.r_bv.error)
    assert found.data.xi.value == pytest.approx(expected_xi(2.0), abs=4 * found.data.xi.error)
    assert not found.faithful and "R_bv" in found.findings[0].sentence


def test_a_covariance_too_large_is_found_out() -> None:
    found = closed(ClosureOptions(fits=40, replicas=20, seed=1), 0.1, 0.05)
    assert found.data.r_bv.value == pytest.approx(0.5, abs=4 * found.data.r_bv.error) and not found.faithful


def test_without_noise_the_fit_is_the_truth() -> None:
    found = closed(ClosureOptions(level=0))
    assert (found.fits, found.replicas) == (1, 1)
    assert found.chi2.value == pytest.approx(0.0, abs=1e-12)
    assert found.data.bias.value == pytest.approx(0.0, abs=1e-12) and found.faithful
    # A model that cannot be the truth says so.
    bent = pdflang.loads(LINE.replace("SIGMA", "0.1").replace("+ b*x[i]", "+ b*x[i] + x[i]^2"))
    other = closure(line(), ClosureOptions(level=0), bent, TRUTH)
    assert not other.faithful and other.data.bias.value > 0.01


def test_the_first_level_has_one_maximum_a_fit() -> None:
    found = closed(ClosureOptions(level=1, fits=40, seed=3))
    assert found.replicas == 1 and found.data.variance.value == 0
    assert found.data.bias.value == pytest.approx(2 / 20, abs=4 * found.data.bias.error)


def test_draws_of_the_posterior_are_replicas_too() -> None:
    found = closed(ClosureOptions(level=1, method="sample", fits=25, replicas=40, seed=1))
    assert found.data.r_bv.value == pytest.approx(1.0, abs=3.5 * found.data.r_bv.error)
    assert found.data.variance.value == pytest.approx(2 / 20, rel=0.15)
    with pytest.raises(pdflang.PdflangError, match="E620"):
        closed(ClosureOptions(level=2, method="sample"))


def test_a_record_is_what_the_definitions_say() -> None:
    """Bias, variance, φ and ξ of one fit by formulas of least squares."""
    model = line()
    options = ClosureOptions(fits=1, replicas=4, seed=5)
    fits = _Fits(model, model, dict(TRUTH), options)
    record = fits.make(0, StopRequest())
    data = fits._data(0)
    design = np.column_stack([np.ones(20), np.linspace(0, 1, 20)])
    true = design @ [1.0, 2.0]
    replicas = [fits._replica(0, k, data)["y"] for k in range(4)]
    predicted = np.array([design @ np.linalg.lstsq(design, y, rcond=None)[0] for y in replicas])
    mean = predicted.mean(0)
    variance = np.sum((predicted - mean) ** 2) / 0.01 / 3
    assert record is not None
    assert record["variance"] == pytest.approx(variance, rel=1e-6)
    assert record["bias"] == pytest.approx(np.sum((mean - true) ** 2) / 0.01 - variance / 4, rel=1e-6)
    chi2 = np.sum((predicted - data["y"]) ** 2, axis=1) / 0.01
    assert record["phi"] ** 2 * 20 == pytest.approx(chi2.mean() - np.sum((mean - data["y"]) ** 2) / 0.01, rel=1e-6)


def test_threads_and_more_fits_change_nothing() -> None:
    one, two, more = (
        closed(ClosureOptions(fits=fits, replicas=5, seed=4, threads=threads))
        for fits, threads in ((4, 1), (4, 2), (6, 2))
    )
    assert one.data == two.data and one.outputs == two.outputs != more.outputs


PROTON = """
    data x[20] = linspace(0.05, 0.6, 20)
    data y[20] = linspace(0, 1, 20)
    param n ~ Flat()
    param m ~ Flat()
    pdfset proton(x) at Q = 1.65 { g = (n + m*x)*(1 - x)^3, u = 2*x*(1 - x)^3, ubar = 0 }
    let seen[i in 20] = proton.g(x[i])
    observe y ~ Normal(seen, 0.05)
    output half = proton.g(0.5)
"""


def test_densities_are_compared_with_the_true_ones() -> None:
    """Those that vary, each value by its own variance: a linear problem is faithful in their space, too."""
    model = pdflang.loads(PROTON)
    found = closure(model, ClosureOptions(fits=60, replicas=30, seed=3), model, {"n": 2.0, "m": 1.0})
    spaces = {space.name: space for space in found.outputs}
    # What no parameter moves, as the valence here, is left out.
    assert list(spaces) == ["half", "x·g of proton"] and found.sets == ()
    gluon = spaces["x·g of proton"]
    assert gluon.count == 20 and gluon.r_bv.value == pytest.approx(1.0, abs=3.5 * gluon.r_bv.error)
    assert gluon.xi.value == pytest.approx(0.683, abs=3.5 * gluon.xi.error)
    # A truth of another form has other densities: the same data do not hide it.
    other = pdflang.loads(PROTON.replace("(n + m*x)", "(n + m*x + 40*(x - 0.05)^4)"))
    options = ClosureOptions(level=1, method="sample", fits=10, replicas=30, seed=3)
    bent = closure(model, options, other, {"n": 2.0, "m": 1.0})
    away = {space.name: space for space in bent.outputs}["x·g of proton"]
    assert away.r_bv.value > 1.5


def test_the_truth_may_have_no_parameters(tmp_path: Path) -> None:
    """A member of an LHAPDF set: data and densities of the fit are compared with its own."""
    x, q = np.geomspace(1e-4, 1, 300), np.array([1.0, 2.0, 5.0])
    gluon, up = (2 + x) * (1 - x) ** 3, 2 * x * (1 - x) ** 3
    values = np.repeat(np.array([gluon, up]).T[:, None], len(q), axis=1)
    (tmp_path / "set").mkdir()
    write_info(tmp_path / "set", {"Format": "lhagrid1"})
    write_member(tmp_path / "set", 0, Member("central", (Block(x, q, (21, 2), values),)))
    model = pdflang.loads(PROTON)
    declared = next(line for line in PROTON.splitlines() if "pdfset" in line)
    lines = [line for line in PROTON.splitlines() if "param" not in line and "output" not in line]
    text = "\n".join(lines).replace(declared, 'pdfset proton = lhapdf("set") at Q = 1.65')
    found = closure(model, ClosureOptions(level=0), pdflang.loads(text, folder=tmp_path), {})
    assert found.data.bias.value == pytest.approx(0, abs=1e-6) and found.faithful
    noisy = closure(model, ClosureOptions(fits=20, replicas=10, seed=1), pdflang.loads(text, folder=tmp_path), {})
    gluon_space = {space.name: space for space in noisy.outputs}["x·g of proton"]
    assert gluon_space.r_bv.value == pytest.approx(1.0, abs=4 * gluon_space.r_bv.error)


SETS = """
    data a = commondata("HERA_CC_318GEV_EP-SIGMARED", variant = "legacy")
    data b = commondata("HERA_CC_318GEV_EM-SIGMARED", variant = "legacy")
    param k ~ Flat()
    observe a ~ MvNormal(k*a.x, cov = a.covariance)
    observe b ~ MvNormal(k*b.x, cov = b.covariance)
"""


def test_measured_data_sets_of_several_observations_are_told_apart() -> None:
    """Each is a block of its own here, so that what they have adds up to what all data have."""
    model = pdflang.loads(SETS, folder=EXAMPLES / "hera")
    found = closure(model, ClosureOptions(fits=3, replicas=10, seed=1), model, {"k": 1.0})
    assert [space.name for space in found.sets] == [f"HERA_CC_318GEV_{beam}-SIGMARED" for beam in ("EP", "EM")]
    for name in ("bias", "variance"):
        total = sum(getattr(space, name).value * space.count for space in found.sets)
        assert total == pytest.approx(getattr(found.data, name).value * found.data.count, rel=1e-9), name


T0 = """
    data y[10] = linspace(1, 2, 10)
    param a ~ Normal(1, 1) in (0, inf)
    let line[i in 10] = a*(1 + i/9)
    observe y ~ Normal(line, 0.05*earlier(line))
"""


def test_an_earlier_fit_is_the_truth() -> None:
    """The covariance refers to the truth, as the definition has it."""
    model = pdflang.loads(T0)
    found = closure(model, ClosureOptions(fits=30, replicas=20, seed=0), model, {"a": 2.0})
    assert found.chi2.value == pytest.approx(1.0, abs=4 * found.chi2.error)
    assert found.data.r_bv.value == pytest.approx(1.0, abs=3.5 * found.data.r_bv.error)


@pytest.mark.parametrize(
    ("text", "truth", "code"),
    [
        ("data n = 3\nparam m ~ Gamma(2, 1)\nobserve n ~ Poisson(m)", {"m": 2.0}, "E647"),
        (LINE.replace("SIGMA", "0.1"), {"a": 1.0}, "E609"),
    ],
)
def test_what_cannot_be_tested(text: str, truth: dict[str, float], code: str) -> None:
    model = pdflang.loads(text)
    with pytest.raises(pdflang.PdflangError, match=code):
        closure(model, ClosureOptions(fits=1), model, truth)


def test_other_data_of_the_simulator_are_refused() -> None:
    other = pdflang.loads(LINE.replace("SIGMA", "0.1").replace("20", "10"))
    with pytest.raises(pdflang.PdflangError, match="E647"):
        closure(line(), ClosureOptions(fits=1), other, TRUTH)


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["closure", "model.pdfm", *arguments])


def test_the_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pdfm").write_text(LINE.replace("SIGMA", "0.1"))
    (tmp_path / "noisy.pdfm").write_text(LINE.replace("SIGMA", "0.2"))
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    options = ("--truth", "truth.json", "--replicas", "5", "--seed", "7")
    assert invoked(*options, "--fits", "2", "--out", "cut").exit_code == 0
    kept = (tmp_path / "cut/closure.jsonl").read_text()
    assert invoked(*options, "--fits", "4", "--out", "cut").exit_code == 0
    assert invoked(*options, "--fits", "4", "--out", "whole").exit_code == 0
    assert (tmp_path / "cut/closure.jsonl").read_text().startswith(kept)
    for name in ("closure.jsonl", "closure.json", "summary.txt", "closure.png", "closure.svg"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    # Another truth is another test.
    assert "E621" in invoked("--truth", "a=1", "--truth", "b=3", "--out", "cut").output
    done = invoked(*options, "--fits", "30", "--truth", "noisy.pdfm", "--out", "noisy")
    assert done.exit_code == 3 and "times what fits state" in done.output
    said = json.loads((tmp_path / "noisy/closure.json").read_text())
    assert said["data"]["r_bv"]["value"] > 1.4 and "NNPDF4.0" in said["definition"]
    assert json.loads((tmp_path / "noisy/provenance.json").read_text())["notes"]["simulator"]


def test_a_fit_that_fails_costs_itself() -> None:
    """Of negative data the maximum lies at a kink, where no gradient vanishes: a third of them at this truth."""
    model = pdflang.loads("data y = 1.0\nparam a ~ Flat()\nobserve y ~ Normal(abs(a), 1)\n")
    found = closure(model, ClosureOptions(level=1, fits=40, seed=1), model, {"a": 0.4})
    assert found.fits + len(found.failures) == 40 and 5 <= len(found.failures) <= 25
    assert found.findings[0].severity == "error" and "failed" in found.findings[0].sentence
