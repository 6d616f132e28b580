"""What is said of broken models and data, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from broken_data import CASES, NOT_FINITE
from broken_models import TOPICS
from golden_texts import compare, without_folders
from running import run, write_files


def _said(folder: Path, files: dict[str, str], command: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    write_files(folder, files)
    return without_folders(folder, run(folder, command, monkeypatch).output)


@pytest.mark.parametrize("topic", TOPICS)
def test_broken_models(topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for number, (name, case) in enumerate(TOPICS[topic].items()):
        files, model = case if isinstance(case, tuple) else ({}, case)
        said = _said(tmp_path / str(number), {**files, "model.pdfm": model}, ["check"], monkeypatch)
        texts.append(f"=== {name}\n\n{said}")
        assert "[" in said.splitlines()[0], f"{name} passes: {said}"
    compare(topic, "\n".join(texts))


@pytest.mark.parametrize("name", CASES)
def test_broken_data_names_file_row_and_declaration(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, files, arguments, codes = CASES[name]
    write_files(tmp_path, {**files, "model.pdfm": model})
    found = run(tmp_path, ["map", *arguments], monkeypatch)
    assert found.exit_code == (2 if codes == "E505" else 1), found.output
    assert found.error_codes == set(codes.split()), found.output


def test_broken_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for number, (name, (model, files, arguments, _)) in enumerate(CASES.items()):
        folder = tmp_path / str(number)
        texts.append(f"=== {name}\n\n{_said(folder, {**files, 'model.pdfm': model}, ['map', *arguments], monkeypatch)}")
    compare("data", "\n".join(texts))


@pytest.mark.parametrize("name", NOT_FINITE)
def test_a_density_that_is_not_finite(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, arguments = NOT_FINITE[name]
    write_files(tmp_path, {"model.pdfm": model})
    for command in ("sample", "map"):
        found = run(tmp_path, [command, *arguments], monkeypatch)
        assert (found.exit_code, found.error_codes) == (1, {"E601"}), found.output
    text = re.sub(r"a = [-+.\de]+", "a = <value>", found.output)
    compare(f"not finite, {name}", text)
    assert "<value>" in text and "the term `" in text and "--> model.pdfm:" in text


def test_a_term_that_is_not_finite_names_the_row_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = (
        'data d = table("d.csv") where x != 2\nparam a ~ LogNormal(0, 1)\n'
        "theory s(x in (0, 10)) = a*max(5 - x, 0)\nobserve d ~ PoissonProcess(s)\n"
    )
    write_files(tmp_path, {"model.pdfm": model, "d.csv": "x\n1\n2\n2\n3\n6\n"})
    found = run(tmp_path, ["map"], monkeypatch)
    assert "the term `d` is -inf in row 5 of d.csv" in found.output


def test_data_of_an_unknown_name_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = "data y[N]\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a, 1)\n"
    write_files(tmp_path, {"model.pdfm": model})
    found = run(tmp_path, ["map", "--data", "y=[1,2]", "--data", "z=3"], monkeypatch)
    assert found.exit_code == 0
    assert "no `data` is called `z`; what is given for it is ignored" in found.output
