"""What expressions are like at prior draws: how far a kernel moves, before any number is computed with it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator, resolve
from pdflang.ir.nodes import Density, Loop, Mass, Node, Phase, Variable
from pdflang.ir.program import BoundProgram
from pdflang.ir.ranges import REAL, Range
from pdflang.passes.prior import prior_draws

_DRAWS = 16
_PLACES = 12
"""Of a loop over many, so many positions are looked at."""
_FAR = 1e6
"""More widths than any panels can follow."""
_QUANTILES = (0.16, 0.5, 0.84)


def typical_of(bound: BoundProgram) -> Typical:
    """What is typical of a program."""
    return bound.once("typical", lambda: Typical(bound))


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

    def strides(self, kernel: Density | Mass, variable: Variable, points: Any) -> Any:
        """By how many of its widths a kernel moves, or e-folds it widens, from each of the points to the next.

        The most over draws of the prior and positions of loops, (len(points) − 1,).
        """
        import numpy as np

        values = (kernel.value,) if isinstance(kernel, Density) else (kernel.lower, kernel.upper)
        moving = tuple(value for value in values if variable.loop in value.loops)
        positions = self._positions((*kernel.arguments, *moving), variable)
        with np.errstate(all="ignore"):
            arguments = [self._values(argument, variable, points, positions) for argument in kernel.arguments]
            location, width = _spread(kernel.distribution, arguments)
            ends = [self._values(end, variable, points, positions) for end in moving] or [np.zeros((1, 1, 1))]
            found = [_steps(end - location, width, len(points)) for end in ends]
        return np.max(found, axis=0)

    def _values(self, node: Node, variable: Variable, points: Any, positions: list[dict[Loop, Any]]) -> Any:
        """A number at draws, positions and points, (draws, positions, points); an axis of 1 where it follows none."""
        import numpy as np

        evaluators = self._evaluators if node.phase == Phase.PARAMETER else self._evaluators[:1]
        places = positions if node.loops - {variable.loop} else [{}]
        at = [{variable.loop: float(point)} for point in points] if variable.loop in node.loops else [{}]
        return np.array(
            [[[evaluate(node, {**place, **x}) for x in at] for place in places] for evaluate in evaluators], float
        ).reshape(len(evaluators), len(places), len(at))

    def _positions(self, read: tuple[Node, ...], variable: Variable) -> list[dict[Loop, Any]]:
        """Some positions of several loops, taken together; of other variables, places in their domains."""
        import numpy as np

        loops = frozenset[Loop]().union(*(node.loops for node in read)) - {variable.loop}
        domains = {node.loop: node.range for node in nodes.walk(*read) if isinstance(node, Variable)}
        lengths = {loop: loop.axis.size.bind(self._bound.lengths) for loop in loops if loop.axis is not None}
        if not loops:
            return [{}]
        if 0 in lengths.values():
            return []
        count = _PLACES if len(lengths) < len(loops) else min(_PLACES, max(lengths.values()))

        def place(loop: Loop, share: float) -> Any:
            return int(share * (lengths[loop] - 1)) if loop in lengths else _inside(domains[loop], share)

        return [{loop: place(loop, share) for loop in loops} for share in np.linspace(0, 1, count)]


def _inside(domain: Range, share: float) -> float:
    """A number in a domain, away from its ends."""
    lower, upper = domain.lower, domain.upper
    if math.isinf(lower):
        lower = upper - 1 if math.isfinite(upper) else -1.0
    if math.isinf(upper):
        upper = lower + 1
    return lower + (upper - lower) * (0.05 + 0.9 * share)


def _spread(row: Any, arguments: list[Any]) -> tuple[Any, Any]:
    """Where a distribution is, and how wide: its parameters where they say so, or quantiles."""
    names = [parameter.name for parameter in row.parameters]
    if row.support == REAL and "mu" in names and "sigma" in names:
        return arguments[names.index("mu")], arguments[names.index("sigma")]
    frozen = resolve(row.reference)(*arguments)
    below, middle, above = (frozen.ppf(share) for share in _QUANTILES)
    return middle, (above - below) / 2


def _steps(away: Any, width: Any, count: int) -> Any:
    """How many widths `away` moves, and e-folds the width changes, between `count` points: the most, (count − 1,)."""
    import numpy as np

    shape = (*np.broadcast_shapes(away.shape, width.shape)[:2], count)
    away, width = (np.broadcast_to(values, shape) for values in (away, width))
    narrower = np.minimum(width[..., 1:], width[..., :-1])
    steps = np.abs(np.diff(away)) / narrower + np.abs(np.diff(np.log(width)))
    return np.nan_to_num(steps, nan=0.0, posinf=_FAR).max(axis=(0, 1), initial=0.0)
