"""Integrands with kinks: the integral is split where a condition, |·|, max or min changes over.

Gauss rules converge fast where an integrand is smooth, so that each piece gets a rule of its own, on which an `if`
is one of its branches. A region such as y < x is a branch of 0 beyond.
"""

from __future__ import annotations

from pdflang.components import library
from pdflang.components.rows import Function
from pdflang.ir import nodes
from pdflang.ir.nodes import Choose, Integral, Node, Variable
from pdflang.passes.kernels import variable_of
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of

_MOST = 6
_ORDERED = {"less": 1, "less_equal": 1, "greater": -1, "greater_equal": -1}


def pieces_between_kinks(node: Integral) -> list[Integral]:
    """Integrals that add up to this one, none with a kink inside; where a kink cannot be found, it stays."""
    pieces, pending = [], [(node, frozenset[Node]())]
    while pending:
        piece, done = pending.pop()
        kink = _kink(piece, done) if len(done) < _MOST else None
        if kink is None:
            pieces.append(piece)
        else:
            found, place = kink
            pending += [(part, done | {found}) for part in _split(piece, found, place)[::-1]]
    return pieces


def _kink(node: Integral, done: frozenset[Node]) -> tuple[Node, Node] | None:
    """A node with a kink, and the value of the variable where it is."""
    variable = variable_of(node)
    if variable is None:
        return None
    for child in nodes.walk(node.body):
        if child in done or variable.loop not in child.loops:
            continue
        difference = _changes_sign(child)
        if difference is not None and variable.loop in difference.loops:
            place = _root(difference, variable)
            if place is not None and not child.axes:
                return child, place
    return None


def _changes_sign(node: Node) -> Node | None:
    """The expression at whose zero a node has a kink or a jump."""
    if isinstance(node, Choose):
        condition = node.condition
        if isinstance(condition, nodes.Apply) and condition.function.name in _ORDERED:
            return build.subtract(*condition.arguments)
        return None
    if isinstance(node, nodes.Apply) and isinstance(node.function, Function):
        if node.function.name in ("abs", "sign", "step"):
            return node.arguments[0]
        if node.function.name in ("min", "max"):
            return build.subtract(*node.arguments)
    return None


def _root(difference: Node, variable: Variable) -> Node | None:
    parts = affine_in(difference, variable)
    if parts is None:
        return None
    slope, intercept = parts
    return build.divide(build.negate(intercept), slope)


def _split(node: Integral, kink: Node, place: Node) -> list[Integral]:
    """The integral below and above a place, which may lie outside."""
    lower, upper = range_of(node.lower), range_of(node.upper)
    found = range_of(place)
    if found.upper <= lower.lower or found.lower >= upper.upper:
        return [_on_side(node, kink, node.lower, node.upper, found.lower >= upper.upper)]
    middle = nodes.Apply(library["min"], (_at_least(place, node.lower), node.upper), "real")
    return [
        _on_side(node, kink, node.lower, middle, True),
        _on_side(node, kink, middle, node.upper, False),
    ]


def _at_least(place: Node, lower: Node) -> Node:
    return nodes.Apply(library["max"], (place, lower), "real")


def _on_side(node: Integral, kink: Node, lower: Node, upper: Node, is_below: bool) -> Integral:
    """The integral on one side of a kink, an `if` there being one of its branches."""
    body = node.body
    if isinstance(kink, Choose):
        holds = _holds_below(kink, node)
        if holds is not None:
            branch = kink.yes if holds == is_below else kink.no
            body = nodes.substitute(body, {kink: branch})
    return Integral(node.loop, lower, upper, body, span=node.span)


def _holds_below(kink: Choose, node: Integral) -> bool | None:
    """Whether the condition of an `if` holds below the place where it changes; None where that is open."""
    variable = variable_of(node)
    assert variable is not None and isinstance(kink.condition, nodes.Apply)
    parts = affine_in(build.subtract(*kink.condition.arguments), variable)
    assert parts is not None
    slope = range_of(parts[0])
    if slope.lower < 0 < slope.upper or slope.lower == slope.upper == 0:
        return None
    rises = slope.lower >= 0
    return rises == (_ORDERED[kink.condition.function.name] > 0)
