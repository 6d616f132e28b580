"""What expressions are like at prior draws: how narrow a kernel can be, before any number is computed with it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Loop, Node, Variable
from pdflang.ir.program import BoundProgram
from pdflang.passes.prior import prior_draws

_DRAWS = 16
_PLACES = 12
"""Of a loop over many, so many positions are looked at."""
_WIDEST = 1e100
"""What is said of an expression that no position has a value of, since there are no events."""


class Typical:
    """Evaluates expressions at draws of the prior."""

    def __init__(self, bound: BoundProgram) -> None:
        self._bound = bound

    @cached_property
    def draws(self) -> list[dict[str, Any]]:
        """Draws of the prior."""
        return prior_draws(self._bound, _DRAWS)

    @cached_property
    def _evaluators(self) -> list[Evaluator]:
        bound = self._bound
        definitions = bound.program.definition_nodes
        return [Evaluator({**bound.arrays, **draw}, bound.lengths, definitions) for draw in self.draws]

    def smallest(self, node: Node, variable: Variable, points: Any) -> Any:
        """The least value of an expression at each of the `points` of its variable, over draws and positions."""
        import numpy as np

        if variable.loop not in node.loops:
            return np.full(len(points), self._least(node, {}))
        return np.array([self._least(node, {variable.loop: float(point)}) for point in points])

    def _least(self, node: Node, given: dict[Loop, Any]) -> float:
        import numpy as np

        found = [
            np.min(evaluate(node, {**given, **positions}))
            for evaluate in self._evaluators
            for positions in self._positions([loop for loop in node.loops if loop not in given])
        ]
        return float(np.min(found, initial=_WIDEST))

    def _positions(self, loops: list[Loop]) -> list[dict[Loop, Any]]:
        """Some positions of several loops, taken together."""
        import numpy as np

        if not loops:
            return [{}]
        lengths = [loop.axis.size.bind(self._bound.lengths) if loop.axis else 1 for loop in loops]
        if min(lengths) == 0:
            return []
        shares = np.linspace(0, 1, min(_PLACES, max(lengths)))
        return [
            {loop: int(share * (length - 1)) for loop, length in zip(loops, lengths, strict=True)} for share in shares
        ]
