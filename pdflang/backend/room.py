"""Which lists of events may have room: arrays longer than the events, so that other events compile nothing again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pdflang.ir import nodes
from pdflang.ir.nodes import Element, Loop, LoopIndex, Node, Phase
from pdflang.ir.program import Observation, Program, expressions
from pdflang.ir.sizes import Axis


def event_axis(observation: Observation) -> Axis:
    """The axis of the likelihood of a process: events, or the nodes in their place."""
    return (observation.log_likelihood or observation.target).axes[0]


def may_have_room(
    observation: Observation, program: Program, with_definitions: Callable[[Iterable[Node]], Iterable[Node]]
) -> bool:
    """Whether nothing but the sum over a list of events, which is masked, sees how long their arrays are.

    All else that runs over the axis, such as another observation of each event or an output for each, would take what
    fills the room for events. `with_definitions` adds to expressions the definitions that they read.
    """
    axis, likelihood, process = event_axis(observation), observation.log_likelihood, observation.process
    if axis.size.is_known:
        return False
    others = {name: o for name, o in program.observations.items() if name != observation.name}
    roots = expressions(replace(program, definitions={}, observations=others))
    if process is not None and process.total is not None:
        roots.append(process.total)
    if isinstance(likelihood, nodes.Array):
        of_one_event, *read = with_definitions([likelihood.body])
        if _run_over(axis, [of_one_event], likelihood.loop):
            return False
        roots += read
    return not _run_over(axis, with_definitions(roots))


def _run_over(axis: Axis, roots: Iterable[Node], event: Loop | None = None) -> bool:
    """Whether functions of the module run over an axis themselves; within the terms of an `event`, over it again."""

    def below(node: Node) -> Iterable[Node]:
        if node.phase != Phase.PARAMETER:
            return ()  # prepared before there is any room
        if isinstance(node, Element) and event is not None and node.positions == (LoopIndex(event),):
            return (part for part in node.children() if part is not node.base)
        return node.children()

    return any(
        axis in node.axes or any(loop.axis == axis and loop != event for loop in node.loops)
        for node in nodes.walk(*roots, below=below)
    )
