"""Small models whose calibration is known in closed form, and options that make fits quick."""

from __future__ import annotations

import pdflang

QUICK = {"warmup": 100, "thin": 3}

CONJUGATE = """
param mu ~ Normal({prior_mean}, {prior_sd})
data y[3] = [0, 0, 0]
observe y ~ Normal(mu, {sigma})
output twice = 2*mu
output datum = y[0]
output curve = x*mu for x in linspace(0, 1, 3)
"""

EVENTS = """
param a ~ Normal(1, 0.3) in (0, inf)
data x[N] = [0.5]
pdf f(x) = 40*(a + x)
observe x ~ PoissonProcess(f)
"""

OVERFLOWS = """
param mu ~ Normal(0, 400)
data y[1] = [1]
observe y ~ LogNormal(mu, 1)
"""


def conjugate(prior_mean: float = 0, prior_sd: float = 1, sigma: float = 1) -> pdflang.Model:
    """Three data of a mean with a normal prior."""
    return pdflang.loads(CONJUGATE.format(prior_mean=prior_mean, prior_sd=prior_sd, sigma=sigma))
