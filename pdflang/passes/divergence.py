"""Integrals that diverge: for every value of the parameters (an error), or for some that priors allow (a lint).

An integrand can be too large at an end of its region, where a denominator is zero inside of it, and towards infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import TYPE_CHECKING

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.marks import marked
from pdflang.ir.nodes import Constant, Element, Integral, Loop, LoopIndex, Node, Phase, Reference
from pdflang.ir.program import Parameter, Program, expressions
from pdflang.ir.ranges import Range
from pdflang.passes.chances import Chances, Unknown, percent
from pdflang.passes.kernels import variable_of
from pdflang.passes.nearby import TRUE, both
from pdflang.passes.orders import Order, Orders
from pdflang.passes.zeros import zero_of
from pdflang.semantics import build
from pdflang.semantics.affine import Parts, affine_parts
from pdflang.semantics.ranges import range_of
from pdflang.semantics.supports import plausible_range

if TYPE_CHECKING:
    import numpy as np

_MOST_PLACES = 8
"""How many places of one integral are looked at, so that no model takes long."""

_MOST_BINS = 64
"""Bins or moments of which each is asked whether it diverges at a draw."""

_NEAR = 0.05
"""Powers so near to where an integral diverges make it twenty times as large as the integrand elsewhere."""

_OFTEN = 0.05
"""The share of such draws that is worth a word."""

_RAISE = "keep the exponent above -1 where it is declared: ~ … in (-1, inf)"
_FALL = "restrict the parameter where it is declared, so that the integrand falls fast enough"
_AVOID = "keep the zero of the denominator out of the region"


def divergent_integrals(program: Program) -> Iterator[Diagnostic]:
    """A message for each place where an integral diverges."""
    seen: set[tuple[object, str]] = set()
    chances: Chances | None = None
    integrals = (node for node in nodes.walk(*expressions(program)) if isinstance(node, Integral))
    for node in integrals:
        for divergence in divergences(program, node):
            remark = divergence.remark(node)
            key = (remark.span, remark.message)
            if key in seen:
                continue
            seen.add(key)
            if remark.severity == "error":
                yield remark
                continue
            chances = chances or Chances(program)
            found = divergence.as_drawn(remark, node, chances)
            if found is not None:
                yield found


def divergences(program: Program, node: Integral) -> Iterator[Divergence]:
    """Where an integral diverges, for some parameters at least."""
    for found in _possible(program, node):
        if found.is_certain or found.is_possible(program.parameters):
            yield found


def _possible(program: Program, node: Integral) -> Iterator[Divergence]:
    """Where an integral would diverge if the growth of its terms allowed it."""
    variable = variable_of(node)
    if variable is None:
        return
    parts = affine_parts(node.body, variable)
    for place in islice(_places(program, node, parts), _MOST_PLACES):
        for side in place.sides:
            for term in Orders(variable, place.node, parts, side).at_least(node.body):
                yield Divergence(place, side, term)


def _in_any_bin(condition: Node, chances: Chances) -> np.ndarray:
    """At which draws something holds, for one bin at least. Raises `Unknown`."""
    import numpy as np

    loops = sorted(condition.loops, key=lambda loop: loop.depth)
    axes = [loop.axis for loop in loops]
    if any(axis is None or not axis.size.is_known for axis in axes):
        raise Unknown
    places = [range(axis.size.constant) for axis in axes if axis is not None]
    if math.prod(map(len, places)) > _MOST_BINS:
        raise Unknown
    found = [chances.values(condition, loops=dict(zip(loops, at, strict=True)))[0] for at in product(*places)]
    return np.asarray(np.any(found, axis=0))


def nearly_divergent_integrals(program: Program) -> list[Diagnostic]:
    """A remark (L405) on each integral whose power is close to divergence at many draws of the prior."""
    chances = Chances(program)
    found: dict[object, Diagnostic] = {}
    with marked(program.marks):
        for node in nodes.walk(*expressions(program)):
            if isinstance(node, Integral) and node.span not in found:
                remarks = (divergence.nearly(node, chances) for divergence in _possible(program, node))
                first = next(filter(None, remarks), None)
                if first is not None:
                    found[node.span] = first
    return list(found.values())


@dataclass(frozen=True)
class _Place:
    """A place where an integral may diverge, on some of its sides; `base` is the distance from it in messages.

    It is not `fixed` where parameters can move it out of the region, and not `everywhere` where some bins, or some
    parameters, have it inside, and others not.
    """

    node: Node
    said: str
    base: str
    sides: tuple[int, ...] = (1, -1)
    is_fixed: bool = True
    is_everywhere: bool = True

    @property
    def is_infinite(self) -> bool:
        return isinstance(self.node, Constant) and math.isinf(self.node.value)


@dataclass(frozen=True)
class Divergence:
    """A place, and a term of the integrand that is too large on a side of it."""

    place: _Place
    side: int
    term: Order

    @property
    def is_certain(self) -> bool:
        """Whether the integral diverges whatever the parameters are."""
        return self._is_always_large and self.place.is_fixed and self.term.given is TRUE

    def is_possible(self, parameters: Mapping[str, Parameter]) -> bool:
        """Whether it diverges for parameters that their priors allow."""
        return self._is_always_large or plausible_range(self._critical, parameters).lower < self._bound

    def condition(self, integral: Integral) -> Node:
        """What holds for parameters for which the integral diverges, and for bins in which it does."""
        is_large = nodes.Apply(arithmetic.LESS_EQUAL, (self._critical, Constant(self._bound)), "bool")
        large = TRUE if self._is_always_large else is_large
        found = both(both(self._inside(integral), self.term.given), large)
        assert found is not None
        return found

    def remark(self, integral: Integral) -> Diagnostic:
        """The message on it: an error where it is certain, or a lint."""
        if self.is_certain:
            return Diagnostic(
                "E405", f"this integral diverges at {self.place.said}: {self._what}", integral.span,
                remedy=self._remedy,
            )  # fmt: skip
        return Diagnostic(
            "L405",
            f"this integral diverges at {self.place.said} for parameters that their priors allow",
            integral.span,
            label=self._can,
            notes=("such draws have density zero",),
            remedy=_FALL if self.place.is_infinite else _RAISE if self.place.is_fixed else _AVOID,
            severity="lint",
        )

    def as_drawn(self, remark: Diagnostic, integral: Integral, chances: Chances) -> Diagnostic | None:
        """A lint with an example, and with the share of draws for which it holds; None where it holds for none."""
        condition = self.condition(integral)
        try:
            diverges = _in_any_bin(condition, chances)
        except Unknown:
            return remark
        if not diverges.any():
            return None
        example = chances.told(chances.parameters_of(condition), int(diverges.argmax()))
        if not example:
            return remark
        note = f"for example where {example}; such draws, {percent(diverges)} of the prior's, have density zero"
        return replace(remark, notes=(note,), remedy=self._restriction() or remark.remedy)

    def nearly(self, integral: Integral, chances: Chances) -> Diagnostic | None:
        """A lint where many draws are near to where it diverges; None where few are, or that is not known."""
        if self._has_rate or self._is_always_large or not self.place.is_fixed:
            return None
        gap = build.subtract(self._critical, Constant(self._bound))
        close = both(
            nodes.Apply(arithmetic.LESS, (build.ZERO, gap), "bool"),
            nodes.Apply(arithmetic.LESS, (gap, Constant(_NEAR)), "bool"),
        )
        condition = both(both(self._inside(integral), self.term.given), close)
        assert condition is not None
        try:
            nearly = _in_any_bin(condition, chances)
        except Unknown:
            return None
        example = chances.told(chances.parameters_of(condition), int(nearly.argmax()))
        if nearly.mean() < _OFTEN or not example:
            return None
        return Diagnostic(
            "L405",
            f"this integral is close to diverging at {self.place.said} for {percent(nearly)} of the prior's draws",
            integral.span,
            label=f"the power of {self.place.base} comes within {_NEAR:g} of -1",
            notes=(f"for example where {example}; nearly all of the integral then lies next to {self.place.said}",),
            remedy="give the exponent a prior with less there, or integrate from a cut",
            severity="lint",
        )

    def _restriction(self) -> str | None:
        """What to write where the exponent is a parameter but for known numbers."""
        read = list(nodes.references(self._critical).values())
        if not self.place.is_fixed or len(read) != 1 or read[0].kind != "param" or read[0].axes:
            return None
        parts = affine_parts(self._critical, read[0])[self._critical]
        known = [float(part.value) for part in parts or () if isinstance(part, Constant)]
        if len(known) != 2 or not known[0]:
            return None
        end = f"{(self._bound - known[1]) / known[0] + 0.0:.10g}"
        allowed = f"({end}, inf)" if known[0] > 0 else f"(-inf, {end})"
        return f"keep it where the integral converges: {read[0].name} ~ … in {allowed}"

    # --- when it does ---------------------------------------------------------------------------------------

    @property
    def _has_rate(self) -> bool:
        """The integral converges where a rate is negative, whatever power stands beside it."""
        return self.term.rate is not build.ZERO

    @property
    def _critical(self) -> Node:
        """What must be above a bound where the integral converges."""
        if self._has_rate:
            return build.negate(self.term.rate)
        return build.negate(self.term.power) if self.place.is_infinite else self.term.power

    @property
    def _bound(self) -> float:
        return 0.0 if self._has_rate else 1.0 if self.place.is_infinite else -1.0

    @property
    def _is_always_large(self) -> bool:
        # 1/x is too large even where it is divided by log(x), but not by the square of that.
        at_bound = self._has_rate or self.term.logs >= -1
        largest = range_of(self._critical).upper
        return largest < self._bound or (largest == self._bound and at_bound)

    def _inside(self, integral: Integral) -> Node:
        """Whether the place and its side lie in the region."""
        if self.place.is_everywhere:
            return TRUE
        below, above = (arithmetic.LESS_EQUAL, arithmetic.LESS)[:: self.side]
        from_lower = nodes.Apply(below, (integral.lower, self.place.node), "bool")
        found = both(from_lower, nodes.Apply(above, (self.place.node, integral.upper), "bool"))
        assert found is not None
        return found

    # --- in words -------------------------------------------------------------------------------------------

    @property
    def _what(self) -> str:
        if self._has_rate:
            return "the exponential rises towards it"
        return f"the power of {self.place.base} {range_of(self.term.power).said}"

    @property
    def _can(self) -> str:
        if self._has_rate:
            return "the exponential can rise towards it"
        return f"the power of {self.place.base} can be {self._worst(range_of(self.term.power))}"

    def _worst(self, found: Range) -> str:
        if self.place.is_infinite:
            return f"{found.upper:g}" if math.isfinite(found.upper) else "any positive number"
        return f"{found.lower:g}" if math.isfinite(found.lower) else "any negative number"

    @property
    def _remedy(self) -> str:
        if self.place.is_infinite:
            return "integrate up to a cut, or a function that falls faster than 1/x"
        if self._has_rate:
            return f"integrate from a cut: no power makes up for an exponential that rises towards {self.place.said}"
        said = self.place.said
        return f"an integral up to {said} needs a power above -1; integrate from a cut, or change the exponent"


# --- places ----------------------------------------------------------------------------------------------------


def _places(program: Program, node: Integral, parts: Mapping[Node, Parts | None]) -> Iterator[_Place]:
    """The ends of the region and the places inside of it where something is zero or infinite."""
    lower, upper = (_values(program, end) for end in (node.lower, node.upper))
    if -math.inf in lower:
        yield _Place(Constant(-math.inf), "-inf", "x", (-1,))
    if math.inf in upper:
        yield _Place(Constant(math.inf), "inf", "x", (1,))
    ends = [Constant(end + 0.0) for end in (*lower[:1], *upper[-1:]) if math.isfinite(end)]
    for zero in dict.fromkeys([*ends, *_zeros(parts), *_zeros_of_bases(program, node, parts)]):
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


def _zeros_of_bases(program: Program, node: Integral, parts: Mapping[Node, Parts | None]) -> Iterator[Node]:
    """The known zeros of denominators and of bases of powers that are monotone functions of the variable."""
    variable = variable_of(node)
    if variable is None:
        return
    for child in parts:
        if not isinstance(child, nodes.Apply) or child.function.name not in ("divide", "power"):
            continue
        base = child.arguments[1 if child.function.name == "divide" else 0]
        zero = zero_of(base, variable) if parts[base] is None else None
        if zero is not None and zero.place.phase == Phase.CONST and not zero.place.loops:
            yield Constant(float(Evaluator({}, {}, program.definition_nodes)(zero.place)) + 0.0)


def _known(zero: Constant, lower: list[float], upper: list[float]) -> Iterator[_Place]:
    # An edge that is 0.3 but for rounding is the zero at 0.3.
    at = next((end for end in (*lower, *upper) if _is_close(end, float(zero.value))), float(zero.value))
    is_inside = any(low < at < high for low, high in zip(lower, upper, strict=False))
    above, below = is_inside or _holds(lower, at), is_inside or _holds(upper, at)
    if not above and not below:
        return
    said = f"{at:g}"
    beyond = "x" if at == 0 else f"x - {at:g}" if at > 0 else f"x + {-at:g}"
    sides = ((1,) if above else ()) + ((-1,) if below else ())
    is_one = len(lower) == len(upper) == 1
    yield _Place(Constant(at), said, beyond if above else f"{said} - x", sides, is_everywhere=is_one)


def _holds(values: list[float], place: float) -> bool:
    return any(_is_close(value, place) for value in values)


def _is_close(value: float, place: float) -> bool:
    return math.isclose(value, place, rel_tol=1e-12)


def _moving(parameters: Mapping[str, Parameter], zero: Node, node: Integral) -> Iterator[_Place]:
    """A zero that follows parameters: at an end that is the same expression, or inside if they allow it."""
    said = f"`{zero.name}`" if isinstance(zero, Reference) else "a zero of the denominator"
    base = f"x - {zero.name}" if isinstance(zero, Reference) else "the denominator"
    if zero in (node.lower, node.upper):
        yield _Place(zero, said, base, (1,) if zero is node.lower else (-1,))
        return
    lower, upper = range_of(node.lower), range_of(node.upper)
    region = Range(lower.lower, upper.upper, True, True)
    if not plausible_range(zero, parameters).disjoint(region):
        inside = Range(lower.upper, upper.lower, True, True)
        yield _Place(zero, said, base, is_fixed=range_of(zero).within(inside), is_everywhere=False)


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
