"""Integrals of x^a (1 − x)^b g(x) over (0, 1) for tests: Gauss nodes on a fine mesh, graded towards both ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

_T, _W = np.polynomial.legendre.leggauss(24)
_T, _W = (_T + 1) / 2, _W / 2


def _half(near: float, far: float, breaks: Iterable[float]) -> tuple[Any, Any]:
    """Nodes s in (0, 1/2), and weights with s^near (1 − s)^far: panels are shorter and shorter towards 0."""
    inside = [place for place in breaks if 0 < place < 0.5]
    ends = np.unique(np.concatenate([2.0 ** -np.arange(3, 60, 0.5), np.linspace(0, 0.5, 201)[1:], inside]))
    widths = np.diff(ends)[:, None]
    s = (ends[:-1, None] + widths * _T).ravel()
    # s = h t^(1/(near + 1)) takes the power at 0 away.
    first = ends[0] * _T ** (1 / (near + 1))
    weights = [ends[0] ** (near + 1) / (near + 1) * _W, (widths * _W).ravel() * s**near]
    nodes = np.concatenate([first, s])
    return nodes, np.concatenate(weights) * (1 - nodes) ** far


def rule(a: float, b: float, breaks: Iterable[float] = ()) -> tuple[Any, Any]:
    """Nodes x, and weights that hold the powers: ∫ x^a (1 − x)^b g ≈ Σ w g(x); g is smooth between `breaks`."""
    breaks = list(breaks)
    low, low_weights = _half(a, b, breaks)
    high, high_weights = _half(b, a, [1 - place for place in breaks])
    # The last nodes are 1 after rounding, where some kernels are not defined.
    x = np.minimum(np.concatenate([low, 1 - high]), np.nextafter(1, 0))
    return x, np.concatenate([low_weights, high_weights])


def integral(g: Callable[[Any], Any], a: float = 0.0, b: float = 0.0, breaks: Iterable[float] = ()) -> float:
    """∫₀¹ x^a (1 − x)^b g(x) dx."""
    x, w = rule(a, b, breaks)
    return float(np.sum(w * g(x)))
