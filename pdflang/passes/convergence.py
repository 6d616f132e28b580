"""Integrals that diverge for some parameters are no numbers there: closed forms and rules of powers are continued
analytically beyond where the integral converges, and rules of nodes are finite everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pdflang.ir import nodes
from pdflang.ir.nodes import Choose, Constant, Integral, Node
from pdflang.ir.program import Program
from pdflang.passes.divergence import divergences
from pdflang.passes.nearby import FALSE, TRUE, both, negated

_NO_NUMBER = Constant(math.nan)


class Convergence:
    """Guards integrals of a program by conditions on parameters, each found once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._converges: dict[Integral, Node] = {}

    def guarded(self, root: Node) -> Node:
        """The expression with each outermost integral replaced by no number where it, or one inside of it, diverges.

        Guards stand outside, so that passes see the integrals inside of others as they were written.
        """
        outermost = nodes.walk(root, below=lambda node: () if isinstance(node, Integral) else node.children())
        guards: dict[Node, Node] = {}
        for node in outermost:
            if isinstance(node, Integral) and self._condition(node) is not TRUE:
                guards[node] = Choose(self._condition(node), node, _NO_NUMBER, span=node.span)
        return nodes.substitute(root, guards) if guards else root

    def _condition(self, node: Integral) -> Node:
        """What holds where an integral converges, as far as that is known."""
        if node not in self._converges:
            found: Node = TRUE
            for diverges in self._divergent(node):
                found = both(found, negated(diverges)) or found
            self._converges[node] = found
        return self._converges[node]

    def _divergent(self, outer: Integral) -> Iterator[Node]:
        # What stands in a branch may not be read; an integral that diverges there is an inner one of it.
        inside = nodes.walk(outer, below=lambda node: () if isinstance(node, Choose) else node.children())
        for node in (node for node in inside if isinstance(node, Integral)):
            for found in divergences(self._program, node):
                condition = found.condition(node)
                if condition is not FALSE and condition.loops <= outer.loops:
                    yield condition
