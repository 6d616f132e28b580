"""Simulators and functions that the embedding program registered, by name: what no dotted name can say.

`backend.runtime.registered` has their meanings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Handle:
    """A callable of the embedding program; `traceable`: it is made of JAX operations."""

    name: str
    function: Callable[..., Any]
    traceable: bool


HANDLES: dict[str, Handle] = {}
