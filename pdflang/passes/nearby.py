"""What holds at one side of a place: the branch of an `if` that is taken there, and the sign of an expression."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node, Phase, Variable
from pdflang.ir.ranges import Range
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of

TRUE, FALSE = Constant(True), Constant(False)
_FAR = 1e9
_CONTRARY: dict[object, arithmetic.Operator] = {
    arithmetic.LESS: arithmetic.GREATER_EQUAL,
    arithmetic.LESS_EQUAL: arithmetic.GREATER,
    arithmetic.GREATER: arithmetic.LESS_EQUAL,
    arithmetic.GREATER_EQUAL: arithmetic.LESS,
}
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Nearby:
    """The points next to a place of a variable: above it where `side` is 1, below it where it is −1."""

    variable: Variable
    place: Node
    side: int

    def condition(self, condition: Node) -> Node | None:
        """A condition as it holds there: a constant, or one of parameters; None where neither is found."""
        if self.variable.loop not in condition.loops:
            return condition
        if not isinstance(condition, nodes.Apply):
            return None
        name, arguments = condition.function.name, condition.arguments
        if name == "not":
            return negated(self.condition(arguments[0]))
        if name in ("and", "or"):
            left, right = (self.condition(argument) for argument in arguments)
            return both(left, right) if name == "and" else negated(both(negated(left), negated(right)))
        if name not in ("less", "less_equal", "greater", "greater_equal"):
            return None
        smaller, larger = arguments if name.startswith("less") else arguments[::-1]
        sign = self.sign(build.subtract(larger, smaller))
        if sign:
            return Constant(sign > 0)
        # Parameters for which the place itself is where the condition changes over have no probability.
        at_place = self._at_place(condition)
        return at_place if at_place.phase != Phase.CONST and self.variable.loop not in at_place.loops else None

    def sign(self, node: Node) -> int:
        """1 or −1 where that is the sign of an expression there, whatever the parameters; 0 where it is not known."""
        at_place = range_of(self._at_place(node))
        return _sign(range_of(node)) or _sign(at_place) or self._sign_of_slope(node, at_place)

    def _at_place(self, node: Node) -> Node:
        """The expression at the place, or at all that is far out."""
        if not (isinstance(self.place, Constant) and math.isinf(self.place.value)):
            return nodes.substitute(node, {self.variable: self.place})
        ends = (_FAR, math.inf) if self.place.value > 0 else (-math.inf, -_FAR)
        return nodes.substitute(node, {self.variable: Variable(self.variable.loop, Range(*ends, True, True))})

    def _sign_of_slope(self, node: Node, at_place: Range) -> int:
        """The sign beside a zero of what is affine in the variable."""
        parts = affine_in(node, self.variable)
        is_zero = abs(at_place.lower) <= _ROUNDING and abs(at_place.upper) <= _ROUNDING
        return self.side * _sign(range_of(parts[0])) if parts is not None and is_zero else 0


def _sign(found: Range) -> int:
    if found.lower > 0 or (found.lower == 0 and found.open_lower):
        return 1
    return -1 if found.upper < 0 or (found.upper == 0 and found.open_upper) else 0


def negated(condition: Node | None) -> Node | None:
    """The contrary of a condition."""
    if condition is None:
        return None
    if isinstance(condition, Constant):
        return Constant(not condition.value)
    if isinstance(condition, nodes.Apply) and condition.function in _CONTRARY:
        return nodes.Apply(_CONTRARY[condition.function], condition.arguments, "bool")
    return nodes.Apply(arithmetic.NOT, (condition,), "bool")


def both(left: Node | None, right: Node | None) -> Node | None:
    """Both conditions; None where one is not known and the other not false."""
    if left is FALSE or right is FALSE:
        return FALSE
    if left is None or right is None:
        return None
    if left is TRUE or right is TRUE:
        return right if left is TRUE else left
    return left if left is right else nodes.Apply(arithmetic.AND, (left, right), "bool")
