"""A run as an LHAPDF set: read back by another program, compared with its own densities; and as a pdfset of a model."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pdflang
from pdflang.cli import program
from pdflang.data.context import DataContext
from pdflang.data.lhapdf_files import problems, read_info, read_member
from pdflang.evolution import PIDS, Evolution, evolved
from pdflang.partons.densities import densities_of
from pdflang.results.points import centre_of_run

pytestmark = pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")

MODEL = """
    param a_g ~ Normal(-0.1, 0.05) in (-1, inf)
    param b_v ~ Normal(3, 0.2) in (0, inf)
    param c_s ~ Normal(0.6, 0.1) in (0, inf)
    solve A_g where integral(xg(x) + xv(x) + 4*xs(x) for x in (0, 1)) == 1
    pdf xv(x) = 5*x^0.8*(1 - x)^b_v
    pdf xg(x) = A_g*x^a_g*(1 - x)^5
    pdf xs(x) = 0.2*c_s*x^(-0.2)*(1 - x)^7
    pdfset proton(x) at Q = 1.65 {
        g = xg(x), u = xv(x) + xs(x), ubar = 1.5*xs(x), d = 0.5*xv(x) + xs(x), dbar = xs(x), s = 0.5*xs(x)
    }
    data y = 0.3
    observe y ~ Normal(xv(0.5), 0.05)
    output seen = proton.u(0.2)
"""


EXPORT = ("export", "lhapdf")


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lhapdf")
    (place / "model.pdfm").write_text(MODEL)
    model = str(place / "model.pdfm")
    short = ["--chains", "2", "--draws", "100", "--seed", "1"]
    for verb, run, options, more in (("map", "fit", [], []), ("sample", "draws", short, ["--members", "6"])):
        done = invoked(verb, model, "--out", str(place / run), *options)
        assert done.exit_code in (0, 3), done.output
        done = invoked(*EXPORT, str(place / run), "--model", model, "--out", str(place / f"{run}_set"), *more)
        assert done.exit_code == 0, done.output
    return place


def direct(folder: Path, x: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """x·f of the maximum (nq, nx, 13), evolved at the points themselves."""
    model = pdflang.load(folder / "model.pdfm")
    params = {name: value[None] for name, value in centre_of_run(folder / "fit").items()}
    densities = densities_of(model, model.program.pdfsets["proton"], params)
    return evolved(Evolution(), 1.65, densities, x, scales).values[0]


def points() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    x = np.concatenate([10 ** random.uniform(-8.9, -1, 60), random.uniform(0.1, 0.8, 40)])
    return np.sort(x), np.sort(np.exp(random.uniform(np.log(1.66), np.log(9e4), 12)))


def test_the_sets_are_as_the_format_asks(folder: Path) -> None:
    assert problems(folder / "fit_set") == problems(folder / "draws_set") == []
    of_fit, of_draws = (read_info(folder / name, DataContext("set")) for name in ("fit_set", "draws_set"))
    assert (of_fit["NumMembers"], of_fit["ErrorType"]) == (7, "hessian")
    assert (of_draws["NumMembers"], of_draws["ErrorType"]) == (7, "replicas")
    assert of_fit["AlphaS_MZ"] == pytest.approx(0.118) and of_fit["NumFlavors"] == 5
    assert of_fit["QMin"] == pytest.approx(1.65)


def test_values_are_those_of_the_run(folder: Path) -> None:
    x, scales = points()
    expected, member = direct(folder, x, scales), read_member(folder / "fit_set", 0, DataContext("set"))
    columns = [PIDS.index(pid) for pid in member.pids]
    found = np.stack([member.densities(x, scale) for scale in scales]).transpose(0, 2, 1)
    assert found == pytest.approx(expected[..., columns], rel=1e-4, abs=1e-6)


def test_another_program_reads_the_same(folder: Path) -> None:
    """parton, which knows nothing of us: bicubic splines on the grids."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import parton

        x, scales = points()
        expected, found = direct(folder, x, scales), parton.mkPDF("fit_set", 0, pdfdir=str(folder))
        for pid in (21, 2, -2, 4, -5):
            values = np.asarray(found.xfxQ(pid, x, scales, grid=True))
            values = values if values.shape == (len(x), len(scales)) else values.T
            assert pytest.approx(expected[..., PIDS.index(pid)], rel=1e-4, abs=1e-7) == values.T, pid


