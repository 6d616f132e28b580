"""The proxy problem: two parton densities, two cross sections, as counts in bins or as lists of events.

The data are drawn at `TRUTH`; `binned.pdfm`, `unbinned.pdfm` and `smeared.pdfm` are the models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
NAMES = ("c_u", "a_u", "b_u", "c_d", "a_d", "b_d")
TRUTH = (2.0, 0.5, 3.0, 1.0, 0.6, 4.0)
LOWER, UPPER, BINS = 0.01, 0.99, 50
# The priors: c ~ LogNormal, a and b ~ Normal above 0.
C, A, B = (float(np.log(1.5)), 0.7), (0.5, 0.5), (3.5, 1.5)


def cross_sections(x: Any) -> tuple[Any, Any]:
    """Those of proton and neutron at the truth."""
    c_u, a_u, b_u, c_d, a_d, b_d = TRUTH
    u, d = c_u * x**a_u * (1 - x) ** b_u, c_d * x**a_d * (1 - x) ** b_d
    return 4 * u + d, u + 4 * d


def gauss(edges: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre points and weights (bins, count)."""
    points, weights = np.polynomial.legendre.leggauss(count)
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    return middle + half * points, half * weights


def luminosity(events: float) -> float:
    """The exposure that gives so many events on average."""
    x, w = gauss(np.linspace(LOWER, UPPER, 201), 8)
    return events / float(sum((w * sigma).sum() for sigma in cross_sections(x)))


def binned(events: float, seed: int = 1) -> dict[str, Any]:
    """Counts n_p, n_n and the exposure."""
    rng, lumi = np.random.default_rng(seed), luminosity(events)
    x, w = gauss(np.linspace(LOWER, UPPER, BINS + 1), 8)
    counts = [rng.poisson(lumi * (w * sigma).sum(1)) for sigma in cross_sections(x)]
    return {"n_p": counts[0], "n_n": counts[1], "lumi": lumi}


def unbinned(events: float, seed: int = 2) -> dict[str, Any]:
    """Events events_p, events_n and the exposure."""
    rng, lumi = np.random.default_rng(seed), luminosity(events)
    grid = np.linspace(LOWER, UPPER, 20001)
    drawn = []
    for sigma in cross_sections(grid):
        cdf = np.concatenate([[0], np.cumsum((sigma[1:] + sigma[:-1]) / 2 * np.diff(grid))])
        count = rng.poisson(lumi * cdf[-1])
        drawn.append(np.interp(rng.uniform(size=count) * cdf[-1], cdf, grid))
    return {"events_p": drawn[0], "events_n": drawn[1], "lumi": lumi}


def smeared(events: float, seed: int = 3) -> dict[str, Any]:
    """Measurements y of counts in 100 bins that a response R smears and mixes, their covariance and the exposure."""
    rng, lumi = np.random.default_rng(seed), luminosity(events)
    edges = np.linspace(LOWER, UPPER, 101)
    (x, w), middle = gauss(edges, 8), (edges[1:] + edges[:-1]) / 2
    smear = np.exp(-0.5 * ((middle[:, None] - middle) / 0.03) ** 2)
    response = np.kron([[0.97, 0.03], [0.03, 0.97]], smear / smear.sum(0))
    mean = response @ (lumi * np.concatenate([(w * sigma).sum(1) for sigma in cross_sections(x)]))
    order = np.arange(200)
    shared = 0.02**2 * np.outer(mean, mean) * np.exp(-np.abs(order[:, None] - order) / 20)
    cov = np.diag(mean + 1) + shared
    return {"y": rng.multivariate_normal(mean, cov), "R": response, "cov": cov, "lumi": lumi}
