"""Units of data: those of the bulk, whatever the tails are."""

from __future__ import annotations

import jax
import numpy as np
import pytest

pytest.importorskip("flowjax")

from pdflang.learning.layout import Part
from pdflang.learning.pairs import Pairs
from pdflang.learning.scaling import scales_of, statistics

PART = Part("y", False, (3,))


def test_heavy_tails_and_rare_values_leave_numbers_of_order_one() -> None:
    """A Cauchy distribution has no moments; a column that is mostly 0 has no width of its central 68 %."""
    random = np.random.default_rng(1)
    values = np.column_stack(
        [2 + 3 * random.standard_cauchy(4000), 5 + random.normal(size=4000), random.random(4000) < 0.05]
    ).astype(float)
    values[0, 0] = 1e12
    scales = scales_of([PART], Pairs(np.zeros((4000, 1)), {"y": values}))
    # The central 68 % of a Cauchy distribution: ± tan(0.34 π) = ± 1.8 of its scale.
    assert scales["y center"] == pytest.approx([2, 5, 0.05], abs=0.2)
    assert scales["y spread"] == pytest.approx([3 * np.tan(0.34 * np.pi), 1, np.sqrt(0.05 * 0.95)], rel=0.1)
    with jax.enable_x64(True):
        found = np.array([statistics([PART], scales, {"y": row}) for row in values[:200]])
    assert np.isfinite(found).all() and np.abs(found).max() < 40
    # Larger stays larger.
    assert (np.argsort(found[:, 0]) == np.argsort(values[:200, 0])).all()
