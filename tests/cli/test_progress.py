"""Progress bars: in a terminal, and only there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from command_line import CENTRED, NORMAL, command, environment

pty = pytest.importorskip("pty", reason="pseudo-terminals are of POSIX")

SLOW = ("--draws", "30000", "--warmup", "500", "--chains", "2")


def seen_in_a_terminal(tmp_path: Path, *arguments: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(TERM="xterm", COLUMNS="160"), stdin=theirs,
        stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(timeout=600) in (0, 3)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode("utf-8", "replace"))


def test_bars_in_a_terminal(tmp_path: Path, model) -> None:
    seen = seen_in_a_terminal(tmp_path, "sample", model(NORMAL), *SLOW)
    for word in ("chain 1", "chain 2", "sampling", "step size"):
        assert word in seen
    assert re.search(r"\d:\d\d:\d\d", seen)  # time left


def test_divergences_in_a_terminal(tmp_path: Path, model) -> None:
    seen = seen_in_a_terminal(tmp_path, "sample", model(CENTRED), "--draws", "3000", "--warmup", "200", "--chains", "2")
    assert re.search(r"\d+ divergent", seen)


def test_silence_elsewhere(run, model) -> None:
    assert run("sample", model(NORMAL), "--draws", "200").stderr == ""
