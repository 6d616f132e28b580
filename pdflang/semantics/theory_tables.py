"""FK tables: operators from the momentum densities of one hadron, or of two, to predictions of data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pdflang.components import arrays
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node
from pdflang.ir.program import FKSource
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics.calls import CallSite, match
from pdflang.semantics.combine import error
from pdflang.semantics.datasets import data_reference
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.pdfsets import domain_of
from pdflang.semantics.values import (
    DatasetValue,
    OperatorValue,
    PdfsetValue,
    TextValue,
    Value,
    describe,
)


def fktable(elaborator: Elaborator, site: CallSite) -> OperatorValue:
    """`fktable("a.npz", "b.npz", rows = data)`: an operator from momentum densities to predictions.

    Of a table for two hadrons, `proton |> dy` has both alike, `dy(proton, antiproton)` each its own.
    """
    paths = []
    for argument in [a for a in site.arguments if a.name is None]:
        value = elaborator.given(argument, site.scope)
        if not isinstance(value, TextValue):
            raise error("E301", f"a table is named by its file in quotes, but this is {describe(value)}", argument.span)
        paths.append(value.text)
    named = CallSite(site.name, tuple(a for a in site.arguments if a.name), site.span, site.scope)
    matched = match(named, [], ["rows"])
    rows = elaborator.given(matched["rows"], site.scope) if "rows" in matched else None
    if rows is not None and not isinstance(rows, DatasetValue):
        raise error("E301", f"`rows` is a data set, but this is {describe(rows)}", site.span)
    if not paths:
        raise error("E303", "fktable needs the files of its tables", site.span, remedy='fktable("f2.npz", rows = data)')
    tables = _Tables(elaborator, tuple(paths), rows, site)

    def apply(value: Value, depth: int, span: Span) -> Node:
        return tables.predictions((value,), depth, span)

    def apply_two(first: Value, second: Value, depth: int, span: Span) -> Node:
        return tables.predictions((first, second), depth, span)

    return OperatorValue(site.name, apply, apply_two)


@dataclass(frozen=True)
class _Tables:
    """The files of one `fktable(…)`, one for each data set of `rows`; without these they have rows of their own."""

    elaborator: Elaborator
    paths: tuple[str, ...]
    rows: DatasetValue | None
    site: CallSite

    def predictions(self, values: tuple[Value, ...], depth: int, span: Span) -> Node:
        """Tables for one hadron are one array, as long as they follow each other; each of two hadrons is its own."""
        pdfsets = [self._pdfset(value, span) for value in values]
        hadrons = [self._hadrons(path, len(pdfsets), span) for path in self.paths]
        groups = []
        for key, members in groupby(range(len(self.paths)), lambda i: (hadrons[i], i if hadrons[i] == 2 else -1)):
            places = list(members)
            acting = pdfsets if len(pdfsets) == key[0] else pdfsets * 2
            groups.append(self._source(places, acting, span))
        axis = self.rows.axis if self.rows is not None else None
        parts = [
            self._contraction(source, acting, axis if len(groups) == 1 else None, depth, span)
            for source, acting in groups
        ]
        if len(parts) == 1:
            return parts[0]
        axis = axis or Axis(sum((part.axes[0].size for part in parts), Size(0)))
        return nodes.Whole(arrays.CONCAT, tuple(parts), (axis,), "real", span=span)

    def _pdfset(self, value: Value, span: Span) -> PdfsetValue:
        if isinstance(value, PdfsetValue):
            return value
        raise error(
            "E301",
            f"an FK table acts on a pdfset, but this is {describe(value)}",
            span,
            remedy="declare a pdfset with its flavours and scale, and pipe that: proton |> F2",
        )

    def _hadrons(self, path: str, given: int, span: Span) -> int:
        """For how many hadrons a table is; where the file does not tell yet, for as many as are given."""
        found = self.elaborator.declarations.hadrons(path, self.site.span, self._folder) or given
        if found < given:
            raise error(
                "E301", f"`{path}` is a table for one hadron, but two are given", span,
                remedy="give it one: proton |> F2; tables for one hadron and for two are two `theory`",
            )  # fmt: skip
        return found

    @property
    def _folder(self) -> Any:
        return self.site.scope.module.source.folder

    def _source(
        self, places: list[int], pdfsets: list[PdfsetValue], span: Span
    ) -> tuple[FKSource, list[PdfsetValue]]:
        source = FKSource(
            tuple(self.paths[place] for place in places),
            self.rows.name if self.rows is not None else "",
            tuple(tuple(pdfset.flavours) for pdfset in pdfsets),
            tuple(pdfset.scale for pdfset in pdfsets),
            places[0],
            len(self.paths),
            all(pdfset is pdfsets[0] for pdfset in pdfsets),
            self.site.span,
            self._folder,
            tuple(domain_of(pdfset.flavours, self.elaborator.fold) for pdfset in pdfsets),
        )
        return source, pdfsets

    def _contraction(
        self, source: FKSource, pdfsets: list[PdfsetValue], axis: Axis | None, depth: int, span: Span
    ) -> Node:
        """Σ over channels and points; without the `axis` of all rows, those of the source have one of their own."""
        name = self.elaborator.declarations.fk_table(source, self.rows.sets if self.rows is not None else None)
        grid_axis = Axis(symbol(f"{name}.xgrid"))
        grid = data_reference(f"{name}.xgrid", (grid_axis,), "real", Range(0, 1, open_lower=True))
        axis = axis or Axis(symbol(f"{name}.rows"))
        if len(pdfsets) == 1:
            (densities,) = self._densities(pdfsets, grid, depth, span)
            table = data_reference(f"{name}.table", (axis, *densities.axes))
            return nodes.Whole(arrays.CONTRACT, (table, densities), (axis,), "real", span=span)
        channels, pairs = Axis(symbol(f"{name}.channels")), Axis(symbol(f"{name}.pairs"))
        of_channels = []
        for side, densities in zip(("first", "second"), self._densities(pdfsets, grid, depth, span), strict=True):
            rotation = data_reference(f"{name}.{side}", (channels, densities.axes[0]))
            of_channels.append(
                nodes.Whole(arrays.MATMUL, (rotation, densities), (channels, grid_axis), "real", span=span)
            )
        products = nodes.Whole(arrays.LUMINOSITIES, tuple(of_channels), (channels, pairs), "real", span=span)
        table = data_reference(f"{name}.table", (axis, channels, pairs))
        return nodes.Whole(arrays.CONTRACT, (table, products), (axis,), "real", span=span)

    def _densities(self, pdfsets: list[PdfsetValue], grid: Node, depth: int, span: Span) -> list[Node]:
        """x·f (flavours, points) of each hadron; of one that is there twice, once."""
        loop = nodes.Loop(depth, grid.axes[0])
        point = nodes.Element(grid, (nodes.LoopIndex(loop),))
        made: dict[int, Node] = {}
        for pdfset in pdfsets:
            if id(pdfset) not in made:
                densities = []
                for function in pdfset.flavours.values():
                    density = function.apply((point,), depth + 1, span)
                    assert isinstance(density, Node)
                    densities.append(nodes.Array(loop, density))
                made[id(pdfset)] = nodes.Stack(tuple(densities), Axis(Size(len(densities))))
        return [made[id(pdfset)] for pdfset in pdfsets]
