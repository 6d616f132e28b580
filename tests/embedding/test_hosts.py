"""A model computes in 64 bits in a program that has 32, however that differentiates, batches and compiles it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hosts
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pdflang

# JAX tells that its own sums, and its matrices of ones for Hessians, of what has 64 bits have 32.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")


@pytest.mark.slow
@pytest.mark.parametrize("name", hosts.MODELS)
def test_a_process_as_jax_is_by_default(name: str) -> None:
    done = subprocess.run([sys.executable, Path(hosts.__file__), name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert all(share < 1e-13 for group in ("values", "draws") for share in found[group].values()), found
    assert all(share < 1e-5 for share in found["slopes"].values()), found


@pytest.fixture(scope="module", params=["endpoint", "detector"])
def case(request: pytest.FixtureRequest) -> tuple[pdflang.Model, dict[str, np.ndarray]]:
    text, params = hosts.MODELS[request.param]
    return pdflang.loads(text), {name: np.asarray(value, np.float32) for name, value in params.items()}


def test_slopes_of_integrals_up_to_endpoints(case) -> None:
    model, params = case
    number = lambda p: sum(leaf.sum() for leaf in jax.tree.leaves(model.log_likelihood(p)))  # noqa: E731
    with jax.enable_x64(True):
        expected = jax.grad(number)(params)
    for function in (jax.grad(number), jax.grad(jax.jit(number))):
        found = function(params)
        assert found["a"].dtype == jnp.float32
        assert all(np.allclose(found[name], expected[name], rtol=1e-6) for name in expected)


def test_many_points_of_a_compiled_density(case) -> None:
    model, params = case
    many = {name: np.stack([value, value / 2]) for name, value in params.items()}
    found = jax.vmap(jax.jit(model.log_density))(many)
    one_by_one = [model.log_density({name: value[i] for name, value in many.items()}) for i in range(2)]
    assert found.dtype == jnp.float64 and np.allclose(found, one_by_one, rtol=1e-14)


def test_a_compiled_hessian(case) -> None:
    model, params = case
    found = jax.hessian(jax.jit(model.log_density))(params)
    with jax.enable_x64(True):
        expected = jax.hessian(model.log_density)(params)
    assert np.allclose(found["a"]["a"], expected["a"]["a"], rtol=1e-5)


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists_of_what_is_traced(kind) -> None:
    model = pdflang.loads(hosts.PLAIN)
    slope = jax.jit(jax.grad(lambda z: model.log_density({"z": kind([z, 2 * z]), "mu": 1})))(jnp.float32(0.125))
    with jax.enable_x64(True):
        expected = jax.grad(lambda z: model.log_density({"z": jnp.stack([z, 2 * z]), "mu": 1.0}))(0.125)
    assert np.allclose(slope, expected, rtol=1e-6)
