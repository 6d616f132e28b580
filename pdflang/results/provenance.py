"""Where a result comes from: the model's texts, the data, the seed, the programs and their versions."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

_PACKAGES = ("pdflang", "jax", "jaxlib", "blackjax", "numpy", "scipy", "xarray", "h5netcdf", "arviz-stats", "optax")


def provenance(
    method: str,
    sources: Mapping[str, str],
    data: Mapping[str, Any],
    started: datetime,
    seed: int | None = None,
    options: Mapping[str, Any] | None = None,
    interrupted: bool = False,
    seconds: Mapping[str, float] | None = None,
    notes: Mapping[str, Any] | None = None,
    **details: Any,
) -> dict[str, Any]:
    """What `provenance.json` says. `sources` maps names of files to texts; the model comes first.

    `started` must know its time zone; the duration is taken until now. `data` maps names to arrays. `details` are what
    a method has to tell beside.
    """
    now = datetime.now(UTC)
    return {
        "method": method,
        "seed": seed,
        "options": dict(options or {}),
        "interrupted": interrupted,
        "started": started.astimezone(UTC).isoformat(timespec="milliseconds"),
        "duration_seconds": round((now - started).total_seconds(), 3),
        "seconds": {name: round(value, 3) for name, value in (seconds or {}).items()},
        "command": sys.argv,
        "sources": [{"name": name, "sha256": text_hash(text), "text": text} for name, text in sources.items()],
        "data": {name: array_hash(values) for name, values in data.items()},
        "versions": versions(),
        "platform": {"system": platform.platform(), "machine": platform.machine()},
        **details,
        "notes": dict(notes or {}),
    }


def text_hash(text: str) -> str:
    """The SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def array_hash(values: Any) -> dict[str, Any]:
    """Shape, type and SHA-256 of an array's values in row-major, little-endian order."""
    array = np.asarray(values)
    content = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    return {
        "shape": list(array.shape),
        "dtype": array.dtype.str.lstrip("<>=|"),
        "sha256": hashlib.sha256(content.reshape(-1).view(np.uint8).data).hexdigest(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
