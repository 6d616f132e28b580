"""Arithmetic on values: axes that agree, functions that lift, constants that fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pdflang.components import arithmetic
from pdflang.components.arithmetic import Operator
from pdflang.diagnostics import Diagnostic, Label, PdflangError, Span
from pdflang.ir import nodes
from pdflang.ir.evaluate import fold
from pdflang.ir.nodes import Constant, Dtype, Node
from pdflang.ir.program import Check
from pdflang.ir.ranges import point
from pdflang.ir.sizes import Axis
from pdflang.semantics.ranges import range_of
from pdflang.semantics.values import (
    BuiltinValue,
    CovarianceValue,
    DatasetValue,
    Domain,
    FunctionValue,
    FunctionVariable,
    IntervalValue,
    LengthValue,
    PdfsetValue,
    Stream,
    Value,
    describe,
)

CheckSink = Callable[[Check], None]

_EXACT = 2**53
"""Below this, real numbers of 64 bits hold all whole ones."""


def error(code: str, message: str, span: Span | None, **parts: Any) -> PdflangError:
    """A user error, ready to raise."""
    return PdflangError(Diagnostic(code, message, span, **parts))


def as_number(value: Value, span: Span, what: str = "") -> Node:
    """The value as a number or an array; an error that says what to write where it is not one."""
    if isinstance(value, Node):
        return value
    if isinstance(value, LengthValue):
        return value.number
    if isinstance(value, DatasetValue):
        return value.central
    if isinstance(value, CovarianceValue):
        return value.matrix(None)
    remedy = ""
    if isinstance(value, FunctionValue):
        arguments = ", ".join(v.name for v in value.variables)
        if value.role != "lifted":
            remedy = f"write {value.name}({arguments})"
        else:
            points = f"… for {arguments} in linspace(0.1, 0.9, 9)"
            remedy = "apply it to a number" + f", or take it at points: {points}" * (len(value.variables) == 1)
    elif isinstance(value, BuiltinValue):
        remedy = f"call it: {value.name}(…)"
    purpose = f" {what}" if what else ""
    raise error(
        "E301", f"a number is due{purpose}, but this is {describe(value)}", span, label=describe(value), remedy=remedy
    )


def as_count(node: Node) -> Node:
    """A truth value as 1 or 0, so that conditions add up to how many of them hold; numbers as they are."""
    if node.dtype != "bool":
        return node
    if isinstance(node, Constant):
        return Constant(int(node.value), span=node.span)
    return nodes.Choose(node, Constant(1), Constant(0), span=node.span)


def axes_agree(left: Axis, right: Axis, span: Span, checks: CheckSink) -> bool:
    """Whether two axes may be combined; lengths that data binds are compared when it is bound."""
    if left.name and right.name:
        return left.name == right.name
    if left.size == right.size:
        return True
    difference = left.size - right.size
    if difference.is_known:
        return False
    checks(Check("length", _length_report(left, right, span), left.size, right.size))
    return True


def _length_report(left: Axis, right: Axis, span: Span) -> Callable[[int, int], Diagnostic]:
    def report(found: int, other: int) -> Diagnostic:
        return Diagnostic(
            "E302",
            f"the arrays that meet here have {found} and {other} elements",
            span,
            label=f"{left} is {found}, {right} is {other}",
            remedy="give data of equal lengths, or index the longer array",
        )

    return report


def require_trailing(arguments: Sequence[tuple[Node, Span]], span: Span, checks: CheckSink) -> None:
    """Arrays combine when their axes agree, or one has the last axes of the other."""
    longest, longest_span = max(arguments, key=lambda pair: len(pair[0].axes))
    for node, place in arguments:
        count = len(node.axes)
        for mine, theirs in zip(node.axes, longest.axes[len(longest.axes) - count :], strict=True):
            if not axes_agree(mine, theirs, span, checks):
                raise error(
                    "E302",
                    f"arrays over {_axes_text(node)} and over {_axes_text(longest)} do not combine",
                    span,
                    related=(
                        Label(place, f"over {_axes_text(node)}"),
                        Label(longest_span, f"over {_axes_text(longest)}"),
                    ),
                    remedy="axes match by name, or by length where they have none; index one of the two with a binder",
                )


def _axes_text(node: Node) -> str:
    return "[" + ", ".join(str(axis) for axis in node.axes) + "]"


def lift(
    values: Sequence[Value], spans: Sequence[Span], span: Span, combine: Callable[[Sequence[Value], int], Value]
) -> Value | None:
    """The pointwise function where one of the values is a function; None where none is."""
    functions = [(v, s) for v, s in zip(values, spans, strict=True) if isinstance(v, FunctionValue)]
    if not functions:
        return None
    first, _ = functions[0]
    names = [variable.name for variable in first.variables]
    for other, place in functions[1:]:
        if [variable.name for variable in other.variables] != names:
            raise error(
                "E301",
                f"{describe(first)} and {describe(other)} do not combine",
                span,
                related=(Label(place, describe(other)),),
                remedy="functions combine when they have the same arguments; apply them to a number first",
            )
    for value, place in zip(values, spans, strict=True):
        if isinstance(value, Node) and value.axes:
            raise error(
                "E301",
                "an array and a function do not combine",
                span,
                related=(Label(place, describe(value)),),
                remedy="apply the function first: f(x), or f |> at(points), f |> bins(edges)",
            )
    variables = tuple(
        FunctionVariable(name, intersect_domains([f.variables[i].domain for f, _ in functions], span))
        for i, name in enumerate(names)
    )

    def apply(arguments: tuple[Value, ...], depth: int, place: Span) -> Value:
        applied = [v.apply(arguments, depth, place) if isinstance(v, FunctionValue) else v for v in values]
        return combine(applied, depth)

    no_density = next((f.no_density for f, _ in functions if f.no_density), None)
    return FunctionValue(span.text, variables, apply, role="lifted", no_density=no_density)


def intersect_domains(domains: Sequence[Domain], span: Span) -> Domain:
    """The common domain; None where nothing restricts it."""
    known = [domain for domain in domains if domain is not None]
    if not known:
        return None
    result = known[0]
    for other in known[1:]:
        if isinstance(result, IntervalValue) and isinstance(other, IntervalValue):
            result = IntervalValue(
                _extreme(result.lower, other.lower, max), _extreme(result.upper, other.upper, min)
            )
            _require_overlap(result, span)
    return result


def _require_overlap(common: IntervalValue, span: Span) -> None:
    lower, upper = common.lower, common.upper
    if isinstance(lower, Constant) and isinstance(upper, Constant) and lower.value >= upper.value:
        raise error(
            "E402", "the functions that meet here have no common domain", span,
            label=f"one ends at {upper.value:g}, another begins at {lower.value:g}",
            remedy="give both a domain that overlaps",
        )  # fmt: skip


def _extreme(left: Node, right: Node, choose: Callable[..., Any]) -> Node:
    if left is right:
        return left
    if isinstance(left, Constant) and isinstance(right, Constant):
        return choose(left, right, key=lambda node: node.value)
    # A bound that is not a plain number is compared where it is used.
    return left


def apply_operator(
    operator: Operator, values: Sequence[Value], spans: Sequence[Span], span: Span, checks: CheckSink
) -> Value:
    """An operator on numbers, arrays, functions or pdfsets."""
    lifted = lift(values, spans, span, lambda applied, _: apply_operator(operator, applied, spans, span, checks))
    if isinstance(lifted, FunctionValue):
        return replace(lifted, streams=_streams(operator, values))
    if any(isinstance(value, PdfsetValue) for value in values):
        return _of_pdfsets(operator, values, spans, span, checks)
    arguments = [as_number(v, s, f"beside {operator.symbol}") for v, s in zip(values, spans, strict=True)]
    _check_types(operator, arguments, spans)
    if operator not in arithmetic.COMPARISONS and operator.name not in ("and", "or", "not"):
        arguments = [as_count(argument) for argument in arguments]
    require_trailing(list(zip(arguments, spans, strict=True)), span, checks)
    return _simplified(operator, arguments, _result_type(operator, arguments), span)


def _of_pdfsets(
    operator: Operator, values: Sequence[Value], spans: Sequence[Span], span: Span, checks: CheckSink
) -> PdfsetValue:
    """A linear combination of pdfsets at one scale, flavour by flavour; one that a pdfset does not have is 0."""
    are = [isinstance(value, PdfsetValue) for value in values]
    linear = {"add": all(are), "subtract": all(are), "negate": True, "multiply": sum(are) == 1,
              "divide": are == [True, False]}  # fmt: skip
    if not linear.get(operator.name):
        raise error(
            "E301",
            f"`{operator.symbol}` does not take {' and '.join(describe(value) for value in values)}",
            span,
            remedy="pdfsets are added, and multiplied by numbers: 0.5*(proton + isospin(proton))",
        )
    placed = [(value, place) for value, place in zip(values, spans, strict=True) if isinstance(value, PdfsetValue)]
    pdfsets = [value for value, _ in placed]
    first = pdfsets[0]
    for other, place in placed[1:]:
        if None not in (first.scale, other.scale) and first.scale != other.scale:
            raise error(
                "E301",
                f"one pdfset is at {first.scale:g} GeV, the other at {other.scale:g} GeV",
                span,
                related=(Label(place, describe(other)),),
                remedy=f"evolve one of them: … |> evolve(Q = {first.scale:g})",
            )
    known = dict.fromkeys([flavour for pdfset in pdfsets for flavour in pdfset.flavours])

    def of(flavour: str) -> FunctionValue:
        def apply(arguments: tuple[Value, ...], depth: int, place: Span) -> Value:
            parts: list[Value] = []
            for value in values:
                if isinstance(value, PdfsetValue):
                    function = value.flavours.get(flavour)
                    parts.append(function.apply(arguments, depth, place) if function else Constant(0.0))
                else:
                    parts.append(value)
            return apply_operator(operator, parts, spans, span, checks)

        return replace(next(p.flavours[flavour] for p in pdfsets if flavour in p.flavours), apply=apply, role="lifted")

    scale = next((pdfset.scale for pdfset in pdfsets if pdfset.scale is not None), None)
    numbers = dict(set.intersection(*(set(pdfset.numbers.items()) for pdfset in pdfsets)))
    return PdfsetValue(span.text, {flavour: of(flavour) for flavour in known}, scale, numbers)


def _streams(operator: Operator, values: Sequence[Value]) -> tuple[Stream, ...]:
    """How the events of a sum of functions, or of a function times a number, come about."""
    if not any(isinstance(value, FunctionValue) and value.streams for value in values):
        return ()
    if operator.name == "add" and all(isinstance(value, FunctionValue) for value in values):
        return tuple(stream for value in values for stream in _own_streams(value))
    function, number = values if isinstance(values[0], FunctionValue) else values[::-1]
    scales = operator.name == "multiply" or (operator.name == "divide" and function is values[0])
    if scales and isinstance(function, FunctionValue) and isinstance(number, Node):
        return tuple(
            replace(stream, scale=nodes.Apply(operator, (stream.scale, number), "real")) for stream in function.streams
        )
    return ()


def _own_streams(value: Value) -> tuple[Stream, ...]:
    assert isinstance(value, FunctionValue)
    return value.streams or (Stream(value, Constant(1.0), ()),)


def _check_types(operator: Operator, arguments: Sequence[Node], spans: Sequence[Span]) -> None:
    if operator.name in ("and", "or", "not"):
        for argument, span in zip(arguments, spans, strict=True):
            if argument.dtype != "bool":
                raise error(
                    "E311",
                    f"`{operator.symbol}` takes a condition, but this is {describe(argument)}",
                    span,
                    remedy="compare it with something: x > 0",
                )


def _result_type(operator: Operator, arguments: Sequence[Node]) -> Dtype:
    whole = all(argument.dtype in ("int", "bool") for argument in arguments)
    if operator in arithmetic.COMPARISONS or operator.name in ("and", "or", "not"):
        return "bool"
    if operator.name == "divide":
        return "real"
    if operator.name == "power":
        exponent = arguments[1]
        counts = isinstance(exponent, Constant) and exponent.value >= 0
        return "int" if whole and counts else "real"
    return "int" if whole else "real"


def _simplified(operator: Operator, arguments: Sequence[Node], dtype: Dtype, span: Span) -> Node:
    if all(isinstance(argument, Constant) for argument in arguments):
        return _folded(nodes.Apply(operator, tuple(arguments), dtype, span=span), dtype, span)
    if operator.name == "multiply":
        for one, other in (arguments, arguments[::-1]):
            if isinstance(one, Constant) and one.value == 1 and other.dtype == dtype:
                return other
    if operator.name == "add":
        for one, other in (arguments, arguments[::-1]):
            if isinstance(one, Constant) and one.value == 0 and other.dtype == dtype:
                return other
    if operator.name == "subtract" and isinstance(arguments[1], Constant) and arguments[1].value == 0:
        return arguments[0]
    if operator.name == "divide" and isinstance(arguments[1], Constant) and arguments[1].value == 1:
        return arguments[0]
    return nodes.Apply(operator, tuple(arguments), dtype, span=span)


def _folded(node: Node, dtype: Dtype, span: Span) -> Node:
    import math

    value = fold(node)
    if dtype == "bool":
        return Constant(bool(value), span=span)
    if math.isnan(value):
        raise error("E409", "this constant is not a number", span, label="not defined here")
    return Constant(exact_or_real(value) if dtype == "int" else float(value), span=span)


def exact_or_real(value: float) -> int | float:
    """A whole number as such, or as a real one where numbers of 64 bits do not have it exactly."""
    return int(value) if abs(value) < _EXACT else float(value)


def apply_function(row: Any, arguments: Sequence[Node], spans: Sequence[Span], span: Span, checks: CheckSink) -> Node:
    """An elementwise function of the library on numbers or arrays."""
    arguments = [as_count(argument) for argument in arguments]
    require_trailing(list(zip(arguments, spans, strict=True)), span, checks)
    for argument, allowed, place in zip(arguments, row.domain, spans, strict=True):
        found = range_of(argument)
        if found.disjoint(allowed):
            raise error(
                "E401",
                f"{row.name} is defined on {allowed}, but its argument {found.said}",
                place,
                label=found.said,
            )
    if row.name == "mod" and range_of(arguments[1]) == point(0):
        raise error("E401", "mod divides by its second argument, and this is 0", spans[1])
    dtype: Dtype = "int" if row.integer else "real"
    node = nodes.Apply(row, tuple(arguments), dtype, span=span)
    if row.is_known and all(isinstance(argument, Constant) for argument in arguments):
        return _folded(node, dtype, span)
    return node
