"""Imports that go on beside compilation, which needs Python but little."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress


def import_meanwhile(*names: str, after: str) -> None:
    """Begin to import modules in another thread; one that fails is told of where it is used.

    `after` is what this thread is about to import, and is imported first: two threads that enter a circle of modules
    at different places would find some of them half done. A process that ends waits for the thread: an interpreter
    that is taken down while a library is being loaded can crash.
    """

    def begin() -> None:
        with suppress(Exception):
            for name in names:
                importlib.import_module(name)

    importlib.import_module(after)
    threading.Thread(target=begin).start()
