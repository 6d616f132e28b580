"""A probabilistic-programming language for physicists who infer functions from events and cross sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdflang.diagnostics import PdflangError
    from pdflang.embedding import Fit, Model, load, load_trained, loads
    from pdflang.extensions import command, register, unregister
    from pdflang.simulator import simulations

    __version__: str

__all__ = [
    "Fit", "Model", "PdflangError", "__version__", "command", "load", "load_trained", "loads", "register",
    "simulations", "unregister",
]  # fmt: skip

_HOMES = {
    **dict.fromkeys(("Fit", "Model", "load", "load_trained", "loads"), "pdflang.embedding"),
    **dict.fromkeys(("command", "register", "unregister"), "pdflang.extensions"),
    "PdflangError": "pdflang.diagnostics",
    "simulations": "pdflang.simulator",
}


def __getattr__(name: str) -> Any:
    # Everything is imported when it is first used: `import pdflang` is quick and does not import JAX.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        # Kept, since every rebinding asks, and the metadata of a package is a file.
        return globals().setdefault("__version__", _version())
    raise AttributeError(f"module 'pdflang' has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pdflang")
    except PackageNotFoundError:  # a checkout that was never installed
        return "unknown"
