"""Arrays that are computed in parts: in memory, or where they are large in files without a name, mapped into it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.results.files import cannot_write

LARGE = 2**27
"""Bytes beyond which an array lies in a file, and a file of results is not made in memory first."""


class Spool:
    """Arrays (rows, …) by name, of which some rows come at a time.

    Large ones lie in a folder, if one is given, in files that vanish when nobody uses them any longer.
    """

    def __init__(self, rows: int, folder: Path | None = None) -> None:
        self._rows, self._folder = rows, folder
        self._first: dict[str, int] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._files: dict[str, tuple[IO[bytes], np.ndarray]] = {}

    def add(self, part: Mapping[str, np.ndarray]) -> None:
        """The next rows of each array. Error: E622 where the disk has no room."""
        for name, values in part.items():
            if name not in self._first:
                self._begin(name, values)
            first = self._first[name]
            self._first[name] = first + len(values)
            if name in self._files:
                self._write(name, values)
            else:
                self._arrays[name][first : first + len(values)] = values

    def arrays(self) -> dict[str, np.ndarray]:
        """All of them, once every row is there; those of files are read-only."""
        for name, (file, like) in self._files.items():
            with file:  # what is mapped stays
                file.flush()
                self._arrays[name] = np.memmap(file, like.dtype, "r", shape=(self._rows, *like.shape[1:]))
        return {name: self._arrays[name] for name in self._first}

    def _begin(self, name: str, values: np.ndarray) -> None:
        self._first[name] = 0
        shape = (self._rows, *values.shape[1:])
        if self._folder is None or values.dtype.itemsize * np.prod(shape, dtype=float) < LARGE:
            self._arrays[name] = np.empty(shape, values.dtype)
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[name] = (tempfile.TemporaryFile(dir=self._folder), values[:0])  # noqa: SIM115
        except OSError as failure:
            raise PdflangError(cannot_write(self._folder, failure)) from failure

    def _write(self, name: str, values: np.ndarray) -> None:
        try:
            self._files[name][0].write(np.ascontiguousarray(values).data)
        except OSError as failure:
            assert self._folder is not None
            raise PdflangError(cannot_write(self._folder, failure)) from failure


def rows_at_once(entries: int, most: int) -> int:
    """How many rows of so many numbers, `most` or fewer, are computed at once: 128 MiB of them."""
    return int(np.clip(LARGE // (8 * max(1, entries)), 1, most))
