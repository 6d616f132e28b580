"""The root of an equation in one unknown, differentiable in everything else that the equation reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_CELLS = 64
"""The bracket is looked through on so many cells: two roots inside one cell are taken for none."""

_BISECTIONS = 54
_NEWTON_STEPS = 3


def bracketed_root(
    equation: Callable[[Array], Array], lower: Array | float, upper: Array | float, fineness: int = 1
) -> Array:
    """The x between `lower` and `upper` with equation(x) = 0: bisection, polished by Newton steps.

    NaN where there is none, or several. The derivative is that of the implicit function theorem. `fineness` multiplies
    cells and bisections.
    """
    lower, upper = jnp.asarray(lower, float), jnp.asarray(upper, float)

    def solve(function: Callable[[Array], Array], start: Array) -> Array:
        del start
        grid = lower + (upper - lower) * jnp.linspace(0.0, 1.0, _CELLS * fineness + 1)
        signs = jnp.sign(jax.vmap(function)(grid))
        cell = jnp.argmax(signs[1:] * signs[:-1] <= 0)

        def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            left, right = bracket
            middle = (left + right) / 2
            is_left = jnp.sign(function(middle)) == signs[cell]
            return jnp.where(is_left, middle, left), jnp.where(is_left, right, middle)

        left, right = jax.lax.fori_loop(0, _BISECTIONS * fineness, halve, (grid[cell], grid[cell + 1]))
        x = (left + right) / 2
        for _ in range(_NEWTON_STEPS):
            value, slope = function(x), jax.grad(function)(x)
            x = jnp.clip(x - jnp.where(slope == 0, 0.0, value / slope), lower, upper)
        return jnp.where(_roots(signs) == 1, x, jnp.nan)

    def linear_solve(function: Callable[[Array], Array], value: Array) -> Array:
        return value / function(jnp.ones_like(value))

    return jax.lax.custom_root(equation, (lower + upper) / 2, solve, linear_solve)


def known_root(equation: Callable[[float], float], lower: float, upper: float, fineness: int = 1) -> float:
    """The same in NumPy, by as many bisections, for what needs no derivative; NaN where there is none, or several."""
    grid = np.linspace(float(lower), float(upper), _CELLS * fineness + 1)
    signs = np.sign([float(equation(x)) for x in grid])
    if _roots(signs) != 1:
        return float("nan")
    cell = int(np.argmax(signs[1:] * signs[:-1] <= 0))
    left, right = grid[cell], grid[cell + 1]
    for _ in range(_BISECTIONS * fineness):
        middle = (left + right) / 2
        left, right = (middle, right) if np.sign(float(equation(middle))) == signs[cell] else (left, middle)
    return float((left + right) / 2)


def _roots(signs: Any) -> Any:
    """How many roots signs on a grid show: changes between neighbours, and grid points that are roots."""
    return (signs[1:] * signs[:-1] < 0).sum() + (signs == 0).sum()
