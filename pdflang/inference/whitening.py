"""Coordinates in which the posterior looks like a unit normal distribution, as chains learn them during warmup."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from blackjax.adaptation.mass_matrix import WelfordAlgorithmState, welford_algorithm
from blackjax.mcmc.hmc import HMCState
from jax.scipy.linalg import solve_triangular

_SHRINKAGE = 5.0
_SHRUNK_VARIANCE = 1e-3


class Whitening(NamedTuple):
    """z = center + root · w: a chain moves in w, with a unit metric.

    `center` (n,) lies where the chain was, so that w keeps its digits. `root` is lower triangular, (n, n), or its
    diagonal alone, (n,).
    """

    center: Any
    root: Any

    def position(self, w: Any) -> Any:
        """z (n,) of a point."""
        return self.center + (self.root * w if self.root.ndim == 1 else self.root @ w)

    def gradient(self, gradient: Any) -> Any:
        """The gradient (n,) by w of what has this one by z."""
        return self.root * gradient if self.root.ndim == 1 else self.root.T @ gradient

    @property
    def covariance(self) -> Any:
        """The inverse mass matrix by z, (n, n), or its diagonal (n,)."""
        return self.root**2 if self.root.ndim == 1 else self.root @ self.root.T


def whitening_of(center: Any, covariance: Any, dense: bool) -> Whitening:
    """The coordinates where a covariance (n, n) or (n,) is one, dense or not, whichever it is."""
    if not dense:
        return Whitening(center, jnp.sqrt(covariance if covariance.ndim == 1 else jnp.diag(covariance)))
    return Whitening(center, jnp.linalg.cholesky(covariance if covariance.ndim == 2 else jnp.diag(covariance)))


class Window(NamedTuple):
    """Moments of the positions w, and of the gradients of the log-density there, that a window has seen."""

    draws: WelfordAlgorithmState
    gradients: WelfordAlgorithmState


def no_draws(root: Any) -> Window:
    """The window before its first draw; the `root` tells whether it is for dense coordinates."""
    empty = welford_algorithm(root.ndim == 1)[0](len(root))
    return Window(empty, empty)


def gathered(window: Window, state: HMCState) -> Window:
    """The window with one more draw."""
    update = welford_algorithm(window.draws.m2.ndim == 1)[1]
    return Window(update(window.draws, state.position), update(window.gradients, state.logdensity_grad))


def adapted(whitening: Whitening, window: Window, state: HMCState) -> tuple[Whitening, HMCState]:
    """The coordinates that a window asks for in place of the present ones, and the state in them.

    In them positions and gradients have the same covariance, as those of a unit normal have: that of z is the
    geometric mean of the covariance of the draws and the inverse of that of the gradients, which minimises the Fisher
    divergence to a normal (Seyboldt, Carlson & Carpenter 2026, theorem 2.3). A normal gives its covariance exactly from
    n + 1 draws, where the covariance of the draws alone is noisy.
    """
    draws, gradients = (_shrunk(moments) for moments in window)
    if draws.ndim == 1:
        step = jnp.sqrt(jnp.sqrt(draws / gradients))
        root = whitening.root * step
    else:
        step = jnp.linalg.cholesky(_mean_with_inverse(draws, gradients))
        root = whitening.root @ step
    usable = jnp.all(jnp.isfinite(root))
    new = Whitening(whitening.position(state.position), jnp.where(usable, root, whitening.root))
    gradient = Whitening(new.center, step).gradient(state.logdensity_grad)
    moved = HMCState(
        jnp.zeros_like(state.position),
        state.logdensity,
        jnp.where(usable, gradient, state.logdensity_grad),
    )
    return new, moved


def _shrunk(moments: WelfordAlgorithmState) -> Any:
    """The covariance, shrunk as Stan does but towards 1e-3 of its own variances.

    Directions that a short window has not seen keep what they had, and coordinates that did not move a part of it.
    """
    covariance = moments.m2 / (moments.sample_size - 1)
    variances = covariance if covariance.ndim == 1 else jnp.diag(covariance)
    floor = _SHRUNK_VARIANCE * jnp.maximum(variances, _SHRUNK_VARIANCE)
    weight = moments.sample_size / (moments.sample_size + _SHRINKAGE)
    return weight * covariance + (1.0 - weight) * (floor if covariance.ndim == 1 else jnp.diag(floor))


def _mean_with_inverse(a: Any, b: Any) -> Any:
    """The geometric mean of a and b⁻¹, positive definite matrices (n, n): the M with M b M = a."""
    factor = jnp.linalg.cholesky(b)
    values, vectors = jnp.linalg.eigh(factor.T @ a @ factor)
    half = solve_triangular(factor, vectors, lower=True, trans="T")
    return (half * jnp.sqrt(values)) @ half.T
