"""Lists of events of which any number may be drawn: what else a model says has to follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir import nodes
from pdflang.ir.nodes import Node
from pdflang.ir.program import Observation, Program
from pdflang.ir.sizes import Axis
from pdflang.semantics.lints import everything_read


def require_room_for_events(program: Program, beside: bool = True) -> None:
    """Data with events that are drawn can be read back. Error: E613 where their axis has one length, or parameters.

    With `beside`, or where other data of that axis, or columns of the table, stay as they are when events are drawn,
    or where other data follow how many events there are.
    """
    for observation in program.observations.values():
        if observation.process is None:
            continue
        fixed = "" if observation.process.normalised else _fixed(program, observation)
        if reason := fixed or (_left_behind(program, observation) if beside else ""):
            raise _cannot_be_drawn(observation, reason)


def require_no_mixture(program: Program) -> None:
    """No other data combine events, of which any number may be drawn, with what has an entry for each one observed.

    Nor do they read how many these are. Error: E613.
    """
    definitions = program.definition_nodes
    for events in program.observations.values():
        if events.process is None or events.process.normalised:
            continue
        drawn = {name for node in events.process.columns.values() for name in nodes.references(node)}
        for other in program.observations.values():
            needed = list(_needed(other, definitions))
            read = {node.name: node for node in needed if isinstance(node, nodes.Reference)}
            kept = any(events.target.axes[0] in node.axes for name, node in read.items() if name not in drawn)
            beside = kept or _is_beside(other, events) or _runs_over(events, needed)
            if (beside and not drawn.isdisjoint(read)) or _reads_length(events, needed):
                raise _cannot_be_drawn(events, _not_following(other.name))


def _is_beside(other: Observation, events: Observation) -> bool:
    axis = events.target.axes[0]
    return axis in other.target.axes or any(loop.axis == axis for loop in other.loops)


def _cannot_be_drawn(events: Observation, reason: str) -> PdflangError:
    remedy = f"let data say how many there are, `data {events.name}[N]`, and give what is not drawn an axis of its own"
    return PdflangError(
        Diagnostic("E613", f"the events `{events.name}` cannot be drawn anew: {reason}", events.span, remedy=remedy)
    )


def _not_following(name: str) -> str:
    return f"`{name}` does not follow how many come out"


def _fixed(program: Program, events: Observation) -> str:
    """Why there are always as many events as there are; empty where there are not."""
    axis = events.target.axes[0]
    if axis.size.is_known:
        return f"their number is drawn, but their axis always has {axis.size}"
    parameters = (name for name, parameter in program.parameters.items() if axis in parameter.axes)
    return next(map(_not_following, parameters), "")


def _left_behind(program: Program, events: Observation) -> str:
    """What would not follow events that are drawn; empty where all does."""
    assert events.process is not None
    columns = [*events.process.columns.values(), *([events.process.weights] if events.process.weights else [])]
    drawn = set().union(*(everything_read(node, program.definition_nodes) for node in columns))
    own = program.data[events.name]
    read = [f"{events.name}.{column}" for column in own.columns] if own.shape == "table" else []
    lost = [column for column in read if column not in drawn]
    if not events.process.normalised:
        lost += sorted(of_axis(program, events).keys() - _of_events(program, events))
        for name, other in program.observations.items():
            needed = list(_needed(other, program.definition_nodes))
            if _runs_over(events, needed) or _reads_length(events, needed):
                lost.append(name)
    return _not_following(lost[0]) if lost else ""


def _needed(observation: Observation, definitions: Mapping[str, Node]) -> Iterator[Node]:
    """Every node that the distribution of data needs, through derived values too."""
    pending, seen = list(observation.draws.reads) if observation.draws else [], set[str]()
    while pending:
        for node in nodes.walk(pending.pop()):
            yield node
            if isinstance(node, nodes.Reference) and node.name in definitions and node.name not in seen:
                seen.add(node.name)
                pending.append(definitions[node.name])


def _runs_over(events: Observation, needed: Iterable[Node]) -> bool:
    axis = events.target.axes[0]
    return any(loop.axis == axis for node in needed for loop in node.loops)


def _reads_length(events: Observation, needed: Iterable[Node]) -> bool:
    lengths = dict(events.target.axes[0].size.symbols)
    return any(isinstance(n, nodes.Reference) and n.kind == "length" and n.name in lengths for n in needed)


def of_axis(program: Program, observation: Observation, axis: Axis | None = None) -> dict[str, tuple[int, ...]]:
    """The data that have an entry for each event of a list, or for each row of an axis, and which of their axes have.

    Axes without a name that are as long by chance are other axes; what the weights read is of the events.
    """
    axis, own = axis or observation.target.axes[0], _of_events(program, observation)
    return {
        name: tuple(place for place, one in enumerate(datum.axes) if one == axis)
        for name, datum in program.data.items()
        if axis in datum.axes and (axis.name is not None or name in own)
    }


def _of_events(program: Program, observation: Observation) -> set[str]:
    """The events, and what their weights read."""
    weights = observation.process.weights if observation.process else None
    read = everything_read(weights, program.definition_nodes) if weights is not None else []
    return {observation.name, *map(program.datum_of, read)}
