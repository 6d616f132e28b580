"""Files of NumPy. Python objects in them are never unpickled: that would run a stranger's code."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.data.context import DataContext
from pdflang.data.values import arrays_of, decoding

if TYPE_CHECKING:
    import numpy as np

_KIND = "file of NumPy"


def read_numpy(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, or the columns or the one unnamed array of an .npy file. Error: E503."""
    import numpy as np

    found: dict[str, np.ndarray]
    with decoding(path, _KIND, context), path.open("rb") as handle:
        _check_magic(handle.read(6))
        handle.seek(0)
        loaded = np.load(handle, allow_pickle=False)
        found = {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"": loaded}
    single = found.get("")
    if single is not None and single.dtype.names:
        found = {name: single[name] for name in single.dtype.names}
    return arrays_of(path, found, context)


def npz_names(path: Path, context: DataContext) -> tuple[str, ...]:
    with decoding(path, _KIND, context), zipfile.ZipFile(path) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist())


def npz_shapes(path: Path, context: DataContext) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays, without their numbers. Error: E503."""
    import numpy as np

    found = {}
    with decoding(path, _KIND, context), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                first = version == (1, 0)
                read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
                found[name.removesuffix(".npy")] = read(member)[0]
    return found


def npy_names(path: Path, context: DataContext) -> tuple[str, ...]:
    """The columns of a structured array; none of a plain one."""
    import numpy as np

    with decoding(path, _KIND, context):
        # Mapped into memory, not read: only the header is looked at.
        return tuple(np.lib.format.open_memmap(path, mode="r").dtype.names or ())


def _check_magic(start: bytes) -> None:
    """NumPy takes any other file for a pickle, and recommends to unpickle it."""
    if not start.startswith((b"PK", b"\x93NUMPY")):
        raise ValueError("its first bytes are those of another kind of file")
