"""The order of a zero or a pole, counted by the argument principle.

On a circle around a zero of order n the phase of a function turns n times, around a pole −n times, and the mean of
log|f| follows n · log(radius) (Jensen's formula). Both must say the same, on two circles: what is not analytic there,
such as a root, and what is lost in rounding, pass that by no chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pdflang.ir import nodes
from pdflang.ir.evaluate import resolve
from pdflang.ir.nodes import Constant, Node, Variable

_RADII = tuple(10.0**-k for k in range(6, 0, -1))
"""From small to large: smaller ones keep other zeros out, larger ones rounding."""
_POINTS = 64
_TOLERANCE = 1e-4

_ANALYTIC = frozenset(
    ["add", "subtract", "multiply", "divide", "negate", "power", "sqrt", "exp", "expm1", "log", "log1p", "log10",
     "log2", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf"]
)  # fmt: skip
"""Functions with derivatives of all orders, but at isolated places, whose reference takes complex numbers."""

Known = Callable[[Node], float | None]


def order_at(node: Node, variable: Variable, place: float, known: Known) -> int | None:
    """n where the expression is about (x − place)^n; None where it is not seen to be that.

    `known` are the values of what does not follow the variable.
    """
    import numpy as np

    circle = np.exp(2j * np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    before: tuple[int, float] | None = None
    for radius in _RADII:
        values = values_at(node, variable, place + radius * max(1.0, abs(place)) * circle, known)
        if values is None:
            return None
        found = _turns_and_size(values)
        if found is not None and before is not None and _agree(before, found):
            return found[0]
        before = found
    return None


def _turns_and_size(values: Any) -> tuple[int, float] | None:
    """How often the phase turns on a circle, and the mean of log|f|."""
    import numpy as np

    if not np.all(np.isfinite(values)) or not np.all(values):
        return None
    with np.errstate(all="ignore"):
        turns = np.sum(np.angle(np.roll(values, -1) / values)) / (2 * np.pi)
    return round(float(turns)), float(np.mean(np.log(np.abs(values))))


def _agree(small: tuple[int, float], large: tuple[int, float]) -> bool:
    """Whether two circles, one of ten times the radius, show one order."""
    return small[0] == large[0] and abs(large[1] - small[1] - small[0] * math.log(10)) < _TOLERANCE


def values_at(node: Node, variable: Variable, at: Any, known: Known) -> Any:
    """An array of values of an analytic expression at complex places; None where it is not built of such functions."""
    import numpy as np

    found: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for child in nodes.walk(node, below=lambda c: c.children() if variable.loop in c.loops else ()):
            found[child] = _value(child, variable, at, known, found)
            if found[child] is None:
                return None
    return found[node]


def _value(node: Node, variable: Variable, at: Any, known: Known, found: dict[Node, Any]) -> Any:
    import numpy as np

    if node is variable:
        return at
    if isinstance(node, Constant) or variable.loop not in node.loops:
        value = known(node)
        return None if value is None else np.full(at.shape, value, dtype=complex)
    if not isinstance(node, nodes.Apply) or node.axes or node.function.name not in _ANALYTIC:
        return None
    if node.function.name == "power" and isinstance(node.arguments[1], Constant):
        # A whole power is no exponential of a logarithm, whose branch would be cut.
        return found[node.arguments[0]] ** node.arguments[1].value
    try:
        return resolve(node.function.numpy)(*(found[argument] for argument in node.arguments))
    except (ArithmeticError, TypeError):
        return None
