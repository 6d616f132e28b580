"""What is known once data is bound: it is computed once, in NumPy, and handed to the density by name."""

from __future__ import annotations

import json

from pdflang.backend.names import Names, identifier
from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import ArrayConstant, Constant, Node, Reference


class Early:
    """The values that `prepare` makes, in the order in which they were first asked for.

    `constants` are known arrays, such as quadrature nodes, by the names under which `prepare` finds them.
    """

    def __init__(self) -> None:
        self._names = Names()
        self.values: dict[Node, str] = {}
        self.constants: dict[ArrayConstant, str] = {}

    def __call__(self, node: Node) -> str:
        """The text by which a function of the generated module reads a value known early."""
        if node not in self.values:
            self.values[node] = self._names.fresh(_describe(node))
        return f"arrays[{json.dumps(self.values[node])}]"

    def constant(self, node: ArrayConstant) -> str:
        """The name of a known array."""
        if node not in self.constants:
            self.constants[node] = f"constant {len(self.constants) + 1}"
        return self.constants[node]


def _describe(node: Node) -> str:
    """A name that says what a value is: `log_events_p`, `one_minus_nodes`."""
    if node.hint:
        return node.hint
    if isinstance(node, Reference):
        return identifier(node.name)
    if isinstance(node, ArrayConstant):
        return "numbers"
    if isinstance(node, nodes.LoopIndex):
        return "position"
    if isinstance(node, nodes.Element | nodes.Array | nodes.Sum):
        return _describe(next(node.children()))
    if isinstance(node, nodes.Whole):
        return node.function.name if node.function.name.isidentifier() else "product"
    if isinstance(node, nodes.Apply):
        first = node.arguments[0]
        if node.function is arithmetic.SUBTRACT and isinstance(first, Constant) and first.value == 1:
            return f"one_minus_{_describe(node.arguments[1])}"
        if len(node.arguments) == 1:
            return f"{node.function.name}_{_describe(node.arguments[0])}"
        return node.function.name
    return "value"
