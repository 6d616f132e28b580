"""Whether positions in brackets lie on their axis: proved, refuted, or left to be compared when data is bound."""

from __future__ import annotations

from collections.abc import Callable

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic, PdflangError, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Phase
from pdflang.ir.program import Check
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics.combine import CheckSink, error
from pdflang.semantics.values import describe

Bounds = tuple[Size, Size]


def check_bounds(axis: Axis, position: Node, span: Span, checks: CheckSink) -> None:
    """Have a position, or an array of them, compared with its axis. Raises E305 where it cannot fit."""
    if isinstance(position, nodes.Constant) and position.value < 0:
        # Counted from the end, as in Python.
        count = -int(position.value)
        check_order(Size(count), axis.size, _report(f"{-count} lies before the first of {axis} elements", span), checks)
        return
    bounds = _bounds(position)
    if bounds is not None:
        lowest, highest = bounds
        check_order(Size(0), lowest, _report("{other} lies before the first element, which is 0", span), checks)
        end = axis.size - 1
        check_order(highest, end, _report(f"{{found}} lies beyond the end of an axis of {axis}", span), checks)
    elif isinstance(data := _data_of(position), nodes.Reference) and data.kind != "event" and data.phase <= Phase.DATA:
        checks(Check("positions", _data_report(data.name, axis, span), node=data, right=axis.size))


def check_position(axis: Axis, position: Node, span: Span) -> None:
    """A position is a whole number that can lie on its axis. Error: E305."""
    if position.dtype != "int":
        raise error(
            "E305",
            f"a position must be a whole number, but this is {describe(position)}",
            span,
            remedy="declare the data as `: int`, or as the index that it names",
        )
    if isinstance(position, nodes.LoopIndex) and position.loop.axis is not None:
        mine = position.loop.axis
        if mine.name and axis.name and mine.name != axis.name and not mine.size.is_known:
            raise error(
                "E305", f"a position in `{mine.name}` cannot index an array over `{axis.name}`", span
            )
    known = isinstance(position, nodes.Constant) and axis.size.is_known
    where = position.value if isinstance(position, nodes.Constant) else 0
    if known and not 0 <= where < axis.size.constant:
        raise error(
            "E305",
            f"position {where} is outside an axis of {axis.size.constant}",
            span,
            remedy=f"positions count from 0 to {axis.size.constant - 1}",
        )


def check_slice(axis: Axis, start: Size, stop: Size, span: Span, checks: CheckSink) -> None:
    """Have the ends of a slice compared with its axis and each other. Raises E305 where they cannot fit."""
    check_order(Size(0), start, _report("{other} lies before the first element, which is 0", span), checks)
    check_order(start, stop, _report("{found}, where the slice starts, lies after its end", span), checks)
    check_order(stop, axis.size, _report(f"{{found}} lies beyond the end of an axis of {axis}", span), checks)


def check_order(left: Size, right: Size, report: Callable[[int, int], Diagnostic], checks: CheckSink) -> None:
    """Have two lengths compared: at once where that is possible, else when data is bound."""
    difference = right - left
    if not difference.is_known:
        checks(Check("order", report, left, right))
    elif difference.constant < 0:
        known = left.is_known and right.is_known
        raise PdflangError(report(left.constant, right.constant) if known else _symbolic(report, left, right))


def _symbolic(report: Callable[[int, int], Diagnostic], left: Size, right: Size) -> Diagnostic:
    return report(left, right)  # type: ignore[arg-type]  # the text takes `N + 1` as well as a number


def _report(what: str, span: Span) -> Callable[[int, int], Diagnostic]:
    def report(found: int, other: int) -> Diagnostic:
        return Diagnostic(
            "E305",
            "a position is outside its axis: " + what.format(found=found, other=other),
            span,
            remedy="positions count from 0; let the binder run over fewer: t in 1:N where y[t - 1] is read",
        )

    return report


def _data_report(name: str, axis: Axis, span: Span) -> Callable[[float, str], Diagnostic]:
    def report(found: float, entry: str) -> Diagnostic:
        return Diagnostic(
            "E305",
            f"`{name}` holds positions on an axis of {axis}, but {entry} is {found:g}",
            span,
            remedy="positions count from 0; subtract 1 where they count from 1",
        )

    return report


def _data_of(position: Node) -> Node:
    """The datum whose entries are the positions."""
    return position.base if isinstance(position, nodes.Element) else position


def _bounds(node: Node) -> Bounds | None:
    """The least and the greatest value of sums of binders, lengths and constants; None for others."""
    if isinstance(node, nodes.Constant) and node.dtype == "int":
        return Size(int(node.value)), Size(int(node.value))
    if isinstance(node, nodes.LoopIndex) and node.loop.axis is not None:
        return Size(0), node.loop.axis.size - 1
    if isinstance(node, nodes.Reference) and not node.axes and node.dtype == "int" and node.phase <= Phase.DATA:
        return (symbol(node.name), symbol(node.name)) if node.kind in ("length", "data") else None
    if not isinstance(node, nodes.Apply) or node.function not in (arithmetic.ADD, arithmetic.SUBTRACT):
        return None
    left, right = (_bounds(argument) for argument in node.arguments)
    if left is None or right is None:
        return None
    if node.function is arithmetic.ADD:
        return left[0] + right[0], left[1] + right[1]
    return left[0] - right[1], left[1] - right[0]
