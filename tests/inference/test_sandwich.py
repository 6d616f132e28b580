"""Errors of weighted fits against the scatter of many of them."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang

_TEXT = """
data ev = table("ev.csv")
param slope ~ Flat() in (-2, 6)
theory shape(x in (0, 1)) = exp(slope*x)
observe ev ~ Iid(shape, weights = ev.w)
"""
_EXTENDED = """
data ev = table("ev.csv")
param mu ~ Flat() in (0, inf)
theory rate(x in (0, 1)) = mu
observe ev ~ PoissonProcess(rate, weights = ev.w)
"""


def _events(generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Uniform events with weights 2x·(0.2 or 1.8): in the mean those of density 2x."""
    x = generator.uniform(size=count)
    return {"x": x, "w": 2 * x * generator.choice([0.2, 1.8], size=count)}


def test_the_yield_of_weighted_events_has_the_error_of_their_squares() -> None:
    """mu = Σ w and its variance Σ w², in closed form."""
    w = np.array([2.0, -0.5, 1.5, 3.0, 0.2])
    fit = pdflang.loads(_EXTENDED, data={"ev": {"x": np.linspace(0.1, 0.9, 5), "w": w}}).map()
    assert float(fit.params["mu"]) == pytest.approx(w.sum(), rel=1e-6)
    assert float(fit.standard_errors["mu"]) == pytest.approx(np.sqrt((w**2).sum()), rel=1e-6)


def test_the_weights_of_a_process_may_add_up_to_nothing() -> None:
    """log π = Σ w log mu − mu − (mu − 3)²/2 with Σ w = 0 is largest at 2. In log mu, its curvature there is 4, of which
    2 are of the weighted part, and a score is w; the error of mu is 2 times that of log mu."""
    w = np.array([2.0, -1.5, -0.5])
    text = _EXTENDED.replace("Flat()", "Normal(3, 1)")
    fit = pdflang.loads(text, data={"ev": {"x": np.array([0.1, 0.5, 0.9]), "w": w}}).map()
    assert float(fit.params["mu"]) == pytest.approx(2.0, rel=1e-6)
    assert float(fit.standard_errors["mu"]) == pytest.approx(2 * np.sqrt(4 - 2 + (w**2).sum()) / 4, rel=1e-6)


def test_errors_are_the_scatter_of_many_fits() -> None:
    generator = np.random.default_rng(5)
    model = pdflang.loads(_TEXT, data={"ev": _events(generator, 400)})
    fits = [model.rebind({"ev": _events(generator, 400)}).map(starts=1) for _ in range(60)]
    scatter = np.std([float(fit.params["slope"]) for fit in fits], ddof=1)
    errors = np.mean([float(fit.standard_errors["slope"]) for fit in fits])
    # The scatter of 60 fits is known to 9 %; the curvature alone is wrong by a factor of about 1.5.
    assert errors == pytest.approx(scatter, rel=0.28)


def test_unit_weights_give_the_errors_of_the_curvature() -> None:
    x = np.log1p(np.random.default_rng(1).uniform(size=4000) * np.expm1(2.0)) / 2
    weighted = pdflang.loads(_TEXT, data={"ev": {"x": x, "w": np.ones(4000)}}).map()
    plain = pdflang.loads(_TEXT.replace(", weights = ev.w", ""), data={"ev": {"x": x, "w": np.ones(4000)}}).map()
    assert float(weighted.standard_errors["slope"]) == pytest.approx(float(plain.standard_errors["slope"]), rel=0.05)
