"""Whether an expression is affine in a name, and its slope and intercept if it is."""

from __future__ import annotations

from pdflang.components.arithmetic import Operator
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node
from pdflang.semantics import build
from pdflang.semantics.build import ZERO

Parts = tuple[Node, Node]


def affine_in(node: Node, unknown: Node) -> Parts | None:
    """Slope and intercept with node = slope · unknown + intercept; None where that is not so by structure."""
    return affine_parts(node, unknown)[node]


def affine_parts(node: Node, unknown: Node) -> dict[Node, Parts | None]:
    """Slope and intercept of everything below a node, and of the node itself."""
    parts: dict[Node, Parts | None] = {}
    for child in nodes.walk(node):
        parts[child] = _parts(child, unknown, parts)
    return parts


def _parts(
    node: Node, unknown: Node, known: dict[Node, Parts | None]
) -> Parts | None:
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
        return _summed(node, known[node.body])
    return None


def _operator(node: nodes.Apply, parts: list[Parts]) -> Parts | None:
    name = node.function.name
    if name == "negate":
        return build.negate(parts[0][0]), build.negate(parts[0][1])
    if name in ("add", "subtract"):
        combine = build.add if name == "add" else build.subtract
        return combine(parts[0][0], parts[1][0]), combine(parts[0][1], parts[1][1])
    left, right = node.arguments
    if name == "multiply" and parts[0][0] is ZERO:
        return build.multiply(left, parts[1][0]), build.multiply(left, parts[1][1])
    if name == "multiply" and parts[1][0] is ZERO:
        return build.multiply(parts[0][0], right), build.multiply(parts[0][1], right)
    if name == "divide" and parts[1][0] is ZERO:
        return build.divide(parts[0][0], right), build.divide(parts[0][1], right)
    return None


def _under_integral(node: nodes.Integral, known: dict[Node, Parts | None]) -> Parts | None:
    body, lower, upper = known[node.body], known[node.lower], known[node.upper]
    if body is None or lower is None or upper is None or lower[0] is not ZERO or upper[0] is not ZERO:
        return None

    def integrated(part: Node) -> Node:
        return part if part is ZERO else nodes.Integral(node.loop, node.lower, node.upper, part, span=node.span)

    return integrated(body[0]), integrated(body[1])


def _summed(node: nodes.Sum, body: Parts | None) -> Parts | None:
    def summed(part: Node) -> Node:
        return part if part is ZERO else nodes.Sum(node.loop, part)

    return None if body is None else (summed(body[0]), summed(body[1]))
