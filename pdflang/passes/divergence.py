"""Integrals that diverge: for every value of the parameters (an error), or for some that priors allow (a lint).

An integrand can be too large at an end of its region, where a denominator is zero inside of it, and towards infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Constant, Element, Integral, Loop, LoopIndex, Node, Phase, Reference, Variable
from pdflang.ir.program import Parameter, Program, expressions
from pdflang.ir.ranges import Range
from pdflang.passes.orders import Order, Orders
from pdflang.semantics import build
from pdflang.semantics.affine import Parts, affine_parts
from pdflang.semantics.ranges import range_of
from pdflang.semantics.supports import plausible_range

_MOST_PLACES = 8
"""How many places of one integral are looked at, so that no model takes long."""

_RAISE = "keep the exponent above -1 where it is declared: ~ … in (-1, inf)"
_FALL = "restrict the parameter where it is declared, so that the integrand falls fast enough"
_AVOID = "keep the zero of the denominator out of the region"


def divergent_integrals(program: Program) -> Iterator[Diagnostic]:
    """A message for each place where an integral diverges."""
    seen: set[tuple[object, str]] = set()
    for node in nodes.walk(*expressions(program)):
        for remark in _of_integral(program, node) if isinstance(node, Integral) else ():
            key = (remark.span, remark.message)
            if key not in seen:
                seen.add(key)
                yield remark


def _of_integral(program: Program, node: Integral) -> Iterator[Diagnostic]:
    variable = next((c for c in nodes.walk(node.body) if isinstance(c, Variable) and c.loop == node.loop), None)
    if variable is None:
        return
    parts = affine_parts(node.body, variable)
    for place in islice(_places(program, node, parts), _MOST_PLACES):
        for term in Orders(variable, place.node, parts).of(node.body) or ():
            yield from place.remarks(program.parameters, node, term)


@dataclass(frozen=True)
class _Place:
    """A place where an integral may diverge; `base` is the distance from it, as messages write it.

    It is not `fixed` where parameters can move it out of the region.
    """

    node: Node
    said: str
    base: str
    is_fixed: bool = True

    @property
    def is_infinite(self) -> bool:
        return isinstance(self.node, Constant) and math.isinf(self.node.value)

    def remarks(self, parameters: Mapping[str, Parameter], integral: Integral, term: Order) -> Iterator[Diagnostic]:
        """What a term of the integrand does there."""
        if term.rate is not build.ZERO:
            # The integral converges where this is negative, whatever power stands beside it.
            critical, bound, what = build.negate(term.rate), 0.0, "the exponential rises towards it"
            can = "the exponential can rise towards it"
        else:
            critical, bound = (build.negate(term.power), 1.0) if self.is_infinite else (term.power, -1.0)
            found = range_of(term.power)
            power = f"the power of {self.base}"
            what, can = f"{power} {found.said}", f"{power} can be {self._worst(found)}"
        always = range_of(critical).upper <= bound
        if always and self.is_fixed:
            yield Diagnostic(
                "E405", f"this integral diverges at {self.said}: {what}", integral.span, remedy=self._remedy()
            )
        elif always or plausible_range(critical, parameters).lower < bound:
            yield Diagnostic(
                "L405",
                f"this integral diverges at {self.said} for parameters that their priors allow",
                integral.span,
                label=can,
                notes=("such draws have density zero",),
                remedy=_FALL if self.is_infinite else _RAISE if self.is_fixed else _AVOID,
                severity="lint",
            )

    def _worst(self, found: Range) -> str:
        if self.is_infinite:
            return f"{found.upper:g}" if math.isfinite(found.upper) else "any positive number"
        return f"{found.lower:g}" if math.isfinite(found.lower) else "any negative number"

    def _remedy(self) -> str:
        if self.is_infinite:
            return "integrate up to a cut, or a function that falls faster than 1/x"
        return f"an integral up to {self.said} needs a power above -1; integrate from a cut, or change the exponent"


# --- places ----------------------------------------------------------------------------------------------------


def _places(program: Program, node: Integral, parts: Mapping[Node, Parts | None]) -> Iterator[_Place]:
    """The ends of the region and the places inside of it where something is zero or infinite."""
    lower, upper = (_values(program, end) for end in (node.lower, node.upper))
    if -math.inf in lower:
        yield _Place(Constant(-math.inf), "-inf", "x")
    if math.inf in upper:
        yield _Place(Constant(math.inf), "inf", "x")
    for zero in dict.fromkeys(_zeros(parts)):
        if isinstance(zero, Constant):
            yield from _known(zero, lower, upper)
        elif zero.phase == Phase.PARAMETER:
            yield from _moving(program.parameters, zero, node)


def _zeros(parts: Mapping[Node, Parts | None]) -> Iterator[Node]:
    """Where expressions below an integrand are zero that are affine in its variable."""
    for part in parts.values():
        if part is None or part[0] is build.ZERO:
            continue
        zero = build.divide(build.negate(part[1]), part[0])
        # Adding 0 makes 0 of -0.
        yield Constant(float(zero.value) + 0.0) if isinstance(zero, Constant) else zero


def _known(zero: Constant, lower: list[float], upper: list[float]) -> Iterator[_Place]:
    at = float(zero.value)
    said = f"{at:g}"
    beyond = "x" if at == 0 else f"x - {at:g}" if at > 0 else f"x + {-at:g}"
    if _holds(lower, at):
        yield _Place(zero, said, beyond)
    elif _holds(upper, at):
        yield _Place(zero, said, f"{said} - x")
    elif any(low < at < high for low, high in zip(lower, upper, strict=False)):
        yield _Place(zero, said, beyond)


def _holds(values: list[float], place: float) -> bool:
    return any(math.isclose(value, place, rel_tol=1e-12) for value in values)


def _moving(parameters: Mapping[str, Parameter], zero: Node, node: Integral) -> Iterator[_Place]:
    """A zero that follows parameters: at an end that is the same expression, or inside if they allow it."""
    said = f"`{zero.name}`" if isinstance(zero, Reference) else "a zero of the denominator"
    base = f"x - {zero.name}" if isinstance(zero, Reference) else "the denominator"
    if zero in (node.lower, node.upper):
        yield _Place(zero, said, base)
        return
    lower, upper = range_of(node.lower), range_of(node.upper)
    region = Range(lower.lower, upper.upper, True, True)
    if not plausible_range(zero, parameters).disjoint(region):
        inside = Range(lower.upper, upper.lower, True, True)
        yield _Place(zero, said, base, range_of(zero).within(inside))


def _values(program: Program, end: Node) -> list[float]:
    """The values of an end of a region that is known: of bins one for each."""
    if end.phase != Phase.CONST:
        return []
    known = Evaluator({}, {}, program.definition_nodes)
    if not end.loops:
        return [float(known(end))]
    if isinstance(end, Element) and not end.base.loops and len(end.positions) == 1:
        first, loop = _first(end.positions[0])
        if loop is not None and loop.axis is not None and loop.axis.size.is_known:
            return [float(value) for value in known(end.base)[first : first + loop.axis.size.constant]]
    return []


def _first(position: Node) -> tuple[int, Loop | None]:
    """Where a position starts that runs with a binder: i, or i + 1."""
    if isinstance(position, LoopIndex):
        return 0, position.loop
    if isinstance(position, nodes.Apply) and position.function is arithmetic.ADD:
        left, right = position.arguments
        if isinstance(left, LoopIndex) and isinstance(right, Constant):
            return int(right.value), left.loop
    return 0, None
