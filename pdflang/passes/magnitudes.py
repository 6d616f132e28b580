"""How large the terms are that an expression adds up: where these cancel, errors are to be compared with them."""

from __future__ import annotations

from collections.abc import Mapping

from pdflang.ir import nodes
from pdflang.ir.nodes import Apply, Array, Node, Stack, Sum
from pdflang.semantics import build

_SUMS, _PRODUCTS = ("add", "subtract"), ("multiply", "divide")


def magnitude(root: Node) -> Node:
    """The expression with the absolute value of each term, and all of them added: |a| + |b| for a − b.

    It has the same axes. Terms are looked for through products, quotients and arrays, not inside of other functions.
    """
    found: dict[Node, Node] = {}
    for node in nodes.walk(root, below=_added):
        found[node] = _magnitude(node, found)
    return found[root]


def _added(node: Node) -> tuple[Node, ...]:
    """The parts of an expression that have magnitudes of their own."""
    if isinstance(node, Array | Sum):
        return (node.body,)
    if isinstance(node, Stack):
        return node.items
    if not isinstance(node, Apply) or node.function.name not in (*_SUMS, *_PRODUCTS, "negate"):
        return ()
    return node.arguments[:1] if node.function.name == "divide" else node.arguments


def _magnitude(node: Node, known: Mapping[Node, Node]) -> Node:
    parts = [known[part] for part in _added(node)]
    if isinstance(node, Array | Sum):
        return type(node)(node.loop, *parts)
    if isinstance(node, Stack):
        return Stack(tuple(parts), node.axis)
    if not parts:
        return build.apply("abs", node)
    assert isinstance(node, Apply)
    name = node.function.name
    if name in _SUMS:
        return build.add(*parts)
    if name == "multiply":
        return build.multiply(*parts)
    return build.divide(parts[0], build.apply("abs", node.arguments[1])) if name == "divide" else parts[0]
