"""Combinations of draws of subposteriors, whose product is the posterior, to draws of that: each in a file of its own.

A function of draws (part, chain, draw, n), a random generator and the parts themselves; it gives as many draws as those
of one part are.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from pdflang.inference.combining.combined import Combined


def combination(name: str) -> Callable[..., Combined]:
    """The function of that name, one of those that `SplitOptions` has."""
    found: Callable[..., Combined] = import_module(f"pdflang.inference.combining.{name}").combine
    return found


__all__ = ["Combined", "combination"]
