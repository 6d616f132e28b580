"""Where events can lie: the ends of a region are known before parameters, and no event is where its rate is 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic, Label, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Choose, Constant, Loop, Node, Phase
from pdflang.ir.program import Check
from pdflang.ir.ranges import POSITIVE, Range
from pdflang.semantics import build
from pdflang.semantics.combine import error
from pdflang.semantics.domains import constant_range
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.values import FunctionVariable, IntervalValue


def known_region(elaborator: Elaborator, variable: FunctionVariable) -> Range | None:
    """Where a variable runs, if that is an interval of constant ends."""
    if not isinstance(variable.domain, IntervalValue):
        return None
    return constant_range(elaborator, variable.domain)


def require_fixed(variables: tuple[FunctionVariable, ...], span: Span) -> None:
    """The region of events does not move with parameters. Error: E403."""
    for variable in variables:
        domain = variable.domain
        if isinstance(domain, IntervalValue) and Phase.PARAMETER in (domain.lower.phase, domain.upper.phase):
            raise error(
                "E403", f"the region of events must be known once data is bound, but that of `{variable.name}` "
                "reads parameters", span, remedy="observe events in a fixed region: over = (0, 1)",
            )  # fmt: skip


def narrowed(elaborator: Elaborator, variable: FunctionVariable, side: IntervalValue, span: Span) -> FunctionVariable:
    """A variable that runs over a part of its domain. Error: E402."""
    whole, part = known_region(elaborator, variable), constant_range(elaborator, side)
    if whole is not None and part is not None and not part.within(whole):
        raise error(
            "E402", f"`over` reaches beyond {variable.name} in ({whole.lower:g}, {whole.upper:g})", span,
            label=f"{variable.name} {part.said}", remedy="`over` narrows a region; widen the domain of the function",
        )  # fmt: skip
    return FunctionVariable(variable.name, side)


def require_possible(
    elaborator: Elaborator,
    variables: tuple[FunctionVariable, ...],
    event: Mapping[str, Node],
    rate: Node,
    loop: Loop,
    name: str,
    span: Span,
) -> None:
    """Have events found out that lie beyond ends known by data, or where the rate is 0 whatever the parameters."""
    for condition in (*_beyond_data(variables, event), *_conditions(rate)):
        holds = nodes.Array(loop, condition)
        elaborator.check(Check("range", _report(name, condition, span), node=holds, allowed=POSITIVE))


def _beyond_data(variables: tuple[FunctionVariable, ...], event: Mapping[str, Node]) -> Iterator[Node]:
    for variable in variables:
        domain, place = variable.domain, event[variable.name]
        if not isinstance(domain, IntervalValue):
            continue
        for end, pair in ((domain.lower, (domain.lower, place)), (domain.upper, (place, domain.upper))):
            if end.phase == Phase.DATA:
                yield nodes.Apply(arithmetic.LESS_EQUAL, pair, "bool", span=end.span)


def _conditions(rate: Node) -> Iterator[Node]:
    """What must hold where a rate is not 0: `where`, and `if` with 0 as one of its branches."""
    for factor in build.factors(rate):
        if not isinstance(factor, Choose):
            continue
        zeros = [isinstance(branch, Constant) and branch.value == 0 for branch in (factor.yes, factor.no)]
        if factor.condition.phase != Phase.PARAMETER and any(zeros):
            yield Choose(factor.condition, *(Constant(int(not zero)) for zero in zeros), span=factor.condition.span)
        yield from _conditions(factor.no if zeros[0] else factor.yes) if any(zeros) else ()


def _report(name: str, condition: Node, span: Span):  # type: ignore[no-untyped-def]
    place = condition.span

    def report(found: float, entry: str) -> Diagnostic:
        return Diagnostic(
            "E509",
            f"an event of `{name}` lies outside of its region: {entry}",
            span,
            label="the rate is 0 there",
            related=(Label(place, "does not hold"),) if place is not None else (),
            remedy="correct the data, leave such rows out with `where`, or observe in a wider region",
        )

    return report
