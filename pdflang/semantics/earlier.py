"""`earlier(e)`: what an expression was at the parameters of an earlier fit, fixed numbers in this one.

The t0 prescription asks for it: multiplicative errors are relative to the prediction of a fit that is held fixed (Ball
et al., arXiv:0912.2276). The earlier parameters are data, so that another fit in their place compiles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Phase, Reference
from pdflang.ir.program import EARLIER, Check, Datum, Definition, Output, Program, expressions, map_expressions
from pdflang.semantics.calls import CallSite, match
from pdflang.semantics.combine import error
from pdflang.semantics.datasets import data_reference
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.values import Value


def earlier(elaborator: Elaborator, site: CallSite) -> Value:
    """A number, or an array, at the parameters of an earlier fit."""
    given = match(site, ["value"])["value"]
    value = elaborator.given_number(given, site.scope, "in earlier(…)")
    if value.phase != Phase.PARAMETER:
        raise error(
            "E403", "this does not follow the parameters, so it is the same at any of them", given.span,
            remedy="leave `earlier` out",
        )  # fmt: skip
    return nodes.Earlier(value, span=site.span)


def with_earlier(program: Program) -> Program:
    """The program in which every earlier value is made of data: `earlier.a` for each parameter `a` that it reads."""
    _require_known_data(program)
    found = _earlier(_all(program))
    if not found:
        return program
    _require_free_name(program)
    made = _Earlier(program)
    changes: dict[Node, Node] = {}
    for node in found:
        # Within one another, all are of the same fit: the walk has changed what is inside already.
        changes[node] = made.of(nodes.substitute(node.body, changes))

    def change(node: Node) -> Node:
        return nodes.substitute(node, changes)

    definitions = {}
    for name, definition in program.definitions.items():
        definitions[name] = replace(definition, node=change(definition.node))
        if name in made.definitions:
            copied = made.definitions[name]
            definitions[copied.name] = replace(copied, node=change(copied.node))
    changed = map_expressions(replace(program, definitions=definitions), change)
    checks = tuple(_changed(check, changes) for check in program.checks)
    outputs = {name: _with_coordinates(output, change) for name, output in changed.outputs.items()}
    changed = replace(changed, outputs=outputs)
    return replace(changed, data={**program.data, **made.data}, checks=checks, earlier=made.parameters)


class _Earlier:
    """Earlier values, and what they are made of: `parameters` by the names of the data that stand for them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.data: dict[str, Datum] = {}
        self.parameters: dict[str, str] = {}
        self.definitions: dict[str, Definition] = {}

    def of(self, node: Node) -> Node:
        """The same expression of earlier numbers."""
        changes: dict[Node, Node] = {}
        for read in nodes.walk(node):
            if isinstance(read, Reference) and read.phase == Phase.PARAMETER:
                changes[read] = self._parameter(read) if read.kind == "param" else self._derived(read)
            elif isinstance(read, nodes.State) and read.phase == Phase.PARAMETER:
                changes[read] = nodes.State(read.loop, read.state_axes, read.range, Phase.DATA)
        return nodes.substitute(node, changes)

    def _parameter(self, read: Reference) -> Node:
        name, parameter = f"{EARLIER}.{read.name}", self._program.parameters[read.name]
        self.parameters[name] = read.name
        self.data[name] = Datum(name, parameter.axes, "real", parameter.span, None)
        return data_reference(name, read.axes, "real", read.range)

    def _derived(self, read: Reference) -> Node:
        name = f"{EARLIER}.{read.name}"
        if read.name not in self.definitions:
            definition = self._program.definitions[read.name]
            self.definitions[read.name] = replace(definition, name=name, node=self.of(definition.node))
        return Reference(name, read.kind, read.axes, read.dtype, Phase.DATA, read.range)


def _changed(check: Check, changes: dict[Node, Node]) -> Check:
    return check if check.node is None else replace(check, node=nodes.substitute(check.node, changes))


def _with_coordinates(output: Output, change: Callable[[Node], Node]) -> Output:
    return replace(output, coordinates=tuple(None if node is None else change(node) for node in output.coordinates))


def _earlier(roots: Iterable[Node]) -> list[nodes.Earlier]:
    return [node for node in nodes.walk(*roots) if isinstance(node, nodes.Earlier)]


def _require_known_data(program: Program) -> None:
    """That no data are chosen by a fit. Error: E403."""
    for datum in program.data.values():
        source = datum.source
        for node in _earlier(node for node in (source.condition, source.value) if node is not None) if source else ():
            raise error("E403", "data are there before any fit, and cannot follow one", node.span or datum.span)


def _all(program: Program) -> Iterable[Node]:
    yield from expressions(program)
    yield from (node for output in program.outputs.values() for node in output.coordinates if node is not None)
    yield from (check.node for check in program.checks if check.node is not None)


def _require_free_name(program: Program) -> None:
    taken = program.data.get(EARLIER)
    if taken is not None:
        raise error(
            "E207", f"the data of `earlier(…)` are called `{EARLIER}`, as these are", taken.span,
            remedy="call these something else",
        )  # fmt: skip
