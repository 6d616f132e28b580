"""Real processes in a folder of their own, as a user starts them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import command, environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`pdflang` with arguments in the test's folder; no traceback ever reaches the user."""

    def call(*arguments: str, code: int | set[int] = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*arguments), cwd=tmp_path, env=environment(), capture_output=True, text=True, encoding="utf-8",
            timeout=600, **options,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (code if isinstance(code, set) else {code}), (done.stdout, done.stderr)
        return done

    return call


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., str]:
    """Writes a model file into the test's folder; its name."""

    def write(text: str, name: str = "model.pdfm") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write
