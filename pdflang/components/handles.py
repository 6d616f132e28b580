"""Simulators and functions that the embedding program registered, by name: what no dotted name can say.

`backend.runtime.registered` has their meanings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exception_only
from typing import Any


@dataclass(frozen=True)
class Handle:
    """A callable of the embedding program, a "simulator" or a "function"; `traceable`: made of JAX operations."""

    name: str
    function: Callable[..., Any]
    traceable: bool
    kind: str

    def __call__(self, *arguments: Any) -> Any:
        """What it returns. Raises Failed for whatever it raises."""
        try:
            return self.function(*arguments)
        except Exception as failure:
            raise self.failed(f"failed: {format_exception_only(failure)[-1].strip()}") from failure

    def failed(self, reason: str) -> Failed:
        """That it did not what it must; `reason` is how a sentence about it goes on."""
        return Failed(self.name, f"the {self.kind} `{self.name}`, which was registered, {reason}")


class Failed(Exception):
    """What the embedding program registered under a name raised something, or returned what it must not."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


HANDLES: dict[str, Handle] = {}
