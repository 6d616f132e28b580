"""FK tables for two hadrons: against PineAPPL's own convolution, against NumPy, and where they do not fit."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hadron_grids import OTHER, SHAPES, as_lhapdf, declared, drell_yan, drell_yan_table, momentum, written_data

import pdflang
from pdflang.ir.program import PARTONS

with_pineappl = pytest.mark.skipif(find_spec("pineappl") is None, reason="needs the extra `pineappl`")

MIDDLES = np.array([0.5, 1.5, 2.25])
PAIRS = [("u", "ubar"), ("ubar", "u"), ("g", "d"), ("sbar", "c"), ("s", "g")]
GRID = np.array([0.01, 0.1, 0.3, 0.7])
TWO = declared("proton", SHAPES, factor="k") + declared("other", OTHER)


def arrays(seed: int = 0) -> dict[str, Any]:
    """A table for two hadrons as arrays."""
    fk = np.random.default_rng(seed).normal(size=(3, len(PAIRS), len(GRID), len(GRID)))
    return {
        "fk": fk, "xgrid": GRID, "kin": MIDDLES[:, None], "variables": np.array(["rapidity"]),
        "flavours": np.array(PAIRS), "Q0": np.array(1.65),
    }  # fmt: skip


def by_hand(table: dict[str, Any], first: dict, second: dict) -> np.ndarray:
    """Σ fk[d, c, a, b] x_a f_i(x_a) x_b f_j(x_b), channel by channel."""
    f, g = momentum(first, table["xgrid"]), momentum(second, table["xgrid"])
    names = list(PARTONS)
    parts = [
        np.einsum("dab,a,b->d", table["fk"][:, c], f[names.index(i)], g[names.index(j)])
        for c, (i, j) in enumerate(table["flavours"])
    ]
    return np.sum(parts, axis=0)


def model(folder: Path, theory: str, files: str, sets: str = '"COLLIDER_Z_RATE"') -> pdflang.Model:
    text = f"data rates = commondata({sets})\nparam k ~ Normal(1, 0.1)\n" + TWO
    text += f"theory dy = fktable({files}, rows = rates)\n"
    text += f"observe rates ~ MvNormal({theory}, cov = rates.covariance)\noutput found = {theory}\n"
    return pdflang.loads(text, folder=folder)


def found(folder: Path, theory: str, files: str, **more: Any) -> np.ndarray:
    return np.asarray(model(folder, theory, files, **more).derived({"k": 1.0})["found"])


@with_pineappl
@pytest.mark.parametrize(("theory", "second"), [("dy(proton, other)", OTHER), ("proton |> dy", SHAPES)])
def test_the_convolution_of_pineappl(tmp_path: Path, theory: str, second: dict) -> None:
    """Two protons of which all flavours are distinct, in channels of partons, some of several pairs."""
    table = drell_yan_table(tmp_path / "dy.lz4")
    expected = table.convolve(list(table.convolutions), [as_lhapdf(SHAPES), as_lhapdf(second)])
    written_data(tmp_path, expected, rapidity=MIDDLES)
    assert found(tmp_path, theory, '"dy.lz4"') == pytest.approx(expected, rel=1e-12)


@with_pineappl
def test_an_antiproton(tmp_path: Path) -> None:
    """PineAPPL is given protons twice, and makes the second an antiproton, as the table wants it."""
    table = drell_yan_table(tmp_path / "dy.lz4", (2212, -2212))
    protons = [table.convolutions[0]] * 2
    expected = table.convolve(protons, [as_lhapdf(SHAPES)] * 2)
    written_data(tmp_path, expected, rapidity=MIDDLES)
    assert found(tmp_path, "dy(proton, anti(proton))", '"dy.lz4"') == pytest.approx(expected, rel=1e-12)
    with pytest.raises(pdflang.PdflangError, match=r"(?s)E514.*two different hadrons, 2212 and -2212.*anti\(proton\)"):
        found(tmp_path, "proton |> dy", '"dy.lz4"')


def test_arrays(tmp_path: Path) -> None:
    table = arrays()
    np.savez(tmp_path / "dy.npz", **table)
    written_data(tmp_path, np.ones(3), rapidity=MIDDLES)
    two, alike = by_hand(table, SHAPES, OTHER), by_hand(table, SHAPES, SHAPES)
    assert found(tmp_path, "dy(proton, other)", '"dy.npz"') == pytest.approx(two, rel=1e-12)
    assert found(tmp_path, "dy(other, proton)", '"dy.npz"') == pytest.approx(by_hand(table, OTHER, SHAPES), rel=1e-12)
    for theory in ("proton |> dy", "dy(proton)", "dy(proton, proton)", "dy(first = proton, second = proton)"):
        assert found(tmp_path, theory, '"dy.npz"') == pytest.approx(alike, rel=1e-12)


def test_a_deuteron_and_rows_in_another_order(tmp_path: Path) -> None:
    """p and d: one hadron is a sum, so is the prediction; data repeat a row."""
    table = arrays()
    np.savez(tmp_path / "dy.npz", **table)
    written_data(tmp_path, np.ones(4), rapidity=MIDDLES[[2, 0, 2, 1]])
    exchanged = {"u": "d", "d": "u", "ubar": "dbar", "dbar": "ubar"}
    neutron = {exchanged.get(name, name): shape for name, shape in SHAPES.items()}
    expected = 0.5 * (by_hand(table, SHAPES, SHAPES) + by_hand(table, SHAPES, neutron))
    here = found(tmp_path, "dy(proton, 0.5*(proton + isospin(proton)))", '"dy.npz"')
    assert here == pytest.approx(expected[[2, 0, 2, 1]], rel=1e-12)


def linear(grid: np.ndarray = GRID, seed: int = 5) -> dict[str, Any]:
    fk = np.random.default_rng(seed).normal(size=(2, 3, len(grid)))
    return {
        "fk": fk, "xgrid": grid, "kin": np.array([[0.2], [0.4]]), "variables": np.array(["rapidity"]),
        "flavours": np.array(["u", "g", "bbar"]), "Q0": np.array(1.65),
    }  # fmt: skip


def test_tables_for_one_hadron_and_for_two(tmp_path: Path) -> None:
    """One datum of several sets: each table acts as it is made, on a grid of its own."""
    one, two, three = linear(), arrays(), linear(np.array([0.02, 0.2, 0.9]), seed=6)
    sets = []
    for name, table in (("one", one), ("two", two), ("three", three)):
        np.savez(tmp_path / f"{name}.npz", **table)
        rapidity = table["kin"][:, 0]
        sets.append(f'"{written_data(tmp_path, np.ones(len(rapidity)), name.upper() + "_A_B", rapidity=rapidity)}"')
    names = list(PARTONS)
    f = [momentum(SHAPES, table["xgrid"])[[names.index(name) for name in ("u", "g", "bbar")]] for table in (one, three)]
    parts = [np.einsum("dka,ka->d", one["fk"], f[0]), by_hand(two, SHAPES, SHAPES)]
    parts.append(np.einsum("dka,ka->d", three["fk"], f[1]))
    files = '"one.npz", "two.npz", "three.npz"'
    here = found(tmp_path, "proton |> dy", files, sets=", ".join(sets))
    assert here == pytest.approx(np.concatenate(parts), rel=1e-12)
    # Tables that follow each other are one array, and need one grid.
    with pytest.raises(pdflang.PdflangError, match=r"E514.*different x grids"):
        found(tmp_path, "proton |> dy", '"one.npz", "three.npz"', sets=f"{sets[0]}, {sets[2]}")
    with pytest.raises(pdflang.PdflangError, match=r"E514.*2 tables for 3 data sets"):
        found(tmp_path, "proton |> dy", '"one.npz", "two.npz"', sets=", ".join(sets))
    with pytest.raises(pdflang.PdflangError, match=r"E301.*`one.npz` is a table for one hadron"):
        found(tmp_path, "dy(proton, other)", files, sets=", ".join(sets))


@pytest.mark.parametrize("theory", ["dy(proton, other)", "proton |> dy"])
def test_derivatives(tmp_path: Path, theory: str) -> None:
    """k is the size of one hadron, or of both: the prediction is k, or k², times that at 1."""
    table = arrays()
    np.savez(tmp_path / "dy.npz", **table)
    power = 1 if "other" in theory else 2
    at_one = by_hand(table, SHAPES, OTHER if power == 1 else SHAPES)
    written_data(tmp_path, 1.2 * at_one, rapidity=MIDDLES)
    made = model(tmp_path, theory, '"dy.npz"')
    errors = 1.2 * at_one[:, None] * 1.2 * at_one[None] * (0.01**2 * np.eye(3) + 0.005**2)

    def log_density(k: float) -> float:
        away = 1.2 * at_one - k**power * at_one
        return -0.5 * away @ np.linalg.solve(errors, away) - 0.5 * ((k - 1) / 0.1) ** 2

    step = 1e-4
    slope = (log_density(1.05 + step) - log_density(1.05 - step)) / (2 * step)
    assert jax.grad(lambda k: made.log_density({"k": k}))(1.05) == pytest.approx(slope, rel=1e-5)
    assert float(made.log_density({"k": 1.1}) - made.log_density({"k": 1.0})) == pytest.approx(
        log_density(1.1) - log_density(1.0), rel=1e-8
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flavours": None}, "no pairs of flavours"),
        ({"flavours": np.array([pair[0] for pair in PAIRS])}, "no pairs of flavours"),
        ({"flavours": np.array(PAIRS[:4])}, "4 flavours × 4 points of `xgrid` × 4 points"),
        ({"flavours": np.array([*PAIRS[:4], PAIRS[0]])}, "each pair once"),
        ({"flavours": np.array([*PAIRS[:4], ("u", "T3")])}, "g·d"),
        ({"fk": np.ones((3, 5, 4, 3))}, "shape 3 × 5 × 4 × 3"),
        ({"Q0": np.array(2.0)}, "starts at Q = 2 GeV, but the pdfset is given at 1.65 GeV"),
    ],
)
def test_malformed(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    table = {**arrays(), **changes}
    np.savez(tmp_path / "dy.npz", **{name: value for name, value in table.items() if value is not None})
    written_data(tmp_path, np.ones(3), rapidity=MIDDLES)
    with pytest.raises(pdflang.PdflangError) as failure:
        found(tmp_path, "proton |> dy", '"dy.npz"')
    assert failure.value.diagnostics[0].code == "E514" and words in str(failure.value)


@pytest.mark.parametrize(
    ("theory", "words"),
    [
        ("dy(proton, other, proton)", "E303"),
        ("dy(proton, k)", "E301.*acts on a pdfset, but this is a number"),
        ("dy(proton, second = k)", "E301.*acts on a pdfset"),
        ("dy(proton, third = other)", "E303.*no argument `third`"),
    ],
)
def test_calls_that_are_none(tmp_path: Path, theory: str, words: str) -> None:
    np.savez(tmp_path / "dy.npz", **arrays())
    written_data(tmp_path, np.ones(3), rapidity=MIDDLES)
    with pytest.raises(pdflang.PdflangError, match=f"(?s){words}"):
        found(tmp_path, theory, '"dy.npz"')


@with_pineappl
def test_what_is_no_table_for_a_pdfset(tmp_path: Path) -> None:
    drell_yan_table(tmp_path / "polarised.lz4", polarised=True)
    drell_yan().write_lz4(str(tmp_path / "grid.lz4"))
    written_data(tmp_path, np.ones(3), rapidity=MIDDLES)
    with pytest.raises(pdflang.PdflangError, match=r"E514.*acts on polarised parton densities"):
        found(tmp_path, "proton |> dy", '"polarised.lz4"')
    with pytest.raises(pdflang.PdflangError, match=r"(?s)E514.*is a grid of PineAPPL.*pdflang theory grid.lz4"):
        found(tmp_path, "proton |> dy", '"grid.lz4"')
