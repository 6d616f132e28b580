"""The folder of a run: its draws, its summary, its diagnostics, where they come from."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.interrupts import before_leaving
from pdflang.results.files import cannot_write, remove_parts, write_by, write_text, write_whole
from pdflang.results.plain import to_json
from pdflang.results.spool import LARGE
from pdflang.results.trees import Tree

if TYPE_CHECKING:
    import xarray

DRAWS = "draws.nc"
MAXIMUM = "map.json"
PROVENANCE = "provenance.json"
REPORT = "report.html"
MODEL = "model.pdfm"
SOURCES = "sources"
CHECKPOINT = "checkpoint"
SIMULATIONS = "simulations"
_LOCK = ".lock"
_OURS = (DRAWS, "summary.csv", "summary.txt", "information.csv", "diagnostics.json", MAXIMUM, MODEL, PROVENANCE, REPORT)


class RunFolder:
    """A folder that belongs to one run. Files in it are written whole or not at all; errors are E622.

    While it is entered no other process enters it, which is an error (E621). `replaces` says that it holds the results
    of another run, which the first write takes away.
    """

    def __init__(self, path: Path, replaces: bool = False) -> None:
        self.path = path
        self.replaces = replaces
        self._written: dict[str, None] = {}
        self._sources: set[str] = set()
        self._lock = FileLock(path / _LOCK, timeout=0)
        before_leaving.append(self._tidy)

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

    @classmethod
    def latest(cls, model: Path, methods: Collection[str], out: Path | None = None) -> RunFolder:
        """The folder `out`, or the last where we are that `create` made for a run by one of the methods.

        Raises E627 where there is none.
        """
        if out is not None:
            return cls(out)
        named = [path for path in Path().glob("*.run") if re.fullmatch(_names_of(model), path.stem)]
        numbered = [path for path in named if _method_of(path) in methods]
        if not numbered:
            raise PdflangError(
                Diagnostic(
                    "E627",
                    f"there is no run of `{model.name}` here that could go on",
                    remedy="name its folder with `--out`, or leave `--resume` out to begin one",
                )
            )
        return cls(max(numbered, key=lambda path: int(path.stem[len(model.stem) + 1 :] or 1)))

    def __enter__(self) -> RunFolder:
        try:
            self._lock.acquire()
        except Timeout:
            raise PdflangError(
                Diagnostic(
                    "E621",
                    f"another process is at work in `{self.path}`",
                    remedy="let it end, or choose another name with `--out`",
                )
            ) from None
        except OSError:
            pass  # what cannot be written to is told by the first write
        return self

    def __exit__(self, *failure: object) -> None:
        """Leave no empty folder behind, of a run that ended before it had results."""
        self._tidy()
        with suppress(ValueError):
            before_leaving.remove(self._tidy)

    def _tidy(self) -> None:
        """Remove files that are half written, the lock, and the folder if it is empty."""
        remove_parts(self.path)
        if self._lock.is_locked:
            (self.path / _LOCK).unlink(missing_ok=True)
            self._lock.release()
        with suppress(OSError):
            self.path.rmdir()

    def write_text(self, name: str, text: str) -> None:
        """Write a text file in UTF-8; `name` may lie in folders, which are made."""
        self._prepare()
        write_text(self._place(name), text)
        self._written[name] = None

    def _place(self, name: str) -> Path:
        """Where a file is, in a folder that is there."""
        path = self.path / name
        if path.parent != self.path:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as failure:
                raise PdflangError(cannot_write(path.parent, failure)) from failure
        return path

    def keep(self, name: str) -> None:
        """A file that was there before belongs to this run."""
        self._written[name] = None

    def remove(self, name: str) -> None:
        """Take a file away that is no longer of this run, if it is there."""
        with suppress(OSError):
            (self.path / name).unlink()

    def remove_folder(self, name: str) -> None:
        """Take a folder in it away, if it is there."""
        shutil.rmtree(self.path / name, ignore_errors=True)

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as JSON. Numbers that are not finite become null, which JSON can say."""
        self.write_text(name, to_json(value))

    def write_provenance(self, record: Mapping[str, Any]) -> None:
        """Write `provenance.json`, which also names the files written before: it comes last."""
        self.write_json(PROVENANCE, {**record, "files": [*dict.fromkeys([*self._written, PROVENANCE])]})

    def write_draws(self, tree: Tree | xarray.DataTree) -> None:
        """Write `draws.nc`."""
        self.write_tree(DRAWS, tree)

    def write_tree(self, name: str, tree: Tree | xarray.DataTree) -> None:
        """Write a tree as NetCDF 4, byte for byte the same for equal values.

        HDF5 writes to memory what is not large: on a full disk it would take the process down.
        """
        tree = tree if isinstance(tree, Tree) else Tree.of(tree)
        if tree.nbytes < LARGE:
            memory = io.BytesIO()
            tree.write(memory)
            self.write_bytes(name, memory.getbuffer())
            return
        self._prepare()
        write_by(self.path / name, tree.write, tree.nbytes + LARGE)
        self._written[name] = None

    def write_bytes(self, name: str, content: bytes | memoryview) -> None:
        """Write a file, such as a picture; `name` may lie in folders, which are made."""
        self._prepare()
        write_whole(self._place(name), content)
        self._written[name] = None

    def write_sources(self, sources: Mapping[str, str]) -> None:
        """Write the model as `model.pdfm`, and beside it the files that it uses, where it finds them by their names.

        Modules of the library go under `sources/`, for the record; so does a file with the name of one of a run.
        """
        for number, (name, text) in enumerate(sources.items()):
            if number == 0:
                self.write_text(MODEL, text)
            else:
                self._write_source(name, text)

    def _prepare(self) -> None:
        """Take away the results that this run replaces."""
        if not self.replaces:
            return
        try:
            for name in {*_OURS, *_files_of(self.path)}:
                (self.path / name).unlink(missing_ok=True)
            for name in (SOURCES, CHECKPOINT, SIMULATIONS):
                shutil.rmtree(self.path / name, ignore_errors=True)
        except OSError as failure:
            raise PdflangError(cannot_write(self.path, failure)) from failure
        self.replaces = False

    def _write_source(self, name: str, text: str) -> None:
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
        path = "/".join(part.replace(":", "_") for part in parts)
        is_found = path.endswith(".pdfm") and path not in ({MODEL, *self._written} - self._sources)
        name = path if is_found else f"{SOURCES}/{path}"
        self._sources.add(name)
        self.write_text(name, text)

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
    """The draws of a run's folder. Large arrays are mapped from the file: they are read where they are needed.

    Raises `PdflangError` (E623) where none can be read.
    """
    import xarray

    path = Path(folder) / DRAWS if Path(folder).is_dir() else Path(folder)
    if not path.is_file():
        raise PdflangError(not_a_run(Path(folder), f"`{path}` does not exist"))
    try:
        with xarray.open_datatree(path, engine="h5netcdf") as tree:
            return _mapped(tree, path) if path.stat().st_size > LARGE else tree.load()
    except (OSError, ValueError, KeyError) as failure:
        raise PdflangError(not_a_run(Path(folder), f"`{path}` cannot be read: {failure}")) from failure


