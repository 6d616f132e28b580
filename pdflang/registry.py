"""Named rows that plug in and out: the library's own, a test's, and those of installed extensions.

An extension is a package with an entry point in the registry's group. The entry point is a row, an iterable
of rows or a function that returns one of these. Extensions are loaded when a name is not found or when all
names are asked for, never at import. One that fails to load is left out and explained by `problems()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Named(Protocol):
    """What every row has."""

    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=Named)


class DuplicateName(ValueError):
    """A second row of the same name."""


class Registry(Generic[Row]):
    """Rows by name. `kinds` are the classes of rows it takes, `group` the entry-point group of extensions."""

    def __init__(
        self, kinds: tuple[type, ...], rows: Callable[[], Iterable[Row]] = tuple, group: str | None = None
    ) -> None:
        self._kinds = kinds
        self._group = group
        self._rows: dict[str, Row] = {}
        self._problems: list[str] = []
        self._extended = group is None
        for row in rows():
            self.register(row)

    def register(self, row: Row) -> Row:
        """Add a row. Raises DuplicateName, or TypeError where it is no row of this registry."""
        if not isinstance(row, self._kinds):
            known = " or ".join(kind.__name__ for kind in self._kinds)
            raise TypeError(f"{row!r} is not a {known}")
        if row.name in self._rows:
            raise DuplicateName(f"the name {row.name!r} is taken already")
        self._rows[row.name] = row
        return row

    def unregister(self, name: str) -> None:
        """Take a row out; KeyError where there is none."""
        del self._rows[name]

    @contextmanager
    def registered(self, *rows: Row) -> Iterator[None]:
        """The rows are there inside the `with` block only."""
        added: list[str] = []
        try:
            for row in rows:
                added.append(self.register(row).name)
            yield
        finally:
            for name in added:
                self.unregister(name)

    def get(self, name: str) -> Row | None:
        """The row of a name, or None; looks into the extensions before it gives up."""
        if name not in self._rows:
            self._extend()
        return self._rows.get(name)

    def __getitem__(self, name: str) -> Row:
        row = self.get(name)
        if row is None:
            raise KeyError(name)
        return row

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[Row]:
        self._extend()
        return iter(tuple(self._rows.values()))

    def names(self) -> tuple[str, ...]:
        """All names, extensions included, for a listing or a suggestion."""
        return tuple(row.name for row in self)

    def problems(self) -> tuple[str, ...]:
        """One sentence for each extension, or row of one, that could not be used."""
        self._extend()
        return tuple(self._problems)

    def _extend(self) -> None:
        if self._extended:
            return
        self._extended = True
        from importlib.metadata import entry_points

        for entry in sorted(entry_points(group=self._group or ""), key=lambda entry: entry.name):
            self._load(entry)

    def _load(self, entry: EntryPoint) -> None:
        # A stranger's code: whatever it raises must not take down a model that does not use it.
        try:
            found = _rows_of(entry.load(), self._kinds)
        except Exception as error:
            self._problems.append(f"{_title(entry)} could not be loaded: {_reason(error)}")
            return
        for row in found:
            try:
                self.register(row)
            except (DuplicateName, TypeError) as error:
                self._problems.append(f"a row of {_title(entry)} is left out: {error}")


def _rows_of(found: object, kinds: tuple[type, ...]) -> list:
    if callable(found) and not isinstance(found, kinds):
        found = found()
    return [found] if isinstance(found, kinds) else list(found)  # type: ignore[call-overload]


def _title(entry: EntryPoint) -> str:
    package = f" of the package {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"the extension {entry.name!r} ({entry.value}){package}"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
