"""Weights of quadrature rules that follow a parameter, in NumPy or JAX, whichever the argument is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


@lru_cache(maxsize=8)
def _legendre_basis(count: int) -> tuple[Any, Any]:
    """(2k + 1) w_i P_k(2 t_i − 1) at Gauss–Legendre points t_i of (0, 1), and the orders k."""
    points, weights = np.polynomial.legendre.leggauss(count)
    values = np.polynomial.legendre.legvander(points, count - 1)
    orders = np.arange(count)
    return (2 * orders + 1) * values * (weights / 2)[:, None], orders


def endpoint_weights(power: Any, count: int = 20) -> Any:
    """Weights w, shape (…, count), with ∫₀¹ t^p g(t) dt = Σ_i w_i g(t_i) for polynomials g below the degree.

    `power` p > −1 has any shape. The moments of shifted Legendre polynomials are known in closed form,
    ∫₀¹ t^p P_k(2t − 1) dt = Π_{j<k} (p − j) / Π_{j≤k} (p + 1 + j) (DLMF 18.17.7 and Gautschi, 2004), so that
    the rule is exact in the power however near −1 it is, and differentiable in it.
    """
    basis, orders = _legendre_basis(count)
    array = np.asarray(power, dtype=float) if isinstance(power, int | float | np.generic) else power
    numpy = array.__array_namespace__()
    p = array[..., None]
    ratios = numpy.where(orders > 0, p - orders + 1, 1.0) / (p + 1 + orders)
    moments = numpy.cumprod(ratios, axis=-1) if hasattr(numpy, "cumprod") else numpy.cumulative_prod(ratios, axis=-1)
    return moments @ basis.T
