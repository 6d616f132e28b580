"""The folder of a run: its draws, its summary, its diagnostics, where they come from."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.results.files import cannot_write, write_text, write_whole

if TYPE_CHECKING:
    import xarray

DRAWS = "draws.nc"
PROVENANCE = "provenance.json"
MODEL = "model.pdfm"
SOURCES = "sources"
_OURS = (DRAWS, "summary.csv", "summary.txt", "diagnostics.json", "map.json", MODEL, PROVENANCE)


class RunFolder:
    """A folder that belongs to one run. Files in it are written whole or not at all; errors are E622.

    `replaces` says that it holds the results of another run, which the first write takes away.
    """

    def __init__(self, path: Path, replaces: bool = False) -> None:
        self.path = path
        self._replaces = replaces

    @classmethod
    def create(cls, model: Path, out: Path | None = None, overwrite: bool = False) -> RunFolder:
        """Make the folder `<model stem>.run` where we are, or the next free `<model stem>-2.run`; or `out`.

        An existing `out` is an error (E621) unless it is empty, or `overwrite` is set and it is a run's
        folder, whose results stay until the first of the new ones is written. Raises E622 where the folder
        cannot be made.
        """
        if out is None:
            return cls(_next_free(model.stem))
        try:
            out.mkdir(parents=True)
        except FileExistsError:
            return cls(out, replaces=_is_a_run(out, overwrite))
        except OSError as failure:
            raise PdflangError(cannot_write(out, failure)) from failure
        return cls(out)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *failure: object) -> None:
        """Leave no empty folder behind, of a run that ended before it had results."""
        with suppress(OSError):
            self.path.rmdir()

    def write_text(self, name: str, text: str) -> None:
        """Write a text file in UTF-8."""
        self._prepare()
        write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as JSON. Numbers that are not finite become null, which JSON can say."""
        text = json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)
        self.write_text(name, text + "\n")

    def write_draws(self, tree: xarray.DataTree) -> None:
        """Write `draws.nc`: NetCDF 4, byte for byte the same for equal draws.

        HDF5 writes to memory: on a full disk it would take the process down.
        """
        self._prepare()
        write_whole(self.path / DRAWS, tree.to_netcdf(engine="h5netcdf", format="NETCDF4"))

    def write_sources(self, sources: Mapping[str, str]) -> None:
        """Write the model as `model.pdfm` and the files that it uses under `sources/`, by their own names."""
        for number, (name, text) in enumerate(sources.items()):
            if number == 0:
                self.write_text(MODEL, text)
            else:
                self._write_source(name, text)

    def _prepare(self) -> None:
        """Take away the results that this run replaces."""
        if not self._replaces:
            return
        try:
            for name in _OURS:
                (self.path / name).unlink(missing_ok=True)
            shutil.rmtree(self.path / SOURCES, ignore_errors=True)
        except OSError as failure:
            raise PdflangError(cannot_write(self.path, failure)) from failure
        self._replaces = False

    def _write_source(self, name: str, text: str) -> None:
        parts = [
            part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")
        ]
        path = self.path.joinpath(SOURCES, *(part.replace(":", "_") for part in parts))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise PdflangError(cannot_write(path.parent, failure)) from failure
        write_text(path, text)

    def write_all(self, writes: Sequence[Callable[[RunFolder], None]]) -> None:
        """Do every write, also where one fails, so that as much as possible is kept; raise what failed."""
        failures: list[Diagnostic] = []
        for write in writes:
            try:
                write(self)
            except PdflangError as error:
                failures += error.diagnostics
        if failures:
            raise PdflangError(*dict.fromkeys(failures))


def open_run(folder: Path | str) -> xarray.DataTree:
    """The draws of a run's folder, in memory. Raises `PdflangError` (E623) where none can be read."""
    import xarray

    path = Path(folder) / DRAWS if Path(folder).is_dir() else Path(folder)
    if not path.is_file():
        raise PdflangError(_not_a_run(Path(folder), f"`{path}` does not exist"))
    try:
        with xarray.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except (OSError, ValueError, KeyError) as failure:
        raise PdflangError(_not_a_run(Path(folder), f"`{path}` cannot be read: {failure}")) from failure


def read_json(folder: Path | str, name: str = PROVENANCE) -> Any:
    """One of a run's JSON files. Raises `PdflangError` (E623) where it is missing or damaged."""
    path = Path(folder) / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise PdflangError(_not_a_run(Path(folder), f"`{path}` cannot be read: {failure}")) from failure


def _next_free(stem: str) -> Path:
    """Make the first folder of `stem.run`, `stem-2.run`, … that does not exist; safe beside other runs."""
    number = 1
    while True:
        path = Path(f"{stem}.run" if number == 1 else f"{stem}-{number}.run")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
        except OSError as failure:
            raise PdflangError(cannot_write(path, failure)) from failure


def _is_a_run(folder: Path, overwrite: bool) -> bool:
    """Whether an existing folder, which may be written to, holds a run; E621 where it may not."""
    try:
        if folder.is_dir() and not any(folder.iterdir()):
            return False
        ours = folder.is_dir() and (folder / PROVENANCE).is_file()
    except OSError as failure:
        raise PdflangError(cannot_write(folder, failure)) from failure
    if not (overwrite and ours):
        raise PdflangError(_exists(folder, ours))
    return True


def _exists(folder: Path, ours: bool) -> Diagnostic:
    if ours:
        return Diagnostic(
            code="E621",
            message=f"`{folder}` holds the results of another run",
            remedy="choose another name with `--out`, or add `--overwrite` to replace them",
        )
    kind = "a folder that is not a run's" if folder.is_dir() else "not a folder"
    return Diagnostic(
        code="E621",
        message=f"`{folder}` exists and is {kind}",
        remedy="choose another name with `--out`; `--overwrite` replaces the results of a run only",
    )


def _not_a_run(folder: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        code="E623",
        message=f"`{folder}` is not the folder of a finished run: {reason}",
        remedy="give a folder that `pdflang sample` made; its name ends in `.run` unless `--out` named it",
    )


def _plain(value: Any) -> Any:
    """The same value in lists, dicts, text, finite numbers and null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
