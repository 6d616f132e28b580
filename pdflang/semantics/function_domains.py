"""Whether elementwise functions are given what they are defined for: refuted with an example, or nothing is said.

At an end of a domain a function has a limit, so that an argument may reach it: log(0) is -inf, a density of zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from random import Random

from pdflang.components import arithmetic
from pdflang.components.rows import Function
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node, Phase, Reference
from pdflang.ir.program import Program, expressions
from pdflang.ir.ranges import NONNEGATIVE, REAL, Range
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.ranges import range_of
from pdflang.semantics.supports import TRIALS, example_outside, extent_of

_EFFORT = 200_000
"""How many nodes may be visited, for each trial of an example again: a second or two of work."""

_PLACES = 32
"""At how many places an expression in variables is looked at."""

_DENSITY, _NUMBER = "a draw for which it is has density zero", "the value is not a number there"


def outside_domains(elaborator: Elaborator, program: Program) -> Iterator[Diagnostic]:
    """A message for each place where a function is applied outside of its domain: always (E401), or at times (L401)."""
    search = _Search(elaborator, program)
    density = expressions(replace(program, outputs={}, definitions={}))
    outputs = [output.node for output in program.outputs.values()]
    try:
        read = {**search.guarded(density), **search.guarded(outputs)}
        unread = [node for node in program.definition_nodes.values() if node not in read]
        for roots, consequence in ((density, _DENSITY), (outputs, _NUMBER), (unread, _NUMBER)):
            # Inner functions first: their arguments are small, and what is wrong starts there.
            for node, guards in reversed(search.guarded(roots).items()):
                if isinstance(node, nodes.Apply):
                    yield from search.remarks(node, guards, consequence)
    except _Exhausted:
        return


def _requirements(node: nodes.Apply) -> Iterator[tuple[Node, Range]]:
    """The arguments of a function that it is not defined everywhere for, and where it is."""
    if isinstance(node.function, Function):
        yield from zip(node.arguments, node.function.domain, strict=True)
    elif node.function is arithmetic.POWER and _is_broken(node.arguments[1]):
        yield node.arguments[0], NONNEGATIVE


def _is_broken(exponent: Node) -> bool:
    """Whether an exponent is no whole number: one that is written so, or any real parameter."""
    if isinstance(exponent, Constant):
        return not float(exponent.value).is_integer()
    return exponent.dtype == "real" and exponent.phase == Phase.PARAMETER


class _Exhausted(Exception):
    """Enough was looked at."""


class _Search:
    """Looks at the functions of a program, and tells each place once."""

    def __init__(self, elaborator: Elaborator, program: Program) -> None:
        self._elaborator = elaborator
        self._program = program
        self._definitions = program.definition_nodes
        self._effort = 0
        self._told: set[Span] = set()

    def guarded(self, roots: Iterable[Node]) -> dict[Node, frozenset[Node]]:
        """Every node below the roots, with what the conditions read under which alone it is read."""
        guards: dict[Node, frozenset[Node]] = dict.fromkeys(roots, frozenset())
        for node in reversed(list(self._walk(*guards))):
            inside = guards[node]
            in_branch = inside | self._read(node.condition) if isinstance(node, nodes.Choose) else inside
            for child in self._below(node):
                mine = in_branch if isinstance(node, nodes.Choose) and child is not node.condition else inside
                guards[child] = guards[child] & mine if child in guards else mine
        return guards

    def remarks(self, node: nodes.Apply, guards: frozenset[Node], consequence: str) -> Iterator[Diagnostic]:
        """What is to be said of one node, unless something was said at its place."""
        span = node.span
        if span is None or span in self._told:
            return
        for argument, domain in _requirements(node):
            remark = self._remark(node, argument, domain, guards, span)
            if remark is not None:
                self._told.add(span)
                yield remark if remark.severity == "error" else replace(remark, notes=(*remark.notes, consequence))
                return

    def _remark(
        self, node: nodes.Apply, argument: Node, domain: Range, guards: frozenset[Node], span: Span
    ) -> Diagnostic | None:
        allowed = Range(domain.lower, domain.upper)
        if argument.phase == Phase.DATA or range_of(argument).within(allowed):
            return None
        read = self._read(argument)
        if not guards.isdisjoint(read):
            return None
        found = extent_of(self._elaborator, argument)
        is_power = node.function is arithmetic.POWER
        where = f"{'a power that is not whole' if is_power else node.function.name} is defined on {domain}"
        what = "its base" if is_power else "its argument"
        if found.disjoint(allowed) or (argument.phase == Phase.CONST and self._leaves(argument, found, allowed)):
            return Diagnostic("E401", f"{where}, but {what} {found.said}", span, found.said)
        example = None if any(map(_is_unknown, read)) else self._example(argument, allowed)
        if example is None:
            return None
        said, values = example
        return Diagnostic(
            "L401", f"{where}, but {what} can {said}", span, f"can {said}", notes=(f"for example where {values}",),
            remedy="restrict a parameter (`in (0, inf)`, a prior of positive support), or write what holds elsewhere: "
            "if … then … else …",
            severity="lint",
        )  # fmt: skip

    def _leaves(self, argument: Node, found: Range, allowed: Range) -> bool:
        """Whether a constant has values outside of a range, or an expression in variables of known regions.

        Intervals do not know that x − x² is positive on (0, 1): such an expression is looked at in some places.
        """
        variables = {node for node in nodes.walk(argument) if isinstance(node, nodes.Variable | nodes.LoopIndex)}
        if found.within(allowed) or not variables.isdisjoint(self._moving):
            return False
        if all(isinstance(variable, nodes.LoopIndex) for variable in variables):
            return True
        self._spend(_PLACES * sum(1 for _ in self._walk(argument)))
        random = Random(0)
        for _ in range(_PLACES):
            at: dict[Node, Node] = {variable: Constant(_inside(variable, random)) for variable in variables}
            value = self._elaborator.fold(nodes.substitute(argument, at))
            if value < allowed.lower or value > allowed.upper:
                return True
        return False

    @cached_property
    def _moving(self) -> set[Node]:
        """The variables of integrals whose region is not known."""
        integrals = (node for node in nodes.walk(*expressions(self._program)) if isinstance(node, nodes.Integral))
        return {
            child
            for node in integrals
            if any(end.phase > Phase.CONST or end.loops for end in (node.lower, node.upper))
            for child in nodes.walk(node.body)
            if isinstance(child, nodes.Variable) and child.loop == node.loop
        }

    def _example(self, argument: Node, allowed: Range) -> tuple[str, str] | None:
        self._spend(TRIALS * sum(1 for _ in self._walk(argument)))
        return example_outside(self._elaborator, argument, allowed)

    def _read(self, node: Node) -> frozenset[Node]:
        """The parameters, data and variables below a node."""
        return frozenset(
            child
            for child in self._walk(node)
            if isinstance(child, nodes.Variable | nodes.LoopIndex)
            or (isinstance(child, Reference) and child.name not in self._definitions)
        )

    def _walk(self, *roots: Node) -> Iterator[Node]:
        for node in nodes.walk(*roots, below=self._below):
            self._spend(1)
            yield node

    def _below(self, node: Node) -> Iterable[Node]:
        """What a node reads; a derived value reads its definition."""
        if isinstance(node, Reference) and node.name in self._definitions:
            return (self._definitions[node.name],)
        return node.children()

    def _spend(self, effort: int) -> None:
        self._effort += effort
        if self._effort > _EFFORT:
            raise _Exhausted


def _inside(variable: Node, random: Random) -> float | int:
    """A place in the region of a variable, or a position in its set."""
    within = range_of(variable)
    if isinstance(variable, nodes.LoopIndex):
        return random.randrange(int(within.upper) + 1) if math.isfinite(within.upper) else 0
    lower, upper = within.lower, within.upper
    if math.isfinite(lower) and math.isfinite(upper):
        return random.uniform(lower, upper)
    away = random.expovariate(1)
    return lower + away if math.isfinite(lower) else upper - away if math.isfinite(upper) else random.gauss(0, 1)


def _is_unknown(leaf: Node) -> bool:
    """Whether this is data of any sign, which no example can be made of."""
    return isinstance(leaf, Reference) and leaf.kind == "data" and leaf.range == REAL
