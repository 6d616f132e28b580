"""Where a name is looked up: binders, then the file's names, then the prelude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pdflang.semantics.modules import ModuleInstance
from pdflang.semantics.values import Value


@dataclass(frozen=True)
class Scope:
    """`bindings` are the binders and arguments around an expression, `depth` how many loops enclose it."""

    module: ModuleInstance
    bindings: Mapping[str, Value]
    depth: int = 0

    def bind(self, name: str, value: Value) -> Scope:
        return replace(self, bindings={**self.bindings, name: value})

    def deeper(self) -> Scope:
        return replace(self, depth=self.depth + 1)

    def at_depth(self, depth: int) -> Scope:
        return replace(self, depth=depth)
