"""Models whose posteriors are known in closed form, and small networks for them."""

from __future__ import annotations

import numpy as np

import pdflang

TEXT = """
param theta[3] ~ Normal(0, 1)
data x[3]
data y[N]
observe x ~ Normal(theta, 0.5)
observe y ~ Normal(theta[0], 1)
"""
"""A vector, and repeated measurements of one of its means."""

X = [0.8, -0.6, 1.5]
Y = [1.4, 0.2, 0.9, 1.1]

SMALL = {"simulations": 2000, "epochs": 20, "width": 24}
LAYERS = {"npe": {"layers": 3}, "nle": {"layers": 3}, "nre": {}}


def means(observed_x=X, observed_y=Y):
    """The model with its data."""
    return pdflang.loads(TEXT, data={"x": observed_x, "y": observed_y})


def exact(observed_x=X, observed_y=Y):
    """Means and standard deviations of the posterior, (3,) each: conjugate normals."""
    precision = np.array([1 + 4 + len(observed_y), 1 + 4, 1 + 4])
    weighted = 4 * np.array(observed_x) + np.array([np.sum(observed_y), 0, 0])
    return weighted / precision, precision**-0.5
