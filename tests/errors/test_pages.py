"""Each code has a page, each page its code: its wrong example shows it through the command, its right one does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from golden_texts import compare, messages, without_folders
from running import run, write_files

import pdflang
from pdflang.cli import program
from pdflang.diagnostics import PdflangError
from pdflang.diagnostics.codes import known_codes, page

PACKAGE = Path(pdflang.__file__).parent

# Functions are registered, and functions of a model traced, from Python only.
OF_PYTHON = ["E612", "E615", "E616"]
# No command makes a process end; the tests of chains in processes kill one.
OF_THE_MACHINE = ["E628"]
# Nothing is wrong with the model or its data: the command line ends with 2, as it does for an unknown option.
OF_OPTIONS = {"E505", "E610", "E620"}
OF_COMMANDS = [code for code in known_codes() if code not in OF_PYTHON + OF_THE_MACHINE]


def test_codes_and_pages_are_the_same() -> None:
    """A code that is raised has a page, and a page belongs to a code that is raised somewhere."""
    raised = set()
    for path in PACKAGE.rglob("*.py"):
        raised.update(re.findall(r'"([EL]\d{3})"', path.read_text(encoding="utf-8")))
    assert sorted(raised) == known_codes()


@pytest.mark.parametrize("code", known_codes())
def test_explain(code: str) -> None:
    result = CliRunner().invoke(program, ["explain", code])
    assert result.exit_code == 0
    assert result.output.startswith(f"# {code} {page(code).title}")
    assert "Wrong" in result.output and "Right" in result.output


def test_explain_suggests_a_code() -> None:
    assert CliRunner().invoke(program, ["explain", "[e401]"]).exit_code == 0
    result = CliRunner().invoke(program, ["explain", "E999"])
    assert result.exit_code == 2
    assert "no message E999" in result.output


@pytest.mark.parametrize("code", OF_COMMANDS)
def test_the_wrong_example_shows_the_code(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(code)
    write_files(tmp_path, {**shown.files, "model.pdfm": shown.wrong})
    found = run(tmp_path, shown.command, monkeypatch)
    if code.startswith("L"):
        assert (found.exit_code, found.codes) == (0, {code}), found.output
    else:
        expected = 2 if code in OF_OPTIONS else 1
        assert (found.exit_code, found.error_codes) == (expected, {code}), found.output
    compare(f"codes/{code}", messages(without_folders(tmp_path, found.output)))


@pytest.mark.parametrize("code", OF_COMMANDS)
def test_the_right_example_does_not(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(code)
    write_files(tmp_path, {**shown.files, "model.pdfm": shown.right})
    found = run(tmp_path, shown.right_command, monkeypatch)
    assert found.exit_code == 0, found.output
    assert code not in found.codes and not found.error_codes, found.output


@pytest.mark.parametrize("code", ["E101", "E201", "E509", "E801", "L401"])
def test_a_real_process_says_the_same(code: str, tmp_path: Path) -> None:
    shown = page(code)
    write_files(tmp_path, {**shown.files, "model.pdfm": shown.wrong})
    model = [] if any(word.endswith(".pdfm") for word in shown.command) else ["model.pdfm"]
    done = subprocess.run(
        [sys.executable, "-m", "pdflang", *shown.command, *model],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if code.startswith("L") else 1)
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_results(tmp_path: Path) -> None:
    from pdflang.results import open_run

    with pytest.raises(PdflangError) as caught:
        open_run(tmp_path)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E623"]
