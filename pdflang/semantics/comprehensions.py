"""What clauses make: functions over intervals, `x*y for x in (0, 1) for y in (0, x) where x + y < 1`, arrays over sets.

The function lives on a box and is 0 beyond its region: what `where` says, and ends of an interval that read an
earlier variable, are conditions. Integrals find the conditions again as their bounds. An array has the elements for
which `where` holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.components import arithmetic
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase, Variable
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics import build
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.integration import inside
from pdflang.semantics.ranges import range_of
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import FunctionValue, FunctionVariable, IntervalValue, Value, describe
from pdflang.syntax import ast


@dataclass(frozen=True)
class _Interval:
    """A clause over an interval: `hull` holds the interval for all values of the variables before it."""

    clause: ast.Clause
    hull: IntervalValue
    follows: bool


def function_of(elaborator: Elaborator, expression: ast.Comprehension, scope: Scope) -> FunctionValue:
    """The function of as many variables as clauses over intervals come first; its value is the rest."""
    intervals = _intervals(elaborator, expression.clauses, scope)
    rest = expression.clauses[len(intervals) :]
    body: ast.Expression = expression.body
    if rest:
        body = ast.Comprehension(body, rest, span=expression.span)

    def apply(arguments: tuple[Value, ...], depth: int, place: Span) -> Value:
        inner = scope.at_depth(max(depth, scope.depth))
        conditions: list[Node] = []
        for interval, argument in zip(intervals, arguments, strict=True):
            if interval.follows:
                conditions += _between(elaborator, interval.clause, inner, as_number(argument, place))
            inner = inner.bind(interval.clause.variable, argument)
            if interval.clause.condition is not None:
                conditions.append(condition(elaborator, interval.clause.condition, inner))
        with elaborator.in_branch(bool(conditions) or elaborator.is_in_branch):
            value = elaborator.evaluate(body, inner)
        return _where(conditions, value, body.span) if conditions else value

    variables = tuple(FunctionVariable(interval.clause.variable, interval.hull) for interval in intervals)
    return FunctionValue(expression.span.text, variables, apply, role="lifted")


def chosen(elaborator: Elaborator, clause: ast.Clause, loop: Loop, inner: Scope) -> tuple[Loop, Scope]:
    """The loop over those elements of a set for which a condition holds that is known before the data."""
    assert clause.condition is not None and loop.axis is not None
    holds = condition(elaborator, clause.condition, inner)
    if holds.phase != Phase.CONST or holds.loops - {loop} or not loop.axis.size.is_known:
        raise error(
            "E403", "which elements an array has must be known before the data, but this condition is not",
            clause.condition.span,
            remedy="use it inside sum(… for … in … where …), or write if … then … else",
        )  # fmt: skip
    places = range(loop.axis.size.constant)
    kept = [i for i in places if elaborator.fold(nodes.substitute(holds, {LoopIndex(loop): Constant(i)}))]
    fewer = Loop(loop.depth, Axis(Size(len(kept))), key="where")
    place = nodes.Element(build.known_positions(kept), (LoopIndex(fewer),))
    value = as_number(inner.bindings[clause.variable], clause.over.span)
    return fewer, inner.bind(clause.variable, nodes.substitute(value, {LoopIndex(loop): place}))


def condition(elaborator: Elaborator, written: ast.Expression, scope: Scope) -> Node:
    """What stands after `where`."""
    node = elaborator.number(written, scope, "as a condition")
    if node.dtype != "bool":
        raise error(
            "E311", f"`where` asks for a condition, but this is {describe(node)}", written.span,
            remedy="compare it with something: where i > 0",
        )  # fmt: skip
    return node


def _intervals(elaborator: Elaborator, clauses: tuple[ast.Clause, ...], scope: Scope) -> list[_Interval]:
    found: list[_Interval] = []
    loops: set[Loop] = set()
    for position, clause in enumerate(clauses):
        value = elaborator.evaluate(clause.over, scope)
        if not isinstance(value, IntervalValue):
            break
        hull = IntervalValue(_end(value.lower, loops, is_lower=True), _end(value.upper, loops, is_lower=False))
        found.append(_Interval(clause, hull, hull != value))
        loop = Loop(-1 - position, None, key="clause")
        scope = scope.bind(clause.variable, Variable(loop, inside(hull)))
        loops.add(loop)
    return found


def _end(end: Node, loops: set[Loop], is_lower: bool) -> Node:
    """An end of an interval, or what bounds it where it follows other variables."""
    if not end.loops & loops:
        return end
    found = range_of(end)
    return Constant(found.lower if is_lower else found.upper, span=end.span)


def _between(elaborator: Elaborator, clause: ast.Clause, scope: Scope, argument: Node) -> list[Node]:
    interval = elaborator.evaluate(clause.over, scope)
    assert isinstance(interval, IntervalValue)
    return [
        nodes.Apply(arithmetic.LESS_EQUAL, pair, "bool", span=clause.over.span)
        for pair in ((interval.lower, argument), (argument, interval.upper))
    ]


def _where(conditions: list[Node], value: Value, span: Span) -> Node:
    number = as_number(value, span)
    for holds in reversed(conditions):
        number = nodes.Choose(holds, number, build.ZERO, span=span)
    return number
