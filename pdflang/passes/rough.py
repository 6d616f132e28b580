"""Ends of a region where an integrand is neither smooth nor a power: it has a logarithm there, or parts that cancel.

So do convolutions with coefficient functions: log(1 − z)/(1 − z) · (f(x/z)/z − f(x)) for z in (x, 1).
"""

from __future__ import annotations

import math

from pdflang.ir import nodes
from pdflang.ir.nodes import Apply, Integral, Node, Variable
from pdflang.passes.orders import Orders
from pdflang.passes.terms import Term
from pdflang.semantics import build
from pdflang.semantics.ranges import range_of


def rough_ends(
    node: Integral, variable: Variable, terms: list[Term], lower: float | None, upper: float | None
) -> str | None:
    """Which ends are rough: "lower", "upper", "both", or None. `lower` and `upper` are values of known ends."""
    if any(end is not None and math.isinf(end) for end in (lower, upper)):
        return None
    found = [
        name
        for name, end, cancels in (
            ("lower", node.lower, lower == 0 and any(_is_infinite(term.at_zero) for term in terms)),
            ("upper", node.upper, upper == 1 and any(_is_infinite(term.at_one) for term in terms)),
        )
        if cancels or _has_logarithm(node.body, variable, end)
    ]
    return "both" if len(found) == 2 else found[0] if found else None


def _is_infinite(power: Node) -> bool:
    """Whether the integral of a term diverges: another one cancels it, or the whole would be refused."""
    return range_of(power).upper <= -1


def _has_logarithm(body: Node, variable: Variable, end: Node) -> bool:
    """Whether a logarithm of something that is 0 or infinite at an end stands anywhere in the integrand."""
    arguments = [
        build.add(build.ONE, child.arguments[0]) if child.function.name == "log1p" else child.arguments[0]
        for child in nodes.walk(body)
        if isinstance(child, Apply) and child.function.name in ("log", "log1p") and variable.loop in child.loops
    ]
    if not arguments:
        return False
    orders = Orders(variable, end, {})
    growths = (orders.of(argument) for argument in arguments)
    return any(growth is not None and any(order.known != 0 for order in growth) for growth in growths)
