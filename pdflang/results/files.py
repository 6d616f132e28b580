"""Files that are either wholly there or not at all, and errors of the file system in our words."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
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


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file beside `path`, then put it in place, so that `path` is never half written.

    Raises `PdflangError` (E622) where the file system refuses; what stood at `path` is then unchanged.
    """
    write_by(path, lambda part: part.write_bytes(content))


def write_by(path: Path, write: Callable[[Path], object], size: int = 0) -> None:
    """The same for what `write` puts into a file, of about `size` bytes: there must be room for them before."""
    temporary: Path | None = None
    try:
        if size and shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
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
    """Write a whole text file in UTF-8 with `\\n` at the ends of lines. Raises `PdflangError` (E622)."""
    write_whole(path, text.encode("utf-8"))


def remove_parts(folder: Path) -> None:
    """Remove what an interrupted `write_whole` left in a folder and those beneath it."""
    for part in folder.rglob(".*.part"):
        with contextlib.suppress(OSError):
            part.unlink()


def cannot_write(path: Path, failure: OSError) -> Diagnostic:
    """What to tell about a file or folder that could not be written."""
    reason = failure.strerror or str(failure) or type(failure).__name__
    return Diagnostic(
        code="E622",
        message=f"`{path}` cannot be written: {reason}",
        remedy=_REMEDIES.get(failure.errno or 0, "choose another place with `--out`"),
    )


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
