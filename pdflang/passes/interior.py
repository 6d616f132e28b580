"""Powers that are singular at an end of a piece other than 0 and 1, such as |x − c|^a at c: the end is moved to 0.

There the rule of an end integrates a power exactly, whatever else multiplies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pdflang.ir import nodes
from pdflang.ir.nodes import Apply, Constant, Integral, Node, Variable
from pdflang.ir.ranges import Range
from pdflang.passes.convolutions import has_kernel
from pdflang.passes.kernels import variable_of
from pdflang.passes.orders import Orders
from pdflang.passes.terms import whole
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of


class _Root(NamedTuple):
    """A base that vanishes at an end, and its slope there in the distance from it."""

    base: Node
    slope: Node


def ends_moved(node: Integral, number: Callable[[Node], float | None]) -> list[Integral]:
    """Integrals that add up to this one, whose singular powers are at 0 where the end is a place of their own.

    What is singular at both ends is cut in the middle. `number` is the value of a bound that is one known number.
    """
    variable = variable_of(node)
    if variable is None or has_kernel(node, variable):
        return [node]
    low, high = (_roots(node, variable, end, number(end)) for end in (node.lower, node.upper))
    if not (low or high):
        return [node]
    low_too = low or (number(node.lower) == 0 and _has_power_at(node, variable, node.lower))
    high_too = high or (number(node.upper) == 1 and _has_power_at(node, variable, node.upper))
    if not (low_too and high_too):
        return [_moved(node, variable, low or high, from_lower=bool(low))]
    middle = build.multiply(Constant(0.5), build.add(node.lower, node.upper))
    first = Integral(node.loop, node.lower, middle, node.body, span=node.span)
    second = Integral(node.loop, middle, node.upper, node.body, span=node.span)
    return [
        _moved(first, variable, low, from_lower=True) if low else first,
        _moved(second, variable, high, from_lower=False) if high else second,
    ]


def _moved(node: Integral, variable: Variable, roots: list[_Root], from_lower: bool) -> Integral:
    """The integral over the distance from an end."""
    width = build.subtract(node.upper, node.lower)
    distance = Variable(node.loop, Range(0.0, range_of(width).upper))
    place = build.add(node.lower, distance) if from_lower else build.subtract(node.upper, distance)
    replaced: dict[Node, Node] = {root.base: build.multiply(root.slope, distance) for root in roots}
    body = nodes.substitute(node.body, {variable: place, **replaced})
    return Integral(node.loop, build.ZERO, width, body, span=node.span)


def _roots(node: Integral, variable: Variable, end: Node, value: float | None) -> list[_Root]:
    """The bases that vanish at an end and whose power there may be negative; none at 0, 1 and ±∞, which have rules.

    Nor at the ends of bins that are planned together, or at ends that are this or that place as parameters have it.
    """
    if end.loops or _is_chosen(end) or (value is not None and (value in (0, 1) or math.isinf(value))):
        return []
    found = []
    for base, exponent in _powers(node.body, variable):
        slope = _slope(base, variable)
        if slope is not None and range_of(exponent).lower < 0 and _vanishes(base, variable, end):
            found.append(_Root(base, slope if end is node.lower else build.negate(slope)))
    return found


def _is_chosen(end: Node) -> bool:
    applied = (child for child in nodes.walk(end) if isinstance(child, Apply))
    return any(child.function.name in ("min", "max", "clip", "abs") for child in applied)


def _slope(base: Node, variable: Variable) -> Node | None:
    """The slope of a base that is affine in the variable."""
    parts = affine_in(base, variable)
    return None if parts is None or variable.loop in parts[0].loops else parts[0]


def _vanishes(base: Node, variable: Variable, place: Node) -> bool:
    """Whether a base is 0 at a place, whatever the parameters."""
    growth = Orders(variable, place, {}).of(base)
    return growth is not None and [order.known for order in growth] == [1.0]


def _has_power_at(node: Integral, variable: Variable, end: Node) -> bool:
    """Whether the integrand has a power of the distance from an end."""
    return any(_vanishes(base, variable, end) for base, _ in _powers(node.body, variable))


def _powers(body: Node, variable: Variable) -> Iterator[tuple[Node, Node]]:
    """Bases that follow the variable with exponents that do not and are no whole numbers."""
    for child in nodes.walk(body):
        if isinstance(child, Apply) and child.function.name == "power":
            base, exponent = child.arguments
            if variable.loop in base.loops - exponent.loops and whole(exponent) is None:
                yield base, exponent
