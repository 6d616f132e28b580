"""Bijections: there and back, their Jacobians against autodiff, and coordinates as far as floats go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pdflang.backend.runtime.bijections import Bounded, LowerBounded, Ordered, Real, Simplex, UpperBounded

# Each with the bounds that its values must keep.
ELEMENTWISE = [
    (Real(), -np.inf, np.inf),
    (LowerBounded(0.0), 0.0, np.inf),
    (LowerBounded(-2.5), -2.5, np.inf),
    (UpperBounded(0.0), -np.inf, 0.0),
    (UpperBounded(3.0), -np.inf, 3.0),
    (Bounded(0.0, 1.0), 0.0, 1.0),
    (Bounded(-2.0, 5.0), -2.0, 5.0),
]
VECTORS = [Simplex(), Ordered(), Ordered(within=Bounded(0.0, 1.0)), Ordered(within=LowerBounded(1.0))]
Z = np.array([0.3, -1.2, 0.7, 1.9])


@pytest.mark.parametrize(("bijection", "lower", "upper"), ELEMENTWISE, ids=str)
def test_elementwise_maps(bijection, lower, upper):
    z = jnp.linspace(-8.0, 8.0, 41)
    x, log_det = bijection.forward_and_log_det(z)
    assert jnp.all((x > lower) & (x < upper) & (jnp.diff(x, prepend=-jnp.inf) > 0))
    np.testing.assert_array_equal(bijection.forward(z), x)
    np.testing.assert_allclose(bijection.inverse(x), z, atol=1e-11)
    np.testing.assert_allclose(log_det, jnp.log(jax.vmap(jax.grad(bijection.forward))(z)), atol=1e-12)
    assert bijection.unconstrained_size(7) == 7


@pytest.mark.parametrize(("bijection", "lower", "upper"), ELEMENTWISE, ids=str)
def test_far_coordinates_are_finite_with_finite_derivatives(bijection, lower, upper):
    for z in (-700.0, 700.0):
        x, log_det = bijection.forward_and_log_det(z)
        assert lower <= x <= upper
        assert np.isfinite(x)
        assert np.isfinite(log_det)
        gradient = jax.grad(lambda z: sum(bijection.forward_and_log_det(z)))(z)
        assert np.isfinite(gradient)


@pytest.mark.parametrize(
    ("bijection", "z"),
    [(LowerBounded(0.0), -700.0), (UpperBounded(0.0), 700.0), (Bounded(0.0, 1.0), -700.0)],
    ids=str,
)
def test_a_value_close_to_a_bound_at_zero_keeps_its_coordinate(bijection, z):
    assert float(bijection.inverse(bijection.forward(z))) == pytest.approx(z, rel=1e-14)


@pytest.mark.parametrize("bijection", VECTORS, ids=str)
def test_vector_maps(bijection):
    x, log_det = bijection.forward_and_log_det(Z)
    assert bijection.unconstrained_size(len(x)) == len(Z)
    np.testing.assert_allclose(bijection.inverse(x), Z, atol=1e-12)
    jacobian = jax.jacfwd(bijection.forward)(Z)[: len(Z)]
    assert float(log_det) == pytest.approx(float(jnp.linalg.slogdet(jacobian)[1]), abs=1e-12)
    batch, log_dets = bijection.forward_and_log_det(np.stack([Z, 2 * Z, -Z]))
    np.testing.assert_allclose(batch[0], x)
    assert log_dets.shape == (3,)


@pytest.mark.parametrize("bijection", [Simplex(), Ordered()], ids=str)
@pytest.mark.parametrize("z", [[700.0, -700.0, 700.0], [-700.0, -700.0, -700.0], [0.0, 700.0, 1.0]])
def test_far_vectors_are_finite_with_finite_derivatives(bijection, z):
    numbers = jax.tree.leaves(
        (
            bijection.forward_and_log_det(jnp.array(z)),
            jax.grad(lambda z: bijection.forward_and_log_det(z)[1])(jnp.array(z)),
        )
    )
    assert all(np.all(np.isfinite(number)) for number in numbers)


def test_the_middle_of_the_simplex_is_uniform():
    np.testing.assert_allclose(Simplex().forward(np.zeros(4)), np.full(5, 0.2), rtol=1e-15)
    assert float(jnp.sum(Simplex().forward(Z))) == pytest.approx(1.0, abs=1e-15)


def test_ordered_vectors_rise():
    assert np.all(np.diff(Ordered().forward(Z)) > 0)
    assert np.all(np.diff(Ordered(within=Bounded(0.0, 1.0)).forward(Z)) > 0)


def test_bounds_may_be_arrays_and_have_derivatives():
    lower = jnp.array([0.0, 1.0])
    np.testing.assert_allclose(LowerBounded(lower).forward(jnp.zeros(2)), [1.0, 2.0])
    slope = jax.grad(lambda lower: Bounded(lower, 2.0).forward_and_log_det(0.5)[1])(1.0)
    assert float(slope) == pytest.approx(-1.0)
