"""Positions in brackets as sums of lengths and of variables that lie between ends: what is proved of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pdflang.components import arithmetic
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, Node
from pdflang.ir.sizes import Size, symbol
from pdflang.semantics.ranges import range_of

Turns = Mapping[Loop, Size]
"""Where the loops around an expression stand."""

Facts = frozenset[Size]
"""What is at least 0 where an expression is needed."""

_Ends = tuple[Size | None, Size | None]


class Places:
    """Positions as sizes, in which `#n` names a variable; its ends are sums of lengths and of variables before it."""

    def __init__(self) -> None:
        self.counted: set[str] = set()
        """The data that stand for lengths: what is proved holds where they are not negative."""
        self._ends: dict[str, _Ends] = {}
        self._unknown: dict[tuple[Node, frozenset[tuple[Loop, Size]]], Size] = {}

    def between(self, lower: Size | None, upper: Size | None) -> Size:
        """A new variable; None where an end is not known."""
        name = f"#{len(self._ends)}"
        self._ends[name] = (lower, upper)
        return symbol(name)

    def turn(self, loop: Loop) -> Size:
        """Any turn of a loop."""
        assert loop.axis is not None
        return self.between(Size(0), loop.axis.size - 1)

    def of(self, node: Node, turns: Turns) -> Size:
        """A whole number as a sum; what is no sum of lengths and turns is a variable, the same for equal nodes."""
        if isinstance(node, nodes.Constant) and node.dtype == "int":
            return Size(int(node.value))
        if isinstance(node, nodes.LoopIndex) and node.loop in turns:
            return turns[node.loop]
        if isinstance(node, nodes.Reference) and not node.axes and node.kind in ("length", "data"):
            if node.kind == "data":
                self.counted.add(node.name)
            return symbol(node.name)
        if isinstance(node, nodes.Apply):
            arguments = [self.of(argument, turns) for argument in node.arguments]
            if node.function is arithmetic.ADD:
                return arguments[0] + arguments[1]
            if node.function is arithmetic.SUBTRACT:
                return arguments[0] - arguments[1]
            if node.function is arithmetic.MULTIPLY and any(argument.is_known for argument in arguments):
                factor, other = sorted(arguments, key=lambda argument: not argument.is_known)
                return other * factor.constant
        return self._variable_of(node, turns)

    def _variable_of(self, node: Node, turns: Turns) -> Size:
        key = node, frozenset((loop, turns[loop]) for loop in node.loops if loop in turns)
        if key not in self._unknown:
            found = range_of(node)
            lower = Size(math.ceil(found.lower)) if math.isfinite(found.lower) else None
            upper = Size(math.floor(found.upper)) if math.isfinite(found.upper) else None
            self._unknown[key] = self.between(lower, upper)
        return self._unknown[key]

    def facts_of(self, condition: Node, turns: Turns, holds: bool = True) -> Facts:
        """What a condition says of positions where it holds, or where it does not."""
        if not isinstance(condition, nodes.Apply) or condition.axes:
            return frozenset()
        function, arguments = condition.function, condition.arguments
        if function is arithmetic.NOT:
            return self.facts_of(arguments[0], turns, not holds)
        if function is (arithmetic.AND if holds else arithmetic.OR):
            return frozenset().union(*(self.facts_of(argument, turns, holds) for argument in arguments))
        if function not in arithmetic.COMPARISONS or any(argument.dtype != "int" for argument in arguments):
            return frozenset()
        left, right = (self.of(argument, turns) for argument in arguments)
        above, below = left - right, right - left
        said: dict[object, tuple[list[Size], list[Size]]] = {
            arithmetic.LESS: ([below - 1], [above]),
            arithmetic.LESS_EQUAL: ([below], [above - 1]),
            arithmetic.GREATER: ([above - 1], [below]),
            arithmetic.GREATER_EQUAL: ([above], [below - 1]),
            arithmetic.EQUAL: ([above, below], []),
            arithmetic.NOT_EQUAL: ([], [above, below]),
        }
        return frozenset(said[function][not holds])

    def least(self, value: Size) -> Size | None:
        """What a position is at least, as a sum of lengths; None where nothing bounds it."""
        while variables := [term for term in value.symbols if term[0] in self._ends]:
            # The newest first: its ends may hold older ones.
            name, count = max(variables, key=lambda term: int(term[0][1:]))
            lower, upper = self._ends[name]
            end = lower if count > 0 else upper
            if end is None:
                return None
            value = value + (end - symbol(name)) * count
        return value

    def is_proved(self, value: Size, facts: Facts = frozenset()) -> bool:
        """Whether a position is at least 0 for all lengths and variables that the facts admit."""
        return any(_is_no_less(self.least(value - fact)) for fact in (Size(0), *facts))


def _is_no_less(value: Size | None) -> bool:
    return value is not None and value.constant >= 0 and all(count >= 0 for _, count in value.symbols)
