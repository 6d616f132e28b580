"""Phases once every equation is known: a constant that is solved from constants is a constant too."""

from __future__ import annotations

from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Reference
from pdflang.ir.program import Program, expressions, map_expressions
from pdflang.semantics.ranges import range_of


def settle_phases(program: Program) -> Program:
    """The program with each derived value read at the phase of what it is made of."""
    read: dict[str, list[Reference]] = {}
    for node in nodes.walk(*expressions(program)):
        if isinstance(node, Reference):
            read.setdefault(node.name, []).append(node)
    changes: dict[Node, Node] = {}
    for name, definition in program.definitions.items():
        value = nodes.substitute(definition.node, changes)
        for reference in read.get(name, []):
            if reference.declared_phase != value.phase:
                changes[reference] = Reference(
                    name, reference.kind, reference.axes, reference.dtype, value.phase, range_of(value)
                )
    if not changes:
        return program
    return map_expressions(program, lambda node: nodes.substitute(node, changes))
