"""Lengths, axes, and what binders run over."""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase, Reference
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import (
    DatasetValue,
    IndexValue,
    IntervalValue,
    LengthValue,
    SliceValue,
    TableValue,
    describe,
)
from pdflang.syntax import ast


def written_size(elaborator: Elaborator, expression: ast.Expression, scope: Scope) -> Size:
    """A length, known or bound by data."""
    value = elaborator.evaluate(expression, scope)
    if isinstance(value, IndexValue | LengthValue):
        return value.axis.size
    return size_of(elaborator, as_number(value, expression.span, "as a length"), expression.span)


def size_of(elaborator: Elaborator, node: Node, span: Span) -> Size:
    """A whole number as a length."""
    if node.phase == Phase.CONST and not node.axes and not node.loops and node.dtype == "int":
        return Size(int(elaborator.fold(node)))
    if isinstance(node, Reference) and node.kind == "length":
        return symbol(node.name)
    if isinstance(node, Reference) and node.kind == "data" and node.dtype == "int" and not node.axes:
        return symbol(node.name)
    if isinstance(node, nodes.Apply) and node.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        left, right = (size_of(elaborator, argument, span) for argument in node.arguments)
        return left + right if node.function is arithmetic.ADD else left - right
    raise error(
        "E403",
        f"a length must be known once data is bound, but this is {describe(node)}",
        span,
        remedy="use a whole number, an index, or a length that a datum binds",
    )


def axis_of(elaborator: Elaborator, expression: ast.Expression, scope: Scope) -> Axis:
    """The axis that an entry of a bracketed declaration stands for."""
    if isinstance(expression, ast.Slice):
        ends = slice_of(elaborator, expression, scope)
        return Axis(size_of(elaborator, ends.stop, expression.span) - size_of(elaborator, ends.start, expression.span))
    value = elaborator.evaluate(expression, scope)
    if isinstance(value, IndexValue | LengthValue | TableValue | DatasetValue):
        return value.axis
    size = size_of(elaborator, as_number(value, expression.span, "as a length"), expression.span)
    if size.is_known and size.constant < 0:
        raise error("E403", f"a length cannot be {size.constant}", expression.span)
    return Axis(size)


def slice_of(elaborator: Elaborator, expression: ast.Slice, scope: Scope) -> SliceValue:
    """`start:stop` as a set."""
    if expression.start is None or expression.stop is None:
        raise error("E305", "a range needs both ends here", expression.span, remedy="write 0:N")
    start = elaborator.number(expression.start, scope)
    stop = elaborator.evaluate(expression.stop, scope)
    return SliceValue(start, stop.number if isinstance(stop, LengthValue) else as_number(stop, expression.span))


def open_loop(
    elaborator: Elaborator, variable: str, over: ast.Expression, scope: Scope
) -> tuple[Loop, Scope] | IntervalValue:
    """A binder over a set: its loop and the scope of its body; an interval is given back as it is."""
    value = elaborator.evaluate(over, scope)
    if isinstance(value, IntervalValue):
        return value
    if isinstance(value, IndexValue | LengthValue | TableValue | DatasetValue):
        loop = Loop(scope.depth, value.axis)
        return loop, scope.bind(variable, LoopIndex(loop)).deeper()
    if isinstance(value, SliceValue):
        size = size_of(elaborator, value.stop, over.span) - size_of(elaborator, value.start, over.span)
        loop = Loop(scope.depth, Axis(size))
        index: Node = LoopIndex(loop)
        if not (isinstance(value.start, Constant) and value.start.value == 0):
            index = nodes.Apply(arithmetic.ADD, (index, value.start), "int")
        return loop, scope.bind(variable, index).deeper()
    array = as_number(value, over.span, "to run over")
    if not array.axes:
        loop = Loop(scope.depth, Axis(size_of(elaborator, array, over.span)))
        return loop, scope.bind(variable, LoopIndex(loop)).deeper()
    loop = Loop(scope.depth, array.axes[0])
    return loop, scope.bind(variable, nodes.Element(array, (LoopIndex(loop),))).deeper()
