"""`simulate --count`: simulations in a folder, which goes on after a kill to the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import xarray
from command_line import NORMAL, command, environment

import pdflang
from pdflang.simulator import matrix

EVENTS = """\
data hits = [0.5]
param c ~ LogNormal(3, 0.3)
param a ~ Normal(0.5, 0.3) in (-1, inf)
pdf f(x) = c * x^a * (1 - x)
detector tracker(y in (0, 1) | x) {
    draw z ~ Normal(x, 0.1)
    let y = z + 0.01
}
observe hits ~ PoissonProcess(f |> tracker)
"""


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "simulations").glob("*.h5"))}


def test_simulations_are_read_back(in_process, model, tmp_path: Path) -> None:
    done = in_process("simulate", model(EVENTS), "--count", "30", "--traces", "--seed", "3", "--out", "s")
    assert "30 simulations with seed 3, with joint scores, in s" in done.output
    found = pdflang.simulations(tmp_path / "s")
    simulator = pdflang.load(tmp_path / "model.pdfm").simulator()
    batch = simulator.draw(30, seed=3)
    assert len(found) == 30 and list(found.parameters) == ["c", "a"]
    for name, values in batch.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], values)
    np.testing.assert_array_equal(found.data["hits"].splits, batch.data["hits"].splits)
    np.testing.assert_array_equal(found.data["hits"].columns["y"], batch.data["hits"].columns["y"])
    np.testing.assert_array_equal(matrix(found.scores), matrix(batch.joint_score()))
    np.testing.assert_array_equal(found.log_weights, np.zeros(30))
    read = simulator.read(tmp_path / "s")
    other = {"c": 20.0, "a": 0.5}
    np.testing.assert_array_equal(read.joint_log_ratio(other, other), np.zeros(30))
    ratios = (one.event_log_ratios("hits", other) for one in (read, batch))
    np.testing.assert_array_equal(*ratios)
    record = json.loads((tmp_path / "s/provenance.json").read_text())
    assert record["method"] == "simulations" and record["options"]["count"] == 30 and not record["interrupted"]
    assert "simulations/0000000000.h5" in record["files"]


def test_more_are_those_of_one_run(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("simulate", name, "--count", "1500", "--traces", "--out", "a")
    first = content(tmp_path / "a")
    assert list(first) == ["0000000000.h5", "0000001024.h5"]
    in_process("simulate", name, "--more", "700", "--out", "a")
    in_process("simulate", name, "--count", "2200", "--traces", "--out", "b")
    assert content(tmp_path / "a") == content(tmp_path / "b") != first
    assert pdflang.simulations(tmp_path / "a").data["y"].shape == (2200, 3)


def test_what_goes_on_is_the_same_run(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("simulate", name, "--count", "10", "--out", "a")
    assert "is finished" in in_process("simulate", name, "--resume", "--out", "a", code=1).output
    seeded = in_process("simulate", name, "--more", "5", "--seed", "5", "--out", "a", code=1).output
    assert "`seed` was 0, not 5" in seeded
    changed = in_process("simulate", name, "--more", "5", "-p", "mu=1", "--out", "a", code=1).output
    assert "there, `params` was" in changed
    model(NORMAL.replace("Normal(0, 5)", "Normal(0, 6)"))
    assert "was another" in in_process("simulate", name, "--more", "5", "--out", "a", code=1).output
    with pytest.raises(pdflang.PdflangError, match=r"E621.*simulations of another model"):
        pdflang.load(tmp_path / name).simulator().read(tmp_path / "a")
    assert "E627" in in_process("simulate", name, "--more", "5", code=1).output
    assert in_process("simulate", name, "--more", "5", "--overwrite", "--out", "a", code=2)
    in_process("simulate", name, "--count", "4", "--overwrite", "--out", "a")
    assert len(pdflang.simulations(tmp_path / "a")) == 4


def test_parameters_are_given_or_those_of_a_run(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("simulate", name, "--count", "20", "-p", "mu=2.5", "--out", "fixed")
    assert set(pdflang.simulations(tmp_path / "fixed").parameters["mu"]) == {2.5}
    in_process("sample", name, "--chains", "1", "--warmup", "100", "--draws", "50", "--out", "p.run")
    in_process("simulate", name, "--count", "40", "-p", "p.run", "--out", "posterior")
    found = pdflang.simulations(tmp_path / "posterior")
    assert found.log_weights is None
    with xarray.open_datatree(tmp_path / "p.run/draws.nc", engine="h5netcdf") as tree:
        drawn = set(np.ravel(tree["posterior"]["mu"]))
    assert set(found.parameters["mu"]) <= drawn and len(set(found.parameters["mu"])) > 15
    mixed = in_process("simulate", name, "--count", "4", "-p", "p.run", "-p", "mu=1", code=2)
    assert "give either a run" in mixed.output


def test_a_folder_without_simulations(in_process, model, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        with pytest.raises(pdflang.PdflangError, match=r"E623.*has no simulations"):
            pdflang.simulations(tmp_path / folder)


def test_a_damaged_piece_is_told_and_drawn_again(in_process, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    in_process("simulate", name, "--count", "2100", "--out", "a")
    whole = content(tmp_path / "a")
    piece = tmp_path / "a/simulations/0000001024.h5"
    piece.write_bytes(piece.read_bytes()[:500])
    with pytest.raises(pdflang.PdflangError, match=r"E623.*0000001024.h5` cannot be read"):
        pdflang.simulations(tmp_path / "a")
    piece.unlink()
    with pytest.raises(pdflang.PdflangError, match=r"E623.*begins with simulation 2048, not with 1024"):
        pdflang.simulations(tmp_path / "a")
    in_process("simulate", name, "--more", "1", "--out", "a")
    assert content(tmp_path / "a")[piece.name] == whole[piece.name]


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
@pytest.mark.slow
def test_kills_at_random_moments(run, model, tmp_path: Path) -> None:
    arguments = ("simulate", model(EVENTS), "--count", "1400", "--traces")
    began = time.monotonic()
    run(*arguments, "--out", "whole")
    seconds = time.monotonic() - began
    choose, kills = random.Random(0), 0
    again = arguments
    for attempt in range(30):
        process = subprocess.Popen(
            command(*again, "--out", "cut"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            # Starting takes a good part of it; longer from time to time, so that the run gets to its end.
            _, stderr = process.communicate(timeout=seconds * (choose.uniform(0.3, 0.7) + attempt / 5))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            if (tmp_path / "cut/provenance.json").exists():
                again = (*arguments[:2], "--resume")
            continue
        assert process.returncode == 0 or "is finished" in stderr, stderr
        break
    assert kills > 0
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    assert not json.loads((tmp_path / "cut/provenance.json").read_text())["interrupted"]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in the way of POSIX")
def test_an_interrupt_keeps_what_there_is(model, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("simulate", model(EVENTS), "--count", "100000", "--out", "cut"), cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("cut/simulations/*.h5")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130 and "goes on" in stderr and "Traceback" not in stderr, stderr
    assert len(pdflang.simulations(tmp_path / "cut")) >= 256
