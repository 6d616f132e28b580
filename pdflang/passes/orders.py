"""How an expression grows near a place: like which powers of the distance, and which exponentials of it.

Near a point t is the distance from it, towards infinity t is |x|. An expression is a sum of terms that grow like
t^power · exp(rate · t); of terms with known powers the largest one stands for all. What is not found by structure is
evaluated at the place, for parameters that no cancellation is written for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from pdflang.ir import nodes
from pdflang.ir.evaluate import resolve
from pdflang.ir.nodes import Constant, Node, Variable
from pdflang.ir.ranges import Range
from pdflang.semantics import build
from pdflang.semantics.affine import Parts, affine_parts
from pdflang.semantics.ranges import range_of

_MOST_TERMS = 64
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Order:
    """t^power · exp(rate · t)."""

    power: Node = build.ZERO
    rate: Node = build.ZERO

    @property
    def known(self) -> float | None:
        """The power, where it is a number and all there is."""
        return float(self.power.value) if isinstance(self.power, Constant) and self.rate is build.ZERO else None


Growth = list[Order] | None
"""The terms of a sum; None where nothing is known."""

_CONSTANT = Order()


class Orders:
    """The growth of expressions in a variable at one place: a point, or infinity where `place` is infinite."""

    def __init__(self, variable: Variable, place: Node, parts: Mapping[Node, Parts | None]) -> None:
        """`parts` are the slopes and intercepts of what is asked for."""
        self._variable = variable
        self._random = Random(0)
        self._values: dict[Node, float | None] = {}
        self._growth: dict[Node, Growth] = {}
        self._exponents: dict[Node, Order | None] = {}
        self._parts = dict(parts)
        position = self._value(place)
        self._is_infinite = position is not None and math.isinf(position)
        self._sign = Constant(-1.0 if position == -math.inf else 1.0)
        self._values[variable] = position

    def of(self, node: Node) -> Growth:
        """The growth of an expression."""
        if node not in self._parts:
            self._parts.update(affine_parts(node, self._variable))
        for child in nodes.walk(node):
            if child not in self._growth:
                found = self._found(child)
                self._growth[child] = found if found is not None and len(found) <= _MOST_TERMS else None
        return self._growth[node]

    def _found(self, node: Node) -> Growth:
        if self._variable.loop not in node.loops:
            return [_CONSTANT]
        if self._parts.get(node) is not None:
            return self._of_affine(node)
        if isinstance(node, nodes.Sum):
            return self._growth[node.body]
        if isinstance(node, nodes.Density):
            support = node.distribution.support
            is_everywhere = isinstance(support, Range) and support == Range()
            return [_CONSTANT] if is_everywhere and not self._is_infinite else None
        if not isinstance(node, nodes.Apply):
            return None
        rule = _RULES.get(node.function.name)
        return rule(self, node) if rule is not None else self._evaluated(node)

    # --- leaves ---------------------------------------------------------------------------------------------

    def _of_affine(self, node: Node) -> Growth:
        if self._is_infinite:
            return [Order(build.ONE)]
        return [Order(build.ONE)] if self._value(node) == 0 else [_CONSTANT]

    def _evaluated(self, node: Node) -> Growth:
        """An expression that has a value there, not 0, is about constant."""
        value = None if self._is_infinite else self._value(node)
        return [_CONSTANT] if value is not None and math.isfinite(value) and value != 0 else None

    def _value(self, node: Node) -> float | None:
        """The value at the place, at parameters that were drawn for all of it; None where it cannot be evaluated."""
        for child in nodes.walk(node, below=lambda child: () if child in self._values else child.children()):
            if child not in self._values:
                self._values[child] = self._evaluate(child)
        return self._values[node]

    def _evaluate(self, node: Node) -> float | None:
        if isinstance(node, Constant):
            return float(node.value)
        if not isinstance(node, nodes.Apply):
            return self._drawn(range_of(node)) if self._variable.loop not in node.loops else None
        arguments = [self._values[argument] for argument in node.arguments]
        if not getattr(node.function, "is_known", True) or None in arguments or node.axes:
            return None
        import numpy as np

        try:
            with np.errstate(all="ignore"):
                value = float(resolve(node.function.numpy)(*map(float, arguments)))  # type: ignore[arg-type]
        except (ArithmeticError, ValueError, TypeError):
            return None
        scale = max((abs(a) for a in arguments if a is not None), default=0.0)
        is_sum = node.function.name in ("add", "subtract")
        return 0.0 if is_sum and abs(value) <= _ROUNDING * scale and math.isfinite(scale) else value

    def _drawn(self, allowed: Range) -> float:
        lower, upper = allowed.lower, allowed.upper
        if math.isfinite(lower) and math.isfinite(upper):
            return self._random.uniform(lower, upper)
        if math.isfinite(lower):
            return lower + self._random.expovariate(1)
        return upper - self._random.expovariate(1) if math.isfinite(upper) else self._random.gauss(0, 1)

    # --- operations -----------------------------------------------------------------------------------------

    def _same(self, node: nodes.Apply) -> Growth:
        return self._growth[node.arguments[0]]

    def _sum(self, node: nodes.Apply) -> Growth:
        left, right = (self._growth[argument] for argument in node.arguments)
        if left is None or right is None:
            return None
        terms = list(dict.fromkeys(left + right))
        known = [term for term in terms if term.known is not None]
        if not known:
            return terms
        leading = (max if self._is_infinite else min)(known, key=lambda term: term.known or 0.0)
        may_cancel = leading in left and leading in right and not self._have_one_sign(node)
        # What is left of the two is found where it is a number.
        if may_cancel and (leading != _CONSTANT or self._evaluated(node) is None):
            return None
        return [leading, *(term for term in terms if term.known is None)]

    def _have_one_sign(self, node: nodes.Apply) -> bool:
        left, right = (range_of(argument) for argument in node.arguments)
        if node.function.name == "subtract":
            right = Range(-right.upper, -right.lower)
        return (left.lower >= 0 and right.lower >= 0) or (left.upper <= 0 and right.upper <= 0)

    def _product(self, node: nodes.Apply) -> Growth:
        left, right = (self._growth[argument] for argument in node.arguments)
        return None if left is None or right is None else _products(left, right)

    def _quotient(self, node: nodes.Apply) -> Growth:
        left, right = (self._growth[argument] for argument in node.arguments)
        inverse = _raised(right, Constant(-1.0))
        return None if left is None or inverse is None else _products(left, inverse)

    def _power(self, node: nodes.Apply) -> Growth:
        base, exponent = node.arguments
        return _raised(self._growth[base], exponent) if self._variable.loop not in exponent.loops else None

    def _root(self, node: nodes.Apply) -> Growth:
        return _raised(self._growth[node.arguments[0]], Constant(0.5))

    def _exponential(self, node: nodes.Apply) -> Growth:
        for child in nodes.walk(node.arguments[0]):
            if child not in self._exponents:
                self._exponents[child] = self._of_exponent(child)
        order = self._exponents[node.arguments[0]]
        return None if order is None else [order]

    def _of_exponent(self, node: Node) -> Order | None:
        """The growth of exp of a node: t^k where the node is k · log t and what stays finite."""
        if self._variable.loop not in node.loops:
            return _CONSTANT
        parts = self._parts.get(node)
        if self._is_infinite and parts is not None:
            return Order(rate=build.multiply(parts[0], self._sign))
        found = self._of_sum(node) if isinstance(node, nodes.Apply) else None
        if found is None and not self._is_infinite:
            value = self._value(node)
            return _CONSTANT if value is not None and math.isfinite(value) else None
        return found

    def _of_sum(self, node: nodes.Apply) -> Order | None:
        name = node.function.name
        if name == "log":
            inner = self._growth[node.arguments[0]]
            return inner[0] if inner is not None and len(inner) == 1 else None
        inside = [self._exponents[argument] for argument in node.arguments]
        if name == "negate" and inside[0] is not None:
            return _scaled(inside[0], Constant(-1.0))
        if len(inside) != 2:
            return None
        (left, right), (first, second) = inside, node.arguments
        if name in ("add", "subtract") and left is not None and right is not None:
            return _product(left, _scaled(right, Constant(1.0 if name == "add" else -1.0)))
        if name == "multiply" and self._variable.loop not in first.loops and right is not None:
            return _scaled(right, first)
        if name in ("multiply", "divide") and self._variable.loop not in second.loops and left is not None:
            return _scaled(left, second if name == "multiply" else build.divide(build.ONE, second))
        return None

    def _logarithm(self, node: nodes.Apply) -> Growth:
        """Slower than any power, except where it is 0."""
        inner = self._growth[node.arguments[0]]
        if inner is None:
            return None
        if self._is_infinite or inner != [_CONSTANT] or self._value(node) != 0:
            return [_CONSTANT]
        return self.of(build.subtract(node.arguments[0], build.ONE))


def _products(left: list[Order], right: list[Order]) -> Growth:
    if len(left) * len(right) > _MOST_TERMS:
        return None
    return [_product(a, b) for a in left for b in right]


def _product(a: Order, b: Order) -> Order:
    return Order(build.add(a.power, b.power), build.add(a.rate, b.rate))


def _scaled(order: Order, factor: Node) -> Order:
    # 0 stays the 0 that it is: a product with a negative number is another, -0.
    power, rate = (part if part is build.ZERO else build.multiply(part, factor) for part in (order.power, order.rate))
    return Order(power, rate)


def _raised(growth: Growth, exponent: Node) -> Growth:
    """A power of one term; of several where that is the sum of their powers up to constants."""
    if growth is None or (len(growth) > 1 and range_of(exponent).lower < 0):
        return None
    return [_scaled(order, exponent) for order in growth]


_RULES: dict[str, Callable[[Orders, nodes.Apply], Growth]] = {
    "add": Orders._sum,
    "subtract": Orders._sum,
    "multiply": Orders._product,
    "divide": Orders._quotient,
    "negate": Orders._same,
    "abs": Orders._same,
    "power": Orders._power,
    "sqrt": Orders._root,
    "exp": Orders._exponential,
    "log": Orders._logarithm,
}
