"""Expressions: names are looked up, functions inlined, operators consumed; arithmetic over arrays is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from pdflang.components import arithmetic, library
from pdflang.diagnostics import Label, PdflangError, Reports, Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase, Reference, Variable
from pdflang.ir.program import Check
from pdflang.ir.ranges import REAL, Range
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import apply_operator, as_number, error, lift
from pdflang.semantics.comprehensions import function_of
from pdflang.semantics.modules import Entry, ModuleInstance, Modules, listing
from pdflang.semantics.positions import check_bounds, check_slice
from pdflang.semantics.ranges import range_of
from pdflang.semantics.scope import Scope
from pdflang.semantics.suggestions import Kind
from pdflang.semantics.values import (
    BoxValue,
    BuiltinValue,
    CovarianceValue,
    DatasetValue,
    Domain,
    FamilyValue,
    FunctionValue,
    FunctionVariable,
    IndexValue,
    IntervalValue,
    LengthValue,
    ModuleValue,
    OperatorValue,
    PdfsetValue,
    SliceValue,
    TableValue,
    TextValue,
    Value,
    describe,
)
from pdflang.syntax import ast


class Declarations(Protocol):
    """What the declarations of a model mean; `semantics.declarations` implements it."""

    def declared(self, entry: Entry, span: Span) -> Value: ...


class Elaborator:
    """Evaluates expressions to values. Declared names are asked for through `declarations`."""

    def __init__(self, modules: Modules, reports: Reports) -> None:
        self.modules = modules
        self.reports = reports
        self.checks: list[Check] = []
        self.constants: dict[str, Node] = {}
        self.declarations: Declarations
        self._applying: list[object] = []
        self.is_in_branch = False
        self._probes: dict[Node, list[Domain]] = {}

    # --- entry points ---------------------------------------------------------------------------------------

    def evaluate(self, expression: ast.Expression, scope: Scope) -> Value:
        """The meaning of an expression."""
        return getattr(self, f"_{type(expression).__name__}")(expression, scope)

    def number(self, expression: ast.Expression, scope: Scope, what: str = "") -> Node:
        """The expression as a number or array."""
        return as_number(self.evaluate(expression, scope), expression.span, what)

    def given(self, argument: Given, scope: Scope) -> Value:
        """The value of an argument of a call."""
        if argument.expression is not None:
            return self.evaluate(argument.expression, scope)
        assert argument.value is not None
        return argument.value

    def given_number(self, argument: Given, scope: Scope, what: str = "") -> Node:
        return as_number(self.given(argument, scope), argument.span, what)

    def fold(self, node: Node) -> Any:
        """The value of a constant node."""
        return Evaluator({}, {}, self.constants)(node)

    def check(self, check: Check) -> None:
        """Remember what data must satisfy."""
        if check not in self.checks:
            self.checks.append(check)

    # --- leaves ---------------------------------------------------------------------------------------------

    def _Number(self, expression: ast.Number, scope: Scope) -> Value:
        return Constant(expression.value, span=expression.span)

    def _Text(self, expression: ast.Text, scope: Scope) -> Value:
        return TextValue(expression.value)

    def _Boolean(self, expression: ast.Boolean, scope: Scope) -> Value:
        return Constant(expression.value, span=expression.span)

    def _Name(self, expression: ast.Name, scope: Scope) -> Value:
        name = expression.name
        if name in scope.bindings:
            return scope.bindings[name]
        found = scope.module.find(name)
        if isinstance(found, Entry):
            return self.declarations.declared(found, expression.span)
        if isinstance(found, ModuleInstance):
            return ModuleValue(name, found)
        builtin = self.prelude(name)
        if builtin is None:
            raise self.unknown(name, expression.span, scope)
        return builtin

    def prelude(self, name: str) -> Value | None:
        """A name of the library, or None."""
        from pdflang.semantics.builtins import BUILTINS

        if name in BUILTINS:
            return BUILTINS[name]
        row = library.get(name)
        if row is None:
            return None
        if hasattr(row, "value"):
            return Constant(float(row.value))
        kind = "a distribution without arguments" if hasattr(row, "meaning") else "a function of the library"
        return BuiltinValue(name, kind, row, row.documentation)

    def distribution(self, expression: ast.Expression, scope: Scope) -> Value:
        """The value of what stands after `~`: there a name that nothing has was meant for a distribution."""
        head = expression.distribution if isinstance(expression, ast.Truncated) else expression
        if isinstance(head, ast.Call) and isinstance(head.function, ast.Name):
            self._require_known(head.function, scope, "distribution")
        return self.evaluate(expression, scope)

    def _require_known(self, written: ast.Name, scope: Scope, kind: Kind) -> None:
        name = written.name
        if name not in scope.bindings and not scope.module.find(name) and self.prelude(name) is None:
            raise self.unknown(name, written.span, scope, kind)

    def unknown(self, name: str, span: Span, scope: Scope, kind: Kind = "value") -> PdflangError:
        """The error of a name that nothing has; names of the `kind` that is due here are suggested first."""
        from pdflang.semantics.suggestions import HINTS, suggestions

        candidates = suggestions(name, scope, kind)
        remedy = HINTS.get(name) or HINTS.get(name.casefold(), "")
        if not remedy and candidates:
            remedy = "did you mean " + " or ".join(f"`{c}`" for c in candidates) + "?"
        related = tuple(
            Label(entry.span, f"`{c}` is declared here")
            for c in candidates[:1]
            if isinstance(entry := scope.module.find(c), Entry)
        )
        return error(
            "E201", f"nothing is called `{name}`", span, label="not declared", related=related,
            remedy=remedy or "declare it, or use it from another file",
        )  # fmt: skip

    # --- members and subscripts -----------------------------------------------------------------------------

    def _Member(self, expression: ast.Member, scope: Scope) -> Value:
        if isinstance(expression.base, ast.Name):
            self._require_known(expression.base, scope, "owner")
        base = self.evaluate(expression.base, scope)
        name, span = expression.name, expression.span
        if isinstance(base, ModuleValue):
            return self._module_member(base, name, span)
        if isinstance(base, TableValue):
            return base.column(name, span)
        if isinstance(base, DatasetValue):
            return base.column(name, span) if name != "covariance" else self._covariance(base)
        if isinstance(base, IndexValue):
            return Constant(self._label(base, name, span), span=span)
        if isinstance(base, FamilyValue):
            return base.member(Constant(self._label(base.index, name, span), span=span))
        if isinstance(base, Node) and base.axes:
            return self._labelled_element(base, name, span)
        raise error("E205", f"{describe(base)} has no member `{name}`", span, remedy=_member_remedy(base))

    def _module_member(self, module: ModuleValue, name: str, span: Span) -> Value:
        found = module.instance.find(name)
        if isinstance(found, Entry):
            return self.declarations.declared(found, span)
        if isinstance(found, ModuleInstance):
            return ModuleValue(name, found)
        near = closest_names(name, module.instance.names())
        raise error(
            "E205",
            f"{module.instance.source.name} has no `{name}`",
            span,
            remedy=f"did you mean `{near[0]}`?" if near else f"it has {listing(module.instance.names())}",
        )

    def _covariance(self, dataset: DatasetValue) -> Value:
        from pdflang.semantics.datasets import covariance_of

        return covariance_of(self, dataset)

    def _label(self, index: IndexValue, name: str, span: Span) -> int:
        if index.labels is None:
            raise error(
                "E205",
                f"the index `{index.name}` has no labels",
                span,
                remedy=f"write a position in brackets, counted from 0, or give it labels: index {index.name} = a, b",
            )
        if name not in index.labels:
            near = closest_names(name, index.labels)
            raise error(
                "E205",
                f"the index `{index.name}` has no label `{name}`",
                span,
                remedy=f"did you mean `{near[0]}`?" if near else f"its labels are {', '.join(index.labels)}",
            )
        return index.labels.index(name)

    def _labelled_element(self, base: Node, name: str, span: Span) -> Node:
        axis = base.axes[0]
        index = self.index_of(axis)
        if index is None:
            raise error(
                "E205",
                f"an array over {axis} has no labels",
                span,
                remedy="write a position in brackets, counted from 0",
            )
        return nodes.Element(base, (Constant(self._label(index, name, span)),), span=span)

    def index_of(self, axis: Axis) -> IndexValue | None:
        """The index that an axis runs over, or None."""
        for module in self.modules.instances:
            for entry in module.entries.values():
                if isinstance(entry.declaration, ast.Index) and entry.qualified == axis.name:
                    value = self.declarations.declared(entry, entry.span)
                    assert isinstance(value, IndexValue)
                    return value
        return None

    def _Subscript(self, expression: ast.Subscript, scope: Scope) -> Value:
        base = self.evaluate(expression.base, scope)
        if isinstance(base, FamilyValue):
            if len(expression.items) != 1:
                raise error("E305", f"{base.name} is a family over one index", expression.span)
            position = self.number(expression.items[0], scope)
            self._check_position(base.index.axis, position, expression.items[0].span)
            return base.member(position)
        array = as_number(base, expression.base.span, "before brackets")
        if len(expression.items) > len(array.axes):
            raise error(
                "E305",
                f"{describe(array)} has one position for each axis, but {len(expression.items)} are given"
                if array.axes
                else f"{describe(array)} cannot be indexed",
                expression.span,
            )
        return self._take(array, expression.items, scope, expression.span)

    def _take(self, array: Node, items: Sequence[ast.Expression], scope: Scope, span: Span) -> Node:
        positions: list[Node] = []
        loops: list[Loop] = []
        depth = scope.depth
        for axis, item in zip(array.axes, items, strict=False):
            if isinstance(item, ast.Slice):
                start, length = self._slice_bounds(item, axis, scope)
                loop = Loop(depth, Axis(length, axis.name if length == axis.size else None))
                depth += 1
                loops.append(loop)
                index = LoopIndex(loop)
                positions.append(nodes.Apply(arithmetic.ADD, (index, start), "int") if start else index)
                continue
            position = self.number(item, scope, "in brackets")
            if isinstance(position, Constant) and position.dtype == "int" and axis.size.is_known and position.value < 0:
                position = Constant(axis.size.constant + int(position.value), span=position.span)
            self._check_position(axis, position, item.span)
            self.check_bounds(axis, position, item.span)
            if position.axes:
                # An array of positions takes an element for each: ragged groups, theta[g].
                for position_axis in position.axes:
                    loop = Loop(depth, position_axis)
                    depth += 1
                    loops.append(loop)
                    position = nodes.Element(position, (LoopIndex(loop),))
            positions.append(position)
        result: Node = nodes.Element(array, tuple(positions), span=span)
        for loop in reversed(loops):
            result = nodes.Array(loop, result, span=span)
        return result

    def _slice_bounds(self, item: ast.Slice, axis: Axis, scope: Scope) -> tuple[Node | None, Size]:
        start = self.number(item.start, scope) if item.start else None
        stop = _from_the_end(self.size(item.stop, scope), axis) if item.stop else axis.size
        first = _from_the_end(self.size_of(start, item.span), axis) if start is not None else Size(0)
        if not self.is_in_branch:
            check_slice(axis, first, stop, item.span, self.check)
        return start, stop - first

    def check_bounds(self, axis: Axis, position: Node, span: Span) -> None:
        """Have a position compared with its axis, except where an `if` may keep it from being read."""
        if not self.is_in_branch:
            check_bounds(axis, position, span, self.check)

    @contextmanager
    def in_branch(self, conditional: bool = True) -> Iterator[None]:
        """Marks what is evaluated as read only under a condition, or again always."""
        before, self.is_in_branch = self.is_in_branch, conditional
        try:
            yield
        finally:
            self.is_in_branch = before

    def _check_position(self, axis: Axis, position: Node, span: Span) -> None:
        if position.dtype == "real":
            raise error(
                "E305",
                f"a position must be a whole number, but this is {describe(position)}",
                span,
                remedy="declare the data as `: int`, or as the index that it names",
            )
        if isinstance(position, LoopIndex) and position.loop.axis is not None:
            mine = position.loop.axis
            if mine.name and axis.name and mine.name != axis.name and not mine.size.is_known:
                raise error(
                    "E305", f"a position in `{mine.name}` cannot index an array over `{axis.name}`", span
                )
        known = isinstance(position, Constant) and axis.size.is_known
        where = position.value if isinstance(position, Constant) else 0
        if known and not 0 <= where < axis.size.constant:
            raise error(
                "E305",
                f"position {where} is outside an axis of {axis.size.constant}",
                span,
                remedy=f"positions count from 0 to {axis.size.constant - 1}",
            )

    # --- sizes and sets -------------------------------------------------------------------------------------

    def size(self, expression: ast.Expression, scope: Scope) -> Size:
        """A length, known or bound by data."""
        value = self.evaluate(expression, scope)
        if isinstance(value, IndexValue | LengthValue):
            return value.axis.size
        return self.size_of(as_number(value, expression.span, "as a length"), expression.span)

    def size_of(self, node: Node, span: Span) -> Size:
        """A whole number as a length."""
        if node.phase == Phase.CONST and not node.axes and not node.loops and node.dtype == "int":
            return Size(int(self.fold(node)))
        if isinstance(node, Reference) and node.kind == "length":
            return symbol(node.name)
        if isinstance(node, Reference) and node.kind == "data" and node.dtype == "int" and not node.axes:
            return symbol(node.name)
        if isinstance(node, nodes.Apply) and node.function in (arithmetic.ADD, arithmetic.SUBTRACT):
            left, right = (self.size_of(argument, span) for argument in node.arguments)
            return left + right if node.function is arithmetic.ADD else left - right
        raise error(
            "E403",
            f"a length must be known once data is bound, but this is {describe(node)}",
            span,
            remedy="use a whole number, an index, or a length that a datum binds",
        )

    def axis(self, expression: ast.Expression, scope: Scope) -> Axis:
        """The axis that an entry of a bracketed declaration stands for."""
        if isinstance(expression, ast.Slice):
            ends = self._Slice(expression, scope)
            return Axis(self.size_of(ends.stop, expression.span) - self.size_of(ends.start, expression.span))
        value = self.evaluate(expression, scope)
        if isinstance(value, IndexValue | LengthValue):
            return value.axis
        size = self.size_of(as_number(value, expression.span, "as a length"), expression.span)
        if size.is_known and size.constant < 0:
            raise error("E403", f"a length cannot be {size.constant}", expression.span)
        return Axis(size)

    def _Slice(self, expression: ast.Slice, scope: Scope) -> SliceValue:
        if expression.start is None or expression.stop is None:
            raise error("E305", "a range needs both ends here", expression.span, remedy="write 0:N")
        start = self.number(expression.start, scope)
        stop = self.evaluate(expression.stop, scope)
        return SliceValue(start, stop.number if isinstance(stop, LengthValue) else as_number(stop, expression.span))

    def open_loop(self, variable: str, over: ast.Expression, scope: Scope) -> tuple[Loop, Scope] | IntervalValue:
        """A binder over a set: its loop and the scope of its body; an interval is given back as it is."""
        value = self.evaluate(over, scope)
        if isinstance(value, IntervalValue):
            return value
        if isinstance(value, IndexValue | LengthValue):
            loop = Loop(scope.depth, value.axis)
            return loop, scope.bind(variable, LoopIndex(loop)).deeper()
        if isinstance(value, SliceValue):
            size = self.size_of(value.stop, over.span) - self.size_of(value.start, over.span)
            loop = Loop(scope.depth, Axis(size))
            index: Node = LoopIndex(loop)
            if not (isinstance(value.start, Constant) and value.start.value == 0):
                index = nodes.Apply(arithmetic.ADD, (index, value.start), "int")
            return loop, scope.bind(variable, index).deeper()
        array = as_number(value, over.span, "to run over")
        if not array.axes:
            loop = Loop(scope.depth, Axis(self.size_of(array, over.span)))
            return loop, scope.bind(variable, LoopIndex(loop)).deeper()
        loop = Loop(scope.depth, array.axes[0])
        return loop, scope.bind(variable, nodes.Element(array, (LoopIndex(loop),))).deeper()

    def _Comprehension(self, expression: ast.Comprehension, scope: Scope) -> Value:
        clause, *rest = expression.clauses
        opened = self.open_loop(clause.variable, clause.over, scope)
        if isinstance(opened, IntervalValue):
            return function_of(self, expression, scope)
        body: ast.Expression = expression.body
        if rest:
            body = ast.Comprehension(body, tuple(rest), span=expression.span)
        loop, inner = opened
        if clause.condition is not None:
            raise error(
                "E308",
                "`where` in an array over a set is not supported in this version",
                clause.condition.span,
                remedy="use it inside sum(… for … in … where …), or write if … then … else",
            )
        value = self.evaluate(body, inner)
        if isinstance(value, FunctionValue):
            raise error(
                "E301",
                "an array of functions does not exist",
                expression.span,
                label=describe(value),
                remedy="apply the function inside: f(x), f |> bins(edges)",
            )
        return nodes.Array(loop, as_number(value, body.span), span=expression.span)

    # --- arithmetic -----------------------------------------------------------------------------------------

    def _Unary(self, expression: ast.Unary, scope: Scope) -> Value:
        value = self.evaluate(expression.operand, scope)
        if expression.operator == "+":
            return value
        operator = arithmetic.NOT if expression.operator == "not" else arithmetic.NEGATE
        return apply_operator(operator, [value], [expression.operand.span], expression.span, self.check)

    def _Binary(self, expression: ast.Binary, scope: Scope) -> Value:
        # A long sum leans to the left: it is walked in a loop, so that its length is no matter of recursion.
        chain: list[ast.Binary] = []
        first: ast.Expression = expression
        while isinstance(first, ast.Binary):
            chain.append(first)
            first = first.left
        left = self.evaluate(first, scope)
        left_span = first.span
        for part in reversed(chain):
            right = self.evaluate(part.right, scope)
            left = self._combine(part, left, left_span, right)
            left_span = part.span
        return left

    def _combine(self, expression: ast.Binary, left: Value, left_span: Span, right: Value) -> Value:
        spans = [left_span, expression.right.span]
        if expression.operator == "@":
            from pdflang.semantics.builtins import matrix_product

            arrays = [as_number(v, s, "beside @") for v, s in zip((left, right), spans, strict=True)]
            return matrix_product(self, arrays[0], arrays[1], expression.span)
        operator = arithmetic.BINARY[expression.operator]
        return apply_operator(operator, [left, right], spans, expression.span, self.check)

    def _Conditional(self, expression: ast.Conditional, scope: Scope) -> Value:
        parts = (expression.condition, expression.yes, expression.no)
        condition_value = self.evaluate(expression.condition, scope)
        with self.in_branch():
            values = [condition_value, *(self.evaluate(part, scope) for part in parts[1:])]
        spans = [part.span for part in parts]

        def choose(applied: Sequence[Value], depth: int) -> Value:
            condition, yes, no = (as_number(v, s) for v, s in zip(applied, spans, strict=True))
            if condition.dtype != "bool":
                raise error(
                    "E311",
                    f"`if` asks for a condition, but this is {describe(condition)}",
                    spans[0],
                    remedy="compare it with something: if x > 0 then …",
                )
            return nodes.Choose(condition, yes, no, span=expression.span)

        return lift(values, spans, expression.span, choose) or choose(values, scope.depth)

    def _ArrayLiteral(self, expression: ast.ArrayLiteral, scope: Scope) -> Value:
        items = [self.number(item, scope, "in an array") for item in expression.items]
        if not items:
            raise error("E304", "an array needs at least one element", expression.span)
        for item, written in zip(items, expression.items, strict=True):
            if len(item.axes) != len(items[0].axes):
                raise error(
                    "E302", "the elements of an array must have equal shapes", written.span, label=describe(item)
                )
        return nodes.Stack(tuple(items), Axis(Size(len(items))), span=expression.span)

    def _Interval(self, expression: ast.Interval, scope: Scope) -> Value:
        lower = self.number(expression.lower, scope, "as the end of an interval")
        upper = self.number(expression.upper, scope, "as the end of an interval")
        if isinstance(lower, Constant) and isinstance(upper, Constant) and lower.value >= upper.value:
            raise error(
                "E406", f"the interval ({lower.value:g}, {upper.value:g}) is empty", expression.span,
                remedy="write the lower end first; an array is written with brackets: [a, b]",
            )  # fmt: skip
        return IntervalValue(lower, upper)

    def _Where(self, expression: ast.Where, scope: Scope) -> Value:
        raise error(
            "E310",
            "`where` filters the rows of a table or a data set",
            expression.span,
            remedy='write it after the source of a datum: data d = table("d.csv") where x > 0.1',
        )

    def _Truncated(self, expression: ast.Truncated, scope: Scope) -> Value:
        from pdflang.semantics.distributions import truncate

        return truncate(self, expression, scope)

    # --- calls ----------------------------------------------------------------------------------------------

    def _Call(self, expression: ast.Call, scope: Scope) -> Value:
        callee = self.evaluate(expression.function, scope)
        given = tuple(Given(a.name, a.value.span, a.value) for a in expression.arguments)
        name = expression.function.span.text
        return self.call(callee, CallSite(name, given, expression.span, scope), expression.function.span)

    def _Pipe(self, expression: ast.Pipe, scope: Scope) -> Value:
        value = self.evaluate(expression.value, scope)
        written = expression.function
        head = written.function if isinstance(written, ast.Call) else written
        if isinstance(head, ast.Name):
            self._require_known(head, scope, "operator")
        callee = self.evaluate(written, scope)
        if isinstance(callee, OperatorValue):
            return callee.apply(value, scope.depth, expression.span)
        given = (Given(None, expression.value.span, None, value),)
        site = CallSite(expression.function.span.text, given, expression.span, scope)
        return self.call(callee, site, expression.function.span)

    def call(self, callee: Value, site: CallSite, span: Span) -> Value:
        """What a call means; `span` marks what is called."""
        if isinstance(callee, BuiltinValue):
            from pdflang.semantics.builtins import call_builtin

            return call_builtin(self, callee, site)
        if isinstance(callee, FunctionValue):
            matched = match(site, [variable.name for variable in callee.variables])
            arguments = tuple(self.given(matched[v.name], site.scope) for v in callee.variables)
            spans = [matched[v.name].span for v in callee.variables]
            return self.apply(callee, arguments, spans, site.scope.depth, site.span)
        if isinstance(callee, OperatorValue):
            matched = match(site, ["function"])
            return callee.apply(self.given(matched["function"], site.scope), site.scope.depth, site.span)
        if isinstance(callee, CovarianceValue):
            matched = match(site, ["t0"])
            return callee.matrix(self.given_number(matched["t0"], site.scope, "as the reference of t0"))
        remedy = ""
        if isinstance(callee, FamilyValue):
            remedy = f"say which member: {callee.name}[i], or {callee.name}.label"
        elif isinstance(callee, PdfsetValue):
            remedy = f"a density is one of its entries; operators take the whole: {callee.name} |> F2"
        elif isinstance(callee, Node) and callee.axes:
            remedy = "elements are taken with brackets: a[i]"
        raise error("E301", f"{describe(callee)} cannot be called", span, label=describe(callee), remedy=remedy)

    def apply(
        self, function: FunctionValue, arguments: tuple[Value, ...], spans: Sequence[Span], depth: int, span: Span
    ) -> Value:
        """A function applied to arguments, which must lie in its domain."""
        for variable, argument, place in zip(function.variables, arguments, spans, strict=True):
            self._check_domain(function, variable, argument, place)
        return function.apply(arguments, depth, span)

    @contextmanager
    def applying(self, declaration: ast.Declaration | ast.Setting, span: Span) -> Iterator[None]:
        """Marks a declared function as being inlined; a second time inside is recursion."""
        if any(declaration is active for active in self._applying):
            raise error(
                "E203",
                f"`{declaration.name}` calls itself",
                span,
                related=(Label(getattr(declaration, "name_span", declaration.span), "declared here"),),
                remedy="functions are inlined and cannot recurse; use sum, cumsum or a closed form",
            )
        self._applying.append(declaration)
        try:
            yield
        finally:
            self._applying.pop()

    # --- domains --------------------------------------------------------------------------------------------

    def _check_domain(self, function: FunctionValue, variable: FunctionVariable, argument: Value, span: Span) -> None:
        if not isinstance(argument, Node):
            return
        if argument in self._probes:
            self._probes[argument].append(variable.domain)
            return
        if isinstance(variable.domain, IndexValue):
            self._check_position(variable.domain.axis, argument, span)
        if not isinstance(variable.domain, IntervalValue):
            return
        allowed = self.constant_range(variable.domain)
        if allowed is None:
            return
        found = self._exact_range(argument)
        if found is None:
            if not range_of(argument).disjoint(allowed):
                return
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

    def _exact_range(self, node: Node) -> Range | None:
        """The range of a node that reaches both its ends; None where that is not known."""
        if isinstance(node, Variable):
            # The ends of an integration region are not evaluated.
            return Range(node.range.lower, node.range.upper)
        if node.phase == Phase.CONST and not any(loop.axis is None for loop in node.loops):
            return range_of(node)
        return None

    def constant_range(self, domain: IntervalValue) -> Range | None:
        """An interval of known ends as a range that includes them, or None."""
        if any(end.phase != Phase.CONST or end.loops for end in (domain.lower, domain.upper)):
            return None
        return Range(float(self.fold(domain.lower)), float(self.fold(domain.upper)))

    def probe_domain(self, function: FunctionValue, span: Span) -> tuple[Domain, ...]:
        """The domains that a function of free variables inherits from the functions that it calls."""
        from pdflang.semantics.combine import intersect_domains

        variables = [Variable(Loop(-1 - i, None), REAL) for i in range(len(function.variables))]
        self._probes.update({variable: [] for variable in variables})
        try:
            function.apply(tuple(variables), 0, span)
            return tuple(intersect_domains(self._probes[variable], span) for variable in variables)
        finally:
            for variable in variables:
                del self._probes[variable]

    def box(self, site: CallSite) -> BoxValue:
        """`box(x = (0, 1), …)`."""
        sides = {}
        for argument in site.arguments:
            value = self.given(argument, site.scope)
            if argument.name is None or not isinstance(value, IntervalValue):
                raise error(
                    "E303", "a box names an interval for each variable", argument.span, remedy="box(x = (0, 1))"
                )
            sides[argument.name] = value
        return BoxValue(sides)


def _member_remedy(base: Value) -> str:
    if isinstance(base, PdfsetValue):
        return "a pdfset is used whole: p |> F2"
    return "members are labels, columns of a table and names of a module"


def _from_the_end(place: Size, axis: Axis) -> Size:
    """A place on an axis; negative ones count from its end, as in Python."""
    return axis.size + place if place.is_known and place.constant < 0 else place


def _plain(allowed: Range) -> str:
    return f"({allowed.lower:g}, {allowed.upper:g})"


def _outside(found: Range, allowed: Range) -> float:
    return found.lower if found.lower < allowed.lower and not math.isinf(found.lower) else found.upper
