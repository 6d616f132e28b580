"""The root of an equation in one unknown, differentiable in everything else that the equation reads."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_BISECTIONS = 60
_NEWTON_STEPS = 3


def bracketed_root(equation: Callable[[Array], Array], lower: Array | float, upper: Array | float) -> Array:
    """The x between `lower` and `upper` with equation(x) = 0: bisection, polished by Newton steps.

    NaN where the equation has the same sign at both ends: then there is no root, or not just one. The
    derivative is that of the implicit function theorem.
    """
    lower, upper = jnp.asarray(lower, float), jnp.asarray(upper, float)

    def solve(function: Callable[[Array], Array], start: Array) -> Array:
        del start
        at_lower = function(lower)

        def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            left, right = bracket
            middle = (left + right) / 2
            is_left = jnp.sign(function(middle)) == jnp.sign(at_lower)
            return jnp.where(is_left, middle, left), jnp.where(is_left, right, middle)

        left, right = jax.lax.fori_loop(0, _BISECTIONS, halve, (lower, upper))
        x = (left + right) / 2
        for _ in range(_NEWTON_STEPS):
            value, slope = function(x), jax.grad(function)(x)
            x = jnp.clip(x - jnp.where(slope == 0, 0.0, value / slope), lower, upper)
        has_root = jnp.sign(at_lower) * jnp.sign(function(upper)) <= 0
        return jnp.where(has_root, x, jnp.nan)

    def linear_solve(function: Callable[[Array], Array], value: Array) -> Array:
        return value / function(jnp.ones_like(value))

    return jax.lax.custom_root(equation, (lower + upper) / 2, solve, linear_solve)


def known_root(equation: Callable[[float], float], lower: float, upper: float) -> float:
    """The root of an equation that reads data and constants alone, in NumPy; NaN where there is none."""
    from scipy.optimize import brentq

    ends = float(equation(lower)), float(equation(upper))
    if not ends[0] * ends[1] <= 0:
        return float("nan")
    return brentq(lambda x: float(equation(x)), float(lower), float(upper), xtol=1e-15, rtol=1e-14)
