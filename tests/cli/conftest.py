"""Commands in a folder of their own: in real processes, as a user starts them, or in this one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_line import command, environment

from pdflang.cli import program

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
def in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The same in this process: many small commands in little time."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(program, arguments, prog_name="pdflang")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    return call


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., str]:
    """Writes a model file into the test's folder; its name."""

    def write(text: str, name: str = "model.pdfm") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write
