"""The bias and the efficiency of what was learned: against closed forms of normals, and against real shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from test_event_methods import TEXT, TRUTH, exact, model, moments, trained

import pdflang
from pdflang.inference import Target
from pdflang.learning.bias import bias_at
from pdflang.results.validation import Bias, Validation, to_text

NORMAL = """
param mu ~ Normal(0, 2)
data y[25]
observe y ~ Normal(mu, 1)
"""


@dataclass
class Crude:
    """A likelihood by hand in the place of a network: of the first `used` data, moved by `offset`, and too wide."""

    used: int
    offset: float
    width: float = 1.0

    def target(self, twin: pdflang.Model) -> Target:
        arrays = twin.bound.arrays["y"][: self.used], np.array([self.offset, self.width])
        return Target(1, crude, lambda key, arrays: jnp.zeros(1), arrays)


def crude(z: Any, arrays: Any) -> Any:
    data, (offset, width) = arrays
    return -jnp.sum((data - z[0] - offset) ** 2) / (2 * width**2) - z[0] ** 2 / 8


def normal() -> pdflang.Model:
    return pdflang.loads(NORMAL, data={"y": np.zeros(25)})


@pytest.mark.parametrize(
    ("used", "offset", "width"),
    [
        pytest.param(25, 0.0, 1.0, marks=pytest.mark.slow),
        pytest.param(25, 0.1, 1.0, marks=pytest.mark.slow),
        (10, 0.0, 1.0),
        (10, 0.2, 2.0),
    ],
)
def test_normals_have_a_closed_form(used: int, offset: float, width: float) -> None:
    found = bias_at(normal(), Crude(used, offset, width), {"mu": 0.7}, sets=200, seed=2)  # type: ignore[arg-type]
    # The learned score is Σ (y − μ − offset)/w²: mean −n·offset/w², covariance n/w⁴, curvature n/w².
    curvature = used / width**2
    precision = curvature + 0.25
    shift = -curvature * offset / np.sqrt(precision)
    assert found.names == ("mu",) and found.events == 0 and found.per_event is None
    # Where all data are used the exact score takes all scatter away.
    assert found.shift_error[0] < (1e-9 if used == 25 else 0.06)
    assert abs(found.shift[0] - shift) < 4 * found.shift_error[0] + 1e-9
    assert found.log_likelihood == pytest.approx(shift**2 / 2, abs=0.03)
    # Godambe's information is that of the data that were used, however wide.
    assert found.efficiency is not None and found.efficiency_error is not None
    assert abs(found.efficiency[0] - (used + 0.25) / 25.25) < 4 * found.efficiency_error[0] + 1e-9


class Counted:
    """The likelihood of the number of events alone."""

    def target(self, twin: pdflang.Model) -> Target:
        return Target(1, counted, lambda key, arrays: jnp.zeros(1), np.float64(len(twin.bound.arrays["hits.y"])))


def counted(z: Any, arrays: Any) -> Any:
    return arrays * z[0] - jnp.exp(z[0]) - (z[0] - 5) ** 2 / (2 * 0.4**2)


def test_without_a_density_there_is_only_the_shift() -> None:
    text = TEXT.replace("smear y ~ Normal(x, 0.1)", "draw u ~ Normal(0, 0.1)\n draw y ~ Normal(x + u, 0.05)")
    text = text.replace("param b ~ Normal(2, 0.7) in (0, inf)", "const b = 2.4")
    simulated = pdflang.loads(text, data={"hits": {"y": np.linspace(0.1, 0.6, 150)}})
    found = bias_at(simulated, Counted(), {"n": 180.0}, sets=60, seed=2)  # type: ignore[arg-type]
    assert found.efficiency is None and found.efficiency_error is None
    # All events are accepted: their number is Poisson's.
    assert found.shift_error[0] == pytest.approx(1 / np.sqrt(60), rel=0.3)
    assert abs(found.shift[0]) < 4 * found.shift_error[0]


@pytest.mark.parametrize("method", ["alice", "rolr"])
@pytest.mark.slow
def test_shifts_are_those_of_posteriors(method: str) -> None:
    """At the mean of the exact posterior, of the data of the model itself: on average over data, and of one set."""
    tree, beside = trained(method).sample(seed=2, draws=1000), exact()
    at = {name: moments(beside, name)[0] for name in TRUTH}
    found = trained(method).bias_at(at, seed=3)
    assert found.events == pytest.approx(at["n"], rel=0.1)
    assert found.per_event == pytest.approx(found.log_likelihood / found.events)
    for name, shift, error in zip(found.names, found.shift, found.shift_error, strict=True):
        (mean, _), (known, sd) = moments(tree, name), moments(beside, name)
        assert abs((mean - known) / sd - shift) < 0.2 + 3 * error
    assert found.efficiency is not None and np.all((found.efficiency > 0.8) & (found.efficiency < 1 + 1e-9))


def test_the_seed_gives_the_same() -> None:
    one, two = (trained("alice").bias_at(TRUTH, data_sets=30, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.shift, two.shift)
    assert model().learned is None


def test_what_is_biased_is_told() -> None:
    """Of two posteriors one is right, one is moved by half a standard deviation, and one has no maximum."""

    def bias(shift: float) -> Bias:
        return Bias(("mu",), np.array([shift]), np.array([0.02]), np.array([0.97]), np.array([0.01]), 0.1, 1000, 200)

    found = Validation(None, {}, {"right": bias(0.1), "moved": bias(0.5), "nowhere": bias(np.nan)})
    assert [(finding.severity, finding.names) for finding in found.findings] == [
        ("error", ("nowhere",)), ("warning", ("moved",)),
    ]  # fmt: skip
    assert "it moves `mu` by +0.50 standard deviations" in found.findings[1].sentence
    lines = to_text(found).splitlines()
    assert lines[1].split() == ["right", "efficiency", "moved", "efficiency", "nowhere", "efficiency"]
    assert lines[2].split()[:7] == ["mu", "+0.10", "±", "0.02", "0.97", "+0.50", "±"]
    assert lines[4].split() == ["of", "each", "of", "1000", "events", *["0.0001"] * 3]
