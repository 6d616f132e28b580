"""Normalisers of truncated distributions whose parameters are written numbers: numbers too."""

from __future__ import annotations

import math

from pdflang.ir.nodes import Constant, LogProbability


def known_log_mass(node: LogProbability) -> float | None:
    """The logarithm of a Normal's mass between its bounds where everything is a number; None otherwise.

    Others are left to the compiler of the generated code, which folds them at some cost in time.
    """
    numbers = [part.value for part in (*node.arguments, *node.bounds) if isinstance(part, Constant)]
    if node.distribution.name != "Normal" or len(numbers) != 4:
        return None
    mu, sigma, lower, upper = (float(number) for number in numbers)
    if sigma <= 0 or lower >= upper:
        return None
    left, right = (lower - mu) / sigma, (upper - mu) / sigma
    if left > 0:
        left, right = -right, -left
    below, above = _log_Phi(left), _log_Phi(right)
    if below == -math.inf:
        return above
    gap = below - above
    return above + (math.log(-math.expm1(gap)) if gap > -math.log(2) else math.log1p(-math.exp(gap)))


def _log_Phi(x: float) -> float:
    from scipy.special import log_ndtr

    return float(log_ndtr(x))
