"""Which entries of a datum the distribution of one of its entries reads: only earlier ones can be drawn before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pdflang.components import arithmetic, arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node

Place = Loop | Literal["axis"]
Reads = Mapping[Place, float]
"""How far ahead an expression reads at most: of the position of a loop, or of an entry along its own first axis.

What is read elsewhere, as at a fixed position, is not told.
"""


def reads_ahead(node: Node, name: str, loop: Loop, definitions: Mapping[str, Node]) -> float:
    """How far beyond the position of `loop` an expression is known to read the vector `name`; -inf where it is not."""
    reads: dict[Node, Reads] = {}

    def below(child: Node) -> list[Node]:
        definition = _definition(child, definitions)
        return list(child.children()) if definition is None else [definition]

    for child in nodes.walk(node, below=below):
        definition = _definition(child, definitions)
        reads[child] = reads[definition] if definition is not None else _reads(child, name, reads)
    return reads[node].get(loop, -math.inf)


def _definition(node: Node, definitions: Mapping[str, Node]) -> Node | None:
    return definitions.get(node.name) if isinstance(node, nodes.Reference) else None


def _reads(node: Node, name: str, known: Mapping[Node, Reads]) -> Reads:
    if isinstance(node, nodes.Reference):
        return {"axis": 0.0} if node.name == name else {}
    if isinstance(node, nodes.Element):
        place, step = _affine(node.positions[0])
        base = known[node.base]
        taken: Reads = {place: base["axis"] + step} if place is not None and "axis" in base else {}
        return _farthest(_without(base, "axis"), taken, *(known[position] for position in node.positions))
    if isinstance(node, nodes.Array | nodes.Scan):
        # The state has read what came before, and the start stands before all entries.
        body = known[node.body]
        own: Reads = {"axis": body[node.loop]} if node.loop in body else {}
        rest = [known[child] for child in node.children() if child is not node.body]
        return _farthest(own, *(_without(reads, "axis", node.loop) for reads in (body, *rest)))
    if isinstance(node, nodes.Whole) and node.function is arrays.CONCAT:
        return _of_joined(node, known)
    if isinstance(node, nodes.Apply | nodes.Choose) or (
        isinstance(node, nodes.Whole) and node.function is arrays.CUMSUM
    ):
        return _farthest(*(known[child] for child in node.children()))
    own_loop = [node.loop] if isinstance(node, nodes.Sum) else []
    return _farthest(*(_without(known[child], "axis", *own_loop) for child in node.children()))


def _of_joined(node: nodes.Whole, known: Mapping[Node, Reads]) -> Reads:
    """Vectors one after the other: an entry of one is so many places further on as those before it have entries."""
    found: list[Reads] = []
    before = 0
    for part in node.arguments:
        reads = known[part]
        found.append({place: ahead - before * (place == "axis") for place, ahead in reads.items()})
        size = part.axes[0].size
        if not size.is_known:
            # What stands behind it stands at places that are not known before the data.
            found += [_without(known[rest], "axis") for rest in node.arguments[len(found) :]]
            break
        before += size.constant
    return _farthest(*found)


def _without(reads: Reads, *places: Place) -> Reads:
    return {place: ahead for place, ahead in reads.items() if place not in places}


def _farthest(*several: Reads) -> Reads:
    found: dict[Place, float] = {}
    for reads in several:
        for place, ahead in reads.items():
            found[place] = max(ahead, found.get(place, -math.inf))
    return found


def _affine(position: Node) -> tuple[Loop | None, float]:
    """The loop and the step of a position `i + step`; None where it is another."""
    if isinstance(position, LoopIndex):
        return position.loop, 0.0
    if isinstance(position, nodes.Apply) and position.function in (arithmetic.ADD, arithmetic.SUBTRACT):
        index, step = position.arguments
        if isinstance(index, Constant) and position.function is arithmetic.ADD:
            index, step = step, index
        if isinstance(step, Constant):
            loop, before = _affine(index)
            return loop, before + float(step.value) * (1 if position.function is arithmetic.ADD else -1)
    return None, 0.0
