"""Parameters of several shapes in one vector, against their bijections one by one."""

import numpy as np
import pytest

from pdflang.backend.runtime.bijections import LowerBounded, Real, Simplex
from pdflang.backend.runtime.coordinates import coordinates, unpack

Z = np.array([0.3, -0.2, 0.5, 0.1, 1.5, -0.7, 0.4])
CONSTRAIN, UNCONSTRAIN = coordinates(
    {"a": LowerBounded(1.0), "m": Real(), "s": Simplex()}, {"m": (2, 2), "s": (2,)}
)


def test_each_parameter_has_its_part_of_the_vector() -> None:
    params, log_det = CONSTRAIN(Z, {})
    share, log_det_of_share = Simplex().forward_and_log_det(Z[5:])
    assert float(params["a"]) == pytest.approx(1 + np.exp(0.3))
    np.testing.assert_array_equal(params["m"], Z[1:5].reshape(2, 2))
    np.testing.assert_array_equal(params["s"], share)
    assert float(log_det) == pytest.approx(0.3 + float(log_det_of_share))


def test_the_inverse_gives_the_vector_back() -> None:
    np.testing.assert_allclose(UNCONSTRAIN(CONSTRAIN(Z, {})[0], {}), Z, atol=1e-14)


def test_a_model_without_parameters_has_an_empty_vector() -> None:
    constrain, unconstrain = coordinates({})
    assert constrain(np.zeros(0), {}) == ({}, 0.0)
    assert unconstrain({}, {}).shape == (0,)


def test_unpacking_keeps_the_order_that_is_asked_for() -> None:
    assert unpack({"a": 1, "p.b": 2, "c": 3}, "c p.b") == [3, 2]
