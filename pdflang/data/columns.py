"""What semantics asks about files while a model is checked: names of columns, and what FK tables act on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pdflang.data.commondata import commondata_columns, installed_collection
from pdflang.data.context import DataContext
from pdflang.data.eko_files import read_eko
from pdflang.data.fktable import hadrons_of, read_fk
from pdflang.data.lhapdf_files import densities_of_member
from pdflang.data.paths import resolve
from pdflang.data.scheme import check_count, check_scheme
from pdflang.data.tables import read_columns
from pdflang.diagnostics import Diagnostic, PdflangError, Span
from pdflang.ir.program import FKSource

Found = TypeVar("Found")


def commondata_folders(folder: Path | None) -> list[Path]:
    """Where data sets are looked for: beside the model first, then in the installed collection."""
    collection = installed_collection()
    return [folder or Path.cwd(), *([collection] if collection else [])]


class FileColumns:
    """Reads headers. A source that is absent has no columns yet, for data may still be given from outside.

    `missing` are the remarks about absent sources. A table that is `replaced` by other data is not looked at. Of a
    measured data set only central values are: its columns stay.
    """

    def __init__(self, replaced: Collection[str] = ()) -> None:
        self._replaced = replaced
        self.missing: list[Diagnostic] = []

    def of_table(self, path: str, name: str, span: Span, folder: Any) -> tuple[str, ...] | None:
        if name in self._replaced:
            return None
        context = DataContext(name, span, folder)
        return self._unless_absent(lambda: read_columns(resolve(path, context), context))

    def of_commondata(
        self, names: tuple[str, ...], name: str, span: Span, folder: Any
    ) -> tuple[str, ...] | None:
        context = DataContext(name, span, folder)
        return self._unless_absent(lambda: commondata_columns(names, commondata_folders(folder), context))

    def hadrons_of(self, path: str, span: Span, folder: Any) -> int | None:
        context = DataContext(path, span, folder)
        try:
            return hadrons_of(resolve(path, context), context)
        except PdflangError:  # told where the table is read
            return None

    def check_fktable(self, source: FKSource, set_names: tuple[str, ...] | None) -> None:
        context = DataContext(source.rows or "fktable", source.span, source.folder)
        if set_names is not None:
            check_count(source.count, set_names, context)
        tables = self._unless_absent(lambda: [read_fk(resolve(path, context), context) for path in source.paths])
        if tables:
            check_scheme(source, tables, context)

    def flavours_of_member(
        self, path: str, member: int, scale: float, span: Span, folder: Any
    ) -> tuple[str, ...] | None:
        context = DataContext(path, span, folder)
        return self._unless_absent(lambda: tuple(densities_of_member(path, member, scale, context)[1]))

    def flavours_of_operators(self, path: str, scale: float, span: Span, folder: Any) -> int | None:
        context = DataContext(path, span, folder)
        return self._unless_absent(lambda: read_eko(resolve(path, context), [scale], context).reached[scale])

    def _unless_absent(self, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except PdflangError as failure:
            found = failure.diagnostics[0]
            # A package that is not installed will be asked for again, when data is read.
            if found.code not in ("E501", "E512", "E308"):
                raise
            if found not in self.missing:
                self.missing.append(replace(found, severity="lint"))
            return None
