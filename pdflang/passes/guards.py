"""`if` contributes no gradient from the branch not taken, however singular that branch is there.

`where(c, log(x), 0)` alone has a gradient that is not a number at x ≤ 0: a zero times an infinity. So what a
branch reads becomes `where(c, x, stop_gradient(x))`, through which nothing flows back where c is false.
"""

from __future__ import annotations

from collections.abc import Mapping

from pdflang.components.rows import Function
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Phase
from pdflang.ir.ranges import REAL, UNIT

GUARD = Function(
    "where_taken",
    ("taken", "value"),
    "pdflang.components.reference.where_taken",
    "pdflang.backend.runtime.guards.where_taken",
    (UNIT, REAL),
    REAL,
    "The value, without a gradient where the branch is not taken.",
)
_NOT = Function(
    "not_taken", ("condition",), "numpy.logical_not", "jax.numpy.logical_not", (UNIT,), UNIT, "The other branch."
)

_HARMLESS = frozenset(
    ["add", "subtract", "negate", "multiply", "sin", "cos", "tanh", "expit", "abs", "min", "max", "erf", "Phi"]
)
"""Functions whose derivative is finite wherever their arguments are: they need no guard."""


def guard_branches(root: Node, definitions: Mapping[str, Node]) -> Node:
    """The expression with the branches of every `if` on parameters guarded."""

    def guarded(node: Node) -> Node:
        if not isinstance(node, nodes.Choose):
            return node
        otherwise = nodes.Apply(_NOT, (node.condition,), "bool")
        yes = _Branch(node.condition, definitions)(node.yes)
        no = _Branch(otherwise, definitions)(node.no)
        return nodes.Choose(node.condition, yes, no, span=node.span)

    return nodes.transform(root, guarded)


class _Branch:
    """Rebuilds a branch with guards around what it reads."""

    def __init__(self, taken: Node, definitions: Mapping[str, Node]) -> None:
        self._taken = taken
        self._definitions = definitions
        self._done: dict[Node, Node] = {}

    def __call__(self, node: Node) -> Node:
        """The branch, guarded; an expression without singular derivatives stays as it is."""
        return node if self._is_harmless(node) else self._guarded(node)

    def _guarded(self, node: Node) -> Node:
        if node.phase != Phase.PARAMETER or node.dtype == "bool":
            return node
        if node not in self._done:
            unfolded = _unfolded(node, self._definitions)
            if self._is_transparent(unfolded):
                self._done[node] = unfolded.rebuild(self._guarded)
            else:
                self._done[node] = nodes.Apply(GUARD, (self._taken, unfolded), node.dtype)
        return self._done[node]

    def _is_harmless(self, root: Node) -> bool:
        """Whether zero times the derivative is zero everywhere, so that the branch may stay as it is."""
        pending = [root]
        seen: set[Node] = set()
        while pending:
            for node in nodes.walk(pending.pop()):
                if node in seen or node.phase != Phase.PARAMETER:
                    continue
                seen.add(node)
                if isinstance(node, nodes.Reference) and node.name in self._definitions:
                    pending.append(self._definitions[node.name])
                elif isinstance(node, nodes.Apply):
                    if node.function.name not in _HARMLESS:
                        return False
                elif isinstance(node, nodes.Whole | nodes.Root | nodes.Integral | nodes.Scan | nodes.Ode):
                    return False
        return True

    def _is_transparent(self, node: Node) -> bool:
        """Whether guards may stand inside a node: what has an entry for each condition still has it then."""
        if isinstance(node, nodes.Apply | nodes.Choose):
            return True
        if self._taken.axes:
            return False
        if isinstance(node, nodes.Sum | nodes.Array | nodes.Stack):
            return True
        return isinstance(node, nodes.Whole) and not self._taken.loops


def _unfolded(node: Node, definitions: Mapping[str, Node]) -> Node:
    """A derived value by its definition, an element of a comprehension by its body; others as they are."""
    while True:
        if isinstance(node, nodes.Reference) and node.name in definitions and node.kind == "let":
            node = definitions[node.name]
            continue
        if not isinstance(node, nodes.Element):
            return node
        base = _unfolded(node.base, definitions)
        found = _element(base, node.positions)
        if found is None:
            return node
        node = found


def _element(base: Node, positions: tuple[Node, ...]) -> Node | None:
    """`base[positions]` with the element taken further inside; None where that is not plain."""
    if isinstance(base, nodes.Array):
        first, *rest = positions
        if first.loops & _all_loops(base.body):
            return None
        body = nodes.substitute(base.body, {nodes.LoopIndex(base.loop): first})
        return nodes.Element(body, tuple(rest)) if rest else body
    if isinstance(base, nodes.Apply) and all(len(a.axes) in (0, len(base.axes)) for a in base.arguments):
        taken = (nodes.Element(a, positions) if a.axes else a for a in base.arguments)
        return nodes.Apply(base.function, tuple(taken), base.result)
    return None


def _all_loops(root: Node) -> set[nodes.Loop]:
    """The loops below a node, bound ones too."""
    return {loop for node in nodes.walk(root) for loop in node.loops}
