"""A distribution cut to an interval and normalised there, in whichever tail the interval lies.

`D in (lower, upper)` keeps lower < y < upper, as the parentheses say. For a continuous D the ends have no
mass and are let in, since a parameter may round to its bound. For counts they are left out: `Poisson(r) in
(0, inf)` is the zero-truncated Poisson, and `in (-0.5, 10.5)` leaves no doubt. Bounds may be arrays, and
infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from jax.typing import ArrayLike

from pdflang.backend.runtime.distributions.real_line import Flat, Shape
from pdflang.backend.runtime.incomplete import log1mexp


class Truncatable(Protocol):
    """A distribution with a distribution function in logarithms, accurate in both tails."""

    discrete: bool
    log_prob: Any
    log_cdf: Any
    log_sf: Any


def log_mass(
    distribution: type[Truncatable] | type[Flat], lower: ArrayLike, upper: ArrayLike, *parameters: ArrayLike
) -> Array:
    """The logarithm of the probability between the bounds; 0 for Flat, which is never normalised.

    Its relative error is that of the tail divided by the share of the tail that the interval holds.
    """
    if issubclass(distribution, Flat):
        return jnp.zeros(jnp.broadcast_shapes(jnp.shape(lower), jnp.shape(upper)))
    lower, upper = _ends(distribution, lower, upper)
    if _is_literally(upper, np.inf):
        return jnp.zeros(()) if _is_literally(lower, -np.inf) else distribution.log_sf(lower, *parameters)
    if _is_literally(lower, -np.inf):
        return distribution.log_cdf(upper, *parameters)
    return _Tails(distribution, lower, upper, parameters).log_mass


def probability(
    distribution: type[Truncatable],
    lower: ArrayLike,
    upper: ArrayLike,
    *parameters: ArrayLike,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> Array:
    """The probability between two places of a continuous distribution, which may itself be cut to `bounds`."""
    if bounds is not None:
        lower, upper = (jnp.clip(end, *bounds) for end in (lower, upper))
        whole = probability(distribution, *bounds, *parameters)
        return probability(distribution, lower, upper, *parameters) / whole
    is_open = _is_literally(lower, -np.inf) or _is_literally(upper, np.inf)
    if hasattr(distribution, "probability") and not is_open:
        return distribution.probability(lower, upper, *parameters)
    return jnp.exp(log_mass(distribution, lower, upper, *parameters))


def truncated_log_prob(
    distribution: type[Truncatable] | type[Flat],
    y: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *parameters: ArrayLike,
    known_log_mass: float | None = None,
) -> Array:
    """The log-density at y given that lower < y < upper; -inf where the bounds leave no mass.

    `known_log_mass` is the logarithm of the probability between the bounds, where it is known already.
    """
    y = jnp.asarray(y)
    inside = (y > lower) & (y < upper) if distribution.discrete else (y >= lower) & (y <= upper)
    if known_log_mass is not None:
        return jnp.where(inside, distribution.log_prob(y, *parameters) - known_log_mass, -jnp.inf)
    mass = log_mass(distribution, lower, upper, *parameters)
    possible = mass > -jnp.inf
    log_prob = distribution.log_prob(y, *parameters) - jnp.where(possible, mass, 0.0)
    return jnp.where(inside & possible, log_prob, -jnp.inf)


def truncated_sample(
    distribution: type[Truncatable],
    key: Array,
    shape: Shape,
    lower: ArrayLike,
    upper: ArrayLike,
    *parameters: ArrayLike,
) -> Array:
    """Draws between the bounds, by inverting the distribution function from the lighter side.

    Where the bounds leave no mass there is nothing to draw, and the values have no meaning.
    """
    lower, upper = _ends(distribution, lower, upper)
    share = 1.0 - random.uniform(key, shape)
    if _is_literally(upper, np.inf) and not distribution.discrete:
        # One tail is enough: y with P(Y > y) = share P(Y > lower).
        beyond = jnp.log(share) + distribution.log_sf(jnp.asarray(lower, float), *parameters)
        ends = jnp.broadcast_to(lower, shape), jnp.full(shape, jnp.inf)
        return _least_that(lambda y: distribution.log_sf(y, *parameters) < beyond, *ends)
    tails = _Tails(distribution, lower, upper, parameters)
    target = jnp.logaddexp(tails.log_outside, jnp.log(share) + tails.log_mass)

    def reached(y: Array) -> Array:
        above, below = distribution.log_sf(y, *parameters), distribution.log_cdf(y, *parameters)
        return jnp.where(tails.from_above, above < target, below >= target)

    y = _least_that(reached, *(jnp.broadcast_to(end, shape) for end in tails.ends))
    return jnp.ceil(y).astype(int) if distribution.discrete else y


@dataclass(frozen=True)
class Truncated:
    """A distribution between two bounds, to be called like any other."""

    distribution: type[Truncatable]
    lower: ArrayLike
    upper: ArrayLike
    known_log_mass: float | None = None

    def log_prob(self, y: ArrayLike, *parameters: ArrayLike) -> Array:
        """As `truncated_log_prob`."""
        ends = self.lower, self.upper
        return truncated_log_prob(self.distribution, y, *ends, *parameters, known_log_mass=self.known_log_mass)

    def sample(self, key: Array, shape: Shape, *parameters: ArrayLike) -> Array:
        """As `truncated_sample`."""
        return truncated_sample(self.distribution, key, shape, self.lower, self.upper, *parameters)


def _ends(distribution: type[Truncatable], lower: ArrayLike, upper: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    """The bounds such that all of lower < y <= upper counts: whole numbers for counts."""
    if not distribution.discrete:
        return lower, upper
    if isinstance(lower, (int, float)) and isinstance(upper, (int, float)):
        return float(np.floor(lower)), float(np.ceil(upper) - 1.0)
    return jnp.floor(lower), jnp.ceil(upper) - 1.0


def _is_literally(bound: ArrayLike, end: float) -> bool:
    """Whether a bound is known to be infinite when the model is compiled: then its tail needs no code."""
    return isinstance(bound, float) and bound == end


class _Tails:
    """The masses outside two ends, and the mass between them, counted from the side where it is smaller.

    All have the common shape of ends and parameters.
    """

    def __init__(
        self,
        distribution: type[Truncatable],
        lower: ArrayLike,
        upper: ArrayLike,
        parameters: tuple[ArrayLike, ...],
    ) -> None:
        shape = jnp.broadcast_shapes(*(jnp.shape(number) for number in (lower, upper, *parameters)))
        self.ends = jnp.stack([jnp.broadcast_to(jnp.asarray(end, float), shape) for end in (lower, upper)])
        finite = jnp.isfinite(self.ends)
        stand_in = jnp.where(finite, self.ends, 0.0)
        beyond, before = jnp.where(self.ends > 0.0, 0.0, -jnp.inf), jnp.where(self.ends > 0.0, -jnp.inf, 0.0)
        below = jnp.where(finite, distribution.log_cdf(stand_in, *parameters), beyond)
        above = jnp.where(finite, distribution.log_sf(stand_in, *parameters), before)
        self.from_above = above[0] <= below[1]
        inner = jnp.where(self.from_above, above[0], below[1])
        self.log_outside = jnp.where(self.from_above, above[1], below[0])
        possible = inner > self.log_outside
        safe_inner = jnp.where(possible, inner, 0.0)
        outside = jnp.where(possible, self.log_outside, -1.0) - safe_inner
        self.log_mass = jnp.where(possible, safe_inner + log1mexp(outside), -jnp.inf)


def _least_that(reached: Any, lower: Array, upper: Array) -> Array:
    """The least float64 in (lower, upper] for which a rising condition holds, else `upper`.

    Bisects the floats in their order, so that 64 steps do for any scale and for infinite ends.
    """

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        below = reached(_from_order(middle))
        return jnp.where(below, low, middle), jnp.where(below, middle, high)

    largest = jnp.finfo(float).max
    ends = _to_order(jnp.clip(lower, -largest, largest)), _to_order(jnp.clip(upper, -largest, largest))
    return _from_order(lax.fori_loop(0, 64, halve, ends)[1])


def _to_order(x: Array) -> Array:
    """The place of a float64 among all: the bits as an int, those below the sign flipped where it is set."""
    return _flip_below_sign(lax.bitcast_convert_type(x, jnp.int64))


def _from_order(place: Array) -> Array:
    return lax.bitcast_convert_type(_flip_below_sign(place), jnp.float64)


def _flip_below_sign(bits: Array) -> Array:
    return bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)
