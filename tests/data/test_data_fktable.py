"""FK tables: what they hold, which row belongs to which datum, and what is said where this fails."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdflang.components.flavours import EVOLUTION_BASIS, FLAVOURS, evolution_rotation
from pdflang.data.commondata import CommonData
from pdflang.data.context import DataContext
from pdflang.data.fktable import FKTable, match_rows, read_fk

XGRID = np.array([0.01, 0.1, 1.0])
KIN = np.array([[0.1, 4.0, 0.5], [0.1, 4.0, 0.7], [0.2, 9.0, 0.5]])


def arrays(**changes: Any) -> dict[str, Any]:
    fk = np.arange(3 * 9 * 3, dtype=float).reshape(3, 9, 3)
    found = {"fk": fk, "xgrid": XGRID, "kin": KIN, "Q0": np.array(1.65), **changes}
    return {name: value for name, value in found.items() if value is not None}


def table(path: Path, context: DataContext, **changes: Any) -> FKTable:
    np.savez(path / "f2.npz", **arrays(**changes))
    return read_fk(path / "f2.npz", context)


def measured(kin: list[list[float]], sets: list[int] | None = None, names: str = "x Q2 y") -> CommonData:
    """Data with these kinematics, in the data sets A, B, …"""
    index = np.array(sets or [0] * len(kin))
    return CommonData(
        set_names=tuple("ABC"[: index.max() + 1]),
        central=np.ones(len(kin)),
        kinematics=dict(zip(names.split(), np.array(kin).T, strict=True)),
        set_index=index,
        entry=np.concatenate([np.arange(1, n + 1) for n in np.bincount(index)]),
        sources=(),
        source_set=np.zeros(0, dtype=int),
        errors=np.zeros((len(kin), 0)),
        context=DataContext("d"),
    )


def on_flavours(table: FKTable) -> np.ndarray:
    """What a table does to x·f by flavour, (rows, flavours, nx)."""
    return np.einsum("dka,kf->dfa", table.fk, evolution_rotation(table.bases[0]))


def test_a_table(tmp_path: Path, context: DataContext) -> None:
    found = table(tmp_path, context)
    assert found.rows == 3 and found.scale == 1.65 and found.name == "f2.npz"
    assert list(found.kinematics) == ["x", "Q2", "y"] and found.kinematics["Q2"].tolist() == [4, 4, 9]
    np.testing.assert_array_equal(found.fk, arrays()["fk"])
    assert table(tmp_path, context, Q0=None).scale is None


def test_a_table_as_json(tmp_path: Path, context: DataContext) -> None:
    content = {name: np.asarray(value).tolist() for name, value in arrays().items()}
    (tmp_path / "f2.json").write_text(json.dumps(content))
    np.testing.assert_array_equal(read_fk(tmp_path / "f2.json", context).fk, arrays()["fk"])


def test_flavours_in_another_order(tmp_path: Path, context: DataContext) -> None:
    fk = arrays()["fk"]
    backwards = table(tmp_path, context, fk=fk[:, ::-1], flavours=np.array(EVOLUTION_BASIS[::-1]))
    np.testing.assert_allclose(on_flavours(backwards), on_flavours(table(tmp_path, context, fk=fk)), rtol=1e-14)
    few = table(tmp_path, context, fk=fk[:, :2], flavours=np.array(["T8", "g"]))
    whole = np.zeros_like(fk)
    whole[:, [EVOLUTION_BASIS.index("T8"), 1]] = fk[:, :2]
    np.testing.assert_allclose(on_flavours(few), on_flavours(table(tmp_path, context, fk=whole)), rtol=1e-14)


def test_a_table_of_partons(tmp_path: Path, context: DataContext) -> None:
    """x·u and x·ubar themselves: what acts on any other parton is nothing."""
    found = table(tmp_path, context, fk=arrays()["fk"][:, :2], flavours=np.array(["u", "ubar"]))
    acting = on_flavours(found)
    np.testing.assert_array_equal(acting[:, FLAVOURS.index("u")], arrays()["fk"][:, 0])
    np.testing.assert_array_equal(acting[:, FLAVOURS.index("ubar")], arrays()["fk"][:, 1])
    assert np.count_nonzero(acting.any(axis=(0, 2))) == 2


PINEAPPL = Path(__file__).with_name("hera_cc_em.pineappl.lz4")


@pytest.mark.skipif(find_spec("pineappl") is None, reason="needs the extra `pineappl`")
def test_a_table_of_pineappl(context: DataContext) -> None:
    """The same table in both formats, which have another order of channels, and act on f or on x·f."""
    theirs = read_fk(PINEAPPL, context)
    ours = read_fk(Path(__file__).resolve().parents[2] / "examples/hera/hera_cc_em.npz", context)
    assert theirs.bases != ours.bases and theirs.scale == pytest.approx(1.65)
    np.testing.assert_allclose(on_flavours(theirs), on_flavours(ours), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(theirs.xgrid, ours.xgrid)
    for name in ("x", "Q2", "y"):
        np.testing.assert_allclose(theirs.kinematics[name], ours.kinematics[name], rtol=1e-6)


@pytest.mark.skipif(find_spec("pineappl") is None, reason="needs the extra `pineappl`")
def test_no_table_of_pineappl(tmp_path: Path, context: DataContext, fails, capfd) -> None:
    (tmp_path / "cut.pineappl.lz4").write_bytes(PINEAPPL.read_bytes()[:5000])
    with fails("E514", "`cut.pineappl.lz4` is no FK table"):
        read_fk(tmp_path / "cut.pineappl.lz4", context)
    assert "panicked" not in capfd.readouterr().err


def test_pineappl_without_the_package(context: DataContext, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdflang.data.pineappl_files.find_spec", lambda name: None)
    with fails("E308", "pdflang[pineappl]"):
        read_fk(PINEAPPL, context)


def test_variables_by_name(tmp_path: Path, context: DataContext) -> None:
    found = table(tmp_path, context, kin=KIN[:, :2], variables=np.array(["pT", "eta"]))
    assert list(found.kinematics) == ["pT", "eta"]
    assert list(table(tmp_path, context, kin=KIN[:, :2]).kinematics) == ["x", "Q2"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fk": None}, ["has no array `fk`", "`xgrid`, `kin`, `Q0`"]),
        ({"xgrid": None}, ["has no array `xgrid`"]),
        ({"kin": None}, ["has no array `kin`"]),
        ({"xgrid": np.array(["a", "b", "c"])}, ["`xgrid` that is no array of numbers"]),
        ({"fk": np.full((3, 9, 3), np.nan)}, ["`fk` that are not finite"]),
        ({"xgrid": XGRID[::-1]}, ["does not ascend between 0 and 1"]),
        ({"xgrid": np.array([0.0, 0.1, 1.0])}, ["does not ascend between 0 and 1"]),
        ({"xgrid": np.eye(3)}, ["does not ascend"]),
        ({"fk": np.ones((3, 9, 2))}, ["`fk` of the shape 3 × 9 × 2", "9 flavours × 3 points"]),
        ({"fk": np.ones((3, 27))}, ["`fk` of the shape 3 × 27"]),
        ({"fk": np.array(1.0)}, ["`fk` of the shape"]),
        ({"flavours": np.array(["g", "S"])}, ["rows × 2 flavours"]),
        ({"flavours": np.array(["u", *EVOLUTION_BASIS[1:]])}, ["has the flavours u, g", "V15"]),
        ({"flavours": np.array(["g", *EVOLUTION_BASIS[1:]])}, ["has the flavours g, g", "each once"]),
        ({"kin": KIN[:2]}, ["`kin` of the shape 2 × 3", "3 rows"]),
        ({"kin": np.array([1.0, 2.0, 3.0])}, ["`kin` of the shape 3"]),
        ({"kin": np.array(1.0)}, ["`kin` of the shape"]),
        ({"kin": np.ones((3, 4))}, ["`kin` of the shape 3 × 4", "x, Q2, y"]),
        ({"variables": np.array(["x"])}, ["`kin` of the shape 3 × 3", "1 variable"]),
    ],
)
def test_malformed(
    tmp_path: Path, context: DataContext, fails, changes: dict[str, Any], words: list[str]
) -> None:
    with fails("E514", "`f2.npz`", *words):
        table(tmp_path, context, **changes)


def test_no_table_at_all(tmp_path: Path, context: DataContext, fails) -> None:
    (tmp_path / "f2.npz").write_text("rubbish")
    with fails("E503", "is no .npz file"):
        read_fk(tmp_path / "f2.npz", context)


def test_rows_by_kinematics(tmp_path: Path, context: DataContext) -> None:
    """Data in their own order, some repeated, one off by the last bit of single precision."""
    data = measured([[0.2, 9.0, 0.5], [0.1, 4.0, 0.7], [0.2, 9.0, 0.5], [float(np.float32(0.1)), 4.0, 0.5]])
    (found,) = match_rows([table(tmp_path, context)], data, context)
    assert found.row.tolist() == [2, 1, 2, 0] and found.set_name == "A"
    np.testing.assert_array_equal(found.fk, arrays()["fk"][[2, 1, 2, 0]])
    np.testing.assert_array_equal(found.xgrid, XGRID)


def test_a_table_without_the_beam_energy(tmp_path: Path, context: DataContext, fails) -> None:
    """Several data share a row of (x, Q2); rows of (x, Q2) that repeat must have the same content."""
    data = measured([[0.1, 4.0, 0.5], [0.1, 4.0, 0.7], [0.2, 9.0, 0.5]])
    once = table(tmp_path, context, fk=arrays()["fk"][[0, 2]], kin=KIN[[0, 2], :2])
    assert match_rows([once], data, context)[0].row.tolist() == [0, 0, 1]
    equal = table(tmp_path, context, fk=arrays()["fk"][[0, 0, 2]], kin=KIN[:, :2])
    assert match_rows([equal], data, context)[0].row.tolist() == [0, 0, 2]
    differ = table(tmp_path, context, kin=KIN[:, :2])
    with fails(
        "E515", "several rows of `f2.npz` belong to row 1 of A (x = 0.1, Q2 = 4)", "rows 1, 2", "`variables`"
    ):
        match_rows([differ], data, context)


def test_tables_follow_the_data_sets(tmp_path: Path, context: DataContext, fails) -> None:
    first, second = table(tmp_path, context), table(tmp_path, context, kin=KIN * 2)
    data = measured([KIN[2].tolist(), KIN[0].tolist(), (2 * KIN[1]).tolist()], [0, 0, 1])
    matched = match_rows([first, second], data, context)
    assert [found.row.tolist() for found in matched] == [[2, 0], [1]]
    assert [found.set_name for found in matched] == ["A", "B"]
    with fails("E514", "1 table for 2 data sets", "A, B", "one table for each"):
        match_rows([first], data, context)


def test_a_datum_without_a_row(tmp_path: Path, context: DataContext, fails) -> None:
    data = measured([[0.1, 4.0, 0.5], [0.1, 5.0, 0.5], [0.3, 9.0, 0.5]])
    words = ["no row of `f2.npz` belongs to row 2 of A (x = 0.1, Q2 = 5, y = 0.5)", "2 data have no row"]
    with fails("E515", *words, "3 rows, x from 0.1 to 0.2, Q2 from 4 to 9", "`where`"):
        match_rows([table(tmp_path, context)], data, context)
    empty = table(tmp_path, context, fk=np.ones((0, 9, 3)), kin=np.ones((0, 3)))
    with fails("E515", "The table has 0 rows"):
        match_rows([empty], data, context)


def test_nothing_in_common(tmp_path: Path, context: DataContext, fails) -> None:
    data = measured([[0.1, 4.0]], names="pT eta")
    with fails("E515", "share no kinematic variable", "x, Q2, y", "pT, eta"):
        match_rows([table(tmp_path, context)], data, context)


def test_a_set_left_without_data(tmp_path: Path, context: DataContext) -> None:
    data = measured([[0.1, 4.0, 0.5]]).select(np.array([False]))
    assert match_rows([table(tmp_path, context)], data, context)[0].fk.shape == (0, 9, 3)
