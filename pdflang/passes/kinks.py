"""Integrands with kinks: the integral is split where a condition, |·|, max, min or a kernel changes over.

Gauss rules converge fast where an integrand is smooth, so that each piece gets a rule of its own, on which a
condition is true or false and |u| is u or −u. A region such as y < x is a piece on which nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pdflang.components import arithmetic, library
from pdflang.ir import nodes
from pdflang.ir.evaluate import fold
from pdflang.ir.nodes import Choose, Constant, Integral, Node, Variable
from pdflang.passes.kernels import variable_of
from pdflang.passes.zeros import Zero, zero_of
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of

_MOST = 6
_TRUE, _FALSE = Constant(True), Constant(False)


@dataclass(frozen=True)
class _Kink:
    """A node that is another one where `difference` is negative, and where it is positive."""

    node: Node
    difference: Node
    negative: Node
    positive: Node


@dataclass(frozen=True)
class _Piece:
    """A part of an integral; `sides` are places where it was split, and whether it lies below each of them."""

    integral: Integral
    sides: tuple[tuple[Node, bool], ...] = ()
    done: frozenset[Node] = frozenset()


def pieces_between_kinks(node: Integral) -> list[Integral]:
    """Integrals that add up to this one, none with a kink inside; where a kink cannot be found, it stays."""
    found, pending = [], [_Piece(node)]
    while pending:
        piece = pending.pop()
        kink = _first(piece) if len(piece.done) < _MOST else None
        if kink is not None:
            pending += _split(piece, *kink)[::-1]
        elif not _is_zero(piece.integral.body):
            found.append(piece.integral)
    return found


def _first(piece: _Piece) -> tuple[_Kink, Zero] | None:
    variable = variable_of(piece.integral)
    if variable is None:
        return None
    for child in nodes.walk(piece.integral.body):
        if variable.loop not in child.loops or child.axes:
            continue
        for kink in _kinks(child):
            zero = zero_of(kink.difference, variable) if kink.difference not in piece.done else None
            # A place that follows a sum inside is many places.
            if zero is not None and zero.place.loops <= piece.integral.loops:
                return kink, zero
    return None


def _kinks(node: Node) -> Iterator[_Kink]:
    if isinstance(node, nodes.Density | nodes.Mass):
        yield from _of_kernel(node)
    elif isinstance(node, nodes.Apply):
        yield from _of_function(node, node.function.name, node.arguments)


def _of_function(node: Node, name: str, arguments: tuple[Node, ...]) -> Iterator[_Kink]:
    if name in ("less", "less_equal"):
        yield _Kink(node, build.subtract(*arguments), _TRUE, _FALSE)
    elif name in ("greater", "greater_equal"):
        yield _Kink(node, build.subtract(*arguments), _FALSE, _TRUE)
    elif name == "abs":
        yield _Kink(node, arguments[0], build.negate(arguments[0]), arguments[0])
    elif name in ("min", "max"):
        first, second = arguments if name == "min" else arguments[::-1]
        yield _Kink(node, build.subtract(*arguments), first, second)
    elif name == "clip":
        x, lower, upper = arguments
        yield _Kink(node, build.subtract(x, upper), nodes.Apply(library["max"], (x, lower), "real"), upper)
    elif name in ("step", "sign"):
        yield _Kink(node, arguments[0], Constant(0 if name == "step" else -1), Constant(1))


def _of_kernel(node: nodes.Density | nodes.Mass) -> Iterator[_Kink]:
    """The places where a density is not smooth, such as the peak of Laplace's: pieces begin and end there."""
    names = [parameter.name for parameter in node.distribution.parameters]
    values = (node.value,) if isinstance(node, nodes.Density) else (node.lower, node.upper)
    for name in node.distribution.kinks:
        for value in values:
            yield _Kink(node, build.subtract(value, node.arguments[names.index(name)]), node, node)


def _split(piece: _Piece, kink: _Kink, zero: Zero) -> list[_Piece]:
    """The parts below and above a kink, which may lie outside: then there is only one."""
    node, place = piece.integral, zero.place
    known = dict(piece.sides).get(place)
    lower, upper, found = range_of(node.lower), range_of(node.upper), range_of(place)
    if known is None and found.upper <= lower.lower:
        known = False
    elif known is None and found.lower >= upper.upper:
        known = True
    if known is not None:
        return [_on_side(piece, kink, zero, node.lower, node.upper, known)]
    middle = place
    if not _is_ordered(node.lower, place):
        middle = nodes.Apply(library["max"], (middle, node.lower), "real")
    if not _is_ordered(place, node.upper):
        middle = nodes.Apply(library["min"], (middle, node.upper), "real")
    return [
        _on_side(piece, kink, zero, node.lower, middle, True),
        _on_side(piece, kink, zero, middle, node.upper, False),
    ]


def _is_ordered(lower: Node, upper: Node) -> bool:
    """Whether one bound is proved not to lie above another; a variable that both follow alike is taken out."""
    difference = build.subtract(upper, lower)
    for variable in [child for child in nodes.walk(difference) if isinstance(child, Variable)]:
        parts = affine_in(difference, variable)
        if parts is not None and _is_zero(parts[0]):
            difference = parts[1]
    return range_of(lower).upper <= range_of(upper).lower or range_of(difference).lower >= 0


def _on_side(piece: _Piece, kink: _Kink, zero: Zero, lower: Node, upper: Node, is_below: bool) -> _Piece:
    node, body = piece.integral, piece.integral.body
    if zero.rises is not None:
        chosen = kink.negative if zero.rises == is_below else kink.positive
        body = _settled(nodes.substitute(body, {kink.node: chosen}))
    part = Integral(node.loop, lower, upper, body, span=node.span)
    return replace(
        piece, integral=part, sides=(*piece.sides, (zero.place, is_below)), done=piece.done | {kink.difference}
    )


# --- what is left where a condition is known -------------------------------------------------------------------


def _settled(root: Node) -> Node:
    """The expression with known conditions, and products with 0, worked out."""
    return nodes.transform(root, _settle)


def _settle(node: Node) -> Node:
    if isinstance(node, Choose) and isinstance(node.condition, Constant):
        return node.yes if node.condition.value else node.no
    if isinstance(node, nodes.Sum | Integral) and _is_zero(node.body):
        return build.ZERO
    if not isinstance(node, nodes.Apply):
        return node
    if node.function in (arithmetic.AND, arithmetic.OR):
        return _connected(node)
    if node.function.name in _COMPARED and all(isinstance(argument, Constant) for argument in node.arguments):
        return Constant(bool(fold(node)) if node.dtype == "bool" else float(fold(node)))
    known = [argument.value for argument in node.arguments if isinstance(argument, Constant)]
    if node.function is arithmetic.NOT and known:
        return Constant(not known[0])
    if node.function.name in _ARITHMETIC and known:
        return _ARITHMETIC[node.function.name](*node.arguments)
    return node


_COMPARED = ("less", "less_equal", "greater", "greater_equal", "min", "max")
_ARITHMETIC = {"multiply": build.multiply, "add": build.add, "subtract": build.subtract}


def _is_zero(node: Node) -> bool:
    return isinstance(node, Constant) and node.value == 0


def _connected(node: nodes.Apply) -> Node:
    """`and` or `or` where a side is known."""
    absorbing = node.function is arithmetic.OR
    known = [bool(argument.value) for argument in node.arguments if isinstance(argument, Constant)]
    open_ = [argument for argument in node.arguments if not isinstance(argument, Constant)]
    if absorbing in known:
        return Constant(absorbing)
    if known:
        return open_[0] if open_ else Constant(not absorbing)
    return node
