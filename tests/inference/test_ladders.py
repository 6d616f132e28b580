"""Ladders of temperatures against a path whose barrier and normalisations are known."""

from __future__ import annotations

import numpy as np
import pytest

from pdflang.inference.ladders import geometric, respaced, stepping_stones


def test_rungs_lie_where_rejections_are_equal() -> None:
    """With a barrier of √β up to β the rungs of equal rejection lie at (i/N)²."""
    betas = np.linspace(0, 1, 30)
    found = respaced(betas, np.diff(np.sqrt(betas)), 11)
    np.testing.assert_allclose(found[1:], (np.arange(1, 11) / 10) ** 2, atol=0.003)
    assert found[0] == 0


def test_where_nothing_is_rejected_rungs_are_in_order() -> None:
    found = respaced(geometric(1e-8, 8), np.zeros(7), 16)
    assert (found[0], found[-1]) == (0, 1) and np.all(np.diff(found) > 0)


def test_stepping_stones_give_the_evidence_of_a_normal() -> None:
    """A likelihood exp(−k x²/2) under N(0, 1): Z = (1 + k)^−½, and a rung is normal with precision 1 + β k."""
    k, generator = 50.0, np.random.default_rng(0)
    betas = geometric(0.01, 12)
    x = generator.normal(size=(20_000, 12)) / np.sqrt(1 + betas * k)
    assert stepping_stones(betas, -0.5 * k * x**2) == pytest.approx(-0.5 * np.log1p(k), abs=0.03)
