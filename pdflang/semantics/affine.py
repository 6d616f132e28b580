"""Whether an expression is affine in a name, and its slope and intercept if it is."""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.components.arithmetic import Operator
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node

ZERO = Constant(0.0)


def affine_in(node: Node, unknown: Node) -> tuple[Node, Node] | None:
    """Slope and intercept with node = slope · unknown + intercept; None where that is not so by structure."""
    parts: dict[Node, tuple[Node, Node] | None] = {}
    for child in nodes.walk(node):
        parts[child] = _parts(child, unknown, parts)
    return parts[node]


def _parts(
    node: Node, unknown: Node, known: dict[Node, tuple[Node, Node] | None]
) -> tuple[Node, Node] | None:
    if node is unknown:
        return Constant(1.0), ZERO
    children = [known[child] for child in node.children()]
    if all(child is not None and child[0] is ZERO for child in children):
        return ZERO, node
    if any(child is None for child in children):
        return None
    if isinstance(node, nodes.Apply) and isinstance(node.function, Operator):
        return _operator(node, [child for child in children if child is not None])
    if isinstance(node, nodes.Integral):
        return _under_integral(node, known)
    if isinstance(node, nodes.Sum):
        body = known[node.body]
        assert body is not None
        return tuple(part if part is ZERO else nodes.Sum(node.loop, part) for part in body)  # type: ignore[return-value]
    return None


def _operator(node: nodes.Apply, parts: list[tuple[Node, Node]]) -> tuple[Node, Node] | None:
    name = node.function.name
    if name == "negate":
        return tuple(_apply(arithmetic.NEGATE, part) for part in parts[0])  # type: ignore[return-value]
    if name in ("add", "subtract"):
        operator = arithmetic.ADD if name == "add" else arithmetic.SUBTRACT
        return tuple(_combine(operator, a, b) for a, b in zip(*parts, strict=True))  # type: ignore[return-value]
    left, right = node.arguments
    if name == "multiply":
        if parts[0][0] is ZERO:
            return tuple(_apply(arithmetic.MULTIPLY, left, part) for part in parts[1])  # type: ignore[return-value]
        if parts[1][0] is ZERO:
            return tuple(_apply(arithmetic.MULTIPLY, part, right) for part in parts[0])  # type: ignore[return-value]
    if name == "divide" and parts[1][0] is ZERO:
        return tuple(_apply(arithmetic.DIVIDE, part, right) for part in parts[0])  # type: ignore[return-value]
    return None


def _under_integral(
    node: nodes.Integral, known: dict[Node, tuple[Node, Node] | None]
) -> tuple[Node, Node] | None:
    body, lower, upper = known[node.body], known[node.lower], known[node.upper]
    if body is None or lower is None or upper is None or lower[0] is not ZERO or upper[0] is not ZERO:
        return None
    return tuple(
        part if part is ZERO else nodes.Integral(node.loop, node.lower, node.upper, part, span=node.span)
        for part in body
    )  # type: ignore[return-value]


def _combine(operator: Operator, left: Node, right: Node) -> Node:
    if right is ZERO:
        return left
    if left is ZERO:
        return right if operator is arithmetic.ADD else _apply(arithmetic.NEGATE, right)
    return _apply(operator, left, right)


def _apply(operator: Operator, *arguments: Node) -> Node:
    if arguments[0] is ZERO and operator is not arithmetic.ADD:
        return ZERO
    if operator is arithmetic.MULTIPLY and ZERO in arguments:
        return ZERO
    if operator is arithmetic.MULTIPLY:
        for one, other in (arguments, arguments[::-1]):
            if isinstance(one, Constant) and one.value == 1:
                return other
    return nodes.Apply(operator, arguments, "real")
