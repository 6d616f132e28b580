"""Programs that are traced once for all processes: JAX's portable form of them lies in a cache.

JAX's own cache keeps what XLA has compiled, and is asked after a function was traced and lowered, which for a sampler
takes longer than to draw a thousand times from a small posterior, and needs all the libraries that the sampler is
made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pdflang.resources import cache_folder

_PACKAGE = Path(__file__).resolve().parent

_folder: Path | None = None


def keep_programs() -> None:
    """From now on programs are kept: for processes that belong to pdflang."""
    global _folder
    _folder = cache_folder("programs")


def stored(function: Callable[..., Any], content: str | None, *details: Any) -> Callable[..., Any]:
    """The same function of arrays, to be compiled: for each set of shapes it is traced once, and then read.

    `content` and `details` say all that it computes besides its arguments, `content` in words that mean the same in
    every process; None where nothing can. Results are nests of tuples, lists and dicts. What JAX cannot write is
    traced each time.
    """
    if content is None or _folder is None:
        return function
    folder = _folder

    def read(*arguments: Any) -> Any:
        import jax

        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arguments)
        text = "\n".join([_surroundings(), content, *map(repr, details), repr(shapes)])
        program = _program(function, shapes, folder / f"{hashlib.sha256(text.encode()).hexdigest()}.jaxexport")
        return function(*arguments) if program is None else program.call(*arguments)

    return read


def _program(function: Callable[..., Any], shapes: tuple[Any, ...], path: Path) -> Any:
    """The program of a file, which is written where there is none that can be read; None where it cannot be."""
    from jax import export, jit

    try:
        return export.deserialize(bytearray(path.read_bytes()))
    except Exception:  # no file, half of one, or one of another JAX
        pass
    try:
        program = export.export(jit(function))(*shapes)
        text = bytes(program.serialize())
    except (NotImplementedError, ValueError):  # calls of Python, and what may change between versions of XLA
        return None
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with contextlib.suppress(OSError):
        partial.write_bytes(text)
        partial.replace(path)
    return program


@lru_cache(maxsize=1)
def _surroundings() -> str:
    """What else decides how a function is traced: the code of this package, and JAX."""
    from importlib.metadata import version

    packages = [f"{name} {version(name)}" for name in ("blackjax", "jax", "jaxlib")]
    files = sorted(path for path in _PACKAGE.rglob("*.py"))
    states = [(path, path.stat()) for path in files]
    sources = [f"{path.relative_to(_PACKAGE)} {state.st_size} {state.st_mtime_ns}" for path, state in states]
    return "\n".join([*packages, os.environ.get("JAX_PLATFORMS", ""), *sources])
