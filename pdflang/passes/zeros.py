"""Where an expression is zero as a function of one variable, found by undoing its operations one by one."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node, Variable
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of

_UNDONE = ("exp", "log", "sqrt", "power")
_TINY = 1e-300
"""What stands for 0 where a power of it must have a derivative."""


@dataclass(frozen=True)
class Zero:
    """The value of the variable at the only zero; `rises` says whether the expression is negative below it.

    An expression without a zero in the domain of the variable has one at its end, or beyond. `rises` is None where
    it depends on parameters.
    """

    place: Node
    rises: bool | None


def zero_of(node: Node, variable: Variable) -> Zero | None:
    """The zero of an expression that is affine in the variable, or in one monotone function of it; else None."""
    if variable.loop not in node.loops:
        return None
    found = _of_affine(node, variable)
    if found is not None:
        return found
    for part in nodes.walk(node):
        if isinstance(part, nodes.Apply) and variable.loop in part.loops and part.function.name in _UNDONE:
            outer = _of_affine(node, part, variable)
            inner = _undone(part, outer.place, variable) if outer is not None else None
            innermost = zero_of(inner, variable) if inner is not None else None
            if outer is not None and innermost is not None:
                return Zero(innermost.place, _both(outer.rises, innermost.rises))
    return None


def _of_affine(node: Node, unknown: Node, variable: Variable | None = None) -> Zero | None:
    """The zero in an unknown, which is all that follows the variable."""
    parts = affine_in(node, unknown)
    if parts is None or parts[0] is build.ZERO:
        return None
    slope, intercept = parts
    if variable is not None and variable.loop in slope.loops | intercept.loops:
        return None
    return Zero(build.divide(build.negate(intercept), slope), _sign(slope))


def _sign(slope: Node) -> bool | None:
    found = range_of(slope)
    if found.lower >= 0:
        return True
    return False if found.upper <= 0 else None


def _both(one: bool | None, other: bool | None) -> bool | None:
    return None if one is None or other is None else one == other


def _undone(part: nodes.Apply, value: Node, variable: Variable) -> Node | None:
    """argument − inverse(value), for a function that rises: it has the sign of part − value."""
    name, argument = part.function.name, part.arguments[0]
    if name == "exp":
        return build.subtract(argument, build.apply("log", build.at_least(value, _TINY)))
    if name == "log":
        return build.subtract(argument, build.apply("exp", value))
    if name == "sqrt":
        return build.subtract(argument, build.power(build.at_least(value, _TINY), Constant(2)))
    exponent = part.arguments[1]
    if range_of(argument).lower < 0 or range_of(exponent).lower <= 0 or variable.loop in exponent.loops:
        return None
    root = build.power(build.at_least(value, _TINY), build.divide(build.ONE, exponent))
    return build.subtract(argument, root)
