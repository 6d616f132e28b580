"""YAML with a memory of places: every value knows its file and entry, so that a wrong one can be named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError


@dataclass(frozen=True)
class Node:
    """A value of a YAML file. `entry` is its path in the file, such as `bins[3].x.mid`.

    Every method that finds something else than it promises raises E513, with what the format asks for.
    """

    value: Any
    file: str
    entry: str
    context: DataContext

    def wrong(self, found: str, wanted: str) -> PdflangError:
        """The error that this entry is `found` where the format asks for `wanted`."""
        place = f"`{self.entry}` of `{self.file}`" if self.entry else f"`{self.file}`"
        note = f"The commondata format asks for {wanted}."
        return data_error("E513", f"{place} {found}", self.context, notes=(note,))

    def mapping(self, wanted: str) -> dict[str, Node]:
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return {str(key): self._child(self._step(str(key)), value) for key, value in self.value.items()}

    def sequence(self, wanted: str) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return [self._child(f"[{position}]", value) for position, value in enumerate(self.value)]

    def key(self, name: str, wanted: str) -> Node:
        """The entry `name` of a mapping, which must be there."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}", f"a mapping with the key `{name}`: {wanted}")
        if name not in self.value:
            raise self.wrong(f"has no key `{name}`", wanted)
        return self._child(self._step(name), self.value[name])

    def optional(self, name: str) -> Node | None:
        """The entry `name` of a mapping, None where it is absent or null."""
        if isinstance(self.value, dict) and self.value.get(name) is not None:
            return self._child(self._step(name), self.value[name])
        return None

    def text(self, wanted: str) -> str:
        if not isinstance(self.value, str):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return self.value

    def number(self, wanted: str) -> float:
        """A finite number."""
        number = _as_number(self.value)
        if number is None:
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        if not math.isfinite(number):
            raise self.wrong(f"is not finite: {number}", wanted)
        return number

    def _step(self, key: str) -> str:
        return f".{key}" if self.entry else key

    def _child(self, step: str, value: Any) -> Node:
        return Node(value, self.file, self.entry + step, self.context)


def read_yaml(path: Path, context: DataContext) -> Node:
    """The content of a YAML file, plain values only. Error: E513 where it is no YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    file = f"{path.parent.name}/{path.name}"
    try:
        with path.open("rb") as handle:
            return Node(yaml.load(handle, Loader=loader), file, "", context)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        raise data_error("E513", f"`{file}` is not YAML", context, notes=(str(error),)) from error


def _as_number(value: Any) -> float | None:
    """YAML 1.1, which the parser follows, takes `1e-5` for text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    kinds = {dict: "a mapping", list: "a list", bool: "a truth value", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")
