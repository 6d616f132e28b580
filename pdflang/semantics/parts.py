"""Some of the data sets of a datum by their names, `dis["A", "B"]`, and predictions of them put together again."""

from __future__ import annotations

from collections.abc import Sequence

from pdflang.diagnostics import Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.nodes import Element, Loop, LoopIndex
from pdflang.ir.program import part_name
from pdflang.ir.ranges import NONNEGATIVE
from pdflang.ir.sizes import Axis
from pdflang.semantics.combine import error
from pdflang.semantics.datasets import data_reference
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import DatasetValue


def part_of(
    elaborator: Elaborator, dataset: DatasetValue, sets: tuple[str, ...], scope: Scope, span: Span
) -> DatasetValue:
    """The rows of some data sets, with the columns that these have in common. Errors: E305, E512."""
    for name in sets:
        if name not in dataset.sets:
            near = closest_names(name, dataset.sets)
            raise error(
                "E512", f"`{dataset.name}` has no data set `{name}`", span,
                remedy=f"did you mean `{near[0]}`?" if near else f"it has {', '.join(dataset.sets)}",
            )  # fmt: skip
    if sets == dataset.sets:
        return dataset
    if sets != tuple(name for name in dataset.sets if name in sets):
        raise error("E305", f"data sets are named once, in the order of `{dataset.name}`", span)
    whole = dataset.whole or dataset.name
    columns = elaborator.declarations.part(whole, sets, span)
    rows = data_reference(f"{columns.name}.rows", (columns.axis,), "int", NONNEGATIVE)
    # Central values are those of the whole, so that simulated ones are these too.
    loop = Loop(scope.depth, columns.axis)
    position = Element(rows, (LoopIndex(loop),))
    everything = data_reference(f"{whole}.central", (elaborator.declarations.tables[whole].axis,))
    central = nodes.Array(loop, Element(everything, (position,)), span=span)
    return DatasetValue(columns.name, central, columns.column, sets, whole)


def joined_axis(elaborator: Elaborator, axes: Sequence[Axis], span: Span) -> Axis | None:
    """The axis of a datum where arrays over all of its parts are joined, in their order. Error: E302 in another."""
    for name, table in elaborator.declarations.tables.items():
        known = {part_name(name, sets): sets for sets in table.parts}
        if any(axis.name not in known for axis in axes):
            continue
        sets = tuple(one for axis in axes for one in known[axis.name or ""])
        if sets == table.sets:
            return table.axis
        if sorted(sets) == sorted(table.sets):
            raise error(
                "E302", f"the data sets stand in another order than in `{name}`", span,
                remedy=f"join them as they stand there: {', '.join(table.sets)}",
            )  # fmt: skip
    return None
