"""Arrays that are larger than the memory should be: in files while they are made, written, read and summarised."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pdflang
from pdflang import PdflangError
from pdflang.inference import METHODS
from pdflang.results import RunFolder, posterior, run_folder, spool, summarise
from pdflang.results.run_folder import open_run
from pdflang.results.spool import Spool, rows_at_once

MODEL = """
data y[N]
param a ~ Normal(0, 1)
param b ~ Normal(0, 1)
observe y ~ Normal(a + b, 1)
output f[i in 300] = a + b*i
"""
FAST = {"chains": 2, "warmup": 50, "draws": 40}


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large here: more than 64 KiB."""
    for module in (spool, run_folder, posterior):
        monkeypatch.setattr(module, "LARGE", 2**16)


def parts() -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    return [{"wide": random.normal(size=(n, 50, 20)), "number": random.normal(size=n)} for n in (7, 7, 4)]


@pytest.mark.usefixtures("small_memory")
def test_large_arrays_lie_in_files_that_have_no_name(tmp_path: Path) -> None:
    whole = {name: np.concatenate([part[name] for part in parts()]) for name in ("wide", "number")}
    for folder in (None, tmp_path / "new"):
        made = Spool(18, folder)
        for part in parts():
            made.add(part)
        found = made.arrays()
        assert {name: isinstance(array, np.memmap) for name, array in found.items()} == {
            "wide": folder is not None,
            "number": False,
        }
        assert all(np.array_equal(found[name], whole[name]) for name in whole)
    assert list((tmp_path / "new").iterdir()) == []


def test_rows_are_as_many_as_memory_allows() -> None:
    assert rows_at_once(0, 1000) == 1000
    assert rows_at_once(100_000, 1000) == 167
    assert rows_at_once(10**9, 1000) == 1


def test_a_run_is_the_same_in_files_and_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = pdflang.loads(MODEL, data={"y": [0.1, 0.5]})
    draws = model.draw(METHODS["nuts"].options(**FAST))
    found = []
    for name in ("memory", "files", "files again"):
        if name != "memory":
            for module in (spool, run_folder, posterior):
                monkeypatch.setattr(module, "LARGE", 2**16)
        folder = RunFolder.create(tmp_path / "m.pdfm", tmp_path / name)
        with folder:
            tree = model.tree(draws, True, (), folder.path)
            folder.write_draws(tree)
        read = open_run(folder.path)
        assert isinstance(read["posterior"]["f"].values.base, np.memmap) is (name != "memory")
        assert np.array_equal(read["posterior"]["f"], tree["posterior"]["f"].values)
        assert read["posterior"]["f"].attrs == tree["posterior"]["f"].attrs and read.attrs.keys() == tree.attrs.keys()
        found.append((summarise(tree), (folder.path / "draws.nc").read_bytes()))
    assert repr(found[0][0]) == repr(found[1][0]) == repr(found[2][0])
    assert found[1][1] == found[2][1]


@pytest.mark.usefixtures("small_memory")
def test_large_files_are_not_begun_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = posterior.posterior_tree({"f": np.zeros((2, 100, 100))}, {})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**16))
    told = pytest.raises(PdflangError, match=f"E622.*{os.strerror(errno.ENOSPC)}")
    with RunFolder.create(tmp_path / "m.pdfm", tmp_path / "m.run") as folder, told:
        folder.write_draws(tree)
    assert not (tmp_path / "m.run").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured through /proc")
def test_a_hundred_thousand_outputs_do_not_fill_the_memory(tmp_path: Path) -> None:
    """1.6 GB of draws, of which a third of that is never in memory that could not be given back at once."""
    text = MODEL.replace("300", "100_000".replace("_", ""))
    (tmp_path / "m.pdfm").write_text(text)
    (tmp_path / "d.json").write_text('{"y": [0.1, 0.5]}')
    arguments = ["sample", "m.pdfm", "--data", "d.json", "--chains", "2", "--draws", "1000"]
    peaks = [_peak(tmp_path, *arguments), _peak(tmp_path, "report", "m.run")]
    assert (tmp_path / "m.run" / "draws.nc").stat().st_size > 1.6e9
    assert (tmp_path / "m.run" / "report.html").stat().st_size < 5e6
    assert max(peaks) < 1.6e9 / 1.2, peaks


def _peak(folder: Path, *arguments: str) -> int:
    """The most memory that a command had of its own, in bytes."""
    process = subprocess.Popen([sys.executable, "-m", "pdflang", *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            continue
        peak = max([peak, *(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))])
        time.sleep(0.1)
    assert process.returncode == 0
    return peak
