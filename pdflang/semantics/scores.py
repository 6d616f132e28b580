"""Whether what is drawn has a joint score: the gradient of its log-probability with all that was drawn held fixed.

Each site of a trace has its distribution, given the sites before it. Where each of these is normalised whatever the
parameters, and none has an end or a jump that moves with them, the expected score is zero. A value that is computed
from parameters would be another one at other parameters: it may go on into a draw, but it cannot be what is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pdflang.components.rows import BetweenParameters
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.marks import marked
from pdflang.ir.nodes import Node
from pdflang.ir.program import Draws, EventStage, EventStream, EventVariable, Observation, Process, Program

_JUMPS = frozenset(["sign", "floor", "ceil", "round", "step", "mod"])
"""Functions that jump; so does an `if`, as far as anybody knows."""


def why_no_score(observation: Observation, program: Program) -> Diagnostic | None:
    """Why an observation has no joint score (E612, E614, E617), at the line that takes it away; None where it has."""
    seen = _Seen(program.definition_nodes)
    with marked(program.marks):
        if observation.process is not None:
            return next(_of_process(observation, observation.process, seen), None)
        assert observation.draws is not None
        return next(_of_draws(observation.draws, observation.span, seen), None)


def without_gradient(node: nodes.Apply) -> Diagnostic:
    """That a function has no gradient."""
    return Diagnostic(
        "E612", f"`{node.function.name}` was registered without a gradient", node.span,
        label="takes the gradient away", notes=("`sample --method nested`, `simulate` and `predict` need none",),
        remedy="register it as traceable, made of JAX operations",
    )  # fmt: skip


@dataclass
class _Seen:
    """What is known of the sites of a trace so far: `moving` ones were computed from parameters."""

    definitions: Mapping[str, Node]
    moving: set[Node] = field(default_factory=set)

    def below(self, node: Node) -> Iterator[Node]:
        """All expressions below one, through derived values, each once."""
        pending, seen = [node], set[Node]()
        while pending:
            for child in nodes.walk(pending.pop()):
                if child not in seen:
                    seen.add(child)
                    yield child
                    if isinstance(child, nodes.Reference) and child.name in self.definitions:
                        pending.append(self.definitions[child.name])

    def moves(self, node: Node) -> bool:
        """Whether a value follows the parameters while the trace is held fixed."""
        below = list(self.below(node))
        return not self.moving.isdisjoint(below) or any(
            isinstance(child, nodes.Reference) and child.kind == "param" for child in below
        )

    def opaque(self, node: Node) -> nodes.Apply | None:
        """A function without a gradient, of something that follows the parameters."""
        applied = (child for child in self.below(node) if isinstance(child, nodes.Apply))
        opaque = (child for child in applied if not getattr(child.function, "has_gradient", True))
        return next((child for child in opaque if any(map(self.moves, child.arguments))), None)

    def jump(self, node: Node) -> Node | None:
        """A part that may jump at a place, among the events, that moves with the parameters."""
        for child in self.below(node):
            if isinstance(child, nodes.Choose):
                where = child.condition
            elif isinstance(child, nodes.Apply) and (child.function.name in _JUMPS or child.dtype == "bool"):
                where = child
            else:
                continue
            if self.moves(where) and any(_is_place(part) for part in self.below(where)):
                return child
        return None


def _is_place(node: Node) -> bool:
    return isinstance(node, nodes.Reference) and node.kind == "event"


# --- distributions ---------------------------------------------------------------------------------------------


def _of_draws(draws: Draws, span: Span, seen: _Seen) -> Iterator[Diagnostic]:
    if not getattr(draws.row, "has_density", True):
        yield _none(
            f"`{draws.row.name}` is a simulator that was registered, and has no density", span,
            remedy="methods that need no score can be trained on what it draws",
        )  # fmt: skip
    for node in draws.reads:
        yield from _differentiable(node, seen)
    for end in (*(draws.bounds or ()), *_ends(draws)):
        if seen.moves(end):
            yield _none(
                f"the support of {draws.row.name} moves with the parameters", span,
                remedy="a distribution with a tail, such as Normal, has a density on both sides of any end",
            )  # fmt: skip
    for component in draws.components:
        yield from _of_draws(component, span, seen)


def _ends(draws: Draws) -> Iterator[Node]:
    """The arguments that are ends of the support."""
    support = getattr(draws.row, "support", None)
    if isinstance(support, BetweenParameters):
        names = [parameter.name for parameter in draws.row.parameters]
        yield from (draws.arguments[names.index(e)] for e in (support.lower, support.upper) if isinstance(e, str))


# --- events ----------------------------------------------------------------------------------------------------


def _of_process(observation: Observation, process: Process, seen: _Seen) -> Iterator[Diagnostic]:
    if process.weights is not None:
        yield Diagnostic(
            "E614", f"the events of `{observation.name}` have weights, so that they have no joint score",
            observation.span, remedy="observe them without weights, where the rate is not negative",
        )  # fmt: skip
    for stream in process.streams:
        yield from _of_stream(observation, stream, _Seen(seen.definitions))


def _of_stream(observation: Observation, stream: EventStream, seen: _Seen) -> Iterator[Diagnostic]:
    yield from _of_region(stream.variables, stream.span, seen)
    yield from _of_factor(stream.intensity, f"the rate of {stream.name}", stream.span, seen)
    for stage in stream.stages:
        yield from _of_stage(stage, stream.span, seen)
    for variable in stream.stages[-1].variables if stream.stages else ():
        if variable.place in seen.moving:
            yield _computed(variable, stream.stages[-1], observation.span)


def _of_stage(stage: EventStage, span: Span, seen: _Seen) -> Iterator[Diagnostic]:
    if stage.efficiency is not None:
        yield from _of_factor(stage.efficiency, f"the efficiency of `{stage.name}`", span, seen)
    for step in stage.steps:
        if step.draws is not None:
            yield from _of_draws(step.draws, step.span, seen)
        elif step.value is not None and seen.moves(step.value):
            yield from _differentiable(step.value, seen)
            seen.moving.update(variable.place for variable in step.variables)
    yield from _of_region(stage.variables, span, seen)
    for variable in stage.variables:
        if variable.place in seen.moving and (variable.lower is not None or variable.upper is not None):
            yield _computed(variable, stage, span)


def _of_region(variables: Iterable[EventVariable], span: Span, seen: _Seen) -> Iterator[Diagnostic]:
    for variable in variables:
        for end in (variable.lower, variable.upper):
            if end is not None and seen.moves(end):
                yield _none(
                    f"the region of `{variable.name}` moves with the parameters", end.span or span,
                    remedy="let the variable run between fixed ends",
                )  # fmt: skip


def _differentiable(node: Node, seen: _Seen) -> Iterator[Diagnostic]:
    found = seen.opaque(node)
    if found is not None:
        yield without_gradient(found)


def _of_factor(node: Node, what: str, span: Span, seen: _Seen) -> Iterator[Diagnostic]:
    yield from _differentiable(node, seen)
    jump = seen.jump(node)
    if jump is not None:
        yield _none(
            f"{what} may jump at a place that moves with the parameters", jump.span or node.span or span,
            remedy="let it change over smoothly, or by `min` and `max`, which do not jump",
        )  # fmt: skip


def _computed(variable: EventVariable, stage: EventStage, span: Span) -> Diagnostic:
    step = next((s for s in stage.steps if variable.place in [made.place for made in s.variables]), None)
    return _none(
        f"`{variable.name}` of `{stage.name}` is computed from parameters: at others, the same trace would measure "
        "something else",
        step.span if step is not None else span,
        remedy=f"draw it around the computed value: smear {variable.name} ~ Normal(…, 0.01)",
    )


def _none(reason: str, span: Span, remedy: str) -> Diagnostic:
    return Diagnostic(
        "E617", f"there is no joint score: {reason}", span, label="takes the joint score away",
        notes=("data are drawn in any case: leave out `--traces`",), remedy=remedy,
    )  # fmt: skip
