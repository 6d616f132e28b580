"""Files of HDF5: the data sets of the outermost group. Links to other files are not followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext
from pdflang.data.values import arrays_of, decoding, unreadable

if TYPE_CHECKING:
    import numpy as np

_KIND = "HDF5 file"


def read_hdf5(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The data sets by name. Error: E503."""
    h5py = _h5py(path, context)
    with decoding(path, _KIND, context), h5py.File(path, "r") as file:
        found = {name: item[()] for name, item in _data_sets(h5py, file).items()}
    return arrays_of(path, found, context)


def hdf5_names(path: Path, context: DataContext) -> tuple[str, ...]:
    h5py = _h5py(path, context)
    with decoding(path, _KIND, context), h5py.File(path, "r") as file:
        return tuple(_data_sets(h5py, file))


def _data_sets(h5py: Any, file: Any) -> dict[str, Any]:
    """What lies in this file itself: a link or an external block could lead out of the model's folder."""
    own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
    found = {str(name): file[name] for name in own}
    return {
        name: item
        for name, item in found.items()
        if isinstance(item, h5py.Dataset) and not item.external and not item.is_virtual
    }


def _h5py(path: Path, context: DataContext) -> Any:
    try:
        import h5py  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        reason = "is HDF5, and the package h5py is not installed"
        remedy = "pip install h5py, or save the data as .npz"
        raise unreadable(path, reason, context, remedy=remedy) from error
    return h5py
