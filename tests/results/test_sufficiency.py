"""When draws are enough, and the words for how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pdflang.inference import Draws, NutsOptions
from pdflang.results import VariableSchema, account, posterior_tree, suffices


def tree_of(values: dict[str, np.ndarray]) -> Any:
    return posterior_tree(values, {"b": VariableSchema(role="output")})


def independent(seed: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, count))


def slow(count: int) -> np.ndarray:
    """An autoregression whose effective sample size is (1 − 0.9)/(1 + 0.9) of its length."""
    found = independent(5, count)
    for i in range(1, count):
        found[:, i] = 0.9 * found[:, i - 1] + np.sqrt(1 - 0.9**2) * found[:, i]
    return found


def test_independent_draws_suffice() -> None:
    assert suffices(tree_of({"a": independent(1), "b": independent(2)}))


def test_an_output_counts_like_a_parameter() -> None:
    shifted = independent(3) + 0.5 * np.arange(4)[:, None]
    assert not suffices(tree_of({"a": independent(1), "b": shifted}))


def test_too_few_effective_draws_do_not_suffice() -> None:
    assert not suffices(tree_of({"a": independent(1), "b": slow(1000)}))
    assert suffices(tree_of({"a": independent(1, 10_000), "b": slow(10_000)}))


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_what_more_draws_cannot_better_is_no_reason_for_them(value: float) -> None:
    assert suffices(tree_of({"a": independent(1), "b": np.full((4, 1000), value)}))


@pytest.mark.parametrize(
    ("more", "told", "words"),
    [
        (0, {"sufficient": True}, "R-hat < 1.01 and ESS ≥ 400"),
        (1000, {"sufficient": True}, "1000 more until R-hat < 1.01 and ESS ≥ 400"),
        (3000, {"sufficient": False}, "3000 more, as many as --max-draws allows, but not R-hat < 1.01 and ESS ≥ 400"),
        (200, {"sufficient": False, "interrupted": True}, "interrupted"),
        (0, {}, "as many as were asked for"),
    ],
)
def test_the_account(more: int, told: dict[str, Any], words: str) -> None:
    draws = Draws(np.zeros((4, 1000 + more, 1)), {}, 0, NutsOptions(), "nuts", more=more, **told)
    assert account(draws) == words
