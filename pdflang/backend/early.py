"""What is known once data is bound: it is computed once, in NumPy, and handed to the density by name."""

from __future__ import annotations

import json
import re

from pdflang.backend.names import Names, identifier
from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import ArrayConstant, Constant, Node, Reference

_RESULTS: dict[object, str] = {
    arithmetic.ADD: "value",
    arithmetic.SUBTRACT: "difference",
    arithmetic.MULTIPLY: "product",
    arithmetic.DIVIDE: "ratio",
}


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
            self.values[node] = self._names.fresh(describe(node))
        return f"arrays[{json.dumps(self.values[node])}]"

    def constant(self, node: ArrayConstant) -> str:
        """The name of a known array."""
        if node not in self.constants:
            self.constants[node] = f"constant {len(self.constants) + 1}"
        return self.constants[node]


_LONGEST = 4
"""How many operations a name tells: that of a sum of thousands of terms would be as long as the sum."""


def describe(node: Node, longest: int = _LONGEST) -> str:
    """A name that says what a value is: `log_events_p`, `one_minus_nodes`."""
    if node.hint:
        return node.hint
    if longest == 0:
        return "value"
    if isinstance(node, Reference):
        return identifier(node.name)
    if isinstance(node, ArrayConstant):
        return "numbers"
    if isinstance(node, Constant):
        return re.sub(r"\W", "_", str(node.value))
    if isinstance(node, nodes.LoopIndex):
        return "position"
    if isinstance(node, nodes.Element | nodes.Array | nodes.Sum):
        return describe(next(node.children()), longest - 1)
    if isinstance(node, nodes.Whole):
        return node.function.name if node.function.name.isidentifier() else "product"
    if isinstance(node, nodes.Apply):
        return _describe_applied(node, longest - 1)
    return "value"


def _describe_applied(node: nodes.Apply, longest: int) -> str:
    left, *rest = node.arguments
    if node.function is arithmetic.SUBTRACT and isinstance(left, Constant) and left.value == 1:
        return f"one_minus_{describe(rest[0], longest)}"
    if node.function is arithmetic.ADD and isinstance(rest[0], Constant):
        return f"{describe(left, longest)}_plus_{rest[0].value:g}"
    if node.function in _RESULTS:
        return _RESULTS[node.function]
    return node.function.name if rest else f"{node.function.name}_{describe(left, longest)}"
