"""An integrand as a sum of terms c · x^p · (1 − x)^q · g(x), as far as its structure shows it.

Parton densities are such sums; their integrals are Beta functions, and where something else multiplies them
the endpoint powers still tell which rule is accurate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pdflang.components.arithmetic import Operator
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node, Variable
from pdflang.semantics import build
from pdflang.semantics.ranges import range_of

_MOST_TERMS = 64
_LARGEST_EXPANSION = 6


@dataclass(frozen=True)
class Term:
    """`coefficient` is free of the variable; `residual` is the factor g whose structure is not powers."""

    coefficient: Node = build.ONE
    at_zero: Node = build.ZERO
    at_one: Node = build.ZERO
    residual: Node = build.ONE

    @property
    def is_closed(self) -> bool:
        return self.residual is build.ONE

    @property
    def is_plain(self) -> bool:
        """Neither powers nor a residual: the term does not depend on the variable."""
        return self.is_closed and self.at_zero is build.ZERO and self.at_one is build.ZERO


def decompose(body: Node, variable: Variable) -> list[Term]:
    """The terms of an integrand; one term that is all residual where nothing better is found."""
    loop = variable.loop
    known: dict[Node, list[Term]] = {}
    for node in nodes.walk(body):
        if loop not in node.loops:
            known[node] = [Term(coefficient=node)]
        elif node is variable:
            known[node] = [Term(at_zero=build.ONE)]
        else:
            terms = _structure(node, known, variable)
            known[node] = terms if terms is not None and len(terms) <= _MOST_TERMS else [Term(residual=node)]
    return known[body]


def _structure(node: Node, known: dict[Node, list[Term]], variable: Variable) -> list[Term] | None:
    if isinstance(node, nodes.Sum):
        return _summed(node, known[node.body])
    if not isinstance(node, nodes.Apply):
        return None
    if node.function.name == "sqrt":
        return _raised(known[node.arguments[0]], Constant(0.5))
    if not isinstance(node.function, Operator):
        return None
    name = node.function.name
    if name == "subtract" and node.arguments[1] is variable and _is_one(node.arguments[0]):
        return [Term(at_one=build.ONE)]
    if name == "negate":
        return _scaled(known[node.arguments[0]], Constant(-1.0))
    if name in ("add", "subtract", "multiply", "divide"):
        left, right = (known[argument] for argument in node.arguments)
        if name == "add":
            return _together(left + right)
        if name == "subtract":
            return _together(left + _scaled(right, Constant(-1.0)))
        if name == "multiply":
            return _products(left, right)
        inverse = _raised(right, Constant(-1.0))
        if inverse is None:
            inverse = [Term(residual=build.divide(build.ONE, node.arguments[1]))]
        return _products(left, inverse)
    if name == "power" and variable.loop not in node.arguments[1].loops:
        return _raised(known[node.arguments[0]], node.arguments[1])
    if name == "power":
        return _raised_by_polynomial(node, known)
    return None


def _together(terms: list[Term]) -> list[Term]:
    """Terms of the same powers as one, where nothing else multiplies them; what cancels is left out."""
    alike: dict[tuple[Node, Node, Node], list[Term]] = {}
    for term in terms:
        alike.setdefault((term.at_zero, term.at_one, term.residual), []).append(term)
    found = [
        group[0] if len(group) == 1 else replace(group[0], coefficient=_sum_of_coefficients(group))
        for group in alike.values()
    ]
    return [term for term in found if term.coefficient is not build.ZERO] or [Term(coefficient=build.ZERO)]


def _sum_of_coefficients(terms: list[Term]) -> Node:
    return build.weighted_sum((1.0, term.coefficient) for term in terms)


def _summed(node: nodes.Sum, terms: list[Term]) -> list[Term] | None:
    """Σ over another loop, of terms in which only the coefficients follow that loop."""
    follows = (part for term in terms for part in (term.at_zero, term.at_one, term.residual))
    if any(node.loop in part.loops for part in follows) or node.body.axes:
        return None
    return [replace(term, coefficient=nodes.Sum(node.loop, term.coefficient, span=node.span)) for term in terms]


def _is_one(node: Node) -> bool:
    return isinstance(node, Constant) and node.value == 1


def _scaled(terms: list[Term], factor: Node) -> list[Term]:
    return [replace(term, coefficient=build.multiply(factor, term.coefficient)) for term in terms]


def _products(left: list[Term], right: list[Term]) -> list[Term] | None:
    if len(left) * len(right) > _MOST_TERMS:
        return None
    return [
        Term(
            build.multiply(a.coefficient, b.coefficient),
            build.add(a.at_zero, b.at_zero),
            build.add(a.at_one, b.at_one),
            build.multiply(a.residual, b.residual),
        )
        for a in left
        for b in right
    ]


def _raised(terms: list[Term], exponent: Node) -> list[Term] | None:
    """A power of a sum: of one term any power, of several a small whole one."""
    whole = exponent.value if isinstance(exponent, Constant) and float(exponent.value).is_integer() else None
    if len(terms) == 1:
        term = terms[0]
        if whole is None and not (_is_nonnegative(term.coefficient) and _is_nonnegative(term.residual)):
            return None
        return [
            Term(
                build.power(term.coefficient, exponent) if not _is_one(term.coefficient) else build.ONE,
                build.multiply(term.at_zero, exponent) if term.at_zero is not build.ZERO else build.ZERO,
                build.multiply(term.at_one, exponent) if term.at_one is not build.ZERO else build.ZERO,
                build.power(term.residual, exponent) if not term.is_closed else build.ONE,
            )
        ]
    if whole is None or not 0 <= whole <= _LARGEST_EXPANSION:
        return None
    result: list[Term] | None = [Term()]
    for _ in range(int(whole)):
        if result is not None:
            result = _products(result, terms)
    return result


def _raised_by_polynomial(node: nodes.Apply, known: dict[Node, list[Term]]) -> list[Term] | None:
    """x^(a + g x + …) as x^a · x^(g x + …), and the same of 1 − x, whose exponent counts where it is 0."""
    base, exponent = node.arguments
    power = known[base][0]
    at_zero = known[base] == [Term(at_zero=build.ONE)]
    if not at_zero and known[base] != [Term(at_one=build.ONE)]:
        return None
    fixed = value_at(known[exponent], 0 if at_zero else 1)
    if fixed is None:
        return None
    residual = build.power(base, build.subtract(exponent, fixed))
    zero, one = (fixed, build.ZERO) if at_zero else (build.ZERO, fixed)
    return [replace(power, at_zero=zero, at_one=one, residual=residual)]


def value_at(terms: list[Term], end: int) -> Node | None:
    """The value at 0 or 1 of a sum of terms that is a polynomial; None for others."""
    if not all(term.is_closed and whole(term.at_zero) is not None and whole(term.at_one) is not None for term in terms):
        return None
    stays = [term for term in terms if whole(term.at_one if end else term.at_zero) == 0]
    return build.total(term.coefficient for term in stays)


def _is_nonnegative(node: Node) -> bool:
    return range_of(node).lower >= 0


def whole(exponent: Node) -> int | None:
    """An exponent as a whole number, not negative; None where it is anything else."""
    if isinstance(exponent, Constant) and float(exponent.value).is_integer() and exponent.value >= 0:
        return int(exponent.value)
    return None
