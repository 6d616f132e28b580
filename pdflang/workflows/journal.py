"""What a fan-out has finished, task by task, on disk at once: a run that was killed goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import RLock
from typing import Any

from pdflang.diagnostics import PdflangError
from pdflang.results import RunFolder
from pdflang.results.files import cannot_write

Record = Mapping[str, Any]
"""What one task leaves: plain data."""


class Journal:
    """Records of finished tasks by number: a JSON line each in a file of a run's folder; in memory without one.

    `records` holds what an earlier run left. `begin` writes what the folder says of the run, before the first
    line. Errors of writing are E622.
    """

    def __init__(self, folder: RunFolder | None, name: str, begin: Callable[[RunFolder], None]) -> None:
        self._folder = folder
        self._name = name
        self._begin = begin
        self._begun = False
        self._lock = RLock()
        self.records: dict[int, Record] = {} if folder is None or folder.replaces else _read(folder, name)

    def append(self, number: int, record: Record) -> None:
        """Keep a record; on return it is on disk."""
        with self._lock:
            self.records[number] = record
            if self._folder is not None:
                self._write(self._folder, number, record)

    def settle(self) -> None:
        """Bring the lines into the order of their numbers: the same bytes in whatever order tasks have ended."""
        with self._lock:
            if self._folder is not None and self.records:
                ordered = sorted(self.records.items())
                self._folder.write_text(self._name, "".join(_line(number, record) for number, record in ordered))

    def _write(self, folder: RunFolder, number: int, record: Record) -> None:
        if not self._begun:
            self._begun = True
            self._begin(folder)
            # A line that was cut short by the end of an earlier run goes away here.
            self.settle()
            return
        path = folder.path / self._name
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(_line(number, record))
                file.flush()
                os.fsync(file.fileno())
        except OSError as failure:
            raise PdflangError(cannot_write(path, failure)) from failure


def _line(number: int, record: Record) -> str:
    return json.dumps({"task": number, **record}, ensure_ascii=False) + "\n"


def _read(folder: RunFolder, name: str) -> dict[int, Record]:
    """The lines of a journal that are whole; none where there is no file. Tasks of others are done again."""
    try:
        lines = (folder.path / name).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:
        return {}
    found = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            found[int(record.pop("task"))] = record
    return found
