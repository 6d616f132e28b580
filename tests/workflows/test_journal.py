"""What is finished is on disk, line by line; a fan-out does the rest."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pdflang.diagnostics import PdflangError
from pdflang.inference import Progressed, QuietMonitor
from pdflang.results import RunFolder
from pdflang.workflows.fan_out import fan_out
from pdflang.workflows.journal import Journal


def journal(path: Path) -> Journal:
    path.mkdir(exist_ok=True)
    return Journal(RunFolder(path), "tasks.jsonl", lambda folder: folder.write_text("begun", "yes"))


def lines(path: Path) -> list[str]:
    return (path / "tasks.jsonl").read_text().splitlines()


def squares(number: int, stop: object) -> dict[str, int]:
    return {"square": number**2}


def test_lines_are_there_at_once_and_in_order_at_the_end(tmp_path: Path) -> None:
    first = journal(tmp_path)
    assert not (tmp_path / "begun").exists()
    for number in (3, 1, 2):
        first.append(number, {"square": number**2})
        assert lines(tmp_path)[-1] == f'{{"task": {number}, "square": {number**2}}}'
    assert (tmp_path / "begun").exists()
    first.settle()
    assert lines(tmp_path) == [f'{{"task": {n}, "square": {n * n}}}' for n in (1, 2, 3)]
    assert journal(tmp_path).records == {n: {"square": n * n} for n in (1, 2, 3)}


@pytest.mark.parametrize("torn", ['{"task": 7, "squ', '{"task": 7}\x00garbage\n', "[1]\n", "\n"])
def test_a_line_that_was_cut_short_is_done_again(tmp_path: Path, torn: str) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"task": 0, "square": 0}\n' + torn)
    second = journal(tmp_path)
    assert second.records == {0: {"square": 0}}
    second.append(7, {"square": 49})
    second.append(2, {"square": 4})
    assert lines(tmp_path) == ['{"task": 0, "square": 0}', '{"task": 7, "square": 49}', '{"task": 2, "square": 4}']


def test_a_folder_that_is_replaced_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"task": 0}\n')
    assert Journal(RunFolder(tmp_path, replaces=True), "tasks.jsonl", lambda folder: None).records == {}


def test_what_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    broken = journal(tmp_path)
    broken.append(0, {})
    (tmp_path / "tasks.jsonl").unlink()
    (tmp_path / "tasks.jsonl").mkdir()
    with pytest.raises(PdflangError) as caught:
        fan_out("squares", range(3), squares, broken, 2, QuietMonitor())
    assert caught.value.diagnostics[0].code == "E622"


@pytest.mark.parametrize("threads", [1, 4])
def test_only_what_is_missing_is_done(tmp_path: Path, threads: int) -> None:
    done: set[int] = set()

    def task(number: int, stop: object) -> dict[str, int]:
        done.add(number)
        return squares(number, stop)

    first = journal(tmp_path)
    assert fan_out("squares", range(5), task, first, threads, QuietMonitor())
    assert done == set(range(5))
    done.clear()
    assert fan_out("squares", range(9), task, journal(tmp_path), threads, QuietMonitor())
    assert done == {5, 6, 7, 8}


def test_tasks_run_at_once() -> None:
    """Each waits until the other has begun too."""
    both = threading.Barrier(2, timeout=30)

    def task(number: int, stop: object) -> dict[str, int]:
        both.wait()
        return {}

    kept = Journal(None, "", lambda folder: None)
    assert fan_out("waiting", range(2), task, kept, 2, QuietMonitor())
    assert kept.records == {0: {}, 1: {}}


def test_a_failure_is_kept_with_its_message_and_told() -> None:
    told: list[Progressed] = []

    class Told(QuietMonitor):
        def update(self, progressed: Progressed) -> None:
            told.append(progressed)

    def task(number: int, stop: object) -> dict[str, int]:
        if number == 2:
            raise ZeroDivisionError("too small")
        return squares(number, stop)

    kept = Journal(None, "", lambda folder: None)
    assert fan_out("squares", range(4), task, kept, 2, Told())
    assert kept.records[2] == {"failure": "ZeroDivisionError: too small"}
    assert kept.records[3] == {"square": 9}
    assert told[-1] == Progressed(0, "1 failed", 4, 4)


def test_a_task_that_was_stopped_leaves_nothing() -> None:
    kept = Journal(None, "", lambda folder: None)
    assert not fan_out("squares", range(2), lambda number, stop: None, kept, 1, QuietMonitor())
    assert kept.records == {}
