"""The random numbers of trajectories: their distribution, and that each belongs to a transition alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from pdflang.inference.platform import double_precision
from pdflang.inference.trajectories import Chances, RandomLength


def chances(seed: int, first: int, count: int, dimension: int = 6) -> Chances:
    with double_precision():
        found = RandomLength(1.5).chances(jax.random.key(seed), first + jnp.arange(count), dimension)
        return Chances(*map(np.asarray, found))


def test_distributions() -> None:
    found = chances(0, 0, 20_000)
    assert stats.kstest(found.momentum.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(found.length, "uniform", (0.75, 0.5)).pvalue > 1e-3
    assert stats.kstest(found.decision, "uniform").pvalue > 1e-3
    columns = np.column_stack([found.momentum, found.length, found.decision])
    correlations = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(correlations).max() < 5 / np.sqrt(len(columns))
    later = np.corrcoef(columns[:-1].T, columns[1:].T)[:8, 8:]
    assert np.abs(later).max() < 5 / np.sqrt(len(columns))


def test_each_transition_has_numbers_of_its_own() -> None:
    whole, part, other = chances(3, 0, 300), chances(3, 100, 50), chances(4, 0, 300)
    for column, same, another in zip(whole, part, other, strict=True):
        np.testing.assert_array_equal(column[100:150], same)
        assert not np.any(column == another)
        assert len(np.unique(column)) == column.size
