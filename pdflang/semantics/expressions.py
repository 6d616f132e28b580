"""Expressions: names are looked up, functions inlined, operators consumed; arithmetic over arrays is left."""

from __future__ import annotations

from collections.abc import Sequence

from pdflang.components import arithmetic
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics.builtins import call_builtin, matrix_product
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import apply_operator, as_number, axes_agree, error, exact_or_real, lift
from pdflang.semantics.comprehensions import chosen, function_of
from pdflang.semantics.distributions import truncate
from pdflang.semantics.domains import apply_in_domain
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.members import member
from pdflang.semantics.modules import Entry, ModuleInstance
from pdflang.semantics.names import prelude, require_known, unknown
from pdflang.semantics.scope import Scope
from pdflang.semantics.sets import open_loop, slice_of
from pdflang.semantics.subscripts import subscript
from pdflang.semantics.values import (
    BuiltinValue,
    CovarianceValue,
    FamilyValue,
    FunctionValue,
    IntervalValue,
    ModuleValue,
    OperatorValue,
    PdfsetValue,
    TextValue,
    Value,
    describe,
)
from pdflang.syntax import ast


class Expressions(Elaborator):
    """Evaluates expressions to values. Declared names are asked for through `declarations`."""

    def evaluate(self, expression: ast.Expression, scope: Scope) -> Value:
        """The meaning of an expression."""
        value: Value = getattr(self, f"_{type(expression).__name__}")(expression, scope)
        return self.shared(value) if isinstance(value, FunctionValue) else value

    # --- leaves ---------------------------------------------------------------------------------------------

    def _Number(self, expression: ast.Number, scope: Scope) -> Value:
        value = expression.value
        return Constant(exact_or_real(value) if isinstance(value, int) else value, span=expression.span)

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
        builtin = prelude(name)
        if builtin is None:
            raise unknown(name, expression.span, scope)
        return builtin

    # --- members, subscripts and sets -----------------------------------------------------------------------

    def _Member(self, expression: ast.Member, scope: Scope) -> Value:
        if isinstance(expression.base, ast.Name):
            require_known(expression.base, scope, "owner")
        return member(self, self.evaluate(expression.base, scope), expression.name, expression.span)

    def _Subscript(self, expression: ast.Subscript, scope: Scope) -> Value:
        return subscript(self, expression, scope)

    def _Slice(self, expression: ast.Slice, scope: Scope) -> Value:
        return slice_of(self, expression, scope)

    def _Comprehension(self, expression: ast.Comprehension, scope: Scope) -> Value:
        clause, *rest = expression.clauses
        opened = open_loop(self, clause.variable, clause.over, scope)
        if isinstance(opened, IntervalValue):
            return function_of(self, expression, scope)
        body: ast.Expression = expression.body
        if rest:
            body = ast.Comprehension(body, tuple(rest), span=expression.span)
        loop, inner = opened
        if clause.condition is not None:
            loop, inner = chosen(self, clause, loop, inner)
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
            if isinstance(condition, Constant) and yes.axes == no.axes and yes.dtype == no.dtype:
                return yes if condition.value else no
            return nodes.Choose(condition, yes, no, span=expression.span)

        return lift(values, spans, expression.span, choose) or choose(values, scope.depth)

    def _ArrayLiteral(self, expression: ast.ArrayLiteral, scope: Scope) -> Value:
        items = [self.number(item, scope, "in an array") for item in expression.items]
        if not items:
            raise error("E304", "an array needs at least one element", expression.span)
        for item, written in zip(items, expression.items, strict=True):
            pairs = zip(item.axes, items[0].axes, strict=False)
            if len(item.axes) != len(items[0].axes) or not all(
                axes_agree(*pair, written.span, self.check) for pair in pairs
            ):
                raise error(
                    "E302", "the elements of an array must have equal shapes", written.span, label=describe(item)
                )
        return nodes.Stack(tuple(items), Axis(Size(len(items))), span=expression.span)

    def _Interval(self, expression: ast.Interval, scope: Scope) -> Value:
        lower, upper = (self._end(end, scope) for end in (expression.lower, expression.upper))
        if isinstance(lower, Constant) and isinstance(upper, Constant) and lower.value >= upper.value:
            raise error(
                "E406", f"the interval ({lower.value:g}, {upper.value:g}) is empty", expression.span,
                remedy="write the lower end first; an array is written with brackets: [a, b]",
            )  # fmt: skip
        return IntervalValue(lower, upper)

    def _end(self, written: ast.Expression, scope: Scope) -> Node:
        end = self.number(written, scope, "as the end of an interval")
        if end.axes:
            raise error(
                "E304", f"the end of an interval is a number, but this is {describe(end)}", written.span,
                remedy="its first element is a[0]; with a binder each entry has its own: x[i in N] ~ … in (a[i], inf)",
            )  # fmt: skip
        return end

    def _Where(self, expression: ast.Where, scope: Scope) -> Value:
        raise error(
            "E310",
            "`where` filters the rows of a table or a data set",
            expression.span,
            remedy='write it after the source of a datum: data d = table("d.csv") where x > 0.1',
        )

    def _Truncated(self, expression: ast.Truncated, scope: Scope) -> Value:

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
            require_known(head, scope, "operator")
        callee = self.evaluate(written, scope)
        if isinstance(callee, OperatorValue):
            return callee.apply(value, scope.depth, expression.span)
        given = (Given(None, expression.value.span, None, value),)
        site = CallSite(expression.function.span.text, given, expression.span, scope)
        return self.call(callee, site, expression.function.span)

    def call(self, callee: Value, site: CallSite, span: Span) -> Value:
        """What a call means; `span` marks what is called."""
        if isinstance(callee, BuiltinValue):

            return call_builtin(self, callee, site)
        if isinstance(callee, FunctionValue):
            matched = match(site, [variable.name for variable in callee.variables])
            arguments = tuple(self.given(matched[v.name], site.scope) for v in callee.variables)
            spans = [matched[v.name].span for v in callee.variables]
            return apply_in_domain(self, callee, arguments, spans, site.scope.depth, site.span)
        if isinstance(callee, OperatorValue):
            if callee.apply_two and len(site.arguments) == 2:
                matched = match(site, ["first", "second"])
                first, second = (self.given(matched[name], site.scope) for name in matched)
                return callee.apply_two(first, second, site.scope.depth, site.span)
            matched = match(site, ["function"])
            return callee.apply(self.given(matched["function"], site.scope), site.scope.depth, site.span)
        if isinstance(callee, CovarianceValue):
            return self._with_t0(callee, site)
        remedy = ""
        if isinstance(callee, FamilyValue):
            remedy = f"say which member: {callee.name}[i], or {callee.name}.label"
        elif isinstance(callee, PdfsetValue):
            name = callee.name
            remedy = f"a density is one of its flavours, {name}.g(x); operators take the whole: {name} |> F2"
        elif isinstance(callee, Node) and callee.axes:
            remedy = "elements are taken with brackets: a[i]"
        raise error("E301", f"{describe(callee)} cannot be called", span, label=describe(callee), remedy=remedy)

    def _with_t0(self, callee: CovarianceValue, site: CallSite) -> Value:
        given = match(site, ["t0"])["t0"]
        reference = self.given_number(given, site.scope, "as the reference of t0")
        # By its length alone: it may come from elsewhere, with an axis of another name.
        rows = Axis(callee.rows.size)
        if len(reference.axes) != 1 or not axes_agree(rows, reference.axes[0], given.span, self.check):
            raise error(
                "E304", f"t0 is a number for each datum of `{callee.dataset}`, but this is {describe(reference)}",
                given.span, remedy=f"give a prediction of `{callee.dataset}`: t0 = earlier(proton |> sigma)",
            )  # fmt: skip
        return callee.matrix(reference)
