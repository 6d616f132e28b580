"""Arithmetic on nodes with the obvious simplifications, for whatever writes new expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pdflang.components import arithmetic, library
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics.ranges import range_of

ONE, ZERO = Constant(1.0), Constant(0.0)


def _value(node: Node) -> float | None:
    return float(node.value) if isinstance(node, Constant) else None


def add(left: Node, right: Node) -> Node:
    a, b = _value(left), _value(right)
    if a is not None and b is not None:
        return Constant(a + b)
    if a == 0:
        return right
    if b == 0:
        return left
    if b is not None and isinstance(left, nodes.Apply) and left.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        inner = _value(left.arguments[1])
        if inner is not None:
            return add(left.arguments[0], Constant(b + (inner if left.function is arithmetic.ADD else -inner)))
    return nodes.Apply(arithmetic.ADD, (left, right), "real")


def subtract(left: Node, right: Node) -> Node:
    a, b = _value(left), _value(right)
    if b == 0:
        return left
    if a is not None and b is not None:
        return Constant(a - b)
    if a == 0:
        return negate(right)
    return nodes.Apply(arithmetic.SUBTRACT, (left, right), "real")


def multiply(left: Node, right: Node) -> Node:
    a, b = _value(left), _value(right)
    if a is not None and b is not None:
        return Constant(a * b)
    if a == 1:
        return right
    if b == 1:
        return left
    if a == 0 or b == 0:
        return ZERO
    return nodes.Apply(arithmetic.MULTIPLY, (left, right), "real")


def divide(left: Node, right: Node) -> Node:
    a, b = _value(left), _value(right)
    if b == 1 or left is ZERO:
        return left
    if a is not None and b:
        return Constant(a / b)
    return nodes.Apply(arithmetic.DIVIDE, (left, right), "real")


def negate(node: Node) -> Node:
    value = _value(node)
    if value is not None:
        return Constant(0.0 - value)  # not -0.0, which is another node than 0
    if isinstance(node, nodes.Apply) and node.function is arithmetic.NEGATE:
        return node.arguments[0]
    return nodes.Apply(arithmetic.NEGATE, (node,), "real")


def power(base: Node, exponent: Node) -> Node:
    value = _value(exponent)
    if value == 0:
        return ONE
    if value == 1:
        return base
    return nodes.Apply(arithmetic.POWER, (base, exponent), "real")


def apply(name: str, *arguments: Node) -> Node:
    """An elementwise function of the library by its name."""
    return nodes.Apply(library[name], arguments, "real")


def where_positive(width: Node, value: Node) -> Node:
    """The value, and 0 where a width is not positive: there powers of it need have no derivative."""
    found = range_of(width)
    if found.lower > 0 or (found.lower == 0 and found.open_lower):
        return value
    return nodes.Choose(nodes.Apply(arithmetic.GREATER, (width, ZERO), "bool"), value, ZERO)


def larger(left: Node, right: Node) -> Node:
    """The larger of two numbers, the one that is known to be it where one is."""
    first, second = range_of(left), range_of(right)
    if first.lower >= second.upper:
        return left
    return right if second.lower >= first.upper else nodes.Apply(library["max"], (left, right), "real")


def smaller(left: Node, right: Node) -> Node:
    """The smaller of two numbers, the one that is known to be it where one is."""
    first, second = range_of(left), range_of(right)
    if first.upper <= second.lower:
        return left
    return right if second.upper <= first.lower else nodes.Apply(library["min"], (left, right), "real")


def at_least(node: Node, least: float) -> Node:
    """The larger of a node and a number; the node itself where it is known to be that."""
    if range_of(node).lower >= least:
        return node
    return nodes.Apply(library["max"], (node, Constant(least)), "real")


def product(factors: Iterable[Node]) -> Node:
    result: Node = ONE
    for factor in factors:
        result = multiply(result, factor)
    return result


def factors(node: Node) -> list[Node]:
    """The factors of a product, of products below it too; others have themselves as the only factor."""
    found, pending = [], [node]
    while pending:
        part = pending.pop()
        if isinstance(part, nodes.Apply) and part.function is arithmetic.MULTIPLY:
            pending += part.arguments[::-1]
        else:
            found.append(part)
    return found


def total(terms: Iterable[Node]) -> Node:
    result: Node = ZERO
    for term in terms:
        result = add(result, term)
    return result


def known_positions(places: list[int]) -> Node:
    """A vector of known whole numbers."""
    import numpy as np

    return known_vector(np.array(places, dtype=int))


def known_vector(values: Any) -> Node:
    """A vector of known numbers."""
    return nodes.ArrayConstant(nodes.Values.of(values), (Axis(Size(len(values))),))


_CANCELLED = 1e-12
"""What is left of coefficients that cancel, as a share of them, is rounding."""


def weighted_sum(parts: Iterable[tuple[float, Node]]) -> Node:
    """Σ weight · node with each term once: what cancels is gone, so that no integral diverges by it."""
    coefficients: dict[Node, float] = {}
    sizes: dict[Node, float] = {}
    constant = 0.0
    pending = [(float(weight), node) for weight, node in parts][::-1]
    while pending:
        weight, node = pending.pop()
        value = _value(node)
        if value is not None:
            constant += weight * value
            continue
        terms = _terms(weight, node)
        if terms is not None:
            pending += terms[::-1]
            continue
        coefficients[node] = coefficients.get(node, 0.0) + weight
        sizes[node] = sizes.get(node, 0.0) + abs(weight)
    result: Node = ZERO
    for node, coefficient in coefficients.items():
        nearest = round(coefficient)
        exact = float(nearest) if abs(coefficient - nearest) <= _CANCELLED * sizes[node] else coefficient
        if exact < 0 and result is not ZERO:
            result = subtract(result, multiply(Constant(-exact), node))
        elif exact:
            result = add(result, negate(node) if exact == -1 else multiply(Constant(exact), node))
    return add(result, Constant(constant)) if constant else result


def _terms(weight: float, node: Node) -> list[tuple[float, Node]] | None:
    """The terms of a sum, or of a sum times a number; None for anything else."""
    if not isinstance(node, nodes.Apply) or node.axes:
        return None
    first = node.arguments[0]
    if node.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        sign = 1 if node.function is arithmetic.ADD else -1
        return [(weight, first), (sign * weight, node.arguments[1])]
    if node.function is arithmetic.NEGATE:
        return [(-weight, first)]
    if node.function not in (arithmetic.MULTIPLY, arithmetic.DIVIDE):
        return None
    number, other = _value(first), _value(node.arguments[1])
    if node.function is arithmetic.MULTIPLY and number is not None:
        return [(weight * number, node.arguments[1])]
    if other:
        return [(weight * other if node.function is arithmetic.MULTIPLY else weight / other, first)]
    return None
