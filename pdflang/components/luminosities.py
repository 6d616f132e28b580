"""What two hadrons give together, in NumPy or JAX, whichever the arguments are."""

from __future__ import annotations

from typing import Any


def luminosities(left: Any, right: Any) -> Any:
    """Densities (channels, n) and (channels, m) of two hadrons as their products (channels, n·m)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
