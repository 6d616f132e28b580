"""Detectors: kernels from true to measured variables, declared, and applied to functions.

The rate of measured events is g(y) = ∫ e(x) f(x) K(y | x) dx + b(y), with the efficiency e, the kernel K that
`smear` declares and the background b. Mass that K puts outside the region of y is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pdflang.components import library
from pdflang.diagnostics import Diagnostic, Label, PdflangError, Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node
from pdflang.ir.ranges import NONNEGATIVE, UNIT
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics import build
from pdflang.semantics.combine import as_count, as_number, error, intersect_domains
from pdflang.semantics.distributions import log_probability, require_fixed_bounds
from pdflang.semantics.domains import apply_in_domain
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.integration import Side, accumulated, place_in, side_of
from pdflang.semantics.names import distribution_of, names_in
from pdflang.semantics.scope import Scope
from pdflang.semantics.supports import check_support
from pdflang.semantics.values import (
    DetectorStep,
    DetectorValue,
    DistributionValue,
    FunctionValue,
    FunctionVariable,
    IndexValue,
    MixtureValue,
    OperatorValue,
    Stream,
    Value,
    describe,
)
from pdflang.syntax import ast

_ORDER = (ast.DetectorLet, ast.Draw, ast.Smear)
Values = Mapping[str, Node]

BACKGROUND = "background"
"""The role of the function that a detector adds."""


def detector_operator(
    elaborator: Elaborator,
    name: str,
    declaration: ast.Detector,
    scope: Scope,
    domain: Callable[[ast.Variable, Scope], Any],
) -> OperatorValue:
    """The meaning of a declaration: an operator from functions of true to functions of measured variables."""
    detector = _Declared(elaborator, name, declaration, scope, domain).value()

    def apply(value: Value, depth: int, span: Span) -> Value:
        if not isinstance(value, FunctionValue):
            raise error(
                "E301", f"a detector acts on a function, but this is {describe(value)}", span,
                remedy=f"pipe the rate itself: f |> {declaration.name}, and bin afterwards",
            )  # fmt: skip
        return _Seen(elaborator, detector, value, span).function()

    return OperatorValue(name, apply)


class _Declared:
    """Reads the statements of a detector and refuses what has no meaning."""

    def __init__(
        self,
        elaborator: Elaborator,
        name: str,
        declaration: ast.Detector,
        scope: Scope,
        domain: Callable[[ast.Variable, Scope], Any],
    ) -> None:
        self._elaborator = elaborator
        self._name = name
        self._declaration = declaration
        self._scope = scope
        self._measured = self._variables(declaration.measured, domain)
        self._true = self._variables(declaration.true, domain)
        self._by_kind: dict[type, list[Any]] = {}
        for statement in declaration.statements:
            self._by_kind.setdefault(type(statement), []).append(statement)

    def _variables(
        self, written: tuple[ast.Variable, ...], domain: Callable[[ast.Variable, Scope], Any]
    ) -> tuple[FunctionVariable, ...]:
        names = [variable.name for variable in written]
        for position, variable in enumerate(written):
            if variable.name in names[:position]:
                raise error("E202", f"`{self._declaration.name}` has two variables `{variable.name}`", variable.span)
        return tuple(FunctionVariable(variable.name, domain(variable, self._scope)) for variable in written)

    def value(self) -> DetectorValue:
        """The detector as functions of its variables."""
        steps = tuple(self._step(s) for s in self._declaration.statements if isinstance(s, _ORDER))
        self._require_each_made_once(steps)
        self._require_order()
        return DetectorValue(
            self._name, self._measured, self._true, self._efficiency(), steps, self._background(), self._no_density()
        )

    def _one(self, kind: type, word: str) -> Any:
        found = self._by_kind.get(kind, [])
        if len(found) > 1:
            raise error(
                "E202", f"`{self._declaration.name}` has two statements `{word}`", found[1].span,
                related=(Label(found[0].span, "the first one"),), remedy="write their product or sum in one",
            )  # fmt: skip
        return found[0] if found else None

    def _bound(self, values: Values, depth: int) -> Scope:
        scope = self._scope.at_depth(max(depth, self._scope.depth))
        for name, node in values.items():
            scope = scope.bind(name, node)
            self._elaborator.names[node] = name
        return scope

    def _number(self, written: ast.Expression, values: Values, depth: int, what: str) -> Node:
        with self._elaborator.applying(self._declaration, written.span):
            node = self._elaborator.number(written, self._bound(values, depth), what)
        if node.axes:
            raise error("E301", f"{what[3:]} is a number, but this is {describe(node)}", written.span)
        return node

    def _efficiency(self) -> Callable[[Values, int], Node] | None:
        statement = self._one(ast.Efficiency, "efficiency")
        if statement is None:
            return None
        written = statement.value

        def meaning(values: Values, depth: int) -> Node:
            node = as_count(self._number(written, values, depth, "as an efficiency"))
            check_support(self._elaborator, node, UNIT, "an efficiency", written.span)
            return node

        return meaning

    def _background(self) -> FunctionValue | None:
        statement = self._one(ast.Background, "background")
        if statement is None:
            return None
        written, names = statement.value, [variable.name for variable in self._measured]

        def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
            values = {name: as_number(a, span) for name, a in zip(names, arguments, strict=True)}
            node = self._number(written, values, depth, "as a background")
            check_support(self._elaborator, node, NONNEGATIVE, "a background", written.span)
            return node

        return FunctionValue(f"background of {self._name}", self._measured, apply, BACKGROUND)

    def _step(self, statement: ast.DetectorStatement) -> DetectorStep:
        if isinstance(statement, ast.DetectorLet):
            written = statement.value
            return DetectorStep(
                (statement.name,), "let", lambda values, depth: self._number(written, values, depth, "as a value"),
                statement.span,
            )  # fmt: skip
        assert isinstance(statement, ast.Smear | ast.Draw)
        distribution = statement.distribution
        kind = "smear" if isinstance(statement, ast.Smear) else "draw"
        names = statement.variables if isinstance(statement, ast.Smear) else (statement.name,)

        def meaning(values: Values, depth: int) -> Value:
            with self._elaborator.applying(self._declaration, distribution.span):
                value = distribution_of(self._elaborator, distribution, self._bound(values, depth))
            return self._kernel(value, kind, len(names), distribution.span)

        return DetectorStep(names, kind, meaning, statement.span)  # type: ignore[arg-type]

    def _kernel(self, value: Value, kind: str, count: int, span: Span) -> Value:
        if not isinstance(value, DistributionValue | MixtureValue):
            raise error(
                "E306", f"`{kind}` needs a distribution, but this is {describe(value)}", span,
                remedy="write smear y ~ Normal(x, 0.1)",
            )  # fmt: skip
        if kind == "smear" and not getattr(value.row, "has_density", True):
            raise error(
                "E306", f"{value.row.name} has no density, and cannot smear", span,
                remedy="a simulator stands behind `draw`, which makes a measured variable too: draw y ~ …",
            )  # fmt: skip
        require_fixed_bounds(value, f"a distribution behind `{kind}`")
        rank = getattr(value.row, "rank", 0)
        if not value.row.proper or (kind == "smear" and value.is_discrete):
            raise error("E306", f"`{kind}` needs a proper distribution of real numbers, not {value.row.name}", span)
        if getattr(value.row, "simplex", False):
            raise error("E306", f"`{kind}` needs a density in all variables, and {value.row.name} has none", span)
        if isinstance(value, DistributionValue) and rank and value.arguments[0].axes[-1].size != Size(count):
            found = describe(value.arguments[0])
            raise error("E307", f"`{kind}` of {count} variables has a mean that is {found}", span)
        if (count > 1) != (rank > 0):
            asked = "a distribution of vectors, such as MvNormal" if count > 1 else "a distribution of one variable"
            raise error("E306", f"`{kind}` of {count} needs {asked}, not {value.row.name}", span)
        return value

    def _require_each_made_once(self, steps: tuple[DetectorStep, ...]) -> None:
        """Every measured variable is smeared, computed, or passed through, and only one of them."""
        true = {variable.name for variable in self._true}
        measured = [variable.name for variable in self._measured]
        made: dict[str, Span] = {}
        for step in steps:
            for name in step.names:
                self._require_makeable(name, step, true, measured)
                self._require_real(name, step)
                if name in made:
                    raise error("E202", f"`{name}` is made twice", step.span, related=(Label(made[name], "here"),))
                made[name] = step.span
        for variable in self._declaration.measured:
            if variable.name not in made and variable.name not in true:
                raise error(
                    "E313", f"nothing says how `{variable.name}` is measured", variable.span,
                    remedy=f"write smear {variable.name} ~ Normal({self._true[0].name}, 0.1); a variable on both "
                    "sides of the bar passes through",
                )  # fmt: skip

    def _require_order(self) -> None:
        """No step reads what it makes itself, or what a later one makes. Error: E203."""
        later: dict[str, Span] = {}
        for statement in reversed([s for s in self._declaration.statements if isinstance(s, _ORDER)]):
            names = statement.variables if isinstance(statement, ast.Smear) else (statement.name,)
            written = statement.value if isinstance(statement, ast.DetectorLet) else statement.distribution
            later.update(dict.fromkeys(names, statement.span))
            for name in sorted(names_in(written) & later.keys()):
                if self._scope.module.find(name) is None:
                    raise error(
                        "E203", f"`{name}` is read before it is made", written.span,
                        related=(Label(later[name], f"`{name}` is made here"),),
                        remedy="each step of a detector reads the true variables and the steps above it",
                    )  # fmt: skip

    def _require_makeable(self, name: str, step: DetectorStep, true: set[str], measured: list[str]) -> None:
        if name in true:
            passes = " passes through, and" if name in measured else " is true, and"
            raise error("E313", f"`{name}`{passes} cannot be made by `{step.kind}`", step.span,
                        remedy="give the measured variable a name of its own")  # fmt: skip
        if step.kind == "smear" and name not in measured:
            near = closest_names(name, measured)
            raise error(
                "E313", f"`{name}` is not measured by `{self._declaration.name}`", step.span,
                remedy=f"did you mean `{near[0]}`?" if near else f"its measured variables are {', '.join(measured)}",
            )  # fmt: skip

    def _require_real(self, name: str, step: DetectorStep) -> None:
        """A position in an index is drawn or passes through: a density of real numbers does not make one."""
        for variable in self._measured:
            if step.kind == "smear" and variable.name == name and isinstance(variable.domain, IndexValue):
                raise error(
                    "E313", f"`{name}` runs over an index, and cannot be smeared", step.span,
                    remedy="let it pass through: write it on both sides of the bar",
                )  # fmt: skip

    def _no_density(self) -> Diagnostic | None:
        """Why the kernel has no density: a latent draw, or a measured variable that is computed."""
        measured = {variable.name for variable in self._measured}
        for statement in self._declaration.statements:
            if isinstance(statement, ast.Draw):
                what = f"nothing integrates over `draw {statement.name}`"
            elif isinstance(statement, ast.DetectorLet) and statement.name in measured:
                what = f"`{statement.name}` is computed, not smeared"
            else:
                continue
            return Diagnostic(
                "E611", f"the detector `{self._name}` has no density: {what}", statement.span,
                label="takes the density away",
                notes=("it can be simulated: `pdflang simulate`, `pdflang predict`, and likelihood-free training",),
                remedy="describe the resolution by `smear` where a density is needed",
            )  # fmt: skip
        return None


class _Seen:
    """A function of true variables as a detector sees it."""

    def __init__(self, elaborator: Elaborator, detector: DetectorValue, function: FunctionValue, span: Span) -> None:
        self._elaborator = elaborator
        self._detector = detector
        self._function = function
        self._span = span
        self._true = self._matched()

    def _matched(self) -> tuple[FunctionVariable, ...]:
        """The true variables in the order of the function's, each with the domain of both."""
        mine = {variable.name: variable for variable in self._detector.true}
        theirs = self._function.variables
        if len(mine) == len(theirs) == 1:
            # With one variable on either side there is nothing to confuse.
            mine = {theirs[0].name: replace(self._detector.true[0])}
        for variable in theirs:
            if variable.name not in mine:
                raise error(
                    "E313",
                    f"`{self._function.name}` has a variable `{variable.name}`, which `{self._detector.name}` "
                    "does not know",
                    self._span,
                    remedy=f"let it pass through: write `{variable.name}` on both sides of the bar",
                )
        unknown = sorted(mine.keys() - {variable.name for variable in theirs})
        if unknown:
            raise error(
                "E313",
                f"`{self._detector.name}` reads the true `{unknown[0]}`, which {describe(self._function)} has not",
                self._span,
                remedy=f"its variables are {', '.join(variable.name for variable in theirs)}",
            )
        merged = (intersect_domains([v.domain, mine[v.name].domain], self._span) for v in theirs)
        own = [self._detector.true[0].name] if len(theirs) == 1 else [v.name for v in theirs]
        return tuple(FunctionVariable(name, domain) for name, domain in zip(own, merged, strict=True))

    def function(self) -> FunctionValue:
        """The function of measured variables."""
        domains = {variable.name: variable.domain for variable in self._true}
        measured = tuple(
            FunctionVariable(v.name, v.domain if v.domain is not None else domains.get(v.name))
            for v in self._detector.measured
        )
        name = f"{self._function.name} |> {self._detector.name}"
        no_density = self._function.no_density or self._detector.no_density
        streams = self._streams(measured)
        return FunctionValue(name, measured, self._apply, "lifted", streams, no_density)

    def _streams(self, measured: tuple[FunctionVariable, ...]) -> tuple[Stream, ...]:
        seen = replace(self._detector, measured=measured, true=self._true)
        streams = [replace(s, detectors=(*s.detectors, seen)) for s in streams_of(self._function)]
        if self._detector.background is not None:
            background = replace(self._detector.background, variables=measured)
            streams.append(Stream(background, build.ONE, ()))
        return tuple(streams)

    def _apply(self, arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
        if self._detector.no_density is not None:
            raise error_of(self._detector.no_density, span)
        names = [variable.name for variable in self._detector.measured]
        measured = {name: as_number(a, span) for name, a in zip(names, arguments, strict=True)}
        node = self._signal(measured, depth)
        if self._detector.background is not None:
            node = build.add(node, as_number(self._detector.background.apply(arguments, depth, span), span))
        return node

    def _signal(self, measured: Values, depth: int) -> Node:
        """∫ e(x) f(x) K(y | x) dx over the variables that do not pass through."""
        passed = self._detector.passed
        values = {name: measured[name] for name in passed}
        # Sums over indices stand outside, so that each integral has the powers of its rate before it.
        integrated = sorted(
            (variable for variable in self._true if variable.name not in passed),
            key=lambda variable: not isinstance(variable.domain, IndexValue),
        )
        for position, variable in enumerate(integrated):
            values[variable.name] = place_in(self._side(variable), depth + position)
        inside = depth + len(integrated)
        body = build.multiply(self._rate(values, inside), self._kernels(values, measured, inside))
        for position, variable in reversed(list(enumerate(integrated))):
            body = accumulated(self._side(variable), depth + position, body, self._span)
        return body

    def _kernels(self, true: Values, measured: Values, depth: int) -> Node:
        """The density of the measured variables given the true ones; each step may read those before it."""
        values, kernel = dict(true), build.ONE
        for step in self._detector.steps:
            if step.kind == "let":
                values[step.names[0]] = as_number(step.meaning(values, depth), step.span)
            else:
                kernel = build.multiply(kernel, self._kernel(step, values, measured, depth))
                values.update({name: measured[name] for name in step.names})
        return kernel

    def _side(self, variable: FunctionVariable) -> Side:
        return side_of(self._function, variable, self._span)

    def _rate(self, values: Values, depth: int) -> Node:
        true = tuple(values[variable.name] for variable in self._true)
        rate = apply_in_domain(self._elaborator, self._function, true, [self._span] * len(true), depth, self._span)
        node = as_number(rate, self._span)
        if self._detector.efficiency is None:
            return node
        return build.multiply(self._detector.efficiency(values, depth), node)

    def _kernel(self, step: DetectorStep, values: Values, measured: Values, depth: int) -> Node:
        value = step.meaning(values, depth)
        assert isinstance(value, DistributionValue | MixtureValue)
        if len(step.names) == 1:
            target = measured[step.names[0]]
        else:
            target = nodes.Stack(tuple(measured[name] for name in step.names), Axis(Size(len(step.names))))
        log_probability(self._elaborator, value, target, step.span)
        return density(value, target, step.span)


def density(value: DistributionValue | MixtureValue, target: Node, span: Span) -> Node:
    """p(target): of a mixture the sum over its components, of a normal vector the product over its entries."""
    if isinstance(value, MixtureValue):
        parts = (
            build.multiply(nodes.Element(value.weights, (Constant(k),)), density(component, target, span))
            for k, component in enumerate(value.components)
        )
        return build.total(parts)
    if value.row.name == "MvNormal":
        assert isinstance(target, nodes.Stack)
        mu, scale_tril = value.arguments
        return _of_vector(mu, scale_tril, target, span)
    return nodes.Density(value.row, target, value.arguments, value.bounds or (), span=span)


def _of_vector(mu: Node, scale_tril: Node, target: nodes.Stack, span: Span) -> Node:
    """Each entry given those before it, so that one that is integrated out leaves a probability: L z = y − μ."""
    kernel, white = build.ONE, list[Node]()
    for i, value in enumerate(target.items):
        row = [nodes.Element(scale_tril, (Constant(i), Constant(j))) for j in range(i + 1)]
        shift = build.total(build.multiply(factor, z) for factor, z in zip(row, white, strict=False))
        mean = build.add(_entry(mu, i), shift)
        white.append(build.divide(build.subtract(value, mean), row[i]))
        kernel = build.multiply(kernel, nodes.Density(library["Normal"], value, (mean, row[i]), (), span=span))
    return kernel


def _entry(vector: Node, position: int) -> Node:
    return vector.items[position] if isinstance(vector, nodes.Stack) else nodes.Element(vector, (Constant(position),))


def streams_of(function: FunctionValue) -> tuple[Stream, ...]:
    """How the events of a function come about; of one that no detector made, from its own rate."""
    return function.streams or (Stream(function, build.ONE, ()),)


def error_of(diagnostic: Diagnostic, span: Span) -> PdflangError:
    """The error of asking for a density that there is not."""
    return PdflangError(replace(diagnostic, related=(*diagnostic.related, Label(span, "a density is needed here"))))