def _mapped(tree: xarray.DataTree, path: Path) -> xarray.DataTree:
    """A tree with its small arrays in memory, and the large ones where they lie in the file, in one piece."""
    import h5py
    import numpy as np
    import xarray

    groups = {}
    with h5py.File(path, "r") as file:
        for node in tree.subtree:
            group = node.to_dataset(inherit=False)
            for name, variable in group.data_vars.items():
                stored = file[f"{node.path}/{name}"]
                offset = stored.id.get_offset()
                if variable.nbytes > LARGE and offset is not None:
                    values = np.memmap(path, stored.dtype, "r", offset, stored.shape)
                    group[name] = xarray.Variable(variable.dims, values, variable.attrs)
            groups[node.path] = group.load()
    return xarray.DataTree.from_dict(groups)


def read_json(folder: Path | str, name: str = PROVENANCE) -> Any:
    """One of a run's JSON files. Raises `PdflangError` (E623) where it is missing or damaged."""
    path = Path(folder) / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise PdflangError(not_a_run(Path(folder), f"`{path}` cannot be read: {failure}")) from failure


def _files_of(folder: Path) -> list[str]:
    """The files that the run of a folder says it wrote; none outside of the folder, whatever it says."""
    try:
        files = json.loads((folder / PROVENANCE).read_text(encoding="utf-8")).get("files", [])
    except (OSError, ValueError, AttributeError):
        return []
    within = folder.resolve()
    return [name for name in map(str, files) if within in (within / name).resolve().parents]


def _method_of(folder: Path) -> str | None:
    try:
        return str(read_json(folder)["method"])
    except (PdflangError, KeyError, TypeError):
        return None


def _names_of(model: Path) -> str:
    """What the stems of default folders match."""
    return re.escape(model.stem) + r"(-[1-9]\d*)?"


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
        raise PdflangError(exists(folder, ours))
    return True


def exists(folder: Path, ours: bool, notes: tuple[str, ...] = (), remedy: str | None = None) -> Diagnostic:
    """That there is a folder already, maybe `ours` to replace."""
    if ours:
        return Diagnostic(
            code="E621",
            message=f"`{folder}` holds the results of another run",
            notes=notes,
            remedy=remedy or "choose another name with `--out`, or add `--overwrite` to replace them",
        )
    kind = "a folder that is not a run's" if folder.is_dir() else "not a folder"
    return Diagnostic(
        code="E621",
        message=f"`{folder}` exists and is {kind}",
        remedy="choose another name with `--out`; `--overwrite` replaces the results of a run only",
    )


def damaged(folder: Path, name: str) -> Diagnostic:
    """That a file of a run has not the fields that it should have."""
    return not_a_run(folder, f"`{folder / name}` has not the fields that pdflang writes")


def not_a_run(folder: Path, reason: str) -> Diagnostic:
    """That a folder has no results of a run."""
    return Diagnostic(
        code="E623",
        message=f"`{folder}` is not the folder of a finished run: {reason}",
        remedy="give a folder that `pdflang sample` made; its name ends in `.run` unless `--out` named it",
    )
