"""Units of data: those of the bulk, whatever the tails are."""

from __future__ import annotations

import jax
import numpy as np
import pytest

pytest.importorskip("flowjax")

from pdflang.learning.layout import Part
from pdflang.learning.pairs import Pairs, packed
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


def test_of_long_lists_some_events_stand_for_all() -> None:
    """Learned summaries see some, in whatever order they stand; moments and number are those of all."""
    part = Part("hits", True, (), ("y", "flavour"), (0, 2))
    rng = np.random.default_rng(1)
    numbers = [np.sort(rng.normal(3, 2, count)) for count in (5000, 7, 0)]
    lists = [np.column_stack([y, np.ones(len(y)), np.zeros(len(y))]) for y in numbers]
    found = packed([part], [{"hits": rows} for rows in lists], most=1000)
    assert found["hits"].shape == (3, 1024, 3)
    np.testing.assert_array_equal(found["hits count"], [5000, 7, 0])
    np.testing.assert_allclose(found["hits mean"], [lists[0].mean(axis=0), lists[1].mean(axis=0), np.zeros(3)])
    np.testing.assert_allclose(found["hits variance"][:2], [lists[0].var(axis=0), lists[1].var(axis=0)])
    kept = found["hits"][0, :1000, 0]
    assert len(set(kept)) == 1000 and set(kept) <= set(lists[0][:, 0])
    assert abs(kept.mean() - lists[0][:, 0].mean()) < 4 * 2 / np.sqrt(1000)
    np.testing.assert_array_equal(found["hits"][1, :7], lists[1])
    whole = packed([part], [{"hits": lists[0]}])
    np.testing.assert_array_equal(whole["hits"][0, :5000], lists[0])
