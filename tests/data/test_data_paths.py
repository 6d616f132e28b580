"""A model's files lie beneath its folder; what is missing is named with its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdflang.data.context import DataContext
from pdflang.data.paths import resolve


def test_a_file_beneath_the_model(tmp_path: Path, context: DataContext) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "y.csv").write_text("1\n")
    assert resolve("sub/y.csv", context).read_text() == "1\n"
    assert resolve("sub/../sub/y.csv", context).is_file()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../y.csv", "sub/../../y.csv", "C:\\y.csv", "\\\\host\\y.csv"]
)
def test_a_path_that_leaves_the_folder(tmp_path: Path, context: DataContext, fails, path: str) -> None:
    with fails("E502", "not beneath the model's folder", "--data y=", "model.pdfm:1:6"):
        resolve(path, context)


def test_a_link_that_leaves_the_folder(tmp_path: Path, fails) -> None:
    (tmp_path / "secret").write_text("1")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "y.csv").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder / "loop")
    from pdflang.diagnostics import SourceFile, Span

    context = DataContext("y", Span(SourceFile("m.pdfm", "data y"), 5, 6), folder)
    with fails("E502", "`y.csv`"):
        resolve("y.csv", context)
    with fails("E502"):
        resolve("loop", context)


def test_a_model_without_a_folder(context: DataContext, fails) -> None:
    with fails("E502", "has no folder", "hand over the data"):
        resolve("y.csv", DataContext("y", context.span))


def test_a_missing_file_names_its_neighbour(tmp_path: Path, context: DataContext, fails) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "counts.csv").write_text("1\n")
    with fails("E501", "no file `sub/count.csv`", "did you mean `sub/counts.csv`?"):
        resolve("sub/count.csv", context)
    with fails("E501", "no file `other.csv`", "--data y=FILE"):
        resolve("other.csv", context)
    with fails("E501", "no file `nowhere/y.csv`"):
        resolve("nowhere/y.csv", context)


@pytest.mark.parametrize("path", ["sub", "."])
def test_a_folder_is_no_file(tmp_path: Path, context: DataContext, fails, path: str) -> None:
    (tmp_path / "sub").mkdir()
    with fails("E501", "is a folder, not a file"):
        resolve(path, context)


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000])
def test_names_that_no_file_can_have(context: DataContext, path: str) -> None:
    from pdflang.diagnostics import PdflangError

    for where in (context, DataContext("y")):
        with pytest.raises(PdflangError):
            resolve(path, where)


def test_the_command_line_goes_anywhere(tmp_path: Path, fails) -> None:
    (tmp_path / "y.csv").write_text("1\n")
    assert resolve(str(tmp_path / "y.csv"), DataContext("y")) == tmp_path / "y.csv"
    with fails("E501", "y.csv`?"):
        resolve(str(tmp_path / "yy.csv"), DataContext("y"))
    with fails("E501", "start from the folder you are in"):
        resolve("nowhere/y.csv", DataContext("y"))
