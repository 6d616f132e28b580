"""Whole processes: interrupts at any time, the same bytes on one core and on two, imports that stay light."""

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

PROGRAM = Path(__file__).with_name("slow_sampling.py")

on_posix = pytest.mark.skipif(os.name != "posix", reason="signals are sent in the way of POSIX")


ROOT = Path(__file__).resolve().parents[2]


def command_of(out: Path, warmup: int, draws: int, size: int) -> list[str]:
    return [sys.executable, str(PROGRAM), str(out), str(warmup), str(draws), str(size)]


def start(out: Path, warmup: int, draws: int, size: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = command_of(out, warmup, draws, size)
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def wait_for_draws(process: subprocess.Popen[str]) -> None:
    """Until every chain has kept one: what remains is the common length of the chains."""
    wait_until_ready(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "drawing\n"


def report_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    return json.loads(stdout.splitlines()[-1])


@on_posix
@pytest.mark.parametrize("delay", random.Random(1).sample(range(800), 3))
def test_an_interrupt_keeps_the_draws_made_so_far(tmp_path: Path, delay: int) -> None:
    process = start(tmp_path / "z", 20, 1_000_000, 100)
    wait_for_draws(process)
    time.sleep(delay / 1000)
    process.send_signal(signal.SIGINT)
    report = report_of(process)
    assert report["interrupted"]
    assert report["finite"]
    assert report["draws"] > 0
    assert (tmp_path / "z").stat().st_size == report["draws"] * 2 * 3 * 8


@on_posix
@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupt_in_warmup_leaves_no_draws_and_no_traceback(tmp_path: Path, signals: int) -> None:
    process = start(tmp_path / "z", 20_000, 10, 300)
    wait_until_ready(process)
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    report = report_of(process)
    assert report == {"interrupted": True, "draws": 0, "finite": True}


@on_posix
def test_a_second_interrupt_does_not_wait_for_the_work_in_hand(tmp_path: Path) -> None:
    process = start(tmp_path / "z", 20, 1_000_000, 1500)
    wait_for_draws(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert report_of(process)["interrupted"]


@on_posix
@pytest.mark.slow
@pytest.mark.parametrize("delay", random.Random(2).sample(range(5000), 20))
def test_an_interrupt_at_any_time_after_the_imports(tmp_path: Path, delay: int) -> None:
    """Compilation and start included; before `sample` is called an interrupt is the caller's to handle."""
    process = start(tmp_path / "z", 500, 1_000_000, 200)
    wait_until_ready(process)
    time.sleep(delay / 1000)
    for _ in range(1 + delay % 2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    assert report_of(process)["interrupted"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")
def test_one_core_gives_the_same_bytes_as_all(tmp_path: Path) -> None:
    """Sums over columns are split by the number of threads unless XLA has one."""
    everywhere = start(tmp_path / "all", 60, 40, 300)
    core = min(os.sched_getaffinity(0))
    pin = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", pin, *command_of(tmp_path / "one", 60, 40, 300)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PDFLANG_CACHE": str(tmp_path / "cache")}
    pinned = subprocess.run(command, env=environment, capture_output=True, timeout=600)
    assert pinned.returncode == 0, pinned.stderr
    assert not report_of(everywhere)["interrupted"]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "all").read_bytes()
    assert (tmp_path / "one").stat().st_size == 2 * 40 * 3 * 8


def test_importing_the_packages_is_light() -> None:
    heavy = ("jax", "blackjax", "xarray", "pandas", "arviz_stats", "rich", "scipy", "matplotlib")
    program = (
        "import sys, pdflang.inference, pdflang.results\n"
        f"print(sorted(name for name in {heavy} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.stdout == "[]\n", done.stderr
