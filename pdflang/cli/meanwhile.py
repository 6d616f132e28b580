"""Imports that go on beside compilation, which needs Python but little."""

from __future__ import annotations

import importlib
import threading


def import_meanwhile(*names: str) -> None:
    """Begin to import modules in another thread; an error is told where they are used."""

    def begin() -> None:
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:
                return

    threading.Thread(target=begin, daemon=True).start()