def cubic(knots: np.ndarray, values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """LHAPDF's interpolation over the first axis: cubics in log x whose slopes are means of differences.

    Buckley et al. 2015, arXiv:1412.7420, section 3.2.
    """
    logs, at = np.log(knots), np.log(x)[:, None]
    left = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    steps = np.diff(logs)[:, None]
    differences = np.diff(values, axis=0) / steps
    slopes = np.concatenate([differences[:1], (differences[1:] + differences[:-1]) / 2, differences[-1:]])
    t, step = (at - logs[left, None]) / steps[left], steps[left]
    ends = (2 * t**3 - 3 * t**2 + 1) * values[left] + (3 * t**2 - 2 * t**3) * values[left + 1]
    return ends + step * ((t**3 - 2 * t**2 + t) * slopes[left] + (t**3 - t**2) * slopes[left + 1])


def test_lhapdf_would_read_the_same(folder: Path) -> None:
    x, scales = points()
    # Near the ends of blocks, where densities of heavy quarks begin, it is hardest.
    scales = np.sort([*scales, 1.653, 1.7, 4.6, 4.9, 4.93, 5.0])
    expected, member = direct(folder, x, scales), read_member(folder / "fit_set", 0, DataContext("set"))
    for q, values in zip(scales, expected, strict=True):
        block = next(block for block in member.blocks if block.q[0] <= q <= block.q[-1])
        of_x = cubic(block.x, block.values.reshape(len(block.x), -1), x).reshape(len(x), len(block.q), -1)
        found = cubic(block.q, np.swapaxes(of_x, 0, 1).reshape(len(block.q), -1), np.array([q])).reshape(len(x), -1)
        columns = [PIDS.index(pid) for pid in block.pids]
        assert found == pytest.approx(values[:, columns], rel=1e-4, abs=1e-7)


def test_eigenvectors_have_the_errors_of_the_fit(folder: Path) -> None:
    """½ √Σ(X₊ − X₋)² of a density at the starting scale is its standard error, to first order."""
    model = pdflang.load(folder / "model.pdfm")
    fit = model.map()
    point, step = 0.2, 1e-4
    names = list(fit.params)
    slope = []
    for name in names:
        up, down = ({**fit.params, name: fit.params[name] + sign * step} for sign in (1, -1))
        slope.append(float(model.derived(up)["seen"] - model.derived(down)["seen"]) / (2 * step))
    expected = np.sqrt(np.array(slope) @ fit.covariance @ np.array(slope))
    members = [read_member(folder / "fit_set", i, DataContext("set")).densities([point], 1.65) for i in range(7)]
    place = read_member(folder / "fit_set", 0, DataContext("set")).pids.index(2)
    up_quark = [float(found[place, 0]) for found in members]
    pairs = np.array(up_quark[1:]).reshape(3, 2)
    assert np.sqrt(np.sum((pairs[:, 0] - pairs[:, 1]) ** 2)) / 2 == pytest.approx(expected, rel=0.03)


def test_a_set_is_the_pdfset_of_a_model(folder: Path) -> None:
    text = """
        pdfset truth = lhapdf("fit_set") at Q = 1.65
        pdfset other = lhapdf("draws_set", member = 2) at Q = 100
        param k ~ Normal(1, 1)
        data y = 1.0
        observe y ~ Normal(k*truth.u(0.2), 0.1)
        output here = truth.u(0.2)
        output none = truth.t(0.2)
        output gluon = other.g(x) for x in [0.001, 0.1]
        pdfset evolved = truth |> evolve(Q = 100)
        pdfset same = lhapdf("fit_set") at Q = 100
        output by_evolution = [evolved.g(0.01), evolved.u(0.1), evolved.b(0.01)]
        output by_file = [same.g(0.01), same.u(0.1), same.b(0.01)]
    """
    found = pdflang.loads(text, folder=folder).derived({"k": 1.0})
    run = centre_of_run(folder / "fit")
    expected = pdflang.load(folder / "model.pdfm").derived(run)["seen"]
    assert float(found["here"]) == pytest.approx(float(expected), rel=1e-4)
    assert float(found["none"]) == 0.0
    assert np.asarray(found["by_evolution"]) == pytest.approx(np.asarray(found["by_file"]), rel=1e-4)
    member = read_member(folder / "draws_set", 2, DataContext("set"))
    expected = member.densities([0.001, 0.1], 100.0)[member.pids.index(21)]
    assert np.asarray(found["gluon"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pdfset", "neutron"], "no pdfset `neutron`"),
        (["--charm", "6"], "does not ascend"),
        (["--q-max", "1.5"], "is at 1.65 GeV already"),
        (["--out", "fit_set"], "exists already"),
        (["--out", "fit", "--overwrite"], "is no LHAPDF set"),
        (["--out", ".", "--overwrite"], "is no LHAPDF set"),
        (["--out", "model.pdfm/set"], "a file, not a folder"),
    ],
)
def test_what_cannot_be_exported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    done = invoked(*EXPORT, "fit", "--model", "model.pdfm", *arguments)
    assert done.exit_code in (1, 2) and said in " ".join(done.output.split()), done.output
    assert not list(folder.glob(".*part"))


def test_the_same_run_gives_the_same_files(folder: Path) -> None:
    again = folder / "again" / "fit_set"
    again.parent.mkdir()
    done = invoked(*EXPORT, str(folder / "fit"), "--model", str(folder / "model.pdfm"), "--out", str(again))
    assert done.exit_code == 0, done.output
    for file in again.iterdir():
        assert file.read_bytes() == (folder / "fit_set" / file.name).read_bytes(), file.name
