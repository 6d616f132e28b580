"""Quadrature rules as arrays: Gauss–Legendre, in the logit of x, double-exponential, and for endpoint powers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_TOLERANCE = 1e-11
_LARGEST_POWER = 30
"""Powers of x and 1 − x up to here leave the rules accurate; each costs half a node."""


@dataclass(frozen=True)
class Rule:
    """∫ f ≈ Σ weights · f(points); both have the shape (…, nodes), the first axes being those of the bounds."""

    points: Any
    weights: Any


@lru_cache(maxsize=64)
def legendre(count: int) -> tuple[Any, Any]:
    """Gauss–Legendre points and weights on (0, 1)."""
    import numpy as np

    points, weights = np.polynomial.legendre.leggauss(count)
    return (points + 1) / 2, weights / 2


def nodes_for(closest: float) -> int:
    """How many Gauss nodes reach the tolerance when the nearest singularity lies at `closest` on [−1, 1].

    The error of n nodes falls as ρ^(−2n), ρ the sum of the half axes of the largest Bernstein ellipse without
    a singularity (Trefethen, Approximation Theory and Approximation Practice, theorem 19.3).
    """
    ratio = closest + math.sqrt(max(closest**2 - 1, 0.0))
    return max(4, math.ceil(-math.log(_TOLERANCE) / (2 * math.log(max(ratio, 1.0001)))) + 2)


def smooth(lower: Any, upper: Any, powers_at_ends: bool) -> Rule:
    """A rule inside (0, 1) for powers of x and 1 − x times something smooth; bounds are arrays of one shape.

    Whichever of x and logit(x) needs fewer nodes is the variable: there the integrand is analytic up to iπ.
    """
    import numpy as np

    lower, upper = np.atleast_1d(np.asarray(lower, float)), np.atleast_1d(np.asarray(upper, float))
    middle, half = (upper + lower) / 2, (upper - lower) / 2
    if not powers_at_ends or lower.min() <= 0 or upper.max() >= 1:
        return _mapped(lower, upper, 64)
    closest = np.minimum(middle, 1 - middle) / half
    plain = nodes_for(float(closest.min()))
    start, stop = _logit(lower), _logit(upper)
    height = np.pi / ((stop - start) / 2)
    in_logit = nodes_for(float(np.sqrt(1 + height**2).min()))
    if plain <= in_logit:
        return _mapped(lower, upper, plain)
    points, weights = legendre(in_logit)
    t = start[:, None] + (stop - start)[:, None] * points
    x = 1 / (1 + np.exp(-t))
    return Rule(x, (stop - start)[:, None] * weights * x * (1 - x))


def polynomial(lower: Any, upper: Any, degree: int) -> Rule:
    """A rule that is exact for polynomials of a degree."""
    import numpy as np

    return _mapped(np.atleast_1d(lower), np.atleast_1d(upper), degree // 2 + 1)


def _mapped(lower: Any, upper: Any, count: int) -> Rule:
    points, weights = legendre(count)
    width = (upper - lower)[:, None]
    return Rule(lower[:, None] + width * points, width * weights)


def _logit(x: Any) -> Any:
    import numpy as np

    return np.log(x) - np.log1p(-x)


def half_line_or_line(lower: float, upper: float, count: int = 161, reach: float = 3.4) -> Rule:
    """Double-exponential rules on (a, ∞), (−∞, b) and the whole line (Takahasi and Mori, 1974)."""
    import numpy as np

    t = np.linspace(-reach, reach, count)
    step = t[1] - t[0]
    inner, slope = np.pi / 2 * np.sinh(t), np.pi / 2 * np.cosh(t)
    if math.isinf(lower) and math.isinf(upper):
        points, weights = np.sinh(inner), np.cosh(inner) * slope * step
    else:
        points, weights = np.exp(inner), np.exp(inner) * slope * step
        points = lower + points if math.isinf(upper) else upper - points
    return Rule(points[None], weights[None])
