"""`ode(rate, initial, times)`: the states at given times of dy/dt = rate(t, y) from an initial one."""

from __future__ import annotations

from importlib.util import find_spec

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic, PdflangError, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, Node, Phase, Variable
from pdflang.ir.program import Check
from pdflang.ir.ranges import NONNEGATIVE, REAL
from pdflang.ir.sizes import Size
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import as_count, as_number, axes_agree, error
from pdflang.semantics.domains import apply_in_domain
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.increasing import check_increasing
from pdflang.semantics.recurrences import settled
from pdflang.semantics.values import FunctionValue, Value, describe

_PARAMETERS = ["rate", "initial", "times"]


def ode(elaborator: Elaborator, site: CallSite) -> Value:
    """The states over the axis of the times; `start`, 0 unless it is given, is when the state is the initial one."""
    _require_solver(site.span)
    matched = match(site, _PARAMETERS, ["start", "stiff"])
    rate = _rate(elaborator, matched["rate"], site)
    initial = as_count(elaborator.given_number(matched["initial"], site.scope, "as the initial state of ode"))
    times = elaborator.given_number(matched["times"], site.scope, "as the times of ode")
    start: Node = Constant(0.0)
    if "start" in matched:
        start = elaborator.given_number(matched["start"], site.scope, "as the start of ode")
    _require_times(elaborator, times, start, matched)
    depth = site.scope.depth
    time = Variable(Loop(depth, None, key="time"), REAL).called(rate.variables[0].name)
    state = nodes.State(Loop(depth, None, key="state"), initial.axes, REAL, Phase.CONST).called(rate.variables[1].name)
    spans = [matched["times"].span, matched["initial"].span]
    value = apply_in_domain(elaborator, rate, (time, state), spans, depth + 1, site.span)
    body = as_count(as_number(value, site.span, f"as the rate that `{rate.name}` makes"))
    if len(initial.axes) != len(body.axes) or not all(
        axes_agree(*pair, site.span, elaborator.check) for pair in zip(initial.axes, body.axes, strict=True)
    ):
        raise error(
            "E302", f"the state is {describe(initial)}, but its rate is {describe(body)}", site.span,
            remedy="let the rate have the axes of the initial state: [f, g] for two numbers",
        )  # fmt: skip
    state, body = settled(REAL, state, initial, body)
    found = nodes.Ode(time, state, initial, start, times, body, _is_stiff(elaborator, matched, site), span=site.span)
    if found.loops:
        raise error(
            "E308", "a differential equation for each element of a set is not supported in this version", site.span,
            remedy="let the state be an array over the set, and solve once",
        )  # fmt: skip
    return found


def _require_solver(span: Span) -> None:
    if find_spec("diffrax") is None:
        raise error(
            "E308", "`ode` is not supported in this installation: it needs the package diffrax", span,
            remedy='install it: pip install "pdflang[ode]"',
        )  # fmt: skip


def _rate(elaborator: Elaborator, given: Given, site: CallSite) -> FunctionValue:
    rate = elaborator.given(given, site.scope)
    if isinstance(rate, FunctionValue) and len(rate.variables) == 2:
        return rate
    raise error(
        "E301", f"the rate of a differential equation is a function of time and state, but this is {describe(rate)}",
        given.span, remedy="declare it: func rate(t, y) = …; parameters are read inside",
    )  # fmt: skip


def _is_stiff(elaborator: Elaborator, matched: dict[str, Given], site: CallSite) -> bool:
    if "stiff" not in matched:
        return False
    value = elaborator.given(matched["stiff"], site.scope)
    if isinstance(value, Constant) and isinstance(value.value, bool):
        return value.value
    raise error("E301", "`stiff` of ode is true or false", matched["stiff"].span)


def _require_times(elaborator: Elaborator, times: Node, start: Node, matched: dict[str, Given]) -> None:
    """Times are a vector that increases from the start on, known once data is bound."""
    place = matched["times"].span
    if len(times.axes) != 1:
        raise error("E304", f"the times of ode are a vector, but this is {describe(times)}", place,
                    remedy="write [t] for one time")  # fmt: skip
    if start.axes:
        raise error("E304", f"the start of ode is a number, but this is {describe(start)}", matched["start"].span)
    for name, node in (("times", times), ("start", start)):
        if node.phase == Phase.PARAMETER:
            raise error("E403", f"`{name}` of ode must be known once data is bound, but this reads parameters",
                        matched[name].span, remedy="scale time inside the rate instead")  # fmt: skip
    if times.loops or start.loops:
        # What is said of differential equations in sets comes later.
        return
    if times.axes[0].size == Size(0):
        raise error("E408", "ode needs at least one time", place)
    check_increasing(elaborator, times, "the times of ode", place)
    waits = nodes.Apply(arithmetic.SUBTRACT, (times, start), "real")

    def report(found: float, entry: str) -> Diagnostic:
        return Diagnostic("E408", f"the first time of ode lies {-found:g} before its start", place,
                          remedy="give the time of the initial state: start = …")  # fmt: skip

    if waits.phase != Phase.CONST:
        elaborator.check(Check("range", report, node=waits, allowed=NONNEGATIVE))
        return
    for found in elaborator.fold(waits)[:1]:
        if found < 0:
            raise PdflangError(report(float(found), ""))
