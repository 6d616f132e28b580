"""What a model knows about its expressions beside what they are: where they were written, what to call them.

Equal expressions are one object, of all models that are alive; these marks are not theirs but the model's. Without
that, a message about one file could name another, and a module could depend on what else had been loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pdflang.diagnostics import Span
    from pdflang.ir.nodes import Node


@dataclass(frozen=True, eq=False)
class Marks:
    """Places and names by expression; the first that an expression is given stays."""

    spans: WeakKeyDictionary[Node, Span] = field(default_factory=WeakKeyDictionary)
    hints: WeakKeyDictionary[Node, str] = field(default_factory=WeakKeyDictionary)

    def copy(self) -> Marks:
        """The same marks; what is added to the copy stays there."""
        return Marks(self.spans.copy(), self.hints.copy())


_current: ContextVar[Marks] = ContextVar("marks", default=Marks())  # noqa: B039 - shared on purpose, outside of models


def current() -> Marks:
    """The marks of the model at work."""
    return _current.get()


@contextmanager
def marked(marks: Marks) -> Iterator[Marks]:
    """Inside, expressions have these marks."""
    token = _current.set(marks)
    try:
        yield marks
    finally:
        _current.reset(token)
