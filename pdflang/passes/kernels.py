"""Integrals of densities over what they are densities of: probabilities of intervals, without a quadrature.

∫ dy over a bin of ∫ dx f(x) p(y | x) is ∫ dx f(x) P(bin | x): the order is exchanged where that leaves nothing of
the outer integral.
"""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import Density, Integral, Node, Variable
from pdflang.semantics import build


def integrate_kernels(root: Node) -> Node:
    """The expression with each ∫ of a density over its own value as a probability."""
    return nodes.transform(root, lambda node: _integrated(node) if isinstance(node, Integral) else node)


def variable_of(node: Integral) -> Variable | None:
    """The variable of an integral, where its body reads it."""
    return next(
        (child for child in nodes.walk(node.body) if isinstance(child, Variable) and child.loop == node.loop), None
    )


def _integrated(node: Integral) -> Node:
    variable = variable_of(node)
    if variable is None:
        return node
    return _of_sum(node, variable, node.body) or node


def _of_sum(outer: Integral, variable: Variable, body: Node) -> Node | None:
    """∫ of a sum, term by term; None where no term can be integrated."""
    terms = _terms(body)
    found = [(sign, term, _of_product(outer, variable, term)) for sign, term in terms]
    if all(value is None for _, _, value in found):
        return None
    parts = []
    for sign, term, value in found:
        part = Integral(outer.loop, outer.lower, outer.upper, term, span=outer.span) if value is None else value
        parts.append(part if sign > 0 else build.negate(part))
    return build.total(parts)


def _terms(body: Node, sign: int = 1) -> list[tuple[int, Node]]:
    if isinstance(body, nodes.Apply) and body.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        left, right = body.arguments
        return _terms(left, sign) + _terms(right, sign if body.function is arithmetic.ADD else -sign)
    return [(sign, body)]


def _of_product(outer: Integral, variable: Variable, term: Node) -> Node | None:
    loop = variable.loop
    factors = build.factors(term)
    fixed = [factor for factor in factors if loop not in factor.loops]
    moving = [factor for factor in factors if loop in factor.loops]
    if not moving:
        return build.multiply(term, build.subtract(outer.upper, outer.lower))
    if len(moving) > 1:
        return None
    value = _of_factor(outer, variable, moving[0])
    return None if value is None else build.multiply(build.product(fixed), value)


def _of_factor(outer: Integral, variable: Variable, factor: Node) -> Node | None:
    loop = variable.loop
    if isinstance(factor, Density):
        free = not any(loop in part.loops for part in (*factor.arguments, *factor.bounds))
        if factor.value is variable and free and factor.distribution.has_cdf:
            return nodes.Mass(
                factor.distribution, outer.lower, outer.upper, factor.arguments, factor.bounds, span=factor.span
            )
        return None
    if isinstance(factor, nodes.Apply) and factor.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        return _of_sum(outer, variable, factor)
    if isinstance(factor, Integral) and loop not in factor.lower.loops | factor.upper.loops:
        inside = _of_sum(outer, variable, factor.body)
        return inside and Integral(factor.loop, factor.lower, factor.upper, inside, span=factor.span)
    if isinstance(factor, nodes.Sum):
        inside = _of_sum(outer, variable, factor.body)
        return inside and nodes.Sum(factor.loop, inside, span=factor.span)
    return None
