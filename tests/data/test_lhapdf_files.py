"""LHAPDF files: what is written is read back, what is wrong is found, interpolation is that of the format's paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pdflang.components.interpolation import cubic_in_log
from pdflang.data.context import DataContext
from pdflang.data.lhapdf_files import (
    Block,
    Member,
    hermite_weights,
    member_file,
    problems,
    read_info,
    read_member,
    write_info,
    write_member,
)
from pdflang.diagnostics import PdflangError

X, LOW, HIGH = np.geomspace(1e-4, 1, 12), np.geomspace(1.3, 4.5, 5), np.geomspace(4.5, 1e3, 8)
PIDS = (-2, -1, 21, 1, 2)
CONTEXT = DataContext("truth")


def values(q: np.ndarray, scale: float = 1.0) -> np.ndarray:
    x, logs, parton = X[:, None, None], np.log(q)[None, :, None], np.arange(1, 6)
    return scale * parton * x**-0.2 * (1 - x) ** 3 * (1 + 0.1 * logs + 0.01 * logs**2)


def member(kind: str, scale: float = 1.0) -> Member:
    return Member(kind, tuple(Block(X, q, PIDS, values(q, scale)) for q in (LOW, HIGH)))


def info(**changed) -> dict:
    alpha_s = 0.3 - 0.03 * np.log(np.concatenate([LOW, HIGH]))
    found = {
        "SetDesc": "a toy: densities", "Authors": "nobody", "Format": "lhagrid1", "DataVersion": 1, "NumMembers": 3,
        "Flavors": PIDS, "OrderQCD": 1, "FlavorScheme": "variable", "NumFlavors": 5, "ErrorType": "replicas",
        "Particle": 2212, "XMin": 1e-4, "XMax": 1.0, "QMin": 1.3, "QMax": 1e3, "AlphaS_MZ": 0.118,
        "AlphaS_OrderQCD": 1, "AlphaS_Type": "ipol", "AlphaS_Qs": [*map(float, LOW), *map(float, HIGH)],
        "AlphaS_Vals": [*map(float, alpha_s)],
    }  # fmt: skip
    return {key: value for key, value in {**found, **changed}.items() if value is not None}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    write_info(folder, info())
    for number, (kind, scale) in enumerate((("central", 1.0), ("replica", 0.5), ("replica", 1.5))):
        write_member(folder, number, member(kind, scale))
    return folder


def test_what_is_written_is_read_back(toy: Path) -> None:
    assert problems(toy) == []
    assert read_info(toy, CONTEXT)["SetDesc"] == "a toy: densities"
    found = read_member(toy, 1, CONTEXT)
    assert (found.kind, found.pids, len(found.blocks)) == ("replica", PIDS, 2)
    for block, q in zip(found.blocks, (LOW, HIGH), strict=True):
        assert block.q == pytest.approx(q) and block.x == pytest.approx(X)
        assert block.values == pytest.approx(values(q, 0.5), rel=1e-7)


def test_q_runs_fastest(toy: Path) -> None:
    """The format's order, read by hand: the second row is the same x at the next Q."""
    rows = member_file(toy, 0).read_text().split("---\n")[1].splitlines()[3:]
    assert [float(number) for number in rows[1].split()] == pytest.approx(values(LOW)[0, 1], rel=1e-7)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda f: write_info(f, info(AlphaS_Qs=[q**2 for q in [*map(float, LOW), *map(float, HIGH)]])), "GeV²"),
        (lambda f: write_info(f, info(AlphaS_Vals=[0.3])), "one length"),
        (lambda f: write_info(f, info(Particle=None)), "no key Particle"),
        (lambda f: write_info(f, info(NumMembers=4)), "no member 3"),
        (lambda f: write_info(f, info(QMin=1.0, AlphaS_Qs=[1.0, *[float(q) for q in (*LOW, *HIGH)][1:]])), "QMin"),
        (lambda f: write_info(f, info(XMin=1e-5)), "XMin"),
        (lambda f: write_info(f, info(Flavors=(21,))), "flavours"),
        (lambda f: write_info(f, info(Format="lhagrid2")), "lhagrid1"),
        (lambda f: write_member(f, 0, member("central", 1.001)), "mean"),
        (lambda f: write_member(f, 0, member("replica")), "PdfType"),
        (lambda f: write_member(f, 1, Member("replica", member("replica", 0.5).blocks[1:])), "another grid"),
        (
            lambda f: write_member(
                f, 0, Member("central", (Block(X, LOW * 1.01, PIDS, values(LOW)), member("central").blocks[1]))
            ),
            "do not meet",
        ),
        (lambda f: (f / "toy.info").write_text("a: [1"), "not YAML"),
        (lambda f: (f / "toy.info").unlink(), "no file `toy.info`"),
        (lambda f: member_file(f, 0).write_text("PdfType: central\n---\n1 2\n"), "fewer than four lines"),
        (lambda f: member_file(f, 0).write_text("PdfType: central\n"), "without a grid"),
        (lambda f: member_file(f, 0).write_bytes(b"\xff\xfe"), "no text"),
    ],
)
def test_the_checker_finds(toy: Path, break_it, said: str) -> None:
    break_it(toy)
    assert any(said in " ".join(problem.split()) for problem in problems(toy)), problems(toy)


def test_interpolation_is_exact_at_knots_and_cubic_between(toy: Path) -> None:
    found = read_member(toy, 0, CONTEXT)
    assert found.densities(X[3:5], float(HIGH[2])) == pytest.approx(values(HIGH)[3:5, 2].T, rel=1e-6)
    between = found.densities(X[3:5], 30.0)
    assert between == pytest.approx(values(np.array([30.0]))[3:5, 0].T, rel=1e-4)
    # At a threshold it is what is above.
    assert found.at_scale(4.5)[1] == pytest.approx(np.moveaxis(values(HIGH)[:, 0], 0, 1), rel=1e-6)
    for scale in (1.2, 1001.0):
        with pytest.raises(ValueError, match="outside"):
            found.at_scale(scale)
    with pytest.raises(ValueError, match="outside"):
        found.densities([1e-5], 10.0)


def test_the_two_interpolations_are_one() -> None:
    """That of tables in models and that of files, in NumPy and JAX, at and between knots."""
    import jax

    knots, row = X, values(LOW)[:, 2, 3]
    points = np.sort(np.concatenate([knots, np.random.default_rng(1).uniform(1e-4, 1, 50)]))
    expected = [hermite_weights(np.log(knots), np.log(point)) @ row for point in points]
    assert cubic_in_log(points, knots, row) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    with jax.enable_x64(True):
        traced = jax.jit(cubic_in_log)(points, knots, row)
    assert np.asarray(traced) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    # Below the first knot the line goes on.
    slope = (row[1] - row[0]) / np.log(knots[1] / knots[0])
    assert cubic_in_log(np.array([1e-5]), knots, row) == pytest.approx([row[0] - slope * np.log(10)])


def test_two_knots_are_joined_by_a_line() -> None:
    assert hermite_weights(np.array([0.0, 1.0]), 0.25) == pytest.approx([0.75, 0.25])


def test_a_member_that_is_not_there(toy: Path) -> None:
    with pytest.raises(PdflangError, match="E520"):
        read_member(toy, 7, CONTEXT)
