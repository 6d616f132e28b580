"""The metric of a window against NumPy and SciPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.mcmc.hmc import HMCState
from scipy import linalg

from pdflang.inference import metric


def window_of(positions: np.ndarray, gradients: np.ndarray, previous: np.ndarray) -> metric.Window:
    window = metric.no_draws(jnp.asarray(previous))
    for position, gradient in zip(positions, gradients, strict=True):
        window = metric.gathered(window, HMCState(jnp.asarray(position), jnp.array(0.0), jnp.asarray(gradient)))
    return window


def normal(covariance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws and the gradients of the log-density there."""
    draws = np.random.default_rng(1).multivariate_normal(np.arange(len(covariance)), covariance, count)
    return draws, -(draws - np.arange(len(covariance))) @ np.linalg.inv(covariance)


def test_few_draws_of_a_normal_give_its_covariance() -> None:
    scales = np.array([1e-3, 1.0, 50.0, 2.0])
    covariance = (0.3 + 0.7 * np.eye(4)) * np.outer(scales, scales)
    positions, gradients = normal(covariance, 20)
    previous = np.diag((2 * scales) ** 2)
    found = metric.adapted(window_of(positions, gradients, previous), jnp.asarray(previous))
    assert np.allclose(found / covariance, 1, atol=0.01)
    assert not np.allclose(np.cov(positions.T) / covariance, 1, atol=0.1)


def test_it_is_the_geometric_mean_of_both_covariances() -> None:
    generator = np.random.default_rng(2)
    positions, gradients = generator.normal(size=(2, 20_000, 3)) * np.array([[[1.0, 2.0, 5.0]], [[3.0, 1.0, 0.2]]])
    positions[:, 0] += positions[:, 1]
    found = metric.adapted(window_of(positions[::10], gradients[::10], np.eye(3)), jnp.eye(3))
    a, b = np.cov(positions[::10].T), np.linalg.inv(np.cov(gradients[::10].T))
    root = linalg.sqrtm(a)
    mean = root @ linalg.sqrtm(np.linalg.inv(root) @ b @ np.linalg.inv(root)) @ root
    assert np.allclose(found, mean, rtol=5e-3, atol=5e-3)


def test_a_diagonal_metric_is_the_mean_of_each_coordinate() -> None:
    positions, gradients = normal(np.diag([1e-2, 4.0, 900.0]), 50)
    found = metric.adapted(window_of(positions, gradients, np.ones(3)), jnp.ones(3))
    assert np.allclose(found, [1e-2, 4.0, 900.0], rtol=0.01)


@pytest.mark.parametrize("previous", [np.array([4.0, 9.0]), np.diag([4.0, 9.0])], ids=["diagonal", "dense"])
def test_what_says_nothing_changes_nothing(previous: np.ndarray) -> None:
    still = window_of(np.ones((30, 2)), np.zeros((30, 2)), previous)
    assert np.allclose(metric.adapted(still, jnp.asarray(previous)), previous)
    broken = window_of(np.random.default_rng(3).normal(size=(30, 2)), np.full((30, 2), np.nan), previous)
    assert np.array_equal(metric.adapted(broken, jnp.asarray(previous)), previous)
