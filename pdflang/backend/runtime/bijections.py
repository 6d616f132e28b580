"""Smooth maps from all real numbers to the supports of parameters, with their Jacobians.

Every map rises: a larger coordinate gives a larger value. Supports and formulas follow the Stan Reference
Manual, "Constraint transforms", but for the sign of the coordinate of `UpperBounded`, where Stan's map falls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import jax.numpy as jnp
from jax import Array, nn
from jax.typing import ArrayLike


class Bijection(Protocol):
    """What samplers need of a support."""

    def forward(self, z: ArrayLike) -> Array:
        """The constrained value; elementwise, or along the last axis for vectors."""

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        """The value and log|det J|: one number for each element, or for each vector."""

    def inverse(self, x: ArrayLike) -> Array:
        """The coordinate of a value inside the support."""

    def unconstrained_size(self, size: int) -> int:
        """How many coordinates a vector of `size` elements has."""


class _Map:
    """What all maps share. A subclass has `forward_and_log_det` and `inverse`."""

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        raise NotImplementedError

    def forward(self, z: ArrayLike) -> Array:
        return self.forward_and_log_det(z)[0]

    def unconstrained_size(self, size: int) -> int:
        return size


@dataclass(frozen=True)
class Real(_Map):
    """All real numbers: x = z."""

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        return jnp.asarray(z), jnp.zeros_like(z)

    def inverse(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)


@dataclass(frozen=True)
class LowerBounded(_Map):
    """The numbers above `lower`: x = lower + e^z."""

    lower: ArrayLike

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        return self.lower + jnp.exp(z), jnp.asarray(z)

    def inverse(self, x: ArrayLike) -> Array:
        return jnp.log(x - self.lower)


@dataclass(frozen=True)
class UpperBounded(_Map):
    """The numbers below `upper`: x = upper - e^-z."""

    upper: ArrayLike

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        z = jnp.asarray(z)
        return self.upper - jnp.exp(-z), -z

    def inverse(self, x: ArrayLike) -> Array:
        return -jnp.log(self.upper - x)


@dataclass(frozen=True)
class Bounded(_Map):
    """The numbers between `lower` and `upper`: x = lower + (upper - lower)/(1 + e^-z)."""

    lower: ArrayLike
    upper: ArrayLike

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        z = jnp.asarray(z)
        width = self.upper - self.lower
        # Measured from the nearer end, so that the distance to it keeps its digits.
        share = width * nn.sigmoid(-jnp.abs(z))
        x = jnp.where(z < 0.0, self.lower + share, self.upper - share)
        # Ends that follow parameters may cross: then nothing lies between them.
        is_open = width > 0.0
        log_width = jnp.where(is_open, jnp.log(jnp.where(is_open, width, 1.0)), -jnp.inf)
        return x, log_width - nn.softplus(z) - nn.softplus(-z)

    def inverse(self, x: ArrayLike) -> Array:
        return jnp.log(x - self.lower) - jnp.log(self.upper - x)


@dataclass(frozen=True)
class Simplex(_Map):
    """Vectors of non-negative numbers that add up to 1, by breaking a stick; z = 0 is the uniform vector.

    n elements have n - 1 coordinates. The Jacobian is that of all elements but the last.
    """

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        z = jnp.asarray(z, float)
        centred = z - jnp.log(jnp.arange(z.shape[-1], 0, -1))
        log_broken, log_kept = -nn.softplus(-centred), -nn.softplus(centred)
        log_left = jnp.cumsum(log_kept, axis=-1)
        log_before = log_left - log_kept
        log_x = jnp.concatenate([log_before + log_broken, log_left[..., -1:]], axis=-1)
        return jnp.exp(log_x), jnp.sum(log_broken + log_kept + log_before, axis=-1)

    def inverse(self, x: ArrayLike) -> Array:
        x = jnp.asarray(x)
        left = jnp.flip(jnp.cumsum(jnp.flip(x[..., 1:], -1), axis=-1), -1)
        return jnp.log(x[..., :-1]) - jnp.log(left) + jnp.log(jnp.arange(x.shape[-1] - 1, 0, -1))

    def unconstrained_size(self, size: int) -> int:
        return size - 1


@dataclass(frozen=True)
class Ordered(_Map):
    """Vectors whose elements rise: the first coordinate, then steps of e^z.

    `within` maps each element to its support, and keeps their order.
    """

    within: Bijection = field(default_factory=Real)

    def forward_and_log_det(self, z: ArrayLike) -> tuple[Array, Array]:
        z = jnp.asarray(z)
        rising = jnp.cumsum(jnp.concatenate([z[..., :1], jnp.exp(z[..., 1:])], axis=-1), axis=-1)
        x, log_det = self.within.forward_and_log_det(rising)
        return x, jnp.sum(log_det, axis=-1) + jnp.sum(z[..., 1:], axis=-1)

    def inverse(self, x: ArrayLike) -> Array:
        rising = self.within.inverse(x)
        return jnp.concatenate([rising[..., :1], jnp.log(jnp.diff(rising, axis=-1))], axis=-1)
