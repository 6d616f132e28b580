"""Which entries of a datum the distribution of one of its entries reads: only those drawn before it can be needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, Node
from pdflang.ir.sizes import Size
from pdflang.semantics.places import Facts, Places, Turns

Path = tuple[Size, ...]


@dataclass(frozen=True)
class Reading:
    """What is needed of a node: its entry at the positions `path` of its first axes, all of the others.

    `turns` says where the loops stand that the node follows, and `facts` what is true where it is needed.
    """

    node: Node
    path: Path
    turns: frozenset[tuple[Loop, Size]]
    facts: Facts


def readings(
    roots: Sequence[Node], name: str, turns: Turns, definitions: Mapping[str, Node], places: Places
) -> Iterator[Reading]:
    """Each way in which expressions read the datum `name`, through derived values too."""
    below = _Below(definitions, places)
    relevant: set[Node] = set()
    for node in nodes.walk(*roots, below=below.children):
        if _is_named(node, name) or not relevant.isdisjoint(below.children(node)):
            relevant.add(node)
    pending = [_reading(root, (), turns, frozenset()) for root in roots]
    seen: set[Reading] = set()
    while pending:
        reading = pending.pop()
        if reading.node not in relevant or reading in seen:
            continue
        seen.add(reading)
        if _is_named(reading.node, name):
            yield reading
        else:
            pending += below(reading)


def _is_named(node: Node, name: str) -> bool:
    return isinstance(node, nodes.Reference) and node.name == name


def _reading(node: Node, path: Path, turns: Turns, facts: Facts) -> Reading:
    return Reading(node, path, frozenset((loop, turns[loop]) for loop in node.loops if loop in turns), facts)


class _Below:
    """What a reading of a node needs of its children."""

    def __init__(self, definitions: Mapping[str, Node], places: Places) -> None:
        self._definitions = definitions
        self._places = places

    def children(self, node: Node) -> list[Node]:
        """What a node is made of, a derived value of its definition."""
        definition = self._definitions.get(node.name) if isinstance(node, nodes.Reference) else None
        return list(node.children()) if definition is None else [definition]

    def __call__(self, reading: Reading) -> Iterator[Reading]:
        node, path, turns, facts = reading.node, reading.path, dict(reading.turns), reading.facts
        if isinstance(node, nodes.Reference):
            for definition in self.children(node):
                yield _reading(definition, path, {}, facts)
        elif isinstance(node, nodes.Element):
            yield from self._element(node, path, turns, facts)
        elif isinstance(node, nodes.Array):
            turn = path[0] if path else self._places.turn(node.loop)
            yield _reading(node.body, path[1:], {**turns, node.loop: turn}, facts)
        elif isinstance(node, nodes.Sum):
            yield _reading(node.body, path, {**turns, node.loop: self._places.turn(node.loop)}, facts)
        elif isinstance(node, nodes.Scan):
            turn = self._up_to(path, node)
            yield _reading(node.body, (), {**turns, node.loop: turn}, facts)
            yield _reading(node.initial, (), turns, facts)
        elif isinstance(node, nodes.Stack):
            yield from self._stack(node, path, turns, facts)
        elif isinstance(node, nodes.Apply):
            yield from (_reading(child, _aligned(path, node, child), turns, facts) for child in node.arguments)
        elif isinstance(node, nodes.Choose):
            yield from self._choose(node, path, turns, facts)
        elif isinstance(node, nodes.Whole) and node.function is arrays.CONCAT:
            yield from self._joined(node, path, turns, facts)
        elif isinstance(node, nodes.Whole) and node.function is arrays.CUMSUM:
            yield _reading(node.arguments[0], (self._up_to(path, node),), turns, facts)
        else:
            yield from (_reading(child, (), turns, facts) for child in node.children())

    def _element(self, node: nodes.Element, path: Path, turns: Turns, facts: Facts) -> Iterator[Reading]:
        taken = tuple(self._places.of(position, turns) for position in node.positions)
        for position in node.positions:
            yield _reading(position, (), turns, facts)
        for place, axis in zip(taken, node.base.axes, strict=False):
            facts = self._and_between(facts, place, axis.size)
        yield _reading(node.base, (*taken, *path), turns, facts)

    def _up_to(self, path: Path, node: Node) -> Size:
        """Any place up to the one that is needed, or up to the last one."""
        return self._places.between(Size(0), path[0] if path else node.axes[0].size - 1)

    def _stack(self, node: nodes.Stack, path: Path, turns: Turns, facts: Facts) -> Iterator[Reading]:
        for place, item in enumerate(node.items):
            if not path or not path[0].is_known:
                here = self._and_between(facts, path[0] - place, Size(1)) if path else facts
                yield _reading(item, path[1:], turns, here)
            elif path[0].constant == place:
                yield _reading(item, path[1:], turns, facts)

    def _choose(self, node: nodes.Choose, path: Path, turns: Turns, facts: Facts) -> Iterator[Reading]:
        yield _reading(node.condition, _aligned(path, node, node.condition), turns, facts)
        for branch, holds in ((node.yes, True), (node.no, False)):
            known = facts | self._places.facts_of(node.condition, turns, holds)
            yield _reading(branch, _aligned(path, node, branch), turns, known)

    def _joined(self, node: nodes.Whole, path: Path, turns: Turns, facts: Facts) -> Iterator[Reading]:
        """Vectors one after the other: an entry is one of that part in which its place lies."""
        before = Size(0)
        for part in node.arguments:
            size = part.axes[0].size
            if path:
                place = path[0] - before
                yield _reading(part, (place, *path[1:]), turns, self._and_between(facts, place, size))
            else:
                yield _reading(part, (), turns, facts)
            before = before + size

    def _and_between(self, facts: Facts, place: Size, size: Size) -> Facts:
        """The facts, and that a place lies on an axis."""
        return facts | {fact for fact in (place, size - 1 - place) if not self._places.is_proved(fact)}


def _aligned(path: Path, node: Node, child: Node) -> Path:
    """The path in an operand, whose axes are the last ones of the result."""
    return path[len(node.axes) - len(child.axes) :]


@dataclass(frozen=True)
class Drawn:
    """The entry that is drawn, in the order of its axes, the last of which runs fastest.

    `firsts` and `lasts` are the ends of what is drawn, along each axis.
    """

    place: Path
    firsts: Path
    lasts: Path


def drawn(positions: Sequence[Node], loops: Sequence[Loop], turns: Turns, places: Places) -> Drawn:
    """The entry at `positions`, which are the turns of loops and where these start."""
    found = tuple(places.of(position, turns) for position in positions)
    firsts = tuple(place - turns[loop] for place, loop in zip(found, loops, strict=True))
    lasts = tuple(first + _turns_of(loop) - 1 for first, loop in zip(firsts, loops, strict=True))
    return Drawn(found, firsts, lasts)


def _turns_of(loop: Loop) -> Size:
    """How many turns a loop has."""
    assert loop.axis is not None
    return loop.axis.size


@dataclass(frozen=True)
class Verdict:
    """How a reading lies to what is drawn: `earlier`, perhaps if a length is `due` that is at least 1."""

    kind: Literal["earlier", "itself", "later", "unknown"]
    due: Size | None = None


def compared(reading: Reading, entry: Drawn, places: Places) -> Verdict:
    """Whether all that is read is drawn `earlier`, or never; else whether it is `itself`, `later`, or `unknown`."""
    facts = reading.facts
    for place, first, last in zip(reading.path, entry.firsts, entry.lasts, strict=False):
        if places.is_proved(first - place - 1, facts) or places.is_proved(place - last - 1, facts):
            return Verdict("earlier")
    for place, mine in zip(reading.path, entry.place, strict=False):
        before = mine - place
        if places.is_proved(before - 1, facts):
            return Verdict("earlier")
        least = places.least(before)
        if least is not None and not least.is_known and least.constant >= 0 and all(n > 0 for _, n in least.symbols):
            return Verdict("earlier", due=least)
        if places.is_proved(place - mine - 1, facts):
            return Verdict("later")
        if not places.is_proved(before, facts):
            return Verdict("unknown")
    return Verdict("itself" if len(reading.path) >= len(entry.place) else "unknown")
