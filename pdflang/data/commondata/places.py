"""YAML with a memory of places: every value knows its file and entry, so that a wrong one can be named."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError

_NULL = ("", "~", "null", "Null", "NULL")
_NOT_FINITE = {".nan": "nan", ".inf": "inf", "-.inf": "-inf"}


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

    def names(self, wanted: str) -> list[str]:
        """The keys of a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return [str(key) for key in self.value]

    def mapping(self, wanted: str) -> dict[str, Node]:
        return {name: self._child(self._step(name), self.value[name]) for name in self.names(wanted)}

    def sequence(self, wanted: str) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return [self._child(f"[{position}]", value) for position, value in enumerate(self.value)]

    def key(self, name: str, wanted: str) -> Node:
        """The entry `name` of a mapping, which must be there."""
        if not isinstance(self.value, dict):
            found = "is empty" if self.value is None and not self.entry else f"is {_kind(self.value)}"
            raise self.wrong(found, f"a mapping with the key `{name}`: {wanted}")
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

    def count(self, wanted: str) -> int:
        """A whole number, 0 or more."""
        number = _as_number(self.value)
        if number is None or number < 0 or number != math.floor(number):
            raise self.wrong(f"is {_kind(self.value)}", wanted)
        return int(number)

    def numbers(self, names: Sequence[str], wanted: str) -> list[float]:
        """The finite numbers of some entries of a mapping: of thousands at once, where `number` takes one."""
        if isinstance(self.value, dict):
            with suppress(KeyError, TypeError, ValueError):
                found = [float(self.value[name]) for name in names]
                if all(map(math.isfinite, found)):
                    return found
        return [self.key(name, "every source").number(wanted) for name in names]

    def _step(self, key: str) -> str:
        return f".{key}" if self.entry else key

    def _child(self, step: str, value: Any) -> Node:
        return Node(value, self.file, self.entry + step, self.context)


def read_yaml(path: Path, context: DataContext) -> Node:
    """The content of a YAML file: mappings, lists, texts and null. Error: E513 where it is no YAML.

    What is a number is for the reader to say: tables have 10⁵ of them, and YAML's own rules take longer than the rest.
    """
    import yaml

    class Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
        """Texts, but for null."""

        def construct_scalar(self, node: yaml.ScalarNode) -> str | None:
            return None if not node.style and node.value in _NULL else node.value

    file = f"{path.parent.name}/{path.name}"
    try:
        with path.open("rb") as handle, _without_collection():
            return Node(yaml.load(handle, Loader=Loader), file, "", context)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        raise data_error("E513", f"`{file}` is not YAML", context, notes=(str(error),)) from error


@contextmanager
def _without_collection() -> Iterator[None]:
    """A scope in which nothing looks for garbage, of which a parser makes none: half of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _as_number(value: Any) -> float | None:
    try:
        return float(_NOT_FINITE.get(value, value))
    except (TypeError, ValueError):
        return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"`{value[:40]}`"
    return "a mapping" if isinstance(value, dict) else "a list"
