"""Values in words, for messages and tables."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

_ENTRIES = 3


def values_in_words(params: Mapping[str, Any], most: int | None = None) -> str:
    """Parameters by name: `mu = 1.5, c = [0.1, 0.2, 0.3, …]`; only so many of them, if it is said."""
    return ", ".join(f"{name} = {_short(value)}" for name, value in islice(params.items(), most))


def _short(value: Any) -> str:
    import numpy as np

    array = np.asarray(value)
    shown = ", ".join(f"{float(entry):.4g}" for entry in array.ravel()[:_ENTRIES])
    return shown if array.ndim == 0 else f"[{shown}{', …' * (array.size > _ENTRIES)}]"
