"""The optimiser against closed forms, and its account of searches that fail."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import known_targets as known
import numpy as np
import pytest

from pdflang.inference import MapOptions, NoFiniteStart, Target, ascent
from pdflang.inference import map as maximum


def target_of(log_density: object, dimension: int = 2) -> Target:
    assert callable(log_density)

    def initial(key: jax.Array, arrays: float) -> jax.Array:
        return jax.random.uniform(key, (dimension,), minval=-2.0, maxval=2.0)

    return Target(dimension, log_density, initial, 0.0)


def test_gaussian_of_wild_scales() -> None:
    covariance = known.badly_scaled_covariance(9)
    mean = np.linspace(-2, 2, 9)
    optima = maximum.maximise(known.gaussian(covariance, mean))
    scales = np.sqrt(np.diag(covariance))
    assert optima.agreeing == 4
    assert optima.best.status == "converged"
    assert np.allclose((optima.best.z - mean) / scales, 0.0, atol=1e-6)
    assert optima.best.covariance is not None
    assert np.allclose(
        optima.best.covariance / np.outer(scales, scales), covariance / np.outer(scales, scales), atol=1e-6
    )


def test_regression_is_least_squares() -> None:
    target, x, y = known.kidiq()
    optima = maximum.maximise(target)
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    assert np.allclose(optima.best.z[:3], coefficients, rtol=1e-8)
    assert np.abs(optima.best.gradient).max() < 1e-7


def test_a_curved_valley() -> None:
    optima = maximum.maximise(target_of(lambda z, a: -((1 - z[0]) ** 2) - 100 * (z[1] - z[0] ** 2) ** 2 + a))
    assert np.allclose(optima.best.z, 1.0, atol=1e-5)


def test_two_modes_are_both_listed_and_the_higher_is_best() -> None:
    def log_density(z: jax.Array, a: float) -> jax.Array:
        return jnp.logaddexp(-8 * (z[0] - 1.5) ** 2, -8 * (z[0] + 1.5) ** 2 - 1.0) + a

    optima = maximum.maximise(target_of(log_density, 1), MapOptions(starts=8))
    found = {round(float(optimum.z[0]), 3) for optimum in optima.every}
    assert found == {1.5, -1.5}
    assert optima.best.z[0] == pytest.approx(1.5)
    assert 1 <= optima.agreeing < 8


def test_searches_that_settle_find_the_same_modes_sooner() -> None:
    def log_density(z: jax.Array, a: float) -> jax.Array:
        return jnp.logaddexp(-8 * (z[0] - 1.5) ** 2, -8 * (z[0] + 1.5) ** 2 - 1.0) + a

    target = target_of(log_density, 1)
    patient, settled = (maximum.maximise(target, MapOptions(starts=8), settle=settle) for settle in (False, True))
    for one, other in zip(patient.every, settled.every, strict=True):
        assert other.status == "converged"
        assert other.z == pytest.approx(one.z, abs=1e-4)
    assert settled.every[0].steps == patient.every[0].steps
    assert sum(o.steps for o in settled.every) < sum(o.steps for o in patient.every)


def test_no_density_is_asked_for_where_a_step_cannot_be_solved_for() -> None:
    asked = []

    def evaluated(z: np.ndarray) -> ascent.Evaluation:
        asked.append(z)
        x = float(z[0])
        return ascent.Evaluation(z, np.cos(x), np.array([-np.sin(x)]), np.array([[np.cos(x)]]))

    state = ascent.new_ascent(1)
    while not ascent.finished(state, 1e-6):
        state = ascent.one_step(evaluated, lambda attempt: np.array([2.5]), state)
    assert state.best.value == pytest.approx(1.0)
    assert np.isfinite(asked).all()
    assert len(asked) == state.evaluations


def test_a_maximum_at_a_bound_says_which_coordinate() -> None:
    def log_density(z: jax.Array, a: float) -> jax.Array:
        return -jnp.exp(z[0]) - (z[1] - 1.0) ** 2 + a

    best = maximum.maximise(target_of(log_density)).best
    assert (best.status, best.bound) == ("at bound", (0,))
    assert best.covariance is not None
    assert np.isnan(best.covariance[0]).all()
    assert best.covariance[1, 1] == pytest.approx(0.5)
    assert best.remedy


@pytest.mark.parametrize(
    ("log_density", "status"),
    [
        (lambda z, a: -(z[0] ** 2) + a, "flat"),
        (lambda z, a: -((z[0] + z[1]) ** 2) + a, "flat"),
        (lambda z, a: -(z[0] ** 2) + z[1] + a, "step limit"),
    ],
)
def test_failures_have_a_status_and_a_remedy(log_density: object, status: str) -> None:
    best = maximum.maximise(target_of(log_density), MapOptions(max_steps=300)).best
    assert best.status == status
    assert not best.converged
    assert best.reason
    assert best.remedy


def test_no_finite_start_at_all() -> None:
    with pytest.raises(NoFiniteStart):
        maximum.maximise(target_of(lambda z, a: jnp.log(-(z[1] ** 2)) + a))


def test_other_data_compiles_nothing_and_seeds_repeat() -> None:
    traces = []

    def log_density(z: jax.Array, arrays: jax.Array) -> jax.Array:
        traces.append(z)
        return -jnp.sum((z - arrays) ** 4)

    def initial(key: jax.Array, arrays: jax.Array) -> jax.Array:
        return jax.random.normal(key, (2,))

    first = maximum.maximise(Target(2, log_density, initial, np.zeros(2)), MapOptions(seed=3))
    count = len(traces)
    again = maximum.maximise(Target(2, log_density, initial, np.zeros(2)), MapOptions(seed=3, threads=1))
    other = maximum.maximise(Target(2, log_density, initial, np.ones(2)))
    assert len(traces) == count
    assert first.best.z.tobytes() == again.best.z.tobytes()
    assert np.allclose(other.best.z, 1.0, atol=1e-2)


def test_curvatures_whose_product_is_nothing() -> None:
    """Both spreads are 1e100: the product of their curvatures is below the smallest number."""
    covariance = maximum._laplace_covariance(np.diag([1e-200, 1e-200]), np.array([], dtype=int))
    assert covariance is not None and np.sqrt(np.diag(covariance)) == pytest.approx([1e100, 1e100])
