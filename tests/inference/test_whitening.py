"""The coordinates that a window asks for, against NumPy and SciPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.mcmc.hmc import HMCState
from scipy import linalg

from pdflang.inference import whitening
from pdflang.inference.whitening import Whitening


def learned(positions: np.ndarray, gradients: np.ndarray, covariance: np.ndarray) -> tuple[Whitening, HMCState]:
    """The coordinates after a window of draws of z, in place of those of a covariance; the last draw in them."""
    first = whitening.whitening_of(jnp.zeros(len(covariance)), jnp.asarray(covariance), covariance.ndim == 2)
    window = whitening.no_draws(first.root)
    for position, gradient in zip(positions, gradients, strict=True):
        w = position / first.root if first.root.ndim == 1 else np.linalg.solve(first.root, position)
        state = HMCState(w, jnp.array(0.0), first.gradient(jnp.asarray(gradient)))
        window = whitening.gathered(window, state)
    return whitening.adapted(first, window, state)


def normal(covariance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws and the gradients of the log-density there."""
    draws = np.random.default_rng(1).multivariate_normal(np.arange(len(covariance)), covariance, count)
    return draws, -(draws - np.arange(len(covariance))) @ np.linalg.inv(covariance)


def test_few_draws_of_a_normal_give_its_covariance() -> None:
    scales = np.array([1e-3, 1.0, 50.0, 2.0])
    covariance = (0.3 + 0.7 * np.eye(4)) * np.outer(scales, scales)
    positions, gradients = normal(covariance, 20)
    found, state = learned(positions, gradients, np.diag((2 * scales) ** 2))
    assert np.allclose(found.covariance / covariance, 1, atol=0.01)
    assert np.allclose(found.position(state.position), positions[-1])
    assert np.allclose(state.logdensity_grad, found.root.T @ gradients[-1])
    assert not np.allclose(np.cov(positions.T) / covariance, 1, atol=0.1)


def test_it_is_the_geometric_mean_of_both_covariances() -> None:
    generator = np.random.default_rng(2)
    positions, gradients = generator.normal(size=(2, 20_000, 3)) * np.array([[[1.0, 2.0, 5.0]], [[3.0, 1.0, 0.2]]])
    positions[:, 0] += positions[:, 1]
    found, _ = learned(positions[::10], gradients[::10], np.eye(3))
    a, b = np.cov(positions[::10].T), np.linalg.inv(np.cov(gradients[::10].T))
    root = linalg.sqrtm(a)
    mean = root @ linalg.sqrtm(np.linalg.inv(root) @ b @ np.linalg.inv(root)) @ root
    assert np.allclose(found.covariance, mean, rtol=5e-3, atol=5e-3)


def test_a_diagonal_metric_is_the_mean_of_each_coordinate() -> None:
    positions, gradients = normal(np.diag([1e-2, 4.0, 900.0]), 50)
    found, state = learned(positions, gradients, np.ones(3))
    assert np.allclose(found.covariance, [1e-2, 4.0, 900.0], rtol=0.01)
    assert np.allclose(found.position(state.position), positions[-1])
    assert np.allclose(state.logdensity_grad, found.root * gradients[-1])


def test_a_window_shorter_than_the_dimension_keeps_what_was_right() -> None:
    generator = np.random.default_rng(4)
    factor = generator.normal(size=(40, 40))
    covariance = factor @ factor.T + 0.1 * np.eye(40)
    positions, gradients = normal(covariance, 25)
    found, _ = learned(positions, gradients, covariance)
    assert np.allclose(linalg.eigvalsh(found.covariance, covariance), 1, rtol=0.01)


@pytest.mark.parametrize("previous", [np.array([4.0, 9.0]), np.diag([4.0, 9.0])], ids=["diagonal", "dense"])
def test_what_says_nothing_changes_nothing(previous: np.ndarray) -> None:
    still, _ = learned(np.ones((30, 2)), np.zeros((30, 2)), previous)
    assert np.allclose(still.covariance, previous)
    broken, state = learned(np.random.default_rng(3).normal(size=(30, 2)), np.full((30, 2), np.nan), previous)
    assert np.allclose(broken.covariance, previous, rtol=1e-14) and np.all(state.position == 0)
