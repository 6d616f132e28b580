"""How an expression grows near a place: like which powers of the distance, and which exponentials of it.

Near a point t is the distance from it, towards infinity t is |x|. An expression is a sum of terms that grow like
t^power · exp(rate · t), at a point like t^power · exp(rate/t^k) with some k; of terms with known powers the largest one
stands for all. What is not found by structure is evaluated at the place, for parameters that no cancellation is
written for, and where that is 0 or infinite the order of the zero is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from pdflang.ir import nodes
from pdflang.ir.evaluate import fold
from pdflang.ir.nodes import Constant, Node, Variable
from pdflang.ir.ranges import Range
from pdflang.passes.nearby import FALSE, TRUE, Nearby, both, negated
from pdflang.passes.terms import decompose, value_at
from pdflang.passes.windings import order_at, values_at
from pdflang.semantics import build
from pdflang.semantics.affine import Parts, affine_parts
from pdflang.semantics.ranges import range_of

_MOST_TERMS = 64
_ROUNDING = 1e-9
_ROUNDING_OF_ANGLES = 1e-12
_CLOSE, _SMALL = 1e-6, 1e-3
"""How near parts of a sum are compared, and what is left of parts that cancel, at most."""


@dataclass(frozen=True)
class Order:
    """t^power · exp(rate · t) · log(t)^logs, for parameters of which `given` holds: others take another branch.

    `logs` is not a number where it is not known.
    """

    power: Node = build.ZERO
    rate: Node = build.ZERO
    logs: float = 0.0
    given: Node = TRUE

    @property
    def known(self) -> float | None:
        """The power, where it is a number and all there is."""
        is_all = self.rate is build.ZERO and self.given is TRUE
        return float(self.power.value) if isinstance(self.power, Constant) and is_all else None


Growth = list[Order] | None
"""The terms of a sum; None where nothing is known."""

_CONSTANT = Order()


class Orders:
    """The growth of expressions in a variable at one side of a place: a point, or infinity where that is infinite."""

    def __init__(self, variable: Variable, place: Node, parts: Mapping[Node, Parts | None], side: int = 1) -> None:
        """`parts` are the slopes and intercepts of what is asked for; `side` is 1 above the place, −1 below it."""
        self._variable = variable
        self._nearby = Nearby(variable, place, side)
        self._random = Random(0)
        self._values: dict[Node, float | None] = {}
        self._growth: dict[Node, Growth] = {}
        self._exponents: dict[Node, Order | None] = {}
        self._least: dict[Node, list[Order]] = {}
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

    def at_least(self, node: Node) -> list[Order]:
        """Terms that an expression is not smaller than, up to factors, where not all is known of its growth.

        Of a sum, or an integral over another variable, whose parts have one sign each part is a lower bound.
        """
        if node not in self._least:
            growth = self.of(node)
            self._least[node] = growth if growth is not None else self._part_by_part(node)
        return self._least[node]

    def _part_by_part(self, node: Node) -> list[Order]:
        if isinstance(node, nodes.Integral | nodes.Sum):
            return self._under_one_sign(node)
        if isinstance(node, nodes.Choose):
            holds = self._nearby.condition(node.condition)
            return self.at_least(node.yes if holds.value else node.no) if isinstance(holds, Constant) else []
        if not isinstance(node, nodes.Apply):
            return []
        if node.function.name in ("add", "subtract"):
            if self._have_one_sign(node):
                return [term for argument in node.arguments for term in self.at_least(argument)]
            return self._uncancelled(node)
        if node.function.name == "divide":
            left, right = node.arguments
            return self._products(self.at_least(left), _raised(self.of(right), Constant(-1.0)) or []) or []
        if node.function.name == "multiply":
            left, right = node.arguments
            exact, other = (right, left) if self.of(right) is not None else (left, right)
            return self._products(self.of(exact) or [], self.at_least(other)) or []
        return []

    def _uncancelled(self, node: nodes.Apply) -> list[Order]:
        """Terms of one side whose power is not known, and is none of the other side, which is known."""
        found = []
        for one, other in (node.arguments, node.arguments[::-1]):
            against = self.of(other)
            if against is not None:
                found += [term for term in self.at_least(one) if term.known is None and term not in against]
        return found

    def _under_one_sign(self, node: nodes.Integral | nodes.Sum) -> list[Order]:
        bounds = (node.lower, node.upper) if isinstance(node, nodes.Integral) else ()
        body = range_of(node.body)
        if (body.lower < 0 < body.upper) or any(self._variable.loop in bound.loops for bound in bounds):
            return []
        parts = self.at_least(node.body)
        return [t for t in parts if node.loop not in t.power.loops | t.rate.loops | t.given.loops]

    def _found(self, node: Node) -> Growth:
        if self._variable.loop not in node.loops:
            return [_CONSTANT]
        if self._parts.get(node) is not None:
            return self._of_affine(node)
        if isinstance(node, nodes.Sum):
            return self._growth[node.body]
        if isinstance(node, nodes.Density):
            return self._of_density(node)
        if isinstance(node, nodes.Choose):
            return self._of_choice(node)
        if not isinstance(node, nodes.Apply):
            return None
        rule = _RULES.get(node.function.name)
        found = rule(self, node) if rule is not None else None
        return found if found is not None else self._evaluated(node)

    # --- leaves ---------------------------------------------------------------------------------------------

    def _of_affine(self, node: Node) -> Growth:
        if self._is_infinite:
            return [Order(build.ONE)]
        return [Order(build.ONE)] if self._value(node) == 0 else [_CONSTANT]

    def _of_density(self, node: nodes.Density) -> Growth:
        """A density on the whole line is positive and finite where its arguments are inside of their ranges."""
        support = node.distribution.support
        if self._is_infinite or node.bounds or not (isinstance(support, Range) and support == Range()):
            return None
        inside = [Range(), *(Range(p.range.lower, p.range.upper, True, True) for p in node.distribution.parameters)]
        for part, allowed in zip((node.value, *node.arguments), inside, strict=False):
            value = self._value(part) if self._variable.loop in part.loops else None
            if self._variable.loop in part.loops and (value is None or value not in allowed):
                return None
        return [_CONSTANT]

    def _of_choice(self, node: nodes.Choose) -> Growth:
        """The branch that is taken there, or each where it is taken."""
        holds = self._nearby.condition(node.condition)
        if isinstance(holds, Constant):
            return self._growth[node.yes if holds.value else node.no]
        yes, no = self._growth[node.yes], self._growth[node.no]
        if holds is None or yes is None or no is None:
            return yes if yes == no else None
        return [*_given(yes, holds), *_given(no, negated(holds))]

    def _evaluated(self, node: Node) -> Growth:
        """An expression that has a value there, not 0, is about constant; of others a zero or pole is counted."""
        if self._is_infinite or node.axes:
            return None
        value = self._value(node)
        if value is not None and math.isfinite(value) and value != 0:
            return [_CONSTANT]
        place = self._values[self._variable]
        order = order_at(node, self._variable, place, self._value) if place is not None else None
        return None if order is None else [Order(Constant(float(order)))]

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
        arguments = [value for argument in node.arguments if (value := self._values[argument]) is not None]
        is_known = getattr(node.function, "is_known", True) and len(arguments) == len(node.arguments)
        if not is_known or node.axes:
            return None
        try:
            # Numbers are folded without NumPy where they can be: it takes time to import.
            value = float(fold(nodes.Apply(node.function, tuple(map(Constant, arguments)), node.result)))
        except (ArithmeticError, ValueError, TypeError):
            return None
        return _without_rounding(node.function.name, value, arguments)

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
        if self._cancels(node):
            return None
        terms = list(dict.fromkeys(left + right))
        known = [term for term in terms if term.known is not None]
        if not known:
            return terms
        leading = (max if self._is_infinite else min)(known, key=lambda term: term.known or 0.0)
        may_cancel = leading in left and leading in right and not self._have_one_sign(node)
        unknown = [term for term in terms if term.known is None]
        if may_cancel:
            # What is left of the two is found where it is a number, or a zero that can be counted.
            left_over = self._evaluated(node)
            if not unknown:
                return left_over
            return [leading, *unknown] if left_over == [leading] == [_CONSTANT] else None
        return [leading, *unknown]

    def _cancels(self, node: nodes.Apply) -> bool:
        """Whether parts of the same power, which is not known, are nearly opposite close by: x^a − x^a · cos(x)."""
        left, right = (self._growth[argument] or [] for argument in node.arguments)
        shared = any(term in right and term.known is None for term in left)
        place = self._values[self._variable]
        if not shared or place is None or self._is_infinite or self._have_one_sign(node):
            return False
        import numpy as np

        at = np.array([place + self._nearby.side * _CLOSE * max(1.0, abs(place))], complex)
        whole, *parts = (values_at(part, self._variable, at, self._value) for part in (node, *node.arguments))
        return whole is not None and abs(whole[0]) < _SMALL * max(abs(part[0]) for part in parts)

    def _have_one_sign(self, node: nodes.Apply) -> bool:
        left, right = (range_of(argument) for argument in node.arguments)
        if node.function.name == "subtract":
            right = Range(-right.upper, -right.lower)
        return (left.lower >= 0 and right.lower >= 0) or (left.upper <= 0 and right.upper <= 0)

    def _product(self, node: nodes.Apply) -> Growth:
        left, right = (self._growth[argument] for argument in node.arguments)
        return None if left is None or right is None else self._products(left, right)

    def _quotient(self, node: nodes.Apply) -> Growth:
        left, right = (self._growth[argument] for argument in node.arguments)
        inverse = _raised(right, Constant(-1.0))
        return None if left is None or inverse is None else self._products(left, inverse)

    def _products(self, left: list[Order], right: list[Order]) -> Growth:
        if len(left) * len(right) > _MOST_TERMS:
            return None
        found = [self._product_of(a, b) for a in left for b in right]
        known = [order for order in found if order is not None and order.given is not FALSE]
        return known if None not in found else None

    def _product_of(self, a: Order, b: Order) -> Order | None:
        if not self._is_infinite and build.ZERO not in (a.rate, b.rate) and a.rate is not b.rate:
            # Poles of exponents at a point may have different orders.
            return None
        given = both(a.given, b.given)
        assert given is not None
        return Order(build.add(a.power, b.power), build.add(a.rate, b.rate), a.logs + b.logs, given)

    def _power(self, node: nodes.Apply) -> Growth:
        base, exponent = node.arguments
        place = self._values[self._variable]
        if self._variable.loop not in exponent.loops:
            return _raised(self._growth[base], exponent)
        if place not in (0, 1):
            return None
        # t^(a + O(t)) grows like t^a.
        at_place = value_at(decompose(exponent, self._variable), int(place))
        return None if at_place is None else _raised(self._growth[base], at_place)

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
            return _CONSTANT if value is not None and math.isfinite(value) else self._of_pole(node)
        return found

    def _of_pole(self, node: Node) -> Order | None:
        """exp of what is infinite at a point, like exp(rate/t^k): only the sign of the rate matters there."""
        if isinstance(node, nodes.Apply) and node.function.name == "divide" and node.arguments[0] is not build.ONE:
            over, under = node.arguments
            is_fixed = self._variable.loop not in over.loops
            inverse = self._of_pole(build.divide(build.ONE, under)) if is_fixed else None
            return _scaled(inverse, over) if inverse is not None else None
        growth = self.of(node)
        if growth is None or len(growth) != 1 or growth[0].known is None or range_of(growth[0].power).upper >= 0:
            return None
        sign = self._nearby.sign(node)
        return Order(rate=Constant(float(sign))) if sign else None

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
            return self._product_of(left, _scaled(right, Constant(1.0 if name == "add" else -1.0)))
        if name == "multiply" and self._variable.loop not in first.loops and right is not None:
            return _scaled(right, first)
        if name in ("multiply", "divide") and self._variable.loop not in second.loops and left is not None:
            return _scaled(left, second if name == "multiply" else build.divide(build.ONE, second))
        return None

    def _logarithm(self, node: nodes.Apply) -> Growth:
        """Slower than any power, except where it is 0."""
        inner = self._growth[node.arguments[0]]
        if inner is None or any(order.rate is not build.ZERO for order in inner):
            return None
        if inner != [_CONSTANT]:
            return [Order(logs=1.0)]
        if self._is_infinite or self._value(node) != 0:
            return [_CONSTANT]
        return self.of(build.subtract(node.arguments[0], build.ONE))


def _scaled(order: Order, factor: Node) -> Order:
    # 0 stays the 0 that it is: a product with a negative number is another, -0.
    power, rate = (part if part is build.ZERO else build.multiply(part, factor) for part in (order.power, order.rate))
    known = float(factor.value) if isinstance(factor, Constant) else math.nan
    return replace(order, power=power, rate=rate, logs=order.logs * known if order.logs else 0.0)


def _given(growth: list[Order], condition: Node | None) -> list[Order]:
    """The terms where a condition holds."""
    both_hold = [(order, both(order.given, condition)) for order in growth]
    return [replace(order, given=given) for order, given in both_hold if given is not None]


def _without_rounding(name: str, value: float, arguments: list[float]) -> float:
    """0 for a difference of nearly equal numbers, and what the sine of a float near π is meant to be."""
    scale = max(map(abs, arguments), default=0.0)
    if not math.isfinite(scale):
        return value
    if name in ("add", "subtract") and abs(value) <= _ROUNDING * scale:
        return 0.0
    rounding = _ROUNDING_OF_ANGLES * max(1.0, scale)
    if name in ("sin", "cos", "tan") and abs(value) <= rounding:
        return 0.0
    return math.inf if name == "tan" and abs(value) >= 1 / rounding else value


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
