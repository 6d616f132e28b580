"""Combinations of draws of subposteriors, whose product is the posterior, to draws of that: each in a file of its own.

A function of draws (part, chain, draw, n), a random generator and the parts themselves; it gives as many draws as those
of one part are.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from pdflang.inference.combining.combined import Combined


def combination(name: str, dimension: int) -> Callable[..., Combined]:
    """The function of that name, one of those that `SplitOptions` has, for draws of this dimension.

    Of `surrogates` errors: E620 without scikit-learn; raises `Unsuited` where there are too many dimensions.
    """
    module = import_module(f"pdflang.inference.combining.{name}")
    if name == "surrogates":
        module.require(dimension)
    found: Callable[..., Combined] = module.combine
    return found


__all__ = ["Combined", "combination"]
