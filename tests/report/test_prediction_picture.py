"""Pictures of data on their predictive bands."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pdflang.report.prediction import picture
from pdflang.results.prediction import Comparison

RANDOM = np.random.default_rng(4)


def comparison(observed: np.ndarray, predicted: np.ndarray, names: list[str], edges: np.ndarray | None = None):
    return Comparison("y", observed, predicted, tuple(names), len(observed), "posterior", edges)


def few() -> Comparison:
    return comparison(np.array([1.0, -2.0, 30.0]), RANDOM.normal(size=(200, 3)), ["y[u]", "y[d]", "y[s]"])


def events(edges: np.ndarray) -> Comparison:
    expected = np.geomspace(3000, 0.5, len(edges) - 1)
    names = [f"y in bin {i}" for i in range(len(expected))]
    predicted = RANDOM.poisson(expected, (200, len(expected))) * 1.0
    return comparison(RANDOM.poisson(expected) * 1.0, predicted, names, edges)


def texts(content: bytes) -> list[str]:
    return re.findall(r"<!-- (.*?) -->", content.decode("utf-8"))


def test_entries_are_named_and_the_parts_are_there() -> None:
    found = texts(picture(few(), "svg"))
    assert {"u", "d", "s", "data", "mean", "68%", "95%", "pull", "y and its posterior predictive"} <= set(found)


def test_many_entries_are_numbered() -> None:
    many = comparison(RANDOM.normal(size=300), RANDOM.normal(size=(50, 300)), [f"y[{i}]" for i in range(300)])
    assert "entry" in texts(picture(many, "svg"))


@pytest.mark.parametrize("edges", [np.linspace(0, 1, 11), np.concatenate([[0], np.geomspace(1e-4, 1, 10)])])
def test_events_stand_over_their_variable(edges: np.ndarray) -> None:
    found = texts(picture(events(edges), "svg"))
    assert "events / width of bin" in found and "entry" not in found
    # A region that is finer at its lower end has a logarithmic axis.
    assert any("10^{-3}" in text for text in found) == (edges[1] < 0.01)


def test_something_that_is_never_predicted_is_drawn() -> None:
    never = comparison(np.array([1.0, 2.0]), np.zeros((20, 2)), ["y[0]", "y[1]"])
    assert np.all(np.isinf(never.pulls))
    assert picture(never, "png").startswith(b"\x89PNG")


def test_equal_predictions_give_equal_files() -> None:
    same = few()
    for kind in ("png", "svg"):
        assert picture(same, kind) == picture(same, kind)
