"""Integrals that diverge: for every value of the parameters (an error), or for some that priors allow (a lint)."""

from __future__ import annotations

from collections.abc import Iterator

from pdflang.diagnostics import Diagnostic
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Integral, Node
from pdflang.ir.program import Program, expressions
from pdflang.passes.terms import Term, decompose
from pdflang.semantics.ranges import range_of


def divergent_integrals(program: Program) -> Iterator[Diagnostic]:
    """A message for each integral of x^p up to 0, or (1 − x)^q up to 1, where the power can be −1 or less."""
    seen: set[tuple[object, str]] = set()
    for node in nodes.walk(*expressions(program)):
        if not isinstance(node, Integral):
            continue
        variables = [c for c in nodes.walk(node.body) if isinstance(c, nodes.Variable) and c.loop == node.loop]
        if not variables:
            continue
        for term in decompose(node.body, variables[0]):
            for remark in _of_term(node, term):
                key = (remark.span, remark.message)
                if key not in seen:
                    seen.add(key)
                    yield remark


def _of_term(node: Integral, term: Term) -> Iterator[Diagnostic]:
    if _is(node.lower, 0.0):
        yield from _of_power(node, term.at_zero, "x", "0")
    if _is(node.upper, 1.0):
        yield from _of_power(node, term.at_one, "1 - x", "1")


def _is(bound: Node, value: float) -> bool:
    return isinstance(bound, Constant) and bound.value == value


def _of_power(node: Integral, exponent: Node, base: str, end: str) -> Iterator[Diagnostic]:
    found = range_of(exponent)
    if found.upper <= -1:
        yield Diagnostic(
            "E405",
            f"this integral diverges at {end}: the power of {base} {found.said}",
            node.span,
            remedy=f"an integral up to {end} needs a power above -1; integrate from a cut, or change the exponent",
        )
    elif found.lower < -1:
        lowest = "any negative number" if found.lower == float("-inf") else f"{found.lower:g}"
        yield Diagnostic(
            "L405",
            f"this integral diverges at {end} for parameters that their priors allow",
            node.span,
            label=f"the power of {base} can be {lowest}",
            notes=("such draws have density zero",),
            remedy="keep the exponent above -1 where it is declared: ~ … in (-1, inf)",
            severity="lint",
        )
