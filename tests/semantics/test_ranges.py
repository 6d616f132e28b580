"""What is proved about values holds for every value: random expressions, evaluated exactly, at ends that belong too."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from pdflang.components import arithmetic, arrays, library
from pdflang.components.arithmetic import Operator
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, Node, Phase, Reference
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL, UNIT, Range
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics.ranges import range_of

ENDS = [-math.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, math.inf]
_ROUNDING = 1e-12
_LARGEST = 1e15

# An expression with one admissible value of it.
Valued = tuple[Node, Any]


def _logarithm(x: Any) -> Any:
    assume(x > 0)
    return mpmath.log(x)


def _root(x: Any) -> Any:
    assume(x >= 0)
    return mpmath.sqrt(x)


def _power(base: Any, exponent: Any) -> Any:
    assume(abs(exponent) < 20 and (base != 0 or exponent >= 0) and (base >= 0 or exponent == int(exponent)))
    return mpf(1) if exponent == 0 else mpmath.power(base, exponent)


def _quotient(left: Any, right: Any) -> Any:
    assume(right != 0)
    return left / right


OPERATORS: dict[Operator, Callable[..., Any]] = {
    arithmetic.ADD: operator.add,
    arithmetic.SUBTRACT: operator.sub,
    arithmetic.MULTIPLY: operator.mul,
    arithmetic.DIVIDE: _quotient,
    arithmetic.NEGATE: operator.neg,
    arithmetic.POWER: _power,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "clip": lambda x, low, high: min(max(x, low), high),
    "abs": abs,
    "hypot": mpmath.hypot,
    "exp": mpmath.exp,
    "log": _logarithm,
    "sqrt": _root,
    "tanh": mpmath.tanh,
    "cosh": mpmath.cosh,
    "sin": mpmath.sin,
    "sign": mpmath.sign,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "round": mpmath.nint,
    "step": lambda x: mpf(x >= 0),
}
ARITIES = {"min": 2, "max": 2, "hypot": 2, "clip": 3}
COMPARISONS = {
    arithmetic.LESS: operator.lt,
    arithmetic.LESS_EQUAL: operator.le,
    arithmetic.GREATER: operator.gt,
    arithmetic.GREATER_EQUAL: operator.ge,
}


@st.composite
def _parameters(draw: st.DrawFn) -> Valued:
    """A parameter of any support, at an end that belongs to it as often as inside."""
    lower, upper = sorted(draw(st.lists(st.sampled_from(ENDS), min_size=2, max_size=2, unique=True)))
    support = Range(lower, upper, draw(st.booleans()), draw(st.booleans()))
    inside = st.sampled_from([lower + 0.25, upper - 0.25, -0.25, 0.0, 0.25, 1.0, 1.5])
    value = draw(st.sampled_from([lower, upper]) | inside)
    assume(value in support)
    return _parameter(f"{draw(st.sampled_from('abc'))} = {value}", support), mpf(value)


def _parameter(name: str, support: Range, axes: tuple[Axis, ...] = ()) -> Node:
    return Reference(name, "param", axes, "real", Phase.PARAMETER, support)


def _constants() -> st.SearchStrategy[Valued]:
    return st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0]).map(lambda value: (Constant(value), mpf(value)))


def _combined(parts: st.SearchStrategy[Valued]) -> st.SearchStrategy[Valued]:
    @st.composite
    def operated(draw: st.DrawFn) -> Valued:
        row = draw(st.sampled_from(list(OPERATORS)))
        return _applied(row, OPERATORS[row], [draw(parts) for _ in range(2 if row is not arithmetic.NEGATE else 1)])

    @st.composite
    def called(draw: st.DrawFn) -> Valued:
        name = draw(st.sampled_from(list(FUNCTIONS)))
        return _applied(library[name], FUNCTIONS[name], [draw(parts) for _ in range(ARITIES.get(name, 1))])

    @st.composite
    def chosen(draw: st.DrawFn) -> Valued:
        row = draw(st.sampled_from(list(COMPARISONS)))
        condition, holds = _applied(row, COMPARISONS[row], [draw(parts), draw(parts)])
        yes, no = draw(parts), draw(parts)
        return nodes.Choose(condition, yes[0], no[0]), yes[1] if holds else no[1]

    return operated() | called() | chosen()


def _applied(row: Any, meaning: Callable[..., Any], arguments: list[Valued]) -> Valued:
    value = meaning(*(value for _, value in arguments))
    assume(abs(value) < _LARGEST)
    return nodes.Apply(row, tuple(node for node, _ in arguments), "real"), value


EXPRESSIONS = st.recursive(_parameters() | _constants(), _combined, max_leaves=5)


def _holds(found: Range, value: Any) -> bool:
    """Whether a value lies in a range, whose ends may be rounded; one that is exactly an open end does not."""
    if found.lower <= value <= found.upper:
        return not (value == found.lower and found.open_lower) and not (value == found.upper and found.open_upper)
    return min(abs(value - found.lower), abs(value - found.upper)) <= _ROUNDING * max(1, abs(value))


@settings(max_examples=1000, deadline=None)
@given(EXPRESSIONS)
def test_values_lie_in_the_range_that_is_proved(expression: Valued) -> None:
    node, value = expression
    assert _holds(range_of(node), value), f"{value} is not in {range_of(node)}"


def _call(name: str, *supports: Range) -> Node:
    arguments = (_parameter(f"p{position}", support) for position, support in enumerate(supports))
    return nodes.Apply(library[name], tuple(arguments), "real")


def _square(support: Range) -> Node:
    return nodes.Apply(arithmetic.POWER, (_parameter("p", support), Constant(2)), "real")


def _integral_of_one(lower: Range, upper: Range) -> Node:
    return nodes.Integral(Loop(0, None), _parameter("lower", lower), _parameter("upper", upper), Constant(1))


def _sum_where_an_entry_is_positive() -> Node:
    array = _parameter("v", REAL, (Axis(Size(2)),))
    total = nodes.Whole(arrays.SUM, (array,), (), "real")
    return nodes.Choose(nodes.Apply(arithmetic.GREATER, (array, Constant(0)), "bool"), total, Constant(1))


_BELOW_TWO = Range(1, 2, False, True)

PROVED = {
    "the smaller, one may be 0": (_call("min", NONNEGATIVE, POSITIVE), NONNEGATIVE),
    "the smaller, none may be 0": (_call("min", POSITIVE, POSITIVE), POSITIVE),
    "the smaller has the lower upper end": (_call("min", _BELOW_TWO, Range(1, 2)), _BELOW_TWO),
    "the larger, one is never 0": (_call("max", NONNEGATIVE, POSITIVE), POSITIVE),
    "the larger, one may be 2": (_call("max", _BELOW_TWO, Range(1, 2)), Range(1, 2)),
    "cut": (_call("clip", REAL, UNIT, Range(2, 3)), Range(0, 3)),
    "cut above an open end": (_call("clip", REAL, POSITIVE, Range(2, 3)), Range(0, 3, open_lower=True)),
    "a square from 1 on": (_square(Range(1)), Range(1)),
    "a square of a negative number": (_square(Range(-2, -1, True, False)), Range(1, 4)),
    "a step": (_call("step", REAL), UNIT),
    "a whole number below any": (_call("floor", POSITIVE), NONNEGATIVE),
    "an interval that may be empty": (_integral_of_one(UNIT, Range(1, 2)), NONNEGATIVE),
    "an interval that is not empty": (_integral_of_one(UNIT, Range(1, 2, True)), POSITIVE),
    "a sum where an entry is positive": (_sum_where_an_entry_is_positive(), REAL),
}


@pytest.mark.parametrize("name", PROVED)
def test_ends_belong_to_a_range_where_a_value_is_there(name: str) -> None:
    node, expected = PROVED[name]
    assert range_of(node) == expected
