"""Functions are applied inside of their domains."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pdflang.diagnostics import Span
from pdflang.ir.nodes import Element, Loop, LoopIndex, Node, Phase, Reference, Variable
from pdflang.ir.ranges import REAL, Range
from pdflang.semantics.combine import error, intersect_domains
from pdflang.semantics.datasets import data_reference
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.positions import check_position
from pdflang.semantics.ranges import range_of
from pdflang.semantics.supports import require_range
from pdflang.semantics.values import Domain, FunctionValue, FunctionVariable, IndexValue, IntervalValue, Value


def apply_in_domain(
    elaborator: Elaborator,
    function: FunctionValue,
    arguments: tuple[Value, ...],
    spans: Sequence[Span],
    depth: int,
    span: Span,
) -> Value:
    """A function applied to arguments, which must lie in its domain."""
    placed = tuple(
        _in_domain(elaborator, function, variable, argument, place)
        for variable, argument, place in zip(function.variables, arguments, spans, strict=True)
    )
    return function.apply(placed, depth, span)


def _in_domain(
    elaborator: Elaborator, function: FunctionValue, variable: FunctionVariable, argument: Value, span: Span
) -> Value:
    """An argument that may lie in the domain; data are known to, since that is checked when they are bound."""
    if not isinstance(argument, Node):
        return argument
    if argument in elaborator.probes:
        elaborator.probes[argument].append(variable.domain)
        return argument
    if isinstance(variable.domain, IndexValue):
        check_position(variable.domain.axis, argument, span)
    if not isinstance(variable.domain, IntervalValue):
        return argument
    allowed = constant_range(elaborator, variable.domain)
    if allowed is None:
        return argument
    found = _exact_range(argument)
    if found is None:
        if not range_of(argument).disjoint(allowed):
            return _data_within(elaborator, argument, allowed, f"{variable.name} of `{function.name}`", span)
        found = range_of(argument)
    if not found.within(allowed):
        raise error(
            "E402",
            f"`{function.name}` is defined for {variable.name} in {_plain(allowed)}, "
            f"but here {variable.name} reaches {_outside(found, allowed):g}",
            span,
            label=found.said,
            remedy=f"stay inside the domain, or give `{function.name}` a wider one: {variable.name} in (…, …)",
        )
    return argument


def _data_within(elaborator: Elaborator, argument: Node, allowed: Range, what: str, span: Span) -> Node:
    """Data, or each of their elements in turn, as numbers of a range; anything else as it is."""
    data = argument.base if isinstance(argument, Element) else argument
    if not isinstance(data, Reference) or data.kind != "data" or data.dtype != "real" or elaborator.is_in_branch:
        return argument
    if isinstance(argument, Element) and not all(isinstance(position, LoopIndex) for position in argument.positions):
        return argument
    if not range_of(data).within(allowed):
        require_range(elaborator, data, allowed, what, span)
        narrowed = data_reference(data.name, data.axes, data.dtype, allowed)
        return Element(narrowed, argument.positions) if isinstance(argument, Element) else narrowed
    return argument


def _exact_range(node: Node) -> Range | None:
    """The range of a node that reaches both its ends; None where that is not known."""
    if isinstance(node, Variable):
        # The ends of an integration region are not evaluated.
        return Range(node.range.lower, node.range.upper)
    if node.phase == Phase.CONST and not any(loop.axis is None for loop in node.loops):
        return range_of(node)
    return None


def constant_range(elaborator: Elaborator, domain: IntervalValue) -> Range | None:
    """An interval of known ends as a range that includes them, or None."""
    if any(end.phase != Phase.CONST or end.loops for end in (domain.lower, domain.upper)):
        return None
    return Range(float(elaborator.fold(domain.lower)), float(elaborator.fold(domain.upper)))


def probe_domain(elaborator: Elaborator, function: FunctionValue, span: Span) -> tuple[Domain, ...]:
    """The domains that a function of free variables inherits from the functions that it calls."""
    variables = tuple(Variable(Loop(-1 - i, None), REAL) for i in range(len(function.variables)))
    with elaborator.probing(variables) as domains:
        function.apply(variables, 0, span)
        return tuple(intersect_domains(domains[variable], span) for variable in variables)


def _plain(allowed: Range) -> str:
    return f"({allowed.lower:g}, {allowed.upper:g})"


def _outside(found: Range, allowed: Range) -> float:
    return found.lower if found.lower < allowed.lower and not math.isinf(found.lower) else found.upper
