"""Integrals without a rule: by the middle of their region. What is no number then is none whatever the rule.

So is an integral that diverges.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Integral, Node
from pdflang.ir.program import BoundProgram, map_expressions
from pdflang.passes.convergence import Convergence
from pdflang.passes.kernels import variable_of
from pdflang.passes.roots import look_for_roots
from pdflang.semantics import build
from pdflang.semantics.ranges import range_of


def by_middles(bound: BoundProgram, fineness: int) -> BoundProgram:
    """The same program with the length of a region times the integrand in its middle in place of each integral.

    `fineness` is that of its roots.
    """
    convergence = Convergence(bound.program)

    def changed(root: Node) -> Node:
        return look_for_roots(nodes.transform(convergence.guarded(root), _by_middle), fineness)

    return replace(bound, program=map_expressions(bound.program, changed))


def _by_middle(node: Node) -> Node:
    if not isinstance(node, Integral):
        return node
    variable, length = variable_of(node), build.subtract(node.upper, node.lower)
    below, above = math.isinf(range_of(node.lower).upper), math.isinf(range_of(node.upper).lower)
    if below or above:
        near = build.ZERO if below and above else node.upper if below else node.lower
        middle, length = build.add(near, Constant(-1.0 if below else 1.0)), build.ONE
    else:
        middle = build.add(node.lower, build.multiply(Constant(0.5), length))
    body = node.body if variable is None else nodes.substitute(node.body, {variable: middle})
    return build.multiply(length, body)
