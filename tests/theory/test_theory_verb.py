"""`pdflang theory`: tables of grids, against the grids themselves with densities that HOPPET has evolved."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hadron_grids import OTHER, SHAPES, as_lhapdf, declared, drell_yan, momentum, written_data

import pdflang
from pdflang.cli import program
from pdflang.components.flavours import FLAVOURS, evolution_rotation
from pdflang.data.context import DataContext
from pdflang.data.fktable import FKTable, read_fk
from pdflang.evolution import PIDS, evolved
from pdflang.workflows import TheoryOptions
from pdflang.workflows.theory import make_table

pytestmark = pytest.mark.skipif(
    find_spec("hoppet") is None or find_spec("pineappl") is None, reason="needs the extras `evolution`, `pineappl`"
)

HERE = Path(__file__).parent
DIS = HERE / "hera_cc_em_grid.pineappl.lz4"
"""What yadism 0.13.12 computed, at NLO, by the cards of the finished table."""

FINISHED = HERE.parent / "data" / "hera_cc_em.pineappl.lz4"

AS_WRITTEN = {"alpha_s_scale": 91.2}
"""Where the coupling of that table is 0.118."""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDFLANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "z.pineappl.lz4"
    drell_yan().write_lz4(str(path))
    return path


def of_the_grid(path: Path, options: TheoryOptions, *shapes: dict) -> np.ndarray:
    """The grid's own convolution, with densities that HOPPET has evolved to its scales."""
    from pineappl.boc import Order
    from pineappl.grid import Grid

    grid = Grid.read(str(path))
    mask = np.array(Order.create_mask(grid.orders(), {"lo": 1, "nlo": 2}[options.order], 0, True))
    asked = grid.evolve_info(mask)
    x, scales = np.array(asked.x1), options.factorisation * np.sqrt(asked.fac1)
    coupling_at = options.renormalisation * np.sqrt(asked.ren1)
    made = [
        evolved(options.evolution, options.scale, lambda p, s=s: momentum(s, p)[None], x, scales, coupling_at)
        for s in shapes
    ]

    def density(values: np.ndarray) -> Any:
        def xf(pid: int, at: float, q2: float) -> float:
            place = np.argmin(np.abs(scales**2 - q2)), np.argmin(np.abs(x - at))
            return float(values[place][PIDS.index(pid)])

        return xf

    return grid.convolve(
        list(grid.convolutions),
        [density(one.values[0]) for one in made],
        lambda q2: float(made[0].alpha_s[np.argmin(np.abs(coupling_at**2 - q2))]),
        order_mask=mask,
        xi=[(options.renormalisation, options.factorisation, 1.0)],
    )


def acting(table: FKTable, *shapes: dict) -> np.ndarray:
    """What a table predicts of densities x·f."""
    parts = [
        evolution_rotation(basis, FLAVOURS) @ momentum(shape, table.xgrid)
        for basis, shape in zip(table.bases, shapes, strict=True)
    ]
    return np.einsum("dkab,ka,kb->d" if len(parts) == 2 else "dka,ka->d", table.fk, *parts)


@pytest.mark.parametrize(("renormalisation", "factorisation"), [(1.0, 1.0), (2.0, 0.5)])
def test_two_hadrons(process: Path, tmp_path: Path, renormalisation: float, factorisation: float) -> None:
    """All flavours distinct, and the hadrons too: to 1e-6, with scales varied as with central ones."""
    options = TheoryOptions(renormalisation=renormalisation, factorisation=factorisation, points=40)
    made = make_table(process, tmp_path / "z.npz", options)
    table = read_fk(tmp_path / "z.npz", DataContext("z"))
    expected = of_the_grid(process, options, SHAPES, OTHER)
    assert acting(table, SHAPES, OTHER) == pytest.approx(expected, rel=2e-6)
    assert (made.rows, made.hadrons) == (3, 2) and table.scale == pytest.approx(1.65)
    assert table.hadrons == (2212, 2212) and list(table.kinematics) == ["rapidity"]


