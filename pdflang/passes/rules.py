"""Quadrature rules as arrays: Gauss–Legendre, in the logit of x, double-exponential, for what stands at ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_TOLERANCE = 5e-9
_POWERS = ((-1.0, -1.0), (-1.0, 15.0), (0.5, 7.0), (5.0, -1.0), (5.0, 15.0))
"""Powers of x and 1 − x that bound those of parton densities; rules must get all of them right."""
_COUNTS = (*range(4, 17), *range(18, 33, 2), *range(36, 65, 4), 80, 96, 128, 192)


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


def smooth(lower: Any, upper: Any, fineness: int = 1) -> Rule:
    """A rule inside (0, 1) for powers of x and 1 − x times something smooth; bounds are arrays of one shape.

    Whichever of x and logit(x) needs fewer nodes is the variable, and as few nodes are taken as integrate
    powers that bound those of parton densities. Where a region reaches beyond (0, 1), it is 64 nodes in x.
    `fineness` multiplies their number.
    """
    import numpy as np

    lower, upper = np.atleast_1d(np.asarray(lower, float)), np.atleast_1d(np.asarray(upper, float))
    if lower.min() <= 0 or upper.max() >= 1:
        return _mapped(lower, upper, 64 * fineness)
    exact = _of_powers(_in_logit(lower, upper, 256))
    for count in _COUNTS:
        for make in (_mapped, _in_logit):
            if np.all(np.abs(_of_powers(make(lower, upper, count)) - exact) <= _TOLERANCE * exact):
                return make(lower, upper, count * fineness)
    return _in_logit(lower, upper, 256 * fineness)


def _of_powers(rule: Rule) -> Any:
    """The integrals of the bounding powers over each region."""
    import numpy as np

    logs = np.log(rule.points), np.log1p(-rule.points)
    return np.array([np.sum(rule.weights * np.exp(p * logs[0] + q * logs[1]), axis=-1) for p, q in _POWERS])


def _in_logit(lower: Any, upper: Any, count: int) -> Rule:
    """Gauss nodes in t = logit(x), where powers of x and 1 − x are analytic up to t = iπ."""
    import numpy as np

    start, width = _logit(lower)[:, None], (_logit(upper) - _logit(lower))[:, None]
    points, weights = legendre(count)
    x = 1 / (1 + np.exp(-(start + width * points)))
    return Rule(x, width * weights * x * (1 - x))


def polynomial(lower: Any, upper: Any, degree: int) -> Rule:
    """A rule that is exact for polynomials of a degree."""
    import numpy as np

    return _mapped(np.atleast_1d(lower), np.atleast_1d(upper), degree // 2 + 1)


def with_roots(lower: Any, upper: Any, count: int) -> Rule:
    """Gauss nodes in t with x = a + (b − a) sin²(πt/2): a function that is smooth in √x at the ends is so in t."""
    import numpy as np

    points, weights = legendre(count)
    angle = np.pi / 2 * points
    width = np.atleast_1d(np.asarray(upper, float) - lower)[:, None]
    inner = np.sin(angle) ** 2
    return Rule(np.atleast_1d(lower)[:, None] + width * inner, width * (np.pi / 2 * np.sin(2 * angle) * weights))


def with_logarithms(count: int) -> tuple[Any, Any, Any]:
    """Points on (0, 1), their distances from 1, and weights: Gauss nodes in t with x = t⁴(35 − 84t + 70t² − 20t³).

    They make x^p log x of an end t^(4p + 3) log t: 96 nodes integrate log x to 1e-12, and a function that varies over
    1e-5 at an end.
    """
    import numpy as np

    t, weights = legendre(count)
    points = t**4 * (35 - 84 * t + 70 * t**2 - 20 * t**3)
    return points, points[::-1], 140 * (t * (1 - t)) ** 3 * np.asarray(weights)


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
