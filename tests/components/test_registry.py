"""Rows plug in and out, from inside and from installed packages."""

import sys
from dataclasses import dataclass

import pytest

from pdflang.registry import DuplicateName, Registry


@dataclass(frozen=True)
class Row:
    name: str


def test_rows_are_found_by_name():
    registry = Registry((Row,), rows=lambda: [Row("a"), Row("b")])
    assert registry["a"] == Row("a")
    assert registry.get("c") is None
    assert "b" in registry
    assert "c" not in registry
    assert 3 not in registry
    assert registry.names() == ("a", "b")
    with pytest.raises(KeyError):
        registry["c"]


def test_a_name_is_taken_once_and_by_a_row():
    registry = Registry((Row,), rows=lambda: [Row("a")])
    with pytest.raises(DuplicateName, match="'a' is taken"):
        registry.register(Row("a"))
    with pytest.raises(TypeError, match="not a Row"):
        registry.register("b")  # type: ignore[arg-type]


def test_rows_are_there_inside_the_block_only():
    registry = Registry((Row,), rows=lambda: [Row("a")])
    with registry.registered(Row("b")):
        assert registry.names() == ("a", "b")
    assert registry.names() == ("a",)
    with pytest.raises(DuplicateName), registry.registered(Row("b"), Row("a")):
        pass
    assert registry.names() == ("a",)
    registry.unregister("a")
    assert registry.names() == ()


EXTENSION = """
from test_registry import Row
one = Row("one")
several = [Row("two"), Row("three")]
taken = [Row("a"), Row("four"), "no row"]
def made(): return [Row("five")]
def broken(): raise RuntimeError("no licence")
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder on the path that looks like an installed package with entry points."""
    (tmp_path / "toy_extension.py").write_text(EXTENSION)
    metadata = tmp_path / "toy-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.2\n")
    points = "\n".join(
        f"{name} = toy_extension:{name}" for name in ("one", "several", "taken", "made", "broken", "gone")
    )
    (metadata / "entry_points.txt").write_text(f"[pdflang.toys]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "pdflang.toys"
    sys.modules.pop("toy_extension", None)


def test_extensions_are_loaded_when_a_name_is_missing(installed):
    registry = Registry((Row,), rows=lambda: [Row("a")], group=installed)
    assert registry["a"] == Row("a")
    assert "toy_extension" not in sys.modules
    assert registry["two"] == Row("two")
    assert set(registry.names()) == {"a", "one", "two", "three", "four", "five"}


def test_broken_extensions_are_explained_and_left_out(installed):
    problems = Registry((Row,), rows=lambda: [Row("a")], group=installed).problems()
    assert problems == (
        "the extension 'broken' (toy_extension:broken) of the package toy 1.2 could not be loaded: "
        "RuntimeError: no licence",
        "the extension 'gone' (toy_extension:gone) of the package toy 1.2 could not be loaded: "
        "AttributeError: module 'toy_extension' has no attribute 'gone'",
        "a row of the extension 'taken' (toy_extension:taken) of the package toy 1.2 is left out: "
        "the name 'a' is taken already",
        "a row of the extension 'taken' (toy_extension:taken) of the package toy 1.2 is left out: "
        "'no row' is not a Row",
    )
