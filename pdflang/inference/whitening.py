"""Coordinates in which the posterior looks like a unit normal distribution, as chains learn them during warmup.

A chain moves in w with a unit metric, where z = center + root w. A window of warmup asks for the root in whose
coordinates positions and gradients have the same covariance, as those of a unit normal have: that of z is then the
geometric mean of the covariance of the draws and the inverse of that of the gradients, which minimises the Fisher
divergence to a normal (Seyboldt, Carlson & Carpenter 2026, theorem 2.3). A normal gives its covariance exactly from
n + 1 draws, where the covariance of the draws alone is noisy.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from blackjax.adaptation.mass_matrix import WelfordAlgorithmState, welford_algorithm
from blackjax.adaptation.metric_estimators import fisher_score_low_rank
from blackjax.mcmc.hmc import HMCState
from jax.scipy.linalg import solve_triangular

_SHRINKAGE = 5.0
_SHRUNK_VARIANCE = 1e-3

_RECENT = 256
"""Draws of a window that a root of low rank is made of."""

_RANK = 32


class Root(Protocol):
    """The linear part of the coordinates, a pytree; what a window keeps of its draws is another."""

    def position(self, w: Any) -> Any:
        """z (n,) of w (n,), both from the center."""

    def coordinates(self, z: Any) -> Any:
        """Its inverse, w (n,)."""

    def gradient(self, by_z: Any) -> Any:
        """The gradient by w, (n,)."""

    def gradient_by_z(self, by_w: Any) -> Any:
        """Its inverse, (n,)."""

    @property
    def covariance(self) -> Any:
        """That of z where that of w is one: (n, n) where the root is dense, else its diagonal (n,)."""

    def no_draws(self) -> Any:
        """A window before its first draw."""

    def gathered(self, window: Any, center: Any, state: HMCState) -> Any:
        """A window with one more draw, given in w."""

    def adapted(self, window: Any) -> Any:
        """The root that a window asks for."""


class Whitening(NamedTuple):
    """z = center + root w. The `center` (n,) lies where the chain was, so that w keeps its digits."""

    center: Any
    root: Any

    def position(self, w: Any) -> Any:
        """z (n,) of w (n,)."""
        return self.center + self.root.position(w)

    def coordinates(self, z: Any) -> Any:
        """w (n,) of z (n,)."""
        return self.root.coordinates(z - self.center)

    def gathered(self, window: Any, state: HMCState) -> Any:
        """A window with one more draw."""
        return self.root.gathered(window, self.center, state)

    def adapted(self, window: Any, state: HMCState) -> tuple[Whitening, HMCState]:
        """The coordinates that a window asks for, around where the chain is, and its state in them."""
        asked = self.root.adapted(window)
        usable = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(asked)]))
        root = jax.tree.map(lambda new, old: jnp.where(usable, new, old), asked, self.root)
        gradient = root.gradient(self.root.gradient_by_z(state.logdensity_grad))
        whitening = Whitening(self.position(state.position), root)
        return whitening, HMCState(jnp.zeros_like(state.position), state.logdensity, gradient)


def root_of(covariance: Any, shape: str, by_gradients: bool = True) -> Root:
    """The root of a covariance (n, n) or (n,), in one of the shapes that options have.

    It learns from draws and gradients, or where there are none of these from draws alone, then not in low rank.
    """
    if shape == "dense":
        factor = jnp.linalg.cholesky(covariance if covariance.ndim == 2 else jnp.diag(covariance))
        return Dense(factor) if by_gradients else DenseOfDraws(factor)
    scale = jnp.sqrt(covariance if covariance.ndim == 1 else jnp.diag(covariance))
    if shape == "diagonal":
        return Diagonal(scale) if by_gradients else DiagonalOfDraws(scale)
    rank = min(_RANK, len(scale))
    return LowRank(scale, jnp.zeros((len(scale), rank)), jnp.ones(rank))


class Moments(NamedTuple):
    """Moments of w, and of the gradients of the log-density by w."""

    draws: WelfordAlgorithmState
    gradients: WelfordAlgorithmState


class Diagonal(NamedTuple):
    """z = scale · w, with `scale` (n,)."""

    scale: Any

    def position(self, w: Any) -> Any:
        return self.scale * w

    def coordinates(self, z: Any) -> Any:
        return z / self.scale

    def gradient(self, by_z: Any) -> Any:
        return self.scale * by_z

    def gradient_by_z(self, by_w: Any) -> Any:
        return by_w / self.scale

    @property
    def covariance(self) -> Any:
        return self.scale**2

    def no_draws(self) -> Moments:
        return _no_moments(len(self.scale), diagonal=True)

    def gathered(self, window: Moments, center: Any, state: HMCState) -> Moments:
        return _moments(window, state, diagonal=True)

    def adapted(self, window: Moments) -> Diagonal:
        draws, gradients = (_shrunk(moments) for moments in window)
        return Diagonal(self.scale * jnp.sqrt(jnp.sqrt(draws / gradients)))


class Dense(NamedTuple):
    """z = L w, with L (n, n) lower triangular."""

    factor: Any

    def position(self, w: Any) -> Any:
        return self.factor @ w

    def coordinates(self, z: Any) -> Any:
        return solve_triangular(self.factor, z, lower=True)

    def gradient(self, by_z: Any) -> Any:
        return self.factor.T @ by_z

    def gradient_by_z(self, by_w: Any) -> Any:
        return solve_triangular(self.factor, by_w, lower=True, trans="T")

    @property
    def covariance(self) -> Any:
        return self.factor @ self.factor.T

    def no_draws(self) -> Moments:
        return _no_moments(len(self.factor), diagonal=False)

    def gathered(self, window: Moments, center: Any, state: HMCState) -> Moments:
        return _moments(window, state, diagonal=False)

    def adapted(self, window: Moments) -> Dense:
        draws, gradients = (_shrunk(moments) for moments in window)
        return Dense(self.factor @ jnp.linalg.cholesky(_mean_with_inverse(draws, gradients)))


class DiagonalOfDraws(Diagonal):
    """The variances of the draws, without gradients."""

    def adapted(self, window: Moments) -> DiagonalOfDraws:
        return DiagonalOfDraws(self.scale * jnp.sqrt(_shrunk(window.draws)))


class DenseOfDraws(Dense):
    """The covariance of the draws, without gradients."""

    def adapted(self, window: Moments) -> DenseOfDraws:
        return DenseOfDraws(self.factor @ jnp.linalg.cholesky(_shrunk(window.draws)))


class Recent(NamedTuple):
    """The last z of a window and the gradients by z there, (count, n) each, and how many it has seen."""

    draws: Any
    gradients: Any
    seen: Any


class LowRank(NamedTuple):
    """z = scale · (w + U (stretch - 1) Uᵀ w), with `scale` (n,), U (n, rank) orthonormal and `stretch` (rank,)."""

    scale: Any
    directions: Any
    stretch: Any

    def position(self, w: Any) -> Any:
        return self.scale * self._along(w, self.stretch)

    def coordinates(self, z: Any) -> Any:
        return self._along(z / self.scale, 1.0 / self.stretch)

    def gradient(self, by_z: Any) -> Any:
        return self._along(self.scale * by_z, self.stretch)

    def gradient_by_z(self, by_w: Any) -> Any:
        return self._along(by_w, 1.0 / self.stretch) / self.scale

    def _along(self, vector: Any, stretch: Any) -> Any:
        return vector + self.directions @ ((stretch - 1.0) * (self.directions.T @ vector))

    @property
    def covariance(self) -> Any:
        return self.scale**2 * (1.0 + self.directions**2 @ (self.stretch**2 - 1.0))

    def no_draws(self) -> Recent:
        rows = jnp.zeros((_RECENT, len(self.scale)))
        return Recent(rows, rows, jnp.array(0))

    def gathered(self, window: Recent, center: Any, state: HMCState) -> Recent:
        row = window.seen % _RECENT
        draws = window.draws.at[row].set(center + self.position(state.position))
        gradients = window.gradients.at[row].set(self.gradient_by_z(state.logdensity_grad))
        return Recent(draws, gradients, window.seen + 1)

    def adapted(self, window: Recent) -> LowRank:
        # A short window is repeated: that changes no covariance.
        rows = jnp.arange(_RECENT) % jnp.minimum(window.seen, _RECENT)
        found = fisher_score_low_rank(window.draws[rows], window.gradients[rows], len(self.stretch))
        return LowRank(found.sigma, found.U, jnp.sqrt(found.lam))


def _no_moments(dimension: int, diagonal: bool) -> Moments:
    empty = welford_algorithm(diagonal)[0](dimension)
    return Moments(empty, empty)


def _moments(window: Moments, state: HMCState, diagonal: bool) -> Moments:
    update = welford_algorithm(diagonal)[1]
    return Moments(update(window.draws, state.position), update(window.gradients, state.logdensity_grad))


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
