"""The grammar has no conflict, and its tables survive whatever happens to their cache."""

import importlib.util
import logging
import subprocess
import sys

import lark
import pytest

from pdflang.syntax import parser


def _conflicts(caplog: pytest.LogCaptureFixture, make) -> list[str]:
    logger = logging.getLogger("lark")
    logger.addHandler(caplog.handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        make()
    finally:
        logger.setLevel(level)
        logger.removeHandler(caplog.handler)
    return [record.getMessage() for record in caplog.records if "conflict" in record.getMessage().lower()]


def test_no_conflict_is_resolved_silently(caplog: pytest.LogCaptureFixture) -> None:
    assert _conflicts(caplog, lambda: parser.build_lark(debug=True)) == []


def test_a_conflict_would_be_noticed(caplog: pytest.LogCaptureFixture) -> None:
    ambiguous = 'start: "a" | "if" start | "if" start "else" start'
    assert _conflicts(caplog, lambda: lark.Lark(ambiguous, parser="lalr", debug=True))


@pytest.mark.skipif(importlib.util.find_spec("interegular") is None, reason="strict mode needs interegular")
def test_strict_mode_accepts_the_grammar() -> None:
    parser.build_lark(strict=True)


_PARSE = "from pdflang.syntax import parse; from pdflang.diagnostics import SourceFile; "
_PARSE += "print(len(parse(SourceFile('m', 'let a = 1')).items))"


@pytest.mark.parametrize("state", ["absent", "damaged", "a file in place of the folder"])
def test_the_cache_is_never_needed(state: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if state == "damaged":
        path = parser._cache_file()
        assert path is not None
        path.parent.mkdir()
        path.write_bytes(b"no tables")
    elif state != "absent":
        (tmp_path / "pdflang").write_text("in the way")
    run = subprocess.run([sys.executable, "-c", _PARSE], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "1\n"), run.stderr


def test_the_tables_are_kept(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    subprocess.run([sys.executable, "-c", _PARSE], check=True, capture_output=True)
    path = parser._cache_file()
    assert path is not None
    assert [kept.name for kept in path.parent.iterdir()] == [path.name]
