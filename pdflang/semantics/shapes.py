"""What follows from the axes of an array: `len`, and `add_diag` of a square matrix."""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase, Reference
from pdflang.ir.ranges import NONNEGATIVE
from pdflang.ir.sizes import Size
from pdflang.semantics import build
from pdflang.semantics.calls import CallSite, match
from pdflang.semantics.combine import axes_agree, error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.values import IndexValue, LengthValue, Value, describe


def length(elaborator: Elaborator, site: CallSite) -> Value:
    """`len(values)`: how many elements the first axis has; of an index, how many it is."""
    given = match(site, ["values"])["values"]
    value = elaborator.given(given, site.scope)
    if isinstance(value, IndexValue | LengthValue):
        return _number(value.axis.size)
    array = elaborator.given_number(given, site.scope, "in len(…)")
    if not array.axes:
        raise error("E304", f"len takes an array, but this is {describe(array)}", given.span)
    return _number(array.axes[0].size)


def _number(size: Size) -> Node:
    """A length as a number, known or bound by data."""
    total: Node = Constant(size.constant)
    for name, count in size.symbols:
        symbol = Reference(name, "length", (), "int", Phase.DATA, NONNEGATIVE)
        part = nodes.Apply(arithmetic.MULTIPLY, (Constant(abs(count)), symbol), "int") if abs(count) != 1 else symbol
        operator = arithmetic.ADD if count > 0 else arithmetic.SUBTRACT
        is_first = isinstance(total, Constant) and total.value == 0 and count > 0
        total = part if is_first else nodes.Apply(operator, (total, part), "int")
    return total


def add_diag(elaborator: Elaborator, site: CallSite) -> Value:
    """`add_diag(matrix, values)`: a square matrix with numbers, or one number, added to its diagonal."""
    matched = match(site, ["matrix", "values"])
    matrix, values = (elaborator.given_number(matched[name], site.scope) for name in ("matrix", "values"))
    if len(matrix.axes) != 2 or not axes_agree(*matrix.axes, matched["matrix"].span, elaborator.check):
        raise error("E304", f"add_diag takes a square matrix, but this is {describe(matrix)}", matched["matrix"].span)
    if len(values.axes) > 1 or (
        values.axes and not axes_agree(matrix.axes[0], values.axes[0], matched["values"].span, elaborator.check)
    ):
        raise error(
            "E302", f"the diagonal is over {matrix.axes[0]}, but this is {describe(values)}", matched["values"].span,
            remedy="add a number, or an array over the axis of the matrix",
        )  # fmt: skip
    depth = site.scope.depth
    loops = [Loop(depth + place, axis) for place, axis in enumerate(matrix.axes)]
    row, column = (LoopIndex(loop) for loop in loops)
    added = nodes.Element(values, (row,)) if values.axes else values
    on_diagonal = nodes.Choose(nodes.Apply(arithmetic.EQUAL, (row, column), "bool"), added, build.ZERO)
    entry: Node = nodes.Apply(arithmetic.ADD, (nodes.Element(matrix, (row, column)), on_diagonal), "real")
    for loop in reversed(loops):
        entry = nodes.Array(loop, entry, span=site.span)
    return entry
