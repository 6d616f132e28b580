"""What a generated module imports, and how it calls it."""

from __future__ import annotations

from pdflang.backend.names import Names

_ALIASES = {"jax.numpy": "jnp", "numpy": "np"}

_LINE_LENGTH = 88
"""Linters with other settings leave alone what is folded for their default."""


class Imports:
    """Collects the dotted names that generated code uses."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._objects: dict[str, str] = {}
        self._modules: dict[str, str] = {}

    def use(self, dotted: str) -> str:
        """The text that calls an object: `jnp.exp`, or the bare name of an imported one."""
        module, _, name = dotted.rpartition(".")
        for prefix, alias in _ALIASES.items():
            if module == prefix or module.startswith(prefix + "."):
                self._modules[prefix] = alias
                return alias + dotted[len(prefix) :]
        if dotted not in self._objects:
            self._objects[dotted] = self._names.fresh(name)
        return self._objects[dotted]

    def lines(self) -> list[str]:
        """The import statements, sorted as linters want them."""
        plain = sorted(f"import {module} as {alias}" for module, alias in self._modules.items())
        by_module: dict[str, list[str]] = {}
        found: list[tuple[str, list[str]]] = []
        for dotted, local in self._objects.items():
            module, _, name = dotted.rpartition(".")
            if name == local:
                by_module.setdefault(module, []).append(name)
            else:
                found.append((f"{module} {name}", [f"from {module} import {name} as {local}"]))
        found += [(f"{module} {min(names)}", _from(module, sorted(names))) for module, names in by_module.items()]
        own = [line for key, lines in sorted(found) if key.startswith("pdflang") for line in lines]
        others = [line for key, lines in sorted(found) if not key.startswith("pdflang") for line in lines]
        return [*plain, *others, *([""] if own else []), *own]


def _from(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _LINE_LENGTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def is_ours(source: str) -> bool:
    """Whether a generated module calls JAX, NumPy, SciPy and our runtime alone: no component of another package."""
    lines = [line.split() for line in source.splitlines() if line.startswith(("import ", "from "))]
    return all(words[1].partition(".")[0] in ("jax", "numpy", "scipy", "pdflang") for words in lines)
