"""The coordinates that a window asks for, against NumPy and SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.mcmc.hmc import HMCState
from scipy import linalg

from pdflang.inference.whitening import Whitening, root_of


def learned(
    positions: np.ndarray, gradients: np.ndarray, covariance: np.ndarray, shape: str | None = None
) -> tuple[Whitening, HMCState]:
    """The coordinates after a window of draws of z, in place of those of a covariance; the last draw in them."""
    root = root_of(jnp.asarray(covariance), shape or ("dense" if covariance.ndim == 2 else "diagonal"))
    first = Whitening(jnp.zeros(len(covariance)), root)
    to_w = np.linalg.inv(jax.vmap(root.position)(np.eye(len(covariance))).T)
    window = root.no_draws()
    for position, gradient in zip(positions, gradients, strict=True):
        state = HMCState(to_w @ position, jnp.array(0.0), root.gradient(jnp.asarray(gradient)))
        window = first.gathered(window, state)
    found, there = first.adapted(window, state)
    assert np.allclose(found.position(there.position), positions[-1], rtol=1e-9)
    assert np.allclose(found.position(found.coordinates(positions[0])), positions[0], rtol=1e-9, equal_nan=True)
    assert np.allclose(there.logdensity_grad, found.root.gradient(gradients[-1]), rtol=1e-9, equal_nan=True)
    return found, there


def normal(covariance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws and the gradients of the log-density there."""
    draws = np.random.default_rng(1).multivariate_normal(np.arange(len(covariance)), covariance, count)
    return draws, -(draws - np.arange(len(covariance))) @ np.linalg.inv(covariance)


def test_few_draws_of_a_normal_give_its_covariance() -> None:
    scales = np.array([1e-3, 1.0, 50.0, 2.0])
    covariance = (0.3 + 0.7 * np.eye(4)) * np.outer(scales, scales)
    positions, gradients = normal(covariance, 20)
    found, _ = learned(positions, gradients, np.diag((2 * scales) ** 2))
    assert np.allclose(found.root.covariance / covariance, 1, atol=0.01)
    assert not np.allclose(np.cov(positions.T) / covariance, 1, atol=0.1)


def test_it_is_the_geometric_mean_of_both_covariances() -> None:
    generator = np.random.default_rng(2)
    positions, gradients = generator.normal(size=(2, 20_000, 3)) * np.array([[[1.0, 2.0, 5.0]], [[3.0, 1.0, 0.2]]])
    positions[:, 0] += positions[:, 1]
    found, _ = learned(positions[::10], gradients[::10], np.eye(3))
    a, b = np.cov(positions[::10].T), np.linalg.inv(np.cov(gradients[::10].T))
    root = linalg.sqrtm(a)
    mean = root @ linalg.sqrtm(np.linalg.inv(root) @ b @ np.linalg.inv(root)) @ root
    assert np.allclose(found.root.covariance, mean, rtol=5e-3, atol=5e-3)


def test_a_diagonal_metric_is_the_mean_of_each_coordinate() -> None:
    positions, gradients = normal(np.diag([1e-2, 4.0, 900.0]), 50)
    found, _ = learned(positions, gradients, np.ones(3))
    assert np.allclose(found.root.covariance, [1e-2, 4.0, 900.0], rtol=0.01)


def test_a_window_shorter_than_the_dimension_keeps_what_was_right() -> None:
    generator = np.random.default_rng(4)
    factor = generator.normal(size=(40, 40))
    covariance = factor @ factor.T + 0.1 * np.eye(40)
    positions, gradients = normal(covariance, 25)
    found, _ = learned(positions, gradients, covariance)
    assert np.allclose(linalg.eigvalsh(found.root.covariance, covariance), 1, rtol=0.01)


def test_low_rank_finds_the_long_directions_of_many() -> None:
    scales = np.geomspace(1e-2, 1e2, 300)
    generator = np.random.default_rng(5)
    long = np.linalg.qr(generator.normal(size=(300, 3)))[0]
    covariance = (np.eye(300) + long @ np.diag([99.0, 400.0, 24.0]) @ long.T) * np.outer(scales, scales)
    positions, gradients = normal(covariance, 150)
    condition = {}
    for shape in ("low-rank", "diagonal"):
        found, _ = learned(positions, gradients, np.ones(300), shape)
        root = np.asarray(jax.vmap(found.root.position)(np.eye(300))).T
        values = linalg.eigvalsh(root @ root.T, covariance)
        condition[shape] = values.max() / values.min()
        assert np.allclose(np.diag(root @ root.T), found.root.covariance)
    assert condition["diagonal"] > 300 and condition["low-rank"] < 30


@pytest.mark.parametrize("previous", [np.array([4.0, 9.0]), np.diag([4.0, 9.0])], ids=["diagonal", "dense"])
def test_what_says_nothing_changes_nothing(previous: np.ndarray) -> None:
    still, _ = learned(np.ones((30, 2)), np.zeros((30, 2)), previous)
    assert np.allclose(still.root.covariance, previous)
    broken, state = learned(np.random.default_rng(3).normal(size=(30, 2)), np.full((30, 2), np.nan), previous)
    (kept,) = broken.root
    (before,) = root_of(jnp.asarray(previous), "dense" if previous.ndim == 2 else "diagonal")
    assert np.array_equal(kept, before) and np.all(state.position == 0)
