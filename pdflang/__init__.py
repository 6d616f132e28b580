"""A probabilistic-programming language for physicists who infer functions from events and cross sections."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    from pdflang.embedding import Fit, Model, load, loads

try:
    __version__ = version("pdflang")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "unknown"

__all__ = ["Fit", "Model", "PdflangError", "__version__", "load", "loads"]


def __getattr__(name: str) -> Any:
    # What compiles models is imported when it is first used: `import pdflang` must not import JAX.
    if name in ("Fit", "Model", "load", "loads"):
        return getattr(import_module("pdflang.embedding"), name)
    raise AttributeError(f"module 'pdflang' has no attribute {name!r}")
