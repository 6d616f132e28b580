"""Identifiers of generated code: no text of a model is ever code, and no two names meet."""

from __future__ import annotations

import builtins
import keyword
import unicodedata


def identifier(name: str) -> str:
    """A readable ASCII identifier for a name of a model: `α_u` becomes `alpha_u`, `ew.s2w` becomes `ew_s2w`."""
    parts = []
    for character in name:
        if character.isascii() and (character.isalnum() or character == "_"):
            parts.append(character)
        elif character in ". ":
            parts.append("_")
        else:
            words = unicodedata.name(character, "").lower().split()
            is_greek = len(words) >= 4 and words[0] == "greek"
            parts.append(words[3] if is_greek else f"u{ord(character):x}")
    text = "".join(parts)
    return text if text[:1].isalpha() or text[:1] == "_" else f"n{text}"


class Names:
    """Hands out identifiers that are free, each once: here and in every inner scope, before and after."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = {*taken, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self._outer: Names | None = None
        self._inside: set[str] = set()

    def fresh(self, wish: str) -> str:
        """The wished name, with a number behind it where it is taken."""
        name = identifier(wish)
        candidate, count = name, 1
        while candidate in self._inside or self._is_taken(candidate):
            count += 1
            candidate = f"{name}_{count}"
        self._taken.add(candidate)
        if self._outer is not None:
            self._outer._inside.add(candidate)
        return candidate

    def inner(self) -> Names:
        """Names for an inner scope, which may not hide those of the outer one."""
        names = Names()
        names._outer = self
        return names

    def _is_taken(self, name: str) -> bool:
        return name in self._taken or (self._outer is not None and self._outer._is_taken(name))
