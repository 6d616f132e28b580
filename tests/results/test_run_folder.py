"""A run's folder: never overwritten silently, never half written, read back as it was."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pdflang.diagnostics import PdflangError
from pdflang.results import RunFolder, VariableSchema, open_run, posterior_tree, provenance
from pdflang.results.provenance import array_hash, text_hash
from pdflang.results.run_folder import read_json

MODEL = Path("folder") / "proxy.pdfm"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def tree_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    schemas = {"σ": VariableSchema(("flavour",), {"flavour": ["u", "d"]}, "nuisance", (0.0, None))}
    return posterior_tree(
        {"σ": values}, schemas, {"diverging": np.zeros((2, 9), bool)}, attributes={"seed": 3}
    )


def code_of(error: pytest.ExceptionInfo[PdflangError]) -> str:
    return error.value.diagnostics[0].code


def finished_run(path: Path) -> RunFolder:
    folder = RunFolder.create(MODEL, path)
    folder.write_text("summary.txt", "old")
    folder.write_json("map.json", {})
    folder.write_json("provenance.json", {"seed": 1})
    return folder


def test_the_next_free_name_is_taken() -> None:
    names = [RunFolder.create(MODEL).path.name for _ in range(3)]
    assert names == ["proxy.run", "proxy-2.run", "proxy-3.run"]


def test_a_given_name_that_exists_is_refused() -> None:
    finished_run(Path("a"))
    with pytest.raises(PdflangError) as error:
        RunFolder.create(MODEL, Path("a"))
    assert code_of(error) == "E621"
    assert "--overwrite" in error.value.diagnostics[0].remedy


def test_forcing_replaces_a_run_when_the_first_result_is_written() -> None:
    finished_run(Path("a"))
    (Path("a") / "notes.txt").write_text("mine")
    folder = RunFolder.create(MODEL, Path("a"), overwrite=True)
    assert (Path("a") / "summary.txt").read_text() == "old"
    folder.write_text("summary.txt", "new")
    assert sorted(path.name for path in Path("a").iterdir()) == ["notes.txt", "summary.txt"]
    assert (Path("a") / "summary.txt").read_text() == "new"


def test_forcing_replaces_nothing_that_is_not_a_run() -> None:
    Path("thesis").mkdir()
    (Path("thesis") / "chapter.tex").write_text("mine")
    with pytest.raises(PdflangError) as error:
        RunFolder.create(MODEL, Path("thesis"), overwrite=True)
    assert code_of(error) == "E621"
    Path("file").write_text("mine")
    with pytest.raises(PdflangError) as error:
        RunFolder.create(MODEL, Path("file"), overwrite=True)
    assert code_of(error) == "E621"


def test_an_empty_folder_and_missing_parents_are_fine() -> None:
    Path("empty").mkdir()
    assert RunFolder.create(MODEL, Path("empty")).path.is_dir()
    assert RunFolder.create(MODEL, Path("x") / "y").path.is_dir()


def test_draws_are_read_back_as_they_were() -> None:
    values = np.random.default_rng(0).normal(size=(2, 9, 2))
    folder = RunFolder.create(MODEL)
    folder.write_draws(tree_of(values))
    back = open_run(folder.path)
    assert back["posterior"]["σ"].values.tobytes() == values.tobytes()
    assert back["posterior"]["σ"].coords["flavour"].values.tolist() == ["u", "d"]
    assert back["posterior"]["σ"].attrs["role"] == "nuisance"
    assert back.attrs["seed"] == 3
    folder.write_draws(back)


def test_equal_draws_give_equal_files_at_any_time() -> None:
    values = np.random.default_rng(0).normal(size=(2, 9, 2))
    first, second = RunFolder.create(MODEL), RunFolder.create(MODEL)
    first.write_draws(tree_of(values))
    time.sleep(1.1)
    second.write_draws(tree_of(values))
    assert (first.path / "draws.nc").read_bytes() == (second.path / "draws.nc").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no HDF5", "half"])
def test_what_is_no_run_is_said(content: bytes | str | None) -> None:
    folder = RunFolder.create(MODEL)
    if content == "half":
        folder.write_draws(tree_of(np.zeros((2, 9, 2))))
        whole = (folder.path / "draws.nc").read_bytes()
        content = whole[: len(whole) // 2]
    if isinstance(content, bytes):
        (folder.path / "draws.nc").write_bytes(content)
    with pytest.raises(PdflangError) as error:
        open_run(folder.path)
    assert code_of(error) == "E623"


def test_a_full_disk_keeps_what_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.create(MODEL)
    folder.write_text("summary.txt", "kept")
    real = os.fsync

    def no_space(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and os.fstat(handle).st_size > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(PdflangError) as error:
        folder.write_all(
            [
                lambda run: run.write_draws(tree_of(np.zeros((2, 9, 2)))),
                lambda run: run.write_json("provenance.json", {"seed": 1}),
            ]
        )
    assert code_of(error) == "E622"
    assert "make room" in error.value.diagnostics[0].remedy
    assert sorted(path.name for path in folder.path.iterdir()) == ["provenance.json", "summary.txt"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write")
def test_a_place_that_cannot_be_written_is_said() -> None:
    with pytest.raises(PdflangError) as error:
        RunFolder.create(MODEL, Path("/proc/self/nothing"))
    assert code_of(error) == "E622"
    with pytest.raises(PdflangError) as error:
        RunFolder(Path("gone")).write_text("summary.txt", "")
    assert code_of(error) == "E622"


def test_files_have_the_usual_permissions() -> None:
    folder = RunFolder.create(MODEL)
    folder.write_text("summary.txt", "")
    Path("plain").write_text("")
    assert (folder.path / "summary.txt").stat().st_mode == Path("plain").stat().st_mode


def test_sources_stay_beneath_the_folder() -> None:
    folder = RunFolder.create(MODEL)
    texts = {"parts/ew.pdfm": "x", "../../evil.pdfm": "y", "model.pdfm": "z", "std.proxies": "v"}
    folder.write_sources({"proxy.pdfm": "param μ ~ Flat()\n", **texts})
    assert (folder.path / "model.pdfm").read_bytes() == "param μ ~ Flat()\n".encode()
    assert (folder.path / "parts" / "ew.pdfm").read_text() == "x"
    assert (folder.path / "evil.pdfm").read_text() == "y"
    assert (folder.path / "sources" / "model.pdfm").read_text() == "z"
    assert (folder.path / "sources" / "std.proxies").read_text() == "v"


def test_provenance_says_where_a_result_comes_from() -> None:
    folder = RunFolder.create(MODEL)
    data = {"y": np.array([1.0, 2.0])}
    record = provenance(
        "nuts",
        {"proxy.pdfm": "text"},
        data,
        datetime.now(UTC),
        seed=4,
        options={"draws": 10},
        seconds={"run": 0.12345},
    )
    folder.write_json("provenance.json", record)
    back = read_json(folder.path)
    assert back["sources"][0]["sha256"] == text_hash("text")
    assert back["data"]["y"] == array_hash(np.array([1.0, 2.0]))
    assert back["versions"].keys() >= {"python", "pdflang", "jax", "jaxlib", "blackjax", "numpy"}
    assert (back["seed"], back["interrupted"], back["seconds"]["run"]) == (4, False, 0.123)
    assert datetime.fromisoformat(back["started"]).tzinfo is not None


def test_data_hashes_tell_values_shapes_and_types_apart() -> None:
    values = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, int), np.array([0, 0, 0, 1.0]), np.array(["a", "b"])]
    assert len({json.dumps(array_hash(value)) for value in values}) == len(values)
    assert array_hash(np.arange(6.0).reshape(2, 3)[:, ::-1].copy()) == array_hash(
        np.arange(6.0).reshape(2, 3)[:, ::-1]
    )


def test_numbers_that_json_cannot_say_become_null() -> None:
    folder = RunFolder.create(MODEL)
    folder.write_json(
        "map.json", {"value": np.float64("nan"), "z": np.array([1.0, np.inf]), "n": np.int64(3)}
    )
    text = (folder.path / "map.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"value": None, "z": [1.0, None], "n": 3}
