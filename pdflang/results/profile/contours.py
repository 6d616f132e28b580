"""Contours of a profile over two quantities."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from scipy.interpolate import RectBivariateSpline

_FINER = 8
"""Points of the spline for each of the grid."""


def contours(values: tuple[np.ndarray, np.ndarray], two_delta: np.ndarray, level: float) -> tuple[np.ndarray, ...]:
    """Lines (vertices, 2) along which −2Δ (first, second) is `level`; closed ones end where they begin.

    Between its points a whole grid is a cubic spline, which is exact for a normal model, and one with gaps linear.
    """
    first, second = values
    if np.all(np.isfinite(two_delta)):
        finer = [np.linspace(axis[0], axis[-1], _FINER * (len(axis) - 1) + 1) for axis in values]
        two_delta = RectBivariateSpline(first, second, two_delta)(*finer)
        first, second = finer
    lines = contour_generator(first, second, np.ma.masked_invalid(two_delta).T).lines(level)
    return tuple(np.asarray(line) for line in lines)


def is_open(line: np.ndarray) -> bool:
    """Whether a line ends at the edge of the grid."""
    return not np.array_equal(line[0], line[-1])
