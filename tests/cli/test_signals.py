"""Ctrl-C at any time, as a real signal to a real process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import NORMAL, command, environment

from pdflang.results import open_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent in the way of POSIX")

Popen = subprocess.Popen[str]
UNFINISHED = {"checkpoint", "model.pdfm", "provenance.json"}
RUN_FILES = {*UNFINISHED, "diagnostics.json", "draws.nc", "summary.csv", "summary.txt"}


def late() -> float:
    """Seconds before which the interpreter itself starts, and nobody can listen: more on a machine that is busy."""
    begin = time.monotonic()
    subprocess.run([sys.executable, "-c", "import dataclasses, re, typing"], check=True)
    return max(0.15, 1.5 * (time.monotonic() - begin))


def started(tmp_path: Path, *arguments: str, interrupts: Any = signal.default_int_handler, **variables: str) -> Popen:
    """A process whose disposition to SIGINT is inherited: code of ours must not run in a fork beside JAX."""
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        return subprocess.Popen(
            command(*arguments), cwd=tmp_path, env=environment(**variables), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(process: Popen, *delays: float, ending: signal.Signals = signal.SIGINT) -> tuple[str, str]:
    for delay in delays:
        time.sleep(delay)
        process.send_signal(ending)
    stdout, stderr = process.communicate(timeout=600)
    assert "Traceback" not in stderr, stderr
    assert process.returncode == 130, (process.returncode, stdout, stderr)
    assert "interrupted" in stderr
    return stdout, stderr


MANY = 20_000_000
"""Draws that no machine makes while a test waits."""


def check_folder(tmp_path: Path, stderr: str, wanted: int = MANY) -> None:
    """The run's folder is whole, or can go on, or there is none."""
    folder = tmp_path / "model.run"
    if not folder.exists():
        return
    if "there are no draws yet" in stderr:
        assert {path.name for path in folder.iterdir()} == UNFINISHED
        assert "--resume --out model.run` goes on" in stderr
        return
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    draws = open_run(folder)["posterior"].sizes["draw"]
    assert draws > 0
    assert json.loads((folder / "provenance.json").read_text())["interrupted"] == (draws < wanted)
    assert f"the draws made so far are kept, {draws} of" in stderr or "keeping what there is" in stderr


@pytest.mark.parametrize("seed", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_sample_ends_well_at_any_time(tmp_path: Path, model, seed: int) -> None:
    delay = late() + seed + random.Random(seed).random()
    process = started(tmp_path, "sample", model(NORMAL), "--draws", str(MANY), "--chains", "2")
    check_folder(tmp_path, interrupted(process, delay)[1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_sample_ends_well_at_many_times(tmp_path: Path, model, seed: int) -> None:
    delay = random.Random(100 + seed).uniform(late(), 8)
    process = started(tmp_path, "sample", model(NORMAL), "--draws", "40000", "--chains", "2")
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=600)
    assert "Traceback" not in stderr, stderr
    if process.returncode == 130:
        check_folder(tmp_path, stderr, wanted=40_000)
    else:
        assert process.returncode == 0  # it was done before
        assert "2 chains of 40000 draws" in stdout
        assert {path.name for path in (tmp_path / "model.run").iterdir()} == RUN_FILES


def wait_for(process: Popen, path: Path) -> None:
    deadline = time.monotonic() + 600
    while not path.exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("chains", "ending"), [pytest.param("2", signal.SIGINT, marks=pytest.mark.slow), ("7", signal.SIGTERM)]
)
def test_draws_made_so_far_are_kept(tmp_path: Path, model, chains: str, ending: signal.Signals) -> None:
    """Those of all chains, also where there are more of them than cores, and where a batch system ends the job."""
    arguments = ("sample", model(NORMAL), "--draws", str(MANY), "--chains", chains, "--warmup", "20")
    for pause in (4, 10, 30):  # beyond the compilation, which the cache shortens, and the short warmup
        process = started(tmp_path, *arguments)
        wait_for(process, tmp_path / "model.run")
        time.sleep(pause)
        stdout, stderr = interrupted(process, 0, ending=ending)
        if "there are no draws yet" not in stderr:
            break
    assert (tmp_path / "model.run").is_dir() and "R-hat" in stdout, stderr
    check_folder(tmp_path, stderr)
    assert open_run(tmp_path / "model.run")["posterior"].sizes["chain"] == int(chains)


def test_an_interrupt_while_results_are_written_keeps_them(tmp_path: Path, model) -> None:
    process = started(tmp_path, "sample", model(NORMAL), "--draws", "20000", "--chains", "2")
    wait_for(process, tmp_path / "model.run" / "draws.nc")
    _, stderr = interrupted(process, 0)
    assert "keeping what there is" in stderr
    assert {path.name for path in (tmp_path / "model.run").iterdir()} == RUN_FILES


def test_compilation_is_not_waited_for_and_no_empty_folder_stays(tmp_path: Path, model) -> None:
    process = started(tmp_path, "sample", model(NORMAL), PDFLANG_CACHE=str(tmp_path / "cache"))
    wait_for(process, tmp_path / "model.run")
    begin = time.monotonic()
    _, stderr = interrupted(process, 0.5)
    assert time.monotonic() - begin < 3
    assert "nothing was written" in stderr
    assert not (tmp_path / "model.run").exists()


@pytest.mark.parametrize("verb", ["check", "map", "simulate", "compile"])
def test_other_verbs(tmp_path: Path, model, verb: str) -> None:
    text = NORMAL + "".join(f"output o{i} = mu^{i}\n" for i in range(400))
    delay = late()
    process = started(tmp_path, verb, model(text))
    interrupted(process, delay)
    assert {path.name for path in tmp_path.iterdir()} <= {"model.pdfm"}


def test_where_interrupts_are_ignored_they_stay_so(tmp_path: Path, model) -> None:
    process = started(tmp_path, "check", model(NORMAL), interrupts=signal.SIG_IGN)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=600)
    assert process.returncode == 0
