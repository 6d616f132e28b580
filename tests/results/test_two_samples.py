"""The test of two samples on normal distributions, which the best classifier tells apart as often as is known."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("sklearn")

from pdflang.results.two_samples import c2st


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_shifted_normals_are_told_apart_as_the_best_classifier_does(shift: float) -> None:
    """N(0, 1) and N(δ, 1) in one of three dimensions: Φ(δ/2)."""
    random = np.random.default_rng(1)
    one, other = random.normal(size=(2, 1500, 3))
    found = c2st(one, other + np.array([shift, 0, 0]))
    assert found.accuracy == pytest.approx(stats.norm.cdf(shift / 2), abs=max(0.02, 4 * found.error))


def test_units_do_not_matter_and_a_constant_is_no_trouble() -> None:
    random = np.random.default_rng(2)
    one, other = np.column_stack([random.normal(size=(2000, 1)), np.ones(2000)]).reshape(2, 1000, 2)
    assert c2st(one, other) == c2st(1e6 * one, 1e6 * other)
