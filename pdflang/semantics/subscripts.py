"""What stands in brackets: positions, slices, members of a family."""

from __future__ import annotations

from collections.abc import Sequence

from pdflang.components import arithmetic
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.parts import part_of
from pdflang.semantics.positions import check_position, check_slice
from pdflang.semantics.scope import Scope
from pdflang.semantics.sets import size_of, written_size
from pdflang.semantics.values import DatasetValue, FamilyValue, PdfsetsValue, TextValue, Value, describe
from pdflang.syntax import ast


def subscript(elaborator: Elaborator, expression: ast.Subscript, scope: Scope) -> Value:
    """`a[i, 0:3]`, or a member of a family: `q[f]`."""
    base = elaborator.evaluate(expression.base, scope)
    if isinstance(base, FamilyValue):
        if len(expression.items) != 1:
            raise error("E305", f"{base.name} is a family over one index", expression.span)
        position = elaborator.number(expression.items[0], scope)
        check_position(base.index.axis, position, expression.items[0].span)
        return base.member(position)
    if isinstance(base, DatasetValue):
        found = [elaborator.evaluate(item, scope) for item in expression.items if not isinstance(item, ast.Slice)]
        names = tuple(value.text for value in found if isinstance(value, TextValue))
        if names and len(names) == len(expression.items):
            return part_of(elaborator, base, names, scope, expression.span)
    if isinstance(base, PdfsetsValue):
        if len(expression.items) != 1:
            raise error("E305", f"{base.name} is taken at one of its scales: {base.name}[i]", expression.span)
        position = elaborator.number(expression.items[0], scope)
        check_position(base.axis, position, expression.items[0].span)
        elaborator.check_bounds(base.axis, position, expression.items[0].span)
        return base.member(position)
    array = as_number(base, expression.base.span, "before brackets")
    if len(expression.items) > len(array.axes):
        raise error(
            "E305",
            f"{describe(array)} has one position for each axis, but {len(expression.items)} are given"
            if array.axes
            else f"{describe(array)} cannot be indexed",
            expression.span,
        )
    return _take(elaborator, array, expression.items, scope, expression.span)


def _take(
    elaborator: Elaborator, array: Node, items: Sequence[ast.Expression], scope: Scope, span: Span
) -> Node:
    positions: list[Node] = []
    loops: list[Loop] = []
    depth = scope.depth
    for axis, item in zip(array.axes, items, strict=False):
        if isinstance(item, ast.Slice):
            start, length = _slice_bounds(elaborator, item, axis, scope)
            loop = Loop(depth, Axis(length, axis.name if length == axis.size else None))
            depth += 1
            loops.append(loop)
            index = LoopIndex(loop)
            positions.append(nodes.Apply(arithmetic.ADD, (index, start), "int") if start else index)
            continue
        position = elaborator.number(item, scope, "in brackets")
        if isinstance(position, Constant) and position.dtype == "int" and axis.size.is_known and position.value < 0:
            position = Constant(axis.size.constant + int(position.value), span=position.span)
        check_position(axis, position, item.span)
        elaborator.check_bounds(axis, position, item.span)
        if position.axes:
            # An array of positions takes an element for each: ragged groups, theta[g].
            for position_axis in position.axes:
                loop = Loop(depth, position_axis)
                depth += 1
                loops.append(loop)
                position = nodes.Element(position, (LoopIndex(loop),))
        positions.append(position)
    result: Node = nodes.Element(array, tuple(positions), span=span)
    for loop in reversed(loops):
        result = nodes.Array(loop, result, span=span)
    return result


def _slice_bounds(
    elaborator: Elaborator, item: ast.Slice, axis: Axis, scope: Scope
) -> tuple[Node | None, Size]:
    start = elaborator.number(item.start, scope) if item.start else None
    stop = _from_the_end(written_size(elaborator, item.stop, scope), axis) if item.stop else axis.size
    first = _from_the_end(size_of(elaborator, start, item.span), axis) if start is not None else Size(0)
    if not elaborator.is_in_branch:
        check_slice(axis, first, stop, item.span, elaborator.check)
    return start, stop - first


def _from_the_end(place: Size, axis: Axis) -> Size:
    """A place on an axis; negative ones count from its end, as in Python."""
    return axis.size + place if place.is_known and place.constant < 0 else place
