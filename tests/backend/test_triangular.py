"""A known table in a normal vector's mean is rotated: the density stays what SciPy has for it, whatever the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.backend.runtime.factorisation import triangular_blocks

MODEL = """
data y[{rows}]
data A[{rows}, {columns}]
data C[{rows}, {rows}]
param p[{columns}] ~ Normal(0, 1)
param s ~ Normal(0, 1)
observe y ~ MvNormal({mean}, cov = C)
"""

SHAPES = [(3, 1), (3, 3), (4, 9), (60, 7), (70, 60), (55, 300), (120, 120)]


def problem(rows: int, columns: int) -> dict[str, Any]:
    rng = np.random.default_rng(rows * columns)
    root = np.linalg.qr(rng.standard_normal((rows, rows)))[0]
    # Six orders of magnitude between the variances, as where systematics are correlated.
    covariance = root @ np.diag(np.geomspace(1e-3, 1e3, rows)) @ root.T
    return {
        "y": rng.standard_normal(rows),
        "A": rng.standard_normal((rows, columns)),
        "C": (covariance + covariance.T) / 2,
    }


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
@pytest.mark.parametrize(("mean", "scale"), [("A @ p", 0), ("exp(s) * (A @ p)", 1)])
def test_density_is_that_of_scipy(rows: int, columns: int, mean: str, scale: int) -> None:
    data = problem(rows, columns)
    model = pdflang.loads(MODEL.format(rows=rows, columns=columns, mean=mean), data=data)
    rng = np.random.default_rng(0)
    for _ in range(3):
        params = {"p": rng.standard_normal(columns), "s": rng.standard_normal()}
        mu = np.exp(scale * params["s"]) * data["A"] @ params["p"]
        expected = stats.multivariate_normal(mu, data["C"]).logpdf(data["y"])
        (found,) = model.log_likelihood(params).values()
        np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_rotation_keeps_every_distance(rows: int, columns: int) -> None:
    data = problem(rows, columns)
    blocks, rotated, rest = triangular_blocks(data["y"], data["A"])
    assert sum(len(block) for block in blocks) == min(rows, columns) == len(rotated)
    v = np.random.default_rng(1).standard_normal(columns)
    mu = np.concatenate([block @ v[columns - block.shape[1] :] for block in blocks])
    distance = np.sum((data["y"] - data["A"] @ v) ** 2)
    np.testing.assert_allclose(np.sum((rotated - mu) ** 2) + rest, distance, rtol=1e-12)
