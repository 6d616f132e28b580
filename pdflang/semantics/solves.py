"""Constants that equations fix: exactly where they are affine in them, by a root in a bracket elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, Node, Reference
from pdflang.ir.program import Definition
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.combine import error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.lints import everything_read
from pdflang.semantics.modules import Entry
from pdflang.semantics.ranges import range_of
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import IntervalValue
from pdflang.syntax import ast


class Solves:
    """The equations of a model, by the names of their constants."""

    def __init__(self, elaborator: Elaborator) -> None:
        self._elaborator = elaborator
        self._written: list[tuple[Entry, ast.Solve, Reference]] = []
        self._affine: dict[str, tuple[Reference, Node]] = {}

    def declared(self, entry: Entry, declaration: ast.Solve, unknown: Reference) -> None:
        """A constant that is known by its name until all functions are."""
        self._written.append((entry, declaration, unknown))

    def __iter__(self) -> Iterator[tuple[Entry, ast.Solve, Reference]]:
        return iter(self._written)

    def solution(self, entry: Entry, declaration: ast.Solve, unknown: Reference) -> Definition:
        """The value of a constant. Errors: E404."""
        equation, elaborator = declaration.equation, self._elaborator
        scope = Scope(entry.module, {})
        assert isinstance(equation, ast.Binary) and equation.operator == "==", "the parser asks for it"
        left, right = elaborator.number(equation.left, scope), elaborator.number(equation.right, scope)
        if left.axes or right.axes:
            raise error("E404", "`solve` takes one equation between numbers", equation.span)
        difference = build.subtract(left, right)
        if entry.qualified not in nodes.references(difference):
            raise error(
                "E404",
                f"the equation does not contain `{entry.name}`",
                equation.span,
                remedy=f"an equation fixes a constant that it contains: ∫ of something with {entry.name} in it",
            )
        parts = affine_in(difference, unknown)
        if parts is not None:
            self._affine[entry.qualified] = unknown, difference
            slope, intercept = parts
            return Definition(entry.qualified, build.divide(build.negate(intercept), slope), "solve", entry.span)
        if declaration.bracket is None:
            raise error(
                "E404",
                f"the equation is not affine in `{entry.name}`",
                equation.span,
                remedy=f"say between which values it lies: solve {entry.name} in (lower, upper) where …",
            )
        bracket = elaborator.evaluate(declaration.bracket, scope)
        if not isinstance(bracket, IntervalValue):
            raise error("E404", "a bracket is an interval (lower, upper)", declaration.bracket.span)
        loop = Loop(0, None, key=entry.qualified)
        variable = nodes.Variable(loop, Range(range_of(bracket.lower).lower, range_of(bracket.upper).upper))
        inside = nodes.substitute(difference, {unknown: variable})
        root = nodes.Root(loop, bracket.lower, bracket.upper, inside, 1)
        return Definition(entry.qualified, root, "solve", entry.span)

    def together(self, definitions: Mapping[str, Definition]) -> dict[str, Definition]:
        """Definitions of constants that need each other, where all their equations are linear in all of them.

        They are the elements of the solution of one system. Others are left out: theirs go in a circle.
        """
        plain = {name: definition.node for name, definition in definitions.items()}
        reads = {name: set(everything_read(plain[name], plain)) for name in self._affine}
        found: dict[str, Definition] = {}
        for name in self._affine:
            group = [other for other in self._affine if other in reads[name] and name in reads[other]]
            if group and name not in found:
                for member, value in self._of_system(group).items():
                    found[member] = Definition(member, value, "solve", definitions[member].span)
        return found

    def _of_system(self, group: list[str]) -> dict[str, Node]:
        unknowns = [self._affine[name][0] for name in group]
        axis = Axis(Size(len(group)))
        rows, right = [], []
        for name in group:
            rest, row = self._affine[name][1], []
            for unknown in unknowns:
                parts = affine_in(rest, unknown)
                if parts is None or not nodes.references(parts[0]).keys().isdisjoint(group):
                    return {}
                row.append(parts[0])
                rest = parts[1]
            rows.append(nodes.Stack(tuple(row), axis))
            right.append(build.negate(rest))
        system = nodes.Stack(tuple(rows), axis), nodes.Stack(tuple(right), axis)
        solution = nodes.Whole(arrays.LINEAR_SOLVE, system, (axis,), "real")
        return {name: nodes.Element(solution, (Constant(place),)) for place, name in enumerate(group)}
