"""Interpolation of tables, in NumPy or JAX, whichever the arguments are."""

from __future__ import annotations

from typing import Any


def cubic_in_log(x: Any, knots: Any, values: Any) -> Any:
    """Values (n,) at ascending positive knots (n,), interpolated in log x at any number of x.

    Hermite cubics whose slope at a knot is the mean of the difference quotients beside it, as LHAPDF has them (Buckley
    et al., Eur. Phys. J. C 75 (2015) 132). Outside of the knots the line of the nearest slope goes on.
    """
    numpy = values.__array_namespace__()
    places, at = numpy.log(knots), numpy.log(x)
    quotients = numpy.diff(values) / numpy.diff(places)
    slopes = numpy.concatenate([quotients[:1], (quotients[1:] + quotients[:-1]) / 2, quotients[-1:]])
    left = numpy.clip(numpy.searchsorted(places, at, side="right") - 1, 0, len(knots) - 2)
    width = places[left + 1] - places[left]
    t = (at - places[left]) / width
    inside = (
        (2 * t**3 - 3 * t**2 + 1) * values[left]
        + (t**3 - 2 * t**2 + t) * width * slopes[left]
        + (3 * t**2 - 2 * t**3) * values[left + 1]
        + (t**3 - t**2) * width * slopes[left + 1]
    )
    below, above = values[0] + slopes[0] * (at - places[0]), values[-1] + slopes[-1] * (at - places[-1])
    return numpy.where(t < 0, below, numpy.where(t > 1, above, inside))
