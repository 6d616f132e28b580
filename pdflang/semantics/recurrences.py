"""`scan(step, initial, inputs…)`: the states x_t = step(x_{t-1}, input_t…) of a recurrence, one for each input."""

from __future__ import annotations

from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, LoopIndex, Node, Phase
from pdflang.ir.ranges import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL, UNIT, Range
from pdflang.ir.sizes import Axis
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import as_count, as_number, axes_agree, error
from pdflang.semantics.domains import apply_in_domain
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.ranges import range_of
from pdflang.semantics.values import FunctionValue, Value, describe

_INVARIANTS = (OPEN_UNIT, UNIT, POSITIVE, NONNEGATIVE, Range(upper=0.0, open_upper=True), Range(upper=0.0))
"""What a step may leave true of a state."""


def scan(elaborator: Elaborator, site: CallSite) -> Value:
    """The states after each input, over the axis of the inputs; the initial one is not among them."""
    step = _step(elaborator, site)
    names = ["step", "initial", *(variable.name for variable in step.variables[1:])]
    matched = match(site, names)
    initial = as_count(elaborator.given_number(matched["initial"], site.scope, "as the initial state of scan"))
    inputs = [(elaborator.given_number(matched[name], site.scope, "in scan(…)"), matched[name]) for name in names[2:]]
    depth = site.scope.depth
    loop = Loop(depth, _axis(elaborator, inputs, site.span), key="scan")
    state = nodes.State(Loop(depth, None, key="state"), initial.axes, REAL, Phase.CONST).called(step.variables[0].name)
    given = [nodes.Element(values, (LoopIndex(loop),), span=argument.span) for values, argument in inputs]
    spans = [matched["initial"].span, *(argument.span for _, argument in inputs)]
    value = apply_in_domain(elaborator, step, (state, *given), spans, depth + 1, site.span)
    body = as_count(as_number(value, site.span, f"as the state that `{step.name}` makes"))
    _require_same_axes(elaborator, step, initial, body, site.span)
    state, body = _with_invariant(state, initial, body)
    return nodes.Scan(loop, state, initial, body, span=site.span)


def _step(elaborator: Elaborator, site: CallSite) -> FunctionValue:
    given = next((a for a in site.arguments if a.name in (None, "step")), None)
    if given is None:
        raise error("E303", "scan needs `step`", site.span, remedy="write scan(step, initial, inputs)")
    step = elaborator.given(given, site.scope)
    if not isinstance(step, FunctionValue):
        raise error(
            "E301", f"the step of a scan is a function, but this is {describe(step)}", given.span,
            remedy="declare it: func step(state, input) = …",
        )  # fmt: skip
    if len(step.variables) < 2:
        raise error(
            "E303", f"the step of a scan takes the state and an input, but this is {describe(step)}", given.span,
            remedy="let it take both: func step(state, input) = …",
        )  # fmt: skip
    return step


def _axis(elaborator: Elaborator, inputs: list[tuple[Node, Given]], span: Span) -> Axis:
    """The axis that all inputs have first, by its name where one names it."""
    for values, argument in inputs:
        if not values.axes:
            raise error(
                "E304", f"an input of a scan has an element for each step, but this is {describe(values)}",
                argument.span, remedy="a number that every step needs is read inside the step; n equal steps are "
                "those over range(n)",
            )  # fmt: skip
    axes = [values.axes[0] for values, _ in inputs]
    for axis, (values, argument) in zip(axes[1:], inputs[1:], strict=True):
        if not axes_agree(axes[0], axis, argument.span, elaborator.check):
            raise error(
                "E302", f"the inputs of a scan run together, but one is over {axes[0]} and this is {describe(values)}",
                argument.span, remedy="give inputs over one axis",
            )  # fmt: skip
    return next((axis for axis in axes if axis.name), axes[0])


def _require_same_axes(elaborator: Elaborator, step: FunctionValue, initial: Node, body: Node, span: Span) -> None:
    if len(initial.axes) != len(body.axes) or not all(
        axes_agree(*pair, span, elaborator.check) for pair in zip(initial.axes, body.axes, strict=True)
    ):
        raise error(
            "E302", f"the state starts as {describe(initial)}, but `{step.name}` makes {describe(body)} of it", span,
            remedy="start from a state with the axes that the step gives it",
        )  # fmt: skip


def _with_invariant(state: nodes.State, initial: Node, body: Node) -> tuple[nodes.State, Node]:
    """The state and the body of a step with what induction proves: true of the start, and left true by a step."""
    start, proved = range_of(initial), REAL
    for invariant in (start, *_INVARIANTS):
        if start.within(invariant) and range_of(settled(invariant, state, initial, body)[1]).within(invariant):
            proved = proved.intersection(invariant)
    return settled(proved, state, initial, body)


def settled(invariant: Range, state: nodes.State, initial: Node, body: Node) -> tuple[nodes.State, Node]:
    """The state in a range, known when the start is known and all that the step reads; and the body that reads it."""
    phase = max(initial.phase, body.phase)
    narrowed = nodes.State(state.loop, state.axes, invariant, phase).called(state.hint)
    assert isinstance(narrowed, nodes.State)
    return narrowed, nodes.substitute(body, {state: narrowed})
