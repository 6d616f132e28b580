"""Elliptical slice sampling (Murray, Adams & MacKay 2010) under a normal prior, by BlackJAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.chains import sampler
from pdflang.inference.draws import Unsuited
from pdflang.inference.options import EllipticalOptions
from pdflang.inference.platform import double_precision
from pdflang.inference.start import CURVED_DIMENSIONS, Start
from pdflang.inference.target import Target
from pdflang.inference.walks import Walk

if TYPE_CHECKING:
    from pdflang.inference.ascent import Evaluation

_DRAWS = 8
_EQUAL = 1e-6


@dataclass(frozen=True)
class Ellipses(Walk):
    """Ellipses through where the chain is and a draw of the prior, which is the unit normal of its coordinates."""

    has_steps = False

    def start(
        self, target: Target, evaluated: Callable[[np.ndarray], Evaluation], initial: Callable[[int], np.ndarray],
        noise: np.random.Generator,
    ) -> Start:  # fmt: skip
        """The mean of the prior, and its covariance. Raises `Unsuited` where it is not normal."""
        mean, covariance = normal_prior(target, np.stack([initial(attempt) for attempt in range(_DRAWS)]))
        place = evaluated(mean)
        return Start(mean, place.value, place.gradient, covariance, bool(np.isfinite(place.value)), 1)

    def move(
        self, key: Any, position: Any, value: Any, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[Any, Any, Any, Any]:
        from blackjax.mcmc import elliptical_slice

        def log_likelihood(w: Any) -> Any:
            return log_density(w) + 0.5 * w @ w

        unit = jnp.ones(position.size)
        kernel = elliptical_slice.build_kernel(unit, jnp.zeros(position.size))
        state = elliptical_slice.EllipSliceState(position, value + 0.5 * position @ position)
        moved, info = kernel(key, state, log_likelihood)
        return moved.position, moved.logdensity - 0.5 * moved.position @ moved.position, 1.0, info.subiter


def normal_prior(target: Target, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (n,) and covariance (n, n), or (n,) beyond what a Hessian is computed for, of a prior with `draws` (m, n).

    The gradient of a normal log-density is linear. Raises `Unsuited` where that of the prior is not.
    """
    log_prior = target.log_prior
    assert log_prior is not None
    curved = target.dimension <= CURVED_DIMENSIONS
    with double_precision():
        slope = jax.jit(jax.grad(lambda z: log_prior(z, target.arrays)))
        place = draws[0]
        if curved:
            precision = -np.asarray(jax.jit(jax.jacfwd(slope))(place))
            mean = place + np.linalg.solve(precision, np.asarray(slope(place)))
        else:
            precision = -np.asarray(jax.jit(lambda z: jax.jvp(slope, (z,), (jnp.ones_like(z),))[1])(place))
            mean = place + np.asarray(slope(place)) / precision
        slopes = np.stack([np.asarray(slope(draw)) for draw in draws])
    shift = draws - mean
    expected = -(shift @ precision if curved else shift * precision)
    scale = np.abs(expected).max(axis=0) + np.finfo(float).tiny
    if not (np.all(np.isfinite(expected)) and np.all(np.abs(slopes - expected) < _EQUAL * scale)):
        also = "" if curved else f", and independent where there are more than {CURVED_DIMENSIONS} parameters"
        raise Unsuited(
            f"`elliptical` needs a prior that is normal on the unconstrained scale{also}, and this one is not",
            "write parameters as functions of others that are Normal(0, 1); or sample with `slice`",
        )
    return mean, np.linalg.inv(precision) if curved else 1 / precision


def _ellipses(target: Target, options: EllipticalOptions) -> Ellipses:
    return Ellipses(options.moves or target.dimension)


sample = sampler("elliptical", EllipticalOptions, _ellipses)
