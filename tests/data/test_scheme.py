"""What `check` finds of FK tables and pdfsets that do not go together, from the files of an example."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pdflang import driver
from pdflang.components.flavours import heaviest_quark
from pdflang.diagnostics import PdflangError, SourceFile

EXAMPLE = Path(__file__).parents[2] / "examples" / "dis"
TEXT = (EXAMPLE / "model.pdfm").read_text()
TABLES = '"bcdms_p_f2.npz", "bcdms_d_f2.npz"'


def check(old: str, new: str, folder: Path = EXAMPLE):
    assert TEXT.count(old) == 1
    return driver.check(SourceFile("model.pdfm", TEXT.replace(old, new), folder))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("at Q = 1.65 {", "at Q = 1.3 {", "starts at Q = 1.65 GeV, but the pdfset is given at 1.3 GeV"),
        ("    g    = xg(x),", "    g = xg(x), bbar = xS(x),", "quarks up to `c`, and `bbar` of the pdfset is beyond"),
        ("proton(x) at", "proton(x in (0.1, 1)) at", "reads densities at x = 0.0"),
        (TABLES, '"bcdms_p_f2.npz"', "1 table for 2 data sets"),
    ],
)
def test_a_mismatch_is_an_error_of_the_model(old: str, new: str, words: str) -> None:
    with pytest.raises(PdflangError) as caught:
        check(old, new)
    (found,) = caught.value.diagnostics
    assert found.code == "E514" and words in found.message and found.span is not None
    assert found.span.text.startswith("fktable(")


def test_what_these_tables_can_do() -> None:
    """Charm is among their flavours; below x = 0.01 they read nothing."""
    assert not check("    g    = xg(x),", "    g = xg(x), c = 0.01*xS(x), cbar = 0.01*xS(x),").lints
    assert not check("proton(x) at", "proton(x in (0.01, 1)) at").lints


@pytest.mark.parametrize(("bottom", "beyond"), [("4.92", ""), ("1.63", "`bbar` of the pdfset is beyond")])
def test_what_evolves_has_the_flavours_of_its_scale(bottom: str, beyond: str) -> None:
    evolved = f"low |> evolve(Q = 1.65, alpha_s = 0.118, charm = 1.51, bottom = {bottom})"
    change = ("pdfset proton(x) at Q = 1.65 {", f"pdfset proton = {evolved}\npdfset low(x) at Q = 1.6 {{")
    if beyond:
        with pytest.raises(PdflangError, match=beyond):
            check(*change)
    else:
        check(*change)


def test_another_grid(tmp_path: Path) -> None:
    folder = tmp_path / "dis"
    shutil.copytree(EXAMPLE, folder)
    with np.load(folder / "bcdms_d_f2.npz") as file:
        arrays = dict(file)
    np.savez(folder / "bcdms_d_f2.npz", **{**arrays, "xgrid": np.append(0.5 * arrays["xgrid"][:-1], 1.0)})
    with pytest.raises(PdflangError, match=r"`bcdms_p_f2\.npz` and `bcdms_d_f2\.npz` have different x grids"):
        check(TABLES, TABLES, folder)
    np.savez(folder / "bcdms_d_f2.npz", **{**arrays, "xgrid": 2 * arrays["xgrid"]})
    with pytest.raises(PdflangError, match="does not ascend between 0 and 1"):
        check(TABLES, TABLES, folder)


def test_a_table_that_is_not_there_is_a_remark() -> None:
    program = check("bcdms_d_f2.npz", "bcdms_d_f22.npz")
    assert [(lint.code, lint.severity) for lint in program.lints] == [("E501", "lint")]


def test_it_needs_no_jax() -> None:
    code = (
        "import sys; from pathlib import Path; from pdflang import driver; "
        f"driver.check(driver.read_source(Path({str(EXAMPLE / 'model.pdfm')!r}))); assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("basis", "heaviest"),
    [
        (("S", "g", "V", "V3", "V8", "V15", "T3", "T8", "T15"), "c"),
        (("S", "g", "T3", "T8"), "s"),
        (("S", "g", "V", "V24"), "b"),
        (("g", "u", "ubar", "d"), "d"),
        (("g", "d", "bbar"), "b"),
        (("S", "g", "V"), ""),
    ],
)
def test_the_heaviest_quark_of_a_basis(basis: tuple[str, ...], heaviest: str) -> None:
    assert heaviest_quark(basis) == heaviest
