"""How finely the roots of equations are looked for."""

from __future__ import annotations

from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Root


def look_for_roots(root: Node, fineness: int) -> Node:
    """The expression with so many times the cells and the bisections for each of its roots."""
    return nodes.transform(root, lambda node: _at(node, fineness) if isinstance(node, Root) else node)


def _at(node: Root, fineness: int) -> Node:
    return Root(node.loop, node.lower, node.upper, node.equation, fineness, span=node.span)
