"""The metric of a chain, learned from the draws of a window and the gradients there."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from blackjax.adaptation.mass_matrix import WelfordAlgorithmState, welford_algorithm
from blackjax.mcmc.hmc import HMCState

_SHRINKAGE = 5.0
_SHRUNK_VARIANCE = 1e-3


class Window(NamedTuple):
    """Moments of the positions and of the gradients of the log-density that a window has seen."""

    draws: WelfordAlgorithmState
    gradients: WelfordAlgorithmState


def no_draws(metric: Any) -> Window:
    """The window before its first draw; `metric` (n,) or (n, n) tells how it will be used."""
    empty = welford_algorithm(metric.ndim == 1)[0](len(metric))
    return Window(empty, empty)


def gathered(window: Window, state: HMCState) -> Window:
    """The window with one more draw."""
    update = welford_algorithm(window.draws.m2.ndim == 1)[1]
    return Window(update(window.draws, state.position), update(window.gradients, state.logdensity_grad))


def adapted(window: Window, previous: Any) -> Any:
    """The inverse mass matrix (n,) or (n, n) that a window asks for, in place of the previous one.

    It is the one in whose coordinates positions and gradients have the same covariance, as those of a unit
    normal have: the geometric mean of the covariance of the draws and the inverse of that of the gradients,
    which minimises the Fisher divergence to a normal (Seyboldt, Carlson & Carpenter 2026, theorem 2.3). A normal
    gives its covariance exactly from n + 1 draws, where the covariance of the draws alone is noisy.
    """
    scale = jnp.sqrt(previous if previous.ndim == 1 else jnp.diag(previous))
    draws, gradients = _shrunk(window.draws, 1.0 / scale), _shrunk(window.gradients, scale)
    if previous.ndim == 1:
        metric = jnp.sqrt(draws / gradients) * scale**2
    else:
        metric = _mean_with_inverse(draws, gradients) * jnp.outer(scale, scale)
    return jnp.where(jnp.all(jnp.isfinite(metric)), metric, previous)


def _shrunk(moments: WelfordAlgorithmState, scale: Any) -> Any:
    """The covariance in units of `scale`, shrunk as Stan does but towards 1e-3 of its own variances.

    A coordinate that did not move keeps a part of the variance it had.
    """
    outer = scale**2 if moments.m2.ndim == 1 else jnp.outer(scale, scale)
    covariance = moments.m2 / (moments.sample_size - 1) * outer
    variances = covariance if covariance.ndim == 1 else jnp.diag(covariance)
    floor = _SHRUNK_VARIANCE * jnp.maximum(variances, _SHRUNK_VARIANCE)
    weight = moments.sample_size / (moments.sample_size + _SHRINKAGE)
    return weight * covariance + (1.0 - weight) * (floor if covariance.ndim == 1 else jnp.diag(floor))


def _mean_with_inverse(a: Any, b: Any) -> Any:
    """The geometric mean of a and b⁻¹, positive definite matrices (n, n): the M with M b M = a."""
    factor = jnp.linalg.cholesky(b)
    values, vectors = jnp.linalg.eigh(factor.T @ a @ factor)
    half = jax.scipy.linalg.solve_triangular(factor, vectors, lower=True, trans="T")
    return (half * jnp.sqrt(values)) @ half.T
