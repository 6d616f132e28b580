"""The library's names that are more than elementwise functions: integrals, sums, operators, whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pdflang.components import Distribution, Function, arithmetic, arrays, library
from pdflang.components.arrays import ArrayFunction
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import (
    apply_function,
    apply_operator,
    as_number,
    axes_agree,
    error,
    lift,
    require_trailing,
)
from pdflang.semantics.comprehensions import condition
from pdflang.semantics.datasets import evolve, lhapdf
from pdflang.semantics.distributions import call_distribution
from pdflang.semantics.domains import apply_in_domain, constant_range
from pdflang.semantics.earlier import earlier
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.flows import ode
from pdflang.semantics.increasing import check_increasing
from pdflang.semantics.integration import integrate, sides_of
from pdflang.semantics.parts import joined_axis
from pdflang.semantics.ranges import range_of
from pdflang.semantics.recurrences import scan
from pdflang.semantics.sets import open_loop, size_of
from pdflang.semantics.shapes import add_diag, length
from pdflang.semantics.supports import require_range
from pdflang.semantics.theory_tables import fktable
from pdflang.semantics.values import (
    BoxValue,
    BuiltinValue,
    FunctionValue,
    FunctionVariable,
    IntervalValue,
    OperatorValue,
    PdfsetValue,
    Value,
    describe,
)
from pdflang.syntax import ast

Builtin = Callable[[Elaborator, CallSite], Value]


def call_builtin(elaborator: Elaborator, callee: BuiltinValue, site: CallSite) -> Value:
    """A call of a name of the library."""
    row = callee.row
    if isinstance(row, Distribution):
        return call_distribution(elaborator, row, site)
    if isinstance(row, Function):
        return _elementwise(elaborator, row, site)
    return row(elaborator, site)


def _elementwise(elaborator: Elaborator, row: Function, site: CallSite) -> Value:
    if row.name in arrays.REDUCTIONS and len(site.arguments) == 1:
        return _reduction(arrays.REDUCTIONS[row.name])(elaborator, site)
    if row.name in ("min", "max") and len(site.arguments) > 2:
        first, second, *rest = site.arguments
        value = _elementwise(elaborator, row, CallSite(site.name, (first, second), site.span, site.scope))
        folded = Given(None, site.span, None, value)
        return _elementwise(elaborator, row, CallSite(site.name, (folded, *rest), site.span, site.scope))
    matched = match(site, row.parameters)
    given = [matched[name] for name in row.parameters]
    values = [elaborator.given(argument, site.scope) for argument in given]
    spans = [argument.span for argument in given]

    def combine(applied: Any, depth: int) -> Value:
        numbers = [as_number(v, s, f"in {row.name}(…)") for v, s in zip(applied, spans, strict=True)]
        return apply_function(row, numbers, spans, site.span, elaborator.check)

    return lift(values, spans, site.span, combine) or combine(values, site.scope.depth)


# --- integrals and sums ----------------------------------------------------------------------------------------


def _integral(elaborator: Elaborator, site: CallSite) -> Value:
    given = match(site, ["function"])["function"]
    function = elaborator.given(given, site.scope)
    if not isinstance(function, FunctionValue):
        raise error(
            "E301",
            f"an integral is taken of a function, but this is {describe(function)}",
            given.span,
            remedy="write integral(f(x) for x in (0, 1))",
        )
    return integrate(elaborator, function, sides_of(function, given.span), site.scope.depth, site.span)


def _sum(elaborator: Elaborator, site: CallSite) -> Value:
    given = match(site, ["values"])["values"]
    if isinstance(given.expression, ast.Comprehension):
        return _sum_over(elaborator, given.expression, site)
    return _reduction(arrays.SUM)(elaborator, site)


def _sum_over(elaborator: Elaborator, expression: ast.Comprehension, site: CallSite) -> Value:
    scope = site.scope
    loops: list[Loop] = []
    conditions: list[Node] = []
    for clause in expression.clauses:
        opened = open_loop(elaborator, clause.variable, clause.over, scope)
        if isinstance(opened, IntervalValue):
            raise error(
                "E301",
                "a sum runs over a set, and this is an interval",
                clause.over.span,
                remedy="write integral(… for x in (0, 1))",
            )
        loop, scope = opened
        loops.append(loop)
        if clause.condition is not None:
            conditions.append(condition(elaborator, clause.condition, scope))
    with elaborator.in_branch(bool(conditions) or elaborator.is_in_branch):
        body = as_number(elaborator.evaluate(expression.body, scope), expression.body.span, "in a sum")
    for holds in conditions:
        body = nodes.Choose(holds, body, Constant(0))
    for loop in reversed(loops):
        body = nodes.Sum(loop, body, span=site.span)
    return body


def _reduction(row: ArrayFunction) -> Builtin:
    def reduce(elaborator: Elaborator, site: CallSite) -> Value:
        given = match(site, ["values"])["values"]
        array = elaborator.given_number(given, site.scope, f"in {row.name}(…)")
        if not array.axes:
            raise error("E304", f"{row.name} takes an array, but this is {describe(array)}", given.span)
        if row.name in ("min", "max") and array.axes[0].size == Size(0):
            raise error("E304", f"an array without elements has no {row.name}", given.span)
        dtype = array.dtype if row.name in ("min", "max") else "real" if array.dtype == "real" else "int"
        if row.name in ("mean", "sd"):
            dtype = "real"
        return nodes.Whole(row, (array,), (), dtype, span=site.span)

    return reduce


def _penalty(elaborator: Elaborator, site: CallSite) -> Value:
    matched = match(site, ["values"], ["above", "weight"])
    values = elaborator.given_number(matched["values"], site.scope, "in a penalty")
    bound = elaborator.given_number(matched["above"], site.scope) if "above" in matched else Constant(0)
    weight = elaborator.given_number(matched["weight"], site.scope) if "weight" in matched else Constant(1)
    span, check = site.span, elaborator.check

    def operate(operator: Any, *operands: Node) -> Node:
        return as_number(apply_operator(operator, operands, [span] * len(operands), span, check), span)

    shortfall = apply_function(
        library["max"], [operate(arithmetic.SUBTRACT, bound, values), Constant(0.0)], [span] * 2, span, check
    )
    squares = operate(arithmetic.POWER, shortfall, Constant(2))
    total = nodes.Whole(arrays.SUM, (squares,), (), "real", span=span) if squares.axes else squares
    return operate(arithmetic.NEGATE, operate(arithmetic.MULTIPLY, weight, total))


def _normalised(elaborator: Elaborator, site: CallSite) -> Value:
    given = match(site, ["function"])["function"]
    function = elaborator.given(given, site.scope)
    if not isinstance(function, FunctionValue):
        raise error("E301", f"normalised takes a function, but this is {describe(function)}", given.span)
    region = sides_of(function, given.span)

    def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
        value = function.apply(arguments, depth, span)
        total = integrate(elaborator, function, region, depth, given.span)
        return apply_operator(arithmetic.DIVIDE, [value, total], [span, span], span, elaborator.check)

    return FunctionValue(site.span.text, function.variables, apply, role="lifted")


# --- operators on functions ------------------------------------------------------------------------------------


def _observation(name: str, parameter: str, act: Callable[..., Node]) -> Builtin:
    """An operator from a function of one variable to an array."""

    def build(elaborator: Elaborator, site: CallSite) -> Value:
        given = match(site, [parameter])[parameter]
        argument = elaborator.given_number(given, site.scope, f"as `{parameter}` of {name}")

        def apply(value: Value, depth: int, span: Span) -> Value:
            if not isinstance(value, FunctionValue):
                raise error(
                    "E301", f"{name} acts on a function, but this is {describe(value)}", span,
                    remedy=f"pipe the function itself: f |> {name}(…)",
                )  # fmt: skip
            return act(elaborator, value, argument, given.span, depth, span)

        return OperatorValue(name, apply)

    return build


def _at(elaborator: Elaborator, function: FunctionValue, points: Node, place: Span, depth: int, span: Span) -> Node:
    if len(function.variables) != 1:
        raise error("E301", f"at acts on a function of one variable, but here is {describe(function)}", span,
                    remedy="fix the other variables: f(x, 0.5) for x in (0, 1)")  # fmt: skip
    if not points.axes:
        return as_number(apply_in_domain(elaborator, function, (points,), [place], depth, span), span)
    loop = Loop(depth, points.axes[0])
    point = nodes.Element(points, (LoopIndex(loop),))
    return nodes.Array(loop, as_number(apply_in_domain(elaborator, function, (point,), [place], depth + 1, span), span))


def _bins(elaborator: Elaborator, function: FunctionValue, edges: Node, place: Span, depth: int, span: Span) -> Node:
    if edges.phase == Phase.PARAMETER:
        raise error("E403", "bin edges must be known once data is bound, but these read parameters", place)
    if len(edges.axes) != 1:
        raise error("E304", f"bin edges are a vector, but this is {describe(edges)}", place)
    if edges.phase == Phase.CONST and len(elaborator.fold(edges)) < 2:
        raise error("E408", "bins need at least two edges", place, remedy="n bins have n + 1 edges: [0, 0.5, 1]")
    check_increasing(elaborator, edges, "bin edges", place)
    domain = function.variables[0].domain if len(function.variables) == 1 else None
    allowed = constant_range(elaborator, domain) if isinstance(domain, IntervalValue) else None
    if allowed is not None and edges.phase == Phase.DATA:
        require_range(elaborator, edges, allowed, f"an edge of a bin of `{function.name}`", place)
    loop = Loop(depth, Axis(edges.axes[0].size - 1))
    index = LoopIndex(loop)
    after = nodes.Apply(arithmetic.ADD, (index, Constant(1)), "int")
    over = IntervalValue(nodes.Element(edges, (index,)), nodes.Element(edges, (after,)))
    return nodes.Array(loop, integrate(elaborator, function, (over,), depth + 1, place), span=span)


def _moments(elaborator: Elaborator, function: FunctionValue, count: Node, place: Span, depth: int, span: Span) -> Node:
    loop = Loop(depth, Axis(size_of(elaborator, count, place)))
    region = sides_of(function, span)

    def weighted(arguments: tuple[Value, ...], inner: int, where: Span) -> Value:
        x = as_number(arguments[0], where)
        power = nodes.Apply(arithmetic.POWER, (x, LoopIndex(loop)), "real")
        value = as_number(apply_in_domain(elaborator, function, arguments, [where], inner, where), where)
        return nodes.Apply(arithmetic.MULTIPLY, (power, value), "real")

    moment = FunctionValue(function.name, (FunctionVariable(function.variables[0].name),), weighted)
    return nodes.Array(loop, integrate(elaborator, moment, region, depth + 1, span), span=span)


def _fold(elaborator: Elaborator, site: CallSite) -> Value:
    given = match(site, ["response"])["response"]
    response = elaborator.given_number(given, site.scope, "as the response of fold")

    def apply(value: Value, depth: int, span: Span) -> Value:
        if isinstance(value, FunctionValue):
            raise error(
                "E301", f"fold acts on an array of bins, but this is {describe(value)}", span,
                remedy="bin the function first: f |> bins(edges) |> fold(R)",
            )  # fmt: skip
        return matrix_product(elaborator, response, as_number(value, span), span)

    return OperatorValue("fold", apply)


# --- whole arrays ----------------------------------------------------------------------------------------------


def matrix_product(elaborator: Elaborator, left: Node, right: Node, span: Span) -> Node:
    """`A @ B` of matrices and vectors."""
    for operand in (left, right):
        if not 1 <= len(operand.axes) <= 2:
            raise error("E304", f"`@` multiplies matrices and vectors, but this is {describe(operand)}", span)
    if not axes_agree(left.axes[-1], right.axes[0], span, elaborator.check):
        raise error(
            "E302",
            f"the matrix product needs equal inner axes, but they are {left.axes[-1]} and {right.axes[0]}",
            span,
        )
    axes = (*left.axes[:-1], *right.axes[1:])
    row = arrays.DOT if not axes else arrays.MATMUL
    dtype = "int" if left.dtype == right.dtype == "int" else "real"
    return nodes.Whole(row, (left, right), axes, dtype, span=span)


def _dot(elaborator: Elaborator, site: CallSite) -> Value:
    left, right = _vectors(elaborator, site, ["left", "right"])
    return matrix_product(elaborator, left, right, site.span)


def _vectors(elaborator: Elaborator, site: CallSite, names: list[str], rank: int = 1) -> list[Node]:
    matched = match(site, names)
    found = [elaborator.given_number(matched[name], site.scope, f"in {site.name}(…)") for name in names]
    for node, name in zip(found, names, strict=True):
        if len(node.axes) != rank:
            kind = "a vector" if rank == 1 else "a matrix"
            raise error("E304", f"{site.name} takes {kind}, but this is {describe(node)}", matched[name].span)
    return found


def _cumsum(elaborator: Elaborator, site: CallSite) -> Value:
    (values,) = _vectors(elaborator, site, ["values"])
    return nodes.Whole(arrays.CUMSUM, (values,), values.axes, values.dtype, span=site.span)


def _cholesky(elaborator: Elaborator, site: CallSite) -> Value:
    (matrix,) = _vectors(elaborator, site, ["matrix"], rank=2)
    return nodes.Whole(arrays.CHOLESKY, (matrix,), matrix.axes, "real", span=site.span)


def _transpose(elaborator: Elaborator, site: CallSite) -> Value:
    (matrix,) = _vectors(elaborator, site, ["matrix"], rank=2)
    return nodes.Whole(arrays.TRANSPOSE, (matrix,), matrix.axes[::-1], matrix.dtype, span=site.span)


def _linear_solve(elaborator: Elaborator, site: CallSite) -> Value:
    matched = match(site, ["matrix", "right"])
    matrix, right = (elaborator.given_number(matched[name], site.scope) for name in ("matrix", "right"))
    if len(matrix.axes) != 2 or len(right.axes) != 1:
        raise error("E304", "linear_solve takes a matrix and a vector", site.span)
    if not axes_agree(matrix.axes[0], right.axes[0], site.span, elaborator.check):
        said = f"linear_solve needs equal lengths, but they are {matrix.axes[0]} and {right.axes[0]}"
        raise error("E302", said, site.span)
    return nodes.Whole(arrays.LINEAR_SOLVE, (matrix, right), (matrix.axes[1],), "real", span=site.span)


def _concat(elaborator: Elaborator, site: CallSite) -> Value:
    parts, length = [], Size(0)
    for argument in site.arguments:
        part = elaborator.given_number(argument, site.scope, "in concat(…)")
        if len(part.axes) != 1:
            raise error(
                "E304", f"concat joins vectors, but this is {describe(part)}", argument.span, remedy="write [x]"
            )
        parts.append(part)
        length = length + part.axes[0].size
    if not parts:
        raise error("E303", "concat needs at least one vector", site.span)
    dtype = parts[0].dtype if len({part.dtype for part in parts}) == 1 else "real"
    axis = joined_axis(elaborator, [part.axes[0] for part in parts], site.span) or Axis(length)
    return nodes.Whole(arrays.CONCAT, tuple(parts), (axis,), dtype, span=site.span)


def _grid(row: ArrayFunction) -> Builtin:
    def build(elaborator: Elaborator, site: CallSite) -> Value:
        matched = match(site, row.parameters)
        ends = [elaborator.given_number(matched[name], site.scope, f"in {row.name}(…)") for name in ("start", "stop")]
        count = elaborator.given_number(matched["count"], site.scope, "as a count of points")
        size = size_of(elaborator, count, matched["count"].span)
        if size.is_known and size.constant < 1:
            raise error("E304", f"{row.name} needs at least one point", matched["count"].span)
        if row is arrays.GEOMSPACE:
            for end, name in zip(ends, ("start", "stop"), strict=True):
                if range_of(end).lower <= 0 and not range_of(end).within(Range(0, open_lower=True)):
                    raise error("E401", "geomspace runs between positive numbers", matched[name].span)
        return nodes.Whole(row, (*ends, count), (Axis(size),), "real", span=site.span)

    return build


def _range(elaborator: Elaborator, site: CallSite) -> Value:
    arguments = [elaborator.given_number(argument, site.scope, "in range(…)") for argument in site.arguments]
    if not 1 <= len(arguments) <= 2:
        raise error("E303", "range takes one or two whole numbers", site.span, remedy="write range(n) or range(a, b)")
    sizes = [size_of(elaborator, node, given.span) for node, given in zip(arguments, site.arguments, strict=True)]
    count = sizes[-1] - (sizes[0] if len(sizes) == 2 else 0)
    if count.is_known and count.constant < 0:
        raise error("E403", f"a range cannot have {count.constant} elements", site.span)
    loop = Loop(site.scope.depth, Axis(count))
    index: Node = LoopIndex(loop)
    if len(arguments) == 2:
        index = nodes.Apply(arithmetic.ADD, (index, arguments[0]), "int")
    return nodes.Array(loop, index, span=site.span)


def _interp(elaborator: Elaborator, site: CallSite) -> Value:
    matched = match(site, arrays.INTERPOLATE.parameters)
    x, points, values = (elaborator.given_number(matched[n], site.scope) for n in arrays.INTERPOLATE.parameters)
    require_trailing([(points, matched["points"].span), (values, matched["values"].span)], site.span, elaborator.check)
    if len(points.axes) == 1 and points.phase != Phase.PARAMETER and not points.loops:
        check_increasing(elaborator, points, "the points of interp", matched["points"].span)
    return nodes.Whole(arrays.INTERPOLATE, (x, points, values), x.axes, "real", span=site.span)


def _exchanged(name: str, other: Mapping[str, str]) -> Builtin:
    """A pdfset with the names of flavours exchanged."""

    def build(elaborator: Elaborator, site: CallSite) -> Value:
        given = match(site, ["pdfset"])["pdfset"]
        value = elaborator.given(given, site.scope)
        if not isinstance(value, PdfsetValue):
            raise error("E301", f"{name} takes a pdfset, but this is {describe(value)}", given.span)
        flavours = {other.get(flavour, flavour): function for flavour, function in value.flavours.items()}
        return replace(value, name=f"{name}({value.name})", flavours=flavours)

    return build


def _box(elaborator: Elaborator, site: CallSite) -> Value:
    sides = {}
    for argument in site.arguments:
        value = elaborator.given(argument, site.scope)
        if argument.name is None or not isinstance(value, IntervalValue):
            raise error(
                "E303", "a box names an interval for each variable", argument.span, remedy="box(x = (0, 1))"
            )
        sides[argument.name] = value
    return BoxValue(sides)


def _only_as_data(example: str) -> Builtin:
    def refuse(elaborator: Elaborator, site: CallSite) -> Value:
        raise error("E403", f"{site.name} is the source of a datum", site.span, remedy=f"write data d = {example}")

    return refuse


def _later(feature: str) -> Builtin:
    def refuse(elaborator: Elaborator, site: CallSite) -> Value:
        raise error("E308", f"{feature} is not supported in this version", site.span)

    return refuse


def _builtin(name: str, kind: str, call: Builtin, documentation: str) -> BuiltinValue:
    return BuiltinValue(name, kind, call, documentation)


_OPERATOR, _FUNCTION, _SOURCE = "an operator of the library", "a function of the library", "a source of data"

BUILTINS: dict[str, BuiltinValue] = {
    value.name: value
    for value in [
        _builtin("integral", _FUNCTION, _integral, "∫ f over its domain: integral(f(x) for x in (0, 1))"),
        _builtin("sum", _FUNCTION, _sum, arrays.SUM.documentation),
        *(_builtin(n, _FUNCTION, _reduction(r), r.documentation) for n, r in arrays.REDUCTIONS.items()
          if n in ("prod", "mean", "sd")),
        _builtin("penalty", _FUNCTION, _penalty, "−weight · Σ max(0, above − value)²"),
        _builtin("normalised", _FUNCTION, _normalised, "f / ∫ f over its domain"),
        _builtin("at", _OPERATOR, _observation("at", "points", _at), "the values of a function at points"),
        _builtin("bins", _OPERATOR, _observation("bins", "edges", _bins), "the integrals of a function over bins"),
        _builtin("moments", _OPERATOR, _observation("moments", "count", _moments), "∫ x^k f for k below count"),
        _builtin("fold", _OPERATOR, _fold, "a response matrix applied to bins"),
        _builtin("fktable", _OPERATOR, fktable, "predictions from momentum densities by FK tables"),
        _builtin("isospin", _FUNCTION, _exchanged("isospin", {"u": "d", "d": "u", "ubar": "dbar", "dbar": "ubar"}),
                 "the pdfset of the isospin partner, up and down exchanged: isospin(proton) is a neutron"),
        _builtin("anti", _FUNCTION, _exchanged("anti", {
            q: p for pair in "udscbt" for q, p in ((pair, f"{pair}bar"), (f"{pair}bar", pair))
        }), "the pdfset of the antiparticle, quarks and antiquarks exchanged"),
        _builtin("evolve", _OPERATOR, evolve, "a pdfset at another scale: proton |> evolve(Q = 100)"),
        _builtin("lhapdf", _SOURCE, lhapdf, 'a pdfset of files: pdfset t = lhapdf("SET") at Q = 1.65'),
        _builtin("cumsum", _FUNCTION, _cumsum, arrays.CUMSUM.documentation),
        _builtin("dot", _FUNCTION, _dot, arrays.DOT.documentation),
        _builtin("cholesky", _FUNCTION, _cholesky, arrays.CHOLESKY.documentation),
        _builtin("transpose", _FUNCTION, _transpose, arrays.TRANSPOSE.documentation),
        _builtin("linear_solve", _FUNCTION, _linear_solve, arrays.LINEAR_SOLVE.documentation),
        _builtin("concat", _FUNCTION, _concat, arrays.CONCAT.documentation),
        _builtin("linspace", _FUNCTION, _grid(arrays.LINSPACE), arrays.LINSPACE.documentation),
        _builtin("geomspace", _FUNCTION, _grid(arrays.GEOMSPACE), arrays.GEOMSPACE.documentation),
        _builtin("range", _FUNCTION, _range, "whole numbers from 0 (or a) up to but not including n"),
        _builtin("interp", _FUNCTION, _interp, arrays.INTERPOLATE.documentation),
        _builtin("len", _FUNCTION, length, "how many elements the first axis of an array has"),
        _builtin("add_diag", _FUNCTION, add_diag, "a square matrix with numbers added to its diagonal"),
        _builtin("scan", _FUNCTION, scan, "states of a recurrence, one after each input: scan(step, start, inputs)"),
        _builtin("ode", _FUNCTION, ode, "states at times of dy/dt = rate(t, y): ode(rate, initial, times)"),
        _builtin("earlier", _FUNCTION, earlier, "a number at the parameters of an earlier fit: earlier(proton |> F2)"),
        _builtin("box", _FUNCTION, _box, "a region: box(x = (0, 1), y = (0, 1))"),
        _builtin("table", _SOURCE, _only_as_data('table("d.csv")'), "columns of a file"),
        _builtin("commondata", _SOURCE, _only_as_data('commondata("NAME")'), "measured data sets with a covariance"),
        *(_builtin(name, _FUNCTION, _later(feature), "") for name, feature in {
            "pineappl": "a PineAPPL grid by `pineappl`",
        }.items()),
    ]
}  # fmt: skip
