"""Four methods on one linear Gaussian problem: curvature, replicas of data, posterior draws, nested sampling."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang

MODEL = """
    data x[15] = linspace(0, 1, 15)
    data y[15]
    param a ~ Normal(0, 20)
    param b ~ Normal(0, 20)
    let line[i in 15] = a + b*x[i]
    observe y ~ Normal(line, 0.3)
    output middle = a + 0.5*b
"""
X = np.linspace(0, 1, 15)
Y = 1 + 2 * X + 0.3 * np.random.default_rng(5).standard_normal(15)
DESIGN = np.column_stack([np.ones(15), X])
COVARIANCE = np.linalg.inv(DESIGN.T @ DESIGN / 0.3**2 + np.eye(2) / 20**2)
MEAN = COVARIANCE @ DESIGN.T @ Y / 0.3**2
OF_MIDDLE = np.array([1.0, 0.5])


def test_they_agree_to_five_percent() -> None:
    """Each within 5% of the closed form, in the widths of both parameters and of what follows from them."""
    model = pdflang.loads(MODEL, data={"y": Y})
    fit = model.map()
    replicas = model.bootstrap(fit, replicas=2000, seed=1)
    drawn, nested = (model.sample(method=method, seed=1)["posterior"].to_dataset() for method in ("nuts", "nested"))
    expected = {"a": COVARIANCE[0, 0], "b": COVARIANCE[1, 1], "middle": OF_MIDDLE @ COVARIANCE @ OF_MIDDLE}
    assert fit.covariance is not None
    curvature = {"a": fit.covariance[0, 0], "b": fit.covariance[1, 1]}
    curvature["middle"] = OF_MIDDLE @ fit.covariance @ OF_MIDDLE
    for name, variance in expected.items():
        sd = np.sqrt(variance)
        assert np.sqrt(curvature[name]) == pytest.approx(sd, rel=1e-6)
        assert np.std(replicas.arrays[name]) == pytest.approx(sd, rel=0.05)
        for posterior in (drawn, nested):
            assert float(posterior[name].std()) == pytest.approx(sd, rel=0.05)
    for posterior in (drawn, nested):
        assert [float(posterior[name].mean()) for name in "ab"] == pytest.approx(MEAN, abs=0.02)


def test_the_evidence_is_the_closed_form() -> None:
    model = pdflang.loads(MODEL, data={"y": Y})
    tree = model.sample(method="nested", seed=2)
    covariance = 0.3**2 * np.eye(15) + 20**2 * DESIGN @ DESIGN.T
    exact = -0.5 * (Y @ np.linalg.solve(covariance, Y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert float(tree.attrs["log_evidence"]) == pytest.approx(exact, abs=4 * float(tree.attrs["log_evidence_error"]))
