"""What the meaning of a form may ask for while a model is elaborated.

Forms of the language (integrals, distributions, comprehensions, …) are functions of an `Elaborator`. The one that
knows them all is `semantics.expressions`; so imports go one way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pdflang.diagnostics import Label, PdflangError, Reports, Span
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Node, Variable
from pdflang.ir.program import Check, EvolutionSource, FKSource, LhapdfSource, Parameter
from pdflang.ir.sizes import Axis
from pdflang.semantics.calls import Given
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.modules import Entry, Modules
from pdflang.semantics.positions import check_bounds
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import Domain, FunctionValue, Value
from pdflang.syntax import ast

if TYPE_CHECKING:
    from pdflang.semantics.datasets import TableColumns

MOST_CALLS = 20_000
"""How many calls of functions may be inlined, equal ones counted once: a few seconds of work."""

DEEPEST_CALLS = 1_000
"""How many calls may stand inside each other."""


class Declarations(Protocol):
    """What the declarations of a model mean; `semantics.declarations` implements it."""

    parameters: dict[str, Parameter]
    tables: dict[str, TableColumns]

    @property
    def definition_nodes(self) -> dict[str, Node]: ...

    def declared(self, entry: Entry, span: Span) -> Value: ...

    def fk_table(self, source: FKSource, sets: tuple[str, ...] | None) -> str: ...

    def part(self, datum: str, sets: tuple[str, ...], span: Span) -> TableColumns: ...

    def hadrons(self, path: str, span: Span, folder: Any) -> int | None: ...

    def evolution(self, source: EvolutionSource) -> str: ...

    def lhapdf_set(self, source: LhapdfSource) -> str: ...

    def flavours_of_member(
        self, path: str, member: int, scale: float, span: Span, folder: Any
    ) -> tuple[str, ...] | None: ...

    def flavours_of_operators(self, path: str, scale: float, span: Span, folder: Any) -> int | None: ...


class Elaborator(ABC):
    """Evaluates expressions to values. Declared names are asked for through `declarations`.

    `probes` are stand-ins for arguments; the domains of the functions that they are given to are collected there.
    `made` are the values that detectors make of simulated events, with their nodes where they are computed; `names`
    are what a detector calls the places at which it is evaluated.

    Functions are inlined where they are called. A call of one with arguments that it had before, inside as many
    binders, is the value that it had then: functions that call each other twice are not inlined 2, 4, 8, … times.
    """

    declarations: Declarations

    def __init__(self, modules: Modules, reports: Reports) -> None:
        self.modules = modules
        self.reports = reports
        self.checks: list[Check] = []
        self.constants: dict[str, Node] = {}
        self.is_in_branch = False
        self.probes: dict[Node, list[Domain]] = {}
        self.made: dict[Node, Node | None] = {}
        self.names: dict[Node, str] = {}
        self._applying: list[object] = []
        self._calls: list[Span] = []
        self._call_count = 0
        self._too_many: PdflangError | None = None
        self._probe: object = None
        self._given_functions: tuple[FunctionValue, ...] = ()

    @abstractmethod
    def evaluate(self, expression: ast.Expression, scope: Scope) -> Value:
        """The meaning of an expression."""

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
        """The value of a constant node. Error: E409."""
        try:
            return Evaluator({}, {}, self.constants)(node)
        except (ArithmeticError, ValueError) as failure:
            raise error("E409", f"this constant cannot be computed: {failure}", node.span) from None

    def check(self, check: Check) -> None:
        """Remember what data must satisfy."""
        if check not in self.checks:
            self.checks.append(check)

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

    def shared(self, function: FunctionValue) -> FunctionValue:
        """The function, with its values remembered."""
        if function.is_shared:
            return function
        known: dict[Any, tuple[tuple[Value, ...], Value]] = {}

        def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
            # The checks of a call in a branch are fewer, a probe asks each function again, and what is recursion
            # depends on who called only where functions are arguments.
            circumstances = (self.is_in_branch, self._probe, tuple(id(given) for given in self._given_functions))
            key = (*(id(argument) for argument in arguments), depth, circumstances)
            if key not in known:
                with self._calling(function, arguments, span):
                    # The arguments are kept, so that nothing else gets their identities.
                    known[key] = arguments, function.apply(arguments, depth, span)
            return known[key][1]

        return replace(function, apply=apply, is_shared=True)

    @contextmanager
    def _calling(self, function: FunctionValue, arguments: tuple[Value, ...], span: Span) -> Iterator[None]:
        """Counts a call. Error: E120."""
        before = self._given_functions
        given = [argument for argument in arguments if isinstance(argument, FunctionValue)]
        if given:
            self._given_functions = (*before, function, *given)
        self._calls.append(span)
        self._call_count += 1
        try:
            self._require_few_calls()
            yield
        except RecursionError:
            raise self._too_deep() from None
        finally:
            self._calls.pop()
            self._given_functions = before

    def _require_few_calls(self) -> None:
        if len(self._calls) > DEEPEST_CALLS:
            raise self._too_deep()
        if self._call_count > MOST_CALLS:
            # Every later call would say so, too.
            self._too_many = self._too_many or self._excessive(f"too often: more than {MOST_CALLS:,} calls are inlined")
            raise self._too_many

    def _too_deep(self) -> PdflangError:
        return self._excessive(f"too deep: calls may stand {DEEPEST_CALLS:,} deep, fewer where they are long")

    def _excessive(self, how: str) -> PdflangError:
        return error(
            "E120",
            f"the functions of this model call each other {how}",
            self._calls[0],
            label="this needs too many other calls",
            remedy="name a value that many of them need with `let`; write a long sum over an index",
        )

    @contextmanager
    def probing(self, variables: tuple[Variable, ...]) -> Iterator[dict[Node, list[Domain]]]:
        """Collects the domains of the functions that the variables are given to."""
        before = self.probes, self._probe
        self.probes, self._probe = {variable: [] for variable in variables}, object()
        try:
            yield self.probes
        finally:
            self.probes, self._probe = before

    @contextmanager
    def applying(self, declaration: ast.Declaration | ast.Setting, span: Span) -> Iterator[None]:
        """Marks a declared function as being inlined; a second time inside is recursion."""
        if any(declaration is active for active in self._applying):
            raise error(
                "E203",
                f"`{declaration.name}` calls itself",
                span,
                related=(Label(getattr(declaration, "name_span", declaration.span), "declared here"),),
                remedy="functions are inlined and cannot recurse; use scan, sum, cumsum or a closed form",
            )
        self._applying.append(declaration)
        try:
            yield
        finally:
            self._applying.pop()
