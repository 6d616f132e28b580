"""Integrals of sums of the same functions as sums of the same integrals.

Two cross sections of two parton densities, 4u + d and u + 4d in the same bins, need the integrals of u and of d, and
no others; gradients then go back through each function once.
"""

from __future__ import annotations

from collections.abc import Iterable

from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import Integral, Loop, Node
from pdflang.passes.convolutions import has_kernel
from pdflang.passes.kernels import variable_of
from pdflang.semantics import build
from pdflang.semantics.ranges import range_of


def shared_integrals(roots: Iterable[Node]) -> dict[Node, Node]:
    """What stands for integrals over the same regions, where their functions are not more than they."""
    groups: dict[tuple[Loop, Node, Node], list[Integral]] = {}
    for node in nodes.walk(*roots):
        if isinstance(node, Integral):
            groups.setdefault((node.loop, node.lower, node.upper), []).append(node)
    found: dict[Node, Node] = {}
    for integrals in groups.values():
        sums = {integral: _linear(_parted(integral.body, integral.loop)[1], integral.loop) for integral in integrals}
        functions = {function for terms in sums.values() for function in terms}
        if 1 < len(functions) <= len(integrals) and all(map(_may_be_split, sums, sums.values())):
            found |= {integral: _combination(integral, terms) for integral, terms in sums.items()}
    return found


def _linear(body: Node, loop: Loop) -> dict[Node, Node]:
    """The functions g of a body that is Σ c·g, with their factors c, which are free of the loop."""
    if isinstance(body, nodes.Apply) and body.function is arithmetic.ADD:
        found: dict[Node, Node] = {}
        for argument in body.arguments:
            for function, factor in _linear(argument, loop).items():
                found[function] = build.add(found[function], factor) if function in found else factor
        return found
    fixed, moving = _parted(body, loop)
    if moving is body:
        return {body: build.ONE}
    return {function: build.multiply(fixed, factor) for function, factor in _linear(moving, loop).items()}


def _parted(body: Node, loop: Loop) -> tuple[Node, Node]:
    """The factors of a product that are free of a loop, and the others."""
    factors = build.factors(body)
    moving = build.product(factor for factor in factors if loop in factor.loops)
    if moving is body:
        return build.ONE, body
    fixed = build.product(factor for factor in factors if loop not in factor.loops)
    return fixed, moving.called(f"{body.hint}_shape" if body.hint else None)


def _may_be_split(integral: Integral, terms: dict[Node, Node]) -> bool:
    """Whether nothing can cancel between the terms, and their convolutions, which have rules for sums, are none."""
    variable = variable_of(integral)
    if variable is None or has_kernel(integral, variable):
        return False
    return all(range_of(part).lower >= 0 for term in terms.items() for part in term)


def _combination(integral: Integral, terms: dict[Node, Node]) -> Node:
    fixed, _ = _parted(integral.body, integral.loop)
    parts = []
    for function, factor in terms.items():
        part = Integral(integral.loop, integral.lower, integral.upper, function, span=integral.span)
        parts.append(build.multiply(factor, part.called(f"{function.hint}_integral" if function.hint else None)))
    return build.multiply(fixed, build.total(parts))
