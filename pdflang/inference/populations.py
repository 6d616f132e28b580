"""What methods that start from the prior share: prior and likelihood as functions, and the first population."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from pdflang.inference.draws import Evidence, NoFiniteStart
from pdflang.inference.platform import double_precision
from pdflang.inference.target import Target

IMPOSSIBLE = -1e300
"""A log-likelihood in place of −∞, which times a temperature of 0 would not be a number."""

_LOWEST, _HIGHEST = 700.0, 36.0
"""Unconstrained values are kept within these where they are infinite: exp(−700) > 0, and 1/(1 + exp(−36)) < 1."""

_TRIALS = 100
"""So many draws of the prior for each that is wanted, before it is given up."""


class Split(NamedTuple):
    """Functions of z (n,) and arrays: the prior where the likelihood is not 0, and the likelihood; log-densities."""

    log_prior: Callable[[Any, Any], Any]
    log_likelihood: Callable[[Any, Any], Any]


def split_of(log_density: Callable[[Any, Any], Any], log_prior: Callable[[Any, Any], Any]) -> Split:
    """The two parts of a density."""

    def likelihood(z: Any, arrays: Any) -> Any:
        found = log_density(z, arrays) - log_prior(z, arrays)
        return jnp.where(jnp.isfinite(found), found, IMPOSSIBLE)

    def prior(z: Any, arrays: Any) -> Any:
        return jnp.where(likelihood(z, arrays) > IMPOSSIBLE, log_prior(z, arrays), IMPOSSIBLE)

    return Split(prior, likelihood)


class FirstPopulation(NamedTuple):
    """Draws of the prior (count, n) where the likelihood is not 0, and the log of their share among all draws."""

    z: np.ndarray
    log_share: float


def first_population(
    draws: Callable[[Any, Any], Any], target: Target, count: int, seed: int, chain: int
) -> FirstPopulation:
    """Draws of a chain; `draws(keys, arrays)` gives points (count, n) and which of them are possible.

    Raises `NoFiniteStart` where hardly any is.
    """
    found: list[np.ndarray] = []
    kept = tried = 0
    with double_precision():
        key = jax.random.fold_in(jax.random.key(np.uint32(seed)), chain)
        while kept < count and tried < _TRIALS * count:
            keys = jax.random.split(jax.random.fold_in(key, tried), count)
            z, possible = (np.asarray(part) for part in draws(keys, target.arrays))
            found.append(z[possible])
            kept, tried = kept + int(possible.sum()), tried + count
    if kept < count:
        raise NoFiniteStart(z[-1])
    return FirstPopulation(np.concatenate(found)[:count], float(np.log(kept / tried)))


def prior_draws(initial: Callable[[Any, Any], Any], split: Split) -> Callable[[Any, Any], Any]:
    """The function that `first_population` draws by."""

    def draws(keys: Any, arrays: Any) -> Any:
        # Values that round to a bound, as of a Beta with mass at its ends, are the last ones before it.
        z = jax.vmap(lambda key: initial(key, arrays))(keys)
        z = jnp.nan_to_num(z, nan=jnp.nan, posinf=_HIGHEST, neginf=-_LOWEST)
        return z, jax.vmap(lambda point: split.log_likelihood(point, arrays) > IMPOSSIBLE)(z)

    return draws


def mean_evidence(log_z: np.ndarray) -> Evidence:
    """Of independent and unbiased estimates of Z, by their logarithms (runs,): their mean, and its standard error."""
    runs, log_sum = len(log_z), logsumexp(log_z)
    relative = np.exp(log_z - log_sum) * runs
    return Evidence(float(log_sum - np.log(runs)), float(np.std(relative, ddof=1) / np.sqrt(runs)))
