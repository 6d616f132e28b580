"""Finds the grammar and the standard library, in an installed wheel and in a checkout, and the folders of caches."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: str) -> Path:
    """The folder `name` ("grammar" or "stdlib"): inside the package in a wheel, beside it in a checkout."""
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"pdflang is installed without its folder {name!r}; install it again")


def cache_folder(kind: str) -> Path | None:
    """The folder for what is kept of a kind, made if need be; None where there is none that can be written.

    `PDFLANG_CACHE` names it; otherwise it lies where the platform keeps caches (XDG Base Directory
    Specification on Unix, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows).
    """
    try:
        folder = _cache_root() / kind
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _cache_root() -> Path:
    """Where pdflang keeps what it can make again. RuntimeError where the user has no home folder."""
    if os.environ.get("PDFLANG_CACHE"):
        return Path(os.environ["PDFLANG_CACHE"]).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "pdflang" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pdflang"
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path.
    return (Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache") / "pdflang"
