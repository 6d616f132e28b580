"""Runs commands as a user does, on files in a folder, and reads the codes off what is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from pdflang.cli import program

_CODE = re.compile(r"^(error|lint)\[([EL]\d{3})\]", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    exit_code: int
    output: str

    @property
    def codes(self) -> set[str]:
        return {code for _, code in _CODE.findall(self.output)}

    @property
    def error_codes(self) -> set[str]:
        return {code for kind, code in _CODE.findall(self.output) if kind == "error"}


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Files by their path below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(folder: Path, command: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a folder; the model stands behind its options unless the command names one.

    An exception that is no message to the user fails the test.
    """
    words = list(command)
    if not any(word.endswith(".pdfm") for word in words):
        words.append("model.pdfm")
    if words[0] in ("map", "sample") and "--method" not in words:
        words += _SHORT[words[0]]
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(program, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Run(result.exit_code, result.output)


# Enough to see that a command gets to its end.
_SHORT = {
    "map": ["--seed", "1"],
    "sample": ["--seed", "1", "--chains", "1", "--warmup", "60", "--draws", "50"],
}
