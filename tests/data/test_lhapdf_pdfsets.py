"""Members of LHAPDF sets as pdfsets: the flavours that they have at a scale, and FK tables that act on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from test_dis_numbers import EXAMPLE, T0, proton

import pdflang
from pdflang.components.flavours import FLAVOURS
from pdflang.data.lhapdf_files import Block, Member, write_info, write_member
from pdflang.ir.program import PARTONS

X = np.geomspace(1e-3, 1, 400)
SCALES = np.array([1.65, 2.0, 3.0, 5.0])
TEXT = (EXAMPLE / "model.pdfm").read_text()
OF_CONSTANTS, OF_SET = "t0 = t0.proton |> F2", "t0 = old |> F2"


def write(folder: Path, **more: np.ndarray) -> None:
    """A set of the constants of the example, the same at all scales; `more` are densities of other flavours."""
    light = dict(zip(FLAVOURS, proton(T0, X[:-1]), strict=True))
    found = {name: np.append(light.get(name, 0 * X[:-1]), 0.0) for name in FLAVOURS if "t" not in name} | more
    pids = {**PARTONS, "photon": 22}
    values = np.repeat(np.array(list(found.values())).T[:, None], len(SCALES), axis=1)
    folder.mkdir(exist_ok=True)
    write_info(folder, {"Format": "lhagrid1"})
    write_member(folder, 0, Member("central", (Block(X, SCALES, tuple(pids[name] for name in found), values),)))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "dis"
    shutil.copytree(EXAMPLE, folder)
    write(folder / "old")
    return folder


def model(folder: Path, at: str = "1.65") -> pdflang.embedding.Model:
    assert TEXT.count(OF_CONSTANTS) == 1
    declared = f'pdfset old = lhapdf("old") at Q = {at}\n'
    return pdflang.loads(declared + TEXT.replace(OF_CONSTANTS, OF_SET), folder=folder)


def test_multiplicative_errors_by_a_set_are_those_by_its_densities(example: Path) -> None:
    """χ² at the constants of t0 with t0 of a set that holds them: the number of an independent program."""
    assert float(model(example).chi2(vars(T0))["bcdms"]) == pytest.approx(656.469, abs=1e-3)


def test_a_set_has_the_flavours_that_are_something_there(example: Path) -> None:
    """Bottom counts as soon as there is some: the tables of the example act on quarks up to charm."""
    write(example / "old", b=1e-12 * (1 - X), c=0.01 * (1 - X))
    model(example)
    write(example / "old", b=1e-3 * (1 - X))
    with pytest.raises(pdflang.PdflangError, match="acts on quarks up to `c`, and `b` of the pdfset is beyond"):
        model(example)
    write(example / "old", photon=1e-3 * (1 - X))
    other = pdflang.loads('pdfset old = lhapdf("old") at Q = 2\nparam k ~ Normal(0, 1)\noutput p = k*old.photon(0.5)',
                          folder=example)  # fmt: skip
    assert float(other.derived({"k": 1.0})["p"]) == pytest.approx(5e-4, rel=1e-3)


def test_a_set_that_is_not_there_is_what_is_told(example: Path) -> None:
    shutil.rmtree(example / "old")
    with pytest.raises(pdflang.PdflangError, match="E501") as caught:
        model(example)
    found = caught.value.diagnostics[0]
    assert "old" in found.message and "LHAPDF_DATA_PATH" in found.remedy


@pytest.mark.parametrize(
    ("at", "said"), [("1.2", "ends before: Q = 1.2 GeV is outside"), ("2", "starts at Q = 1.65 GeV, but the pdfset")]
)
def test_scales(example: Path, at: str, said: str) -> None:
    with pytest.raises(pdflang.PdflangError, match=said):
        model(example, at)


@pytest.mark.parametrize("content", ["a: [1", "Format: lhagrid2", "\x00", ""])
def test_a_broken_head_is_told(example: Path, content: str) -> None:
    (example / "old" / "old.info").write_text(content)
    with pytest.raises(pdflang.PdflangError, match="E520"):
        model(example)
