"""The vector that samplers move, and the parameters by name that it stands for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from pdflang.backend.runtime.bijections import Bijection, Real

Support = Bijection | Callable[[Mapping[str, Any], Any], Bijection]
"""The map to a support, or what makes it of the parameters before, and of the arrays that follow from data."""

Constrain = Callable[[Array, Any], tuple[dict[str, Array], Array]]
Unconstrain = Callable[[Mapping[str, Any], Any], Array]


def coordinates(
    supports: Mapping[str, Support], shapes: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[Constrain, Unconstrain]:
    """`constrain` and `unconstrain` of parameters that lie in the vector one after the other.

    `shapes` are those of the coordinates of a parameter, where it is no single number. The Jacobian of all is
    triangular where a support follows parameters before it, so that its determinant is the product of theirs.
    """
    shapes = shapes or {}

    def constrain(vector: Array, arrays: Any) -> tuple[dict[str, Array], Array]:
        """Parameters by name, and the log-determinant of the Jacobian."""
        params: dict[str, Array] = {}
        log_det, start = jnp.zeros(()), 0
        for name, support in supports.items():
            bijection = support(params, arrays) if callable(support) else support
            stop = start + math.prod(shapes.get(name, ()))
            part = vector[start:stop].reshape(shapes[name]) if name in shapes else vector[start]
            params[name], one = bijection.forward_and_log_det(part)
            if not isinstance(bijection, Real):
                log_det = log_det + (jnp.sum(one) if one.ndim else one)
            start = stop
        return params, log_det

    def unconstrain(params: Mapping[str, Any], arrays: Any) -> Array:
        """The inverse of `constrain`."""
        parts = [
            jnp.ravel((support(params, arrays) if callable(support) else support).inverse(params[name]))
            for name, support in supports.items()
        ]
        return jnp.concatenate(parts) if parts else jnp.zeros(0)

    return constrain, unconstrain


def unpack(params: Mapping[str, Any], names: str) -> list[Any]:
    """The values of several parameters, whose names are separated by blanks."""
    return [params[name] for name in names.split()]
