"""What data determine, and in how few numbers outputs can be told: against linear models and a curve in space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import pdflang
from pdflang.cli import program
from pdflang.results.reduction import to_text

LINEAR = """
data A[M, K]
data y[M]
param theta[K] ~ Normal(0, 1)
let mean[i in M] = sum(A[i, k] * theta[k] for k in range(3))
observe y ~ Normal(mean, 0.5)
output told = mean
"""
CURVE = """
data y
param t ~ Uniform(-1, 1)
param idle ~ Normal(0, 1)
observe y ~ Normal(t, 0.1)
output places[i in 40] = cos((1 + 0.1*i)*t + i)
"""
QUICK = {"simulations": 600, "epochs": 60, "places": 20, "seed": 1}
ROOT = Path(__file__).resolve().parents[2]


def linear() -> tuple[np.ndarray, pdflang.Model]:
    """A matrix with singular values 8, 2 and 0.2 in directions of its own."""
    random = np.random.default_rng(0)
    left, right = (np.linalg.qr(random.normal(size=(n, 3)))[0] for n in (30, 3))
    matrix = left @ np.diag([8.0, 2.0, 0.2]) @ right.T
    return right, pdflang.loads(LINEAR.replace("K]", "3]"), data={"A": matrix, "y": np.zeros(30)})


def test_a_linear_model_has_the_squares_of_singular_values() -> None:
    directions, model = linear()
    found = model.reduce(**QUICK, latent=3)
    exact = (np.array([8.0, 2.0, 0.2]) / 0.5) ** 2
    # In units of the spread of 200 draws of the prior, which is known to a twentieth.
    np.testing.assert_allclose(found.information, exact, rtol=0.25)
    np.testing.assert_allclose(np.median(found.spectra, axis=0), exact, rtol=0.25)
    for number in range(2):
        assert abs(found.directions[:, number] @ directions[:, number]) > 0.99
    assert found.determined == 2 and found.effective == pytest.approx(np.sum(exact / (1 + exact)), rel=0.05)
    # What is lost of a linear map are the squares of the others.
    squares = np.array([64.0, 4.0, 0.04])
    first, second, third = found.losses
    assert found.outputs == ("told",) and found.numbers == 30
    assert third.linear < 1e-9 and third.network < 1e-4
    assert 0.5 < first.linear / first.network < 1.5 and first.linear < 0.5
    assert second.linear < 3 * squares[2] / squares.sum() + 0.02


def test_a_curve_is_told_by_one_number_that_bends() -> None:
    model = pdflang.loads(CURVE, data={"y": 0.3})
    found = model.reduce(**QUICK | {"simulations": 2000, "epochs": 150}, latent=2)
    one = found.losses[0]
    assert one.network < 0.2 * one.linear and one.network < 0.02
    # Of two parameters data know one.
    assert found.determined == 1 and found.information[1] < 1e-6
    assert found.coordinates == ("t", "idle") and abs(found.directions[0, 0]) == pytest.approx(1)
    assert "1.00 t" in to_text(found)


def test_the_seed_gives_the_same_and_without_outputs_there_is_only_the_spectrum() -> None:
    model = pdflang.loads(CURVE.split("output")[0], data={"y": 0.3})
    one, two = (model.reduce(**QUICK) for _ in range(2))
    np.testing.assert_array_equal(one.spectra, two.spectra)
    assert one.losses == () and "latent" not in to_text(one)


def test_the_command_leaves_tables(tmp_path: Path) -> None:
    (tmp_path / "m.pdfm").write_text(CURVE.replace("data y", "data y = 0.3"))
    words = ["reduce", str(tmp_path / "m.pdfm"), "--out", str(tmp_path / "r"), "--epochs", "20", "--seed", "3"]
    done = CliRunner().invoke(program, [*words, "--simulations", "200", "--latent", "1", "--places", "4", "--report"])
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "r/reduction.json").read_text("utf-8"))
    assert record["determined"] == 1 and len(record["losses"]) == 1 and len(record["spectra"]) == 4
    assert (tmp_path / "r/summary.txt").read_text("utf-8") in done.output
    assert "Eigenvalues of the Fisher information" in (tmp_path / "r/report.html").read_text("utf-8")
    assert (tmp_path / "r/reduction.csv").read_text("utf-8").splitlines()[0] == "latent,linear,network"


NO_DENSITY = """
data hits = table("h.csv")
param n ~ LogNormal(4, 0.2)
theory r(x in (0, 1)) = n*x
detector d(y in (-1, 2) | x) {
    draw u ~ Normal(0, 0.1)
    draw y ~ Normal(x + u, 0.1)
}
observe hits ~ PoissonProcess(r |> d)
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NO_DENSITY, "E611"),
        ("data y = 0.3\nobserve y ~ Normal(0, 1)\n", "E608"),
        ("data y = 0.3\nparam a ~ Flat()\nobserve y ~ Normal(a, 1)\n", "E607"),
    ],
)
def test_what_there_is_nothing_to_say_of_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "m.pdfm").write_text(text)
    (tmp_path / "h.csv").write_text("y\n0.3\n")
    done = CliRunner().invoke(program, ["reduce", str(tmp_path / "m.pdfm"), "--out", str(tmp_path / "r")])
    assert done.exit_code == 1 and code in done.output and not (tmp_path / "r").exists()
