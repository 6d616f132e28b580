"""Products of powers with known bases become one exponential: c · x^a · (1 − x)^b = c · exp(a log x + b log(1 − x)).

The logarithms are known once data is bound, so that each evaluation costs one exponential for a product.
"""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.components.functions import Function
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Phase
from pdflang.ir.ranges import NONNEGATIVE, REAL
from pdflang.semantics import build
from pdflang.semantics.ranges import range_of

LOG_OR_FLOOR = Function(
    "log",
    ("x",),
    "pdflang.components.reference.log_or_floor",
    "pdflang.backend.runtime.special.log_or_floor",
    (NONNEGATIVE,),
    REAL,
    "log(x), and −1e100 for 0: exp(e·log(x)) is x^e for any e, with derivatives of 0 at 0",
)


def merge_powers(root: Node) -> Node:
    """The expression with powers of positive known numbers merged."""
    return nodes.transform(root, _merged)


def _merged(node: Node) -> Node:
    if not isinstance(node, nodes.Apply):
        return node
    if node.function is arithmetic.POWER:
        exponent = _as_exponent(node)
        return build.apply("exp", exponent) if exponent is not None else node
    if node.function is arithmetic.MULTIPLY:
        return _merged_product(node)
    if node.function is arithmetic.DIVIDE and node.phase == Phase.PARAMETER:
        left, right = node.arguments
        if _is_exponential(right):
            return _merged(nodes.Apply(arithmetic.MULTIPLY, (left, _inverse(right)), "real"))
    return node


def _as_exponent(node: nodes.Apply) -> Node | None:
    """e · log b for b^e where b is known and not negative, and e follows a parameter."""
    base, exponent = node.arguments
    if base.phase == Phase.PARAMETER or exponent.phase != Phase.PARAMETER:
        return None
    found = range_of(base)
    if found.lower < 0:
        return None
    may_be_zero = found.lower == 0 and not found.open_lower
    logarithm = nodes.Apply(LOG_OR_FLOOR, (base,), "real") if may_be_zero else build.apply("log", base)
    return build.multiply(exponent, logarithm)


def _is_exponential(node: Node) -> bool:
    return isinstance(node, nodes.Apply) and node.function.name == "exp" and node.phase == Phase.PARAMETER


def _inverse(node: Node) -> Node:
    assert isinstance(node, nodes.Apply)
    return build.apply("exp", build.negate(node.arguments[0]))


def _merged_product(node: nodes.Apply) -> Node:
    """All exponentials among the factors of a product as one, beside the other factors."""
    factors = build.factors(node)
    exponentials = [factor for factor in factors if _is_exponential(factor)]
    if len(exponentials) < 2:
        return node
    exponent = build.total(_argument(factor) for factor in exponentials)
    rest = [factor for factor in factors if not _is_exponential(factor)]
    # What is known early stays together, so that it is computed once.
    rest.sort(key=lambda factor: factor.phase)
    merged = build.apply("exp", exponent)
    return build.multiply(build.product(rest), merged) if rest else merged


def _argument(node: Node) -> Node:
    assert isinstance(node, nodes.Apply)
    return node.arguments[0]
