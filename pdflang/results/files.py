"""Files that are either wholly there or not at all, and errors of the file system in our words."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pdflang.diagnostics import Diagnostic, PdflangError

_REMEDIES = {
    errno.ENOSPC: "make room on the disk, or choose another place with `--out`",
    errno.EDQUOT: "your disk quota is used up: make room, or choose another place with `--out`",
    errno.EROFS: "the file system is read-only: choose another place with `--out`",
    errno.EACCES: "you may not write there: choose another place with `--out`",
    errno.EPERM: "you may not write there: choose another place with `--out`",
    errno.ENAMETOOLONG: "choose a shorter name with `--out`",
    errno.ENOTDIR: "a part of that path is a file, not a folder: choose another place with `--out`",
    errno.ENOENT: "a folder on that path does not exist: make it, or choose another place with `--out`",
}


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new file beside `path`, then put it in place, so that `path` is never half written.

    Raises `PdflangError` (E604) where the file system refuses; what stood at `path` is then unchanged.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        _to_disk(temporary)
        _as_others_are(temporary)
        os.replace(temporary, path)
        _folder_to_disk(path.parent)
    except OSError as failure:
        raise PdflangError(cannot_write(path, failure)) from failure
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in UTF-8 with `\\n` at the ends of lines. Raises `PdflangError` (E604)."""
    write_whole(path, lambda temporary: _fill(temporary, text))


def cannot_write(path: Path, failure: OSError) -> Diagnostic:
    """What to tell about a file or folder that could not be written."""
    reason = failure.strerror or str(failure) or type(failure).__name__
    return Diagnostic(
        code="E604",
        message=f"`{path}` cannot be written: {reason}",
        remedy=_REMEDIES.get(failure.errno or 0, "choose another place with `--out`"),
    )


def _fill(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def _to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _as_others_are(path: Path) -> None:
    """Give the permissions of a file made in the usual way: temporary files are private."""
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(path, 0o666 & ~mask)


def _folder_to_disk(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