@pytest.mark.parametrize("settings", [{"scale": 1.3, "charm": 1.4}, {"scale": 6.0, "alpha_s": 0.12}, {"flavours": 4}])
def test_other_flavours_at_the_start(process: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    """Three, five, or four at every scale."""
    options = TheoryOptions(points=40, order="lo", **settings)
    make_table(process, tmp_path / "z.npz", options)
    three = {name: shape for name, shape in SHAPES.items() if name[0] != "c" or options.scale > 1.4}
    expected = of_the_grid(process, options, three, three)
    assert acting(read_fk(tmp_path / "z.npz", DataContext("z")), three, three) == pytest.approx(expected, rel=2e-6)


def test_a_file_of_pineappl(process: Path, tmp_path: Path) -> None:
    """PineAPPL's convolution of the table is that of the arrays."""
    from pineappl.fk_table import FkTable

    for name in ("z.pineappl.lz4", "z.npz"):
        make_table(process, tmp_path / name, TheoryOptions(points=30))
    theirs = FkTable.read(str(tmp_path / "z.pineappl.lz4"))
    expected = theirs.convolve(list(theirs.convolutions), [as_lhapdf(SHAPES), as_lhapdf(OTHER)])
    for name in ("z.pineappl.lz4", "z.npz"):
        here = acting(read_fk(tmp_path / name, DataContext("z")), SHAPES, OTHER)
        assert here == pytest.approx(expected, rel=1e-10)


def test_deep_inelastic_scattering(tmp_path: Path) -> None:
    """Against the grid to 1e-6, and against the finished table of another x grid to 2e-4, below x = 0.5 to 2e-5."""
    options = TheoryOptions(**AS_WRITTEN)
    made = make_table(DIS, tmp_path / "cc.npz", options)
    table = read_fk(tmp_path / "cc.npz", DataContext("cc"))
    here = acting(table, SHAPES)
    assert made.hadrons == 1 and here == pytest.approx(of_the_grid(DIS, options, SHAPES), rel=1e-6)
    finished = read_fk(FINISHED, DataContext("cc"))
    place = {tuple(np.round(row, 6)): i for i, row in enumerate(np.stack([*finished.kinematics.values()], axis=1))}
    rows = [place[tuple(np.round(row, 6))] for row in np.stack([*table.kinematics.values()], axis=1)]
    there = acting(finished, SHAPES)[rows]
    assert len(set(rows)) == made.rows == 42 and list(table.kinematics) == list(finished.kinematics)
    assert here == pytest.approx(there, rel=2e-4)
    low = table.kinematics["x"] < 0.5
    assert low.sum() == 38 and here[low] == pytest.approx(there[low], rel=2e-5)


def test_target_masses_and_low_scales(tmp_path: Path) -> None:
    """Three points of BCDMS, all below the scale where the coupling is given, against the table of the example."""
    make_table(HERE / "bcdms_p_grid.pineappl.lz4", tmp_path / "f2.npz", TheoryOptions(**AS_WRITTEN))
    table = read_fk(tmp_path / "f2.npz", DataContext("f2"))
    finished = read_fk(HERE.parents[1] / "examples" / "hera" / "bcdms_p_f2.npz", DataContext("f2"))
    away = sum(np.abs(finished.kinematics[name] / table.kinematics[name][:, None] - 1) for name in ("x", "Q2"))
    assert np.all(away.min(axis=1) < 1e-6)
    assert acting(table, SHAPES) == pytest.approx(acting(finished, SHAPES)[away.argmin(axis=1)], rel=5e-5)


def test_the_command_and_the_model(tmp_path: Path) -> None:
    """A grid, a table by the command, a model that reads it; the second time from the cache."""
    grid = tmp_path / "hera.pineappl.lz4"
    grid.write_bytes(DIS.read_bytes())
    run = CliRunner().invoke
    done = run(program, ["theory", str(grid), "--alpha-s-scale", "91.2"])
    assert done.exit_code == 0, done.output
    path = tmp_path / "hera.fk.npz"
    assert done.output == f"42 rows for one hadron in {path}, from 10 scales to 1.65 GeV\n"
    table = read_fk(path, DataContext("hera"))
    expected = acting(table, SHAPES)
    name = written_data(tmp_path, expected, "HERA_CC", **table.kinematics)
    text = f'data cc = commondata("{name}")\n' + declared("proton", SHAPES)
    text += 'theory sigma = fktable("hera.fk.npz", rows = cc)\noutput found = proton |> sigma\n'
    assert np.asarray(pdflang.loads(text, folder=tmp_path).derived({})["found"]) == pytest.approx(expected, rel=1e-12)
    again = run(program, ["theory", str(grid), "--overwrite", "--alpha-s-scale", "91.2", "--json"])
    assert json.loads(again.output)["table"] == str(path)


def test_what_a_table_leaves_out(tmp_path: Path) -> None:
    """Photons, electroweak corrections, orders that the grid has not: the rest is as without, and it is said."""
    options = TheoryOptions(points=30, order="nnlo")
    found = []
    for name in ("plain", "more"):
        drell_yan(electroweak=name == "more").write_lz4(str(tmp_path / f"{name}.lz4"))
        made = make_table(tmp_path / f"{name}.lz4", tmp_path / f"{name}.npz", options)
        found.append(acting(read_fk(tmp_path / f"{name}.npz", DataContext(name)), SHAPES, SHAPES))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
    assert [note.split(":")[0] for note in made.notes] == [
        "channels with photons are left out",
        "electroweak corrections of the grid are left out",
        "the grid ends before NNLO",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["z.pineappl.lz4", "--factorisation", "2"], "E514", "no logarithms of the factorisation scale"),
        (["z.pineappl.lz4", "--out", "table.csv"], "E504", "ends in .npz or .lz4"),
        (["nothing.pineappl.lz4"], "E501", "there is no file"),
        (["text.lz4"], "E514", "is no grid of PineAPPL"),
        (["polarised.lz4"], "E514", "acts on polarised parton densities"),
        (["finished.lz4"], "E514", "is an FK table already, at 1.65 GeV"),
        (["z.pineappl.lz4", "--charm", "7"], "E620", "does not ascend"),
        (["z.pineappl.lz4", "--scale", "0.05"], "E620", "HOPPET cannot evolve"),
        (["z.pineappl.lz4", "--points", "3"], "E620", "points"),
        (["z.pineappl.lz4", "--out", "text.lz4"], "E621", "exists already"),
        (["z.pineappl.lz4", "--points", "20", "--out", "absent/z.npz"], "E622", "does not exist"),
        (["z.pineappl.lz4", "--points", "20", "--out", "text.lz4/z.lz4"], "E622", "a file, not a folder"),
        (["z.pineappl.lz4", "--out", "z.pineappl.lz4", "--overwrite"], "E621", "is the grid itself"),
        (["."], "E501", "is a folder"),
    ],
)
def test_what_makes_no_table(tmp_path: Path, monkeypatch, capfd, arguments: list[str], code: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    drell_yan(logarithms=False).write_lz4("z.pineappl.lz4")
    drell_yan(polarised=True).write_lz4("polarised.lz4")
    Path("text.lz4").write_text("rubbish")
    Path("finished.lz4").write_bytes(FINISHED.read_bytes())
    done = CliRunner().invoke(program, ["theory", *arguments])
    said = " ".join(done.output.split())
    assert isinstance(done.exception, SystemExit) and code in said and words in said
    assert "panicked" not in capfd.readouterr().err
