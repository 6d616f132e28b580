"""Gradients that add up by columns are JAX's own, whatever the shapes, calls, loops and branches in a density."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pdflang.inference.platform import double_precision
from pdflang.inference.sums import with_quick_sums


@pytest.mark.parametrize("shape", [(), (1,), (33,), (0,), (8, 50), (50, 8), (3, 5, 7), (1, 400), (400, 1)])
def test_sums_over_arrays_of_any_shape(shape: tuple[int, ...]) -> None:
    arrays = {"x": np.random.default_rng(0).uniform(0.1, 0.9, shape), "n": np.full(shape, 3)}

    def log_density(z: jax.Array, arrays: dict[str, jax.Array]) -> jax.Array:
        rate = jnp.exp(z[0] + z[1] * arrays["x"]) + z[2] ** 2
        return jnp.sum(arrays["n"] * jnp.log(rate) - rate)

    assert_the_same(log_density, arrays)


def test_calls_loops_and_branches() -> None:
    arrays = {"x": np.random.default_rng(0).uniform(0.1, 0.9, 100)}

    @jax.jit
    def inner(z: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.exp(z[0] * x))

    def log_density(z: jax.Array, arrays: dict[str, jax.Array]) -> jax.Array:
        x = arrays["x"]
        walked, _ = jax.lax.scan(lambda state, x: (0.9 * state + z[1] * x, None), 0.0, x)
        branch = jax.lax.cond(z[2] > 0, lambda: jnp.sum(z[2] * x), lambda: jnp.sum(-(z[2] ** 2) * x))
        return inner(z, x) + walked + branch + jax.scipy.special.gammaln(z[2] ** 2 + 1)

    assert_the_same(log_density, arrays)


def assert_the_same(log_density: object, arrays: dict[str, np.ndarray]) -> None:
    with double_precision():
        z = jnp.array([0.3, -0.7, 1.3])
        expected = jax.value_and_grad(log_density)(z, arrays)
        found = jax.jit(jax.value_and_grad(with_quick_sums(log_density)))(z, arrays)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-300)
