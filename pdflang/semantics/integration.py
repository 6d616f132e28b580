"""Integrals of functions over boxes: an integral over each interval, a sum over each index."""

from __future__ import annotations

from collections.abc import Sequence

from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, LoopIndex, Node, Phase, Variable
from pdflang.ir.ranges import Range
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.domains import apply_in_domain, constant_range
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.ranges import range_of
from pdflang.semantics.supports import require_range
from pdflang.semantics.values import FunctionValue, FunctionVariable, IndexValue, IntervalValue, describe

Side = IntervalValue | IndexValue


def integrate(elaborator: Elaborator, function: FunctionValue, over: Sequence[Side], depth: int, span: Span) -> Node:
    """∫ of a function over a box, one side for each of its variables."""
    if len(over) != len(function.variables):
        raise error(
            "E301", f"this acts on a function of one variable, but here is {describe(function)}", span,
            remedy="integrate the other variables out first, or fix them: f(x, 0.5) for x in (0, 1)",
        )  # fmt: skip
    places = tuple(
        _checked_place(elaborator, function, variable, side, depth + i, span)
        for i, (variable, side) in enumerate(zip(function.variables, over, strict=True))
    )
    inside = depth + len(places)
    value = apply_in_domain(elaborator, function, places, [span] * len(places), inside, span)
    body = as_number(value, span, "under an integral")
    if body.axes:
        raise error("E301", f"an integrand is a number, but this is {describe(body)}", span)
    for position, side in reversed(list(enumerate(over))):
        body = accumulated(side, depth + position, body, span)
    return body


def place_in(side: Side, depth: int) -> Node:
    """A variable of integration: a place in an interval, or a position in an index."""
    if isinstance(side, IndexValue):
        return LoopIndex(Loop(depth, side.axis))
    return Variable(Loop(depth, None), inside(side))


def accumulated(side: Side, depth: int, body: Node, span: Span) -> Node:
    """The integral or sum of a body over a variable that `place_in` made."""
    if isinstance(side, IndexValue):
        return nodes.Sum(Loop(depth, side.axis), body, span=span)
    return nodes.Integral(Loop(depth, None), side.lower, side.upper, body, span=span)


def inside(side: IntervalValue) -> Range:
    """Where the points of an interval lie, its ends excluded."""
    return Range(range_of(side.lower).lower, range_of(side.upper).upper, True, True)


def sides_of(function: FunctionValue, span: Span) -> tuple[Side, ...]:
    """The box on which a function lives; an error where a side is missing."""
    return tuple(side_of(function, variable, span) for variable in function.variables)


def side_of(function: FunctionValue, variable: FunctionVariable, span: Span) -> Side:
    """Where one variable of a function runs."""
    if isinstance(variable.domain, IntervalValue | IndexValue):
        return variable.domain
    what = describe(function) if len(function.variables) == 1 else f"`{variable.name}` of {describe(function)}"
    raise error(
        "E402",
        f"{what} has no domain",
        span,
        remedy=f"say where {variable.name} runs: `… for {variable.name} in (0, 1)`, or declare it as "
        f"`{variable.name} in (0, 1)`",
    )


def _checked_place(
    elaborator: Elaborator, function: FunctionValue, variable: FunctionVariable, side: Side, depth: int, span: Span
) -> Node:
    """The place; where the ends are data, that they lie in the domain is found out when it is bound."""
    place = place_in(side, depth)
    if isinstance(side, IndexValue) or not isinstance(variable.domain, IntervalValue):
        return place
    allowed = constant_range(elaborator, variable.domain)
    if allowed is None or Phase.DATA not in (side.lower.phase, side.upper.phase):
        return place
    for end in (side.lower, side.upper):
        if end.phase == Phase.DATA and not end.loops:
            require_range(elaborator, end, allowed, f"the end of an integral of `{function.name}`", span)
    return Variable(Loop(depth, None), inside(side).intersection(allowed))
