"""Posterior means of compressed and of exact models agree within Monte Carlo error."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang

TEXT = """
param c ~ LogNormal(0, 0.5)
param a ~ Normal(0.5, 0.3) in (-1, inf)
param b ~ Normal(3, 0.5) in (-1, inf)
data ev[N]
theory rate(x in (0, 1)) = 1e5 * c * x^a * (1 - x)^b
observe ev ~ PoissonProcess(rate)
"""


@pytest.mark.slow
def test_means_and_widths_are_those_of_all_events() -> None:
    events = np.random.default_rng(5).beta(1.5, 4, 8000)
    draws = {}
    for exact in (False, True):
        model = pdflang.loads(TEXT, data={"ev": events}, exact=exact)
        tree = model.sample(chains=4, draws=1000, warmup=500, seed=7 + exact)
        draws[exact] = {name: tree["posterior"][name].to_numpy() for name in ("c", "a", "b")}
    for name in draws[True]:
        ours, theirs = draws[False][name], draws[True][name]
        width = theirs.std()
        # Means of chains are independent: their scatter is the Monte Carlo error, whatever the autocorrelation.
        error = np.hypot(*(chains.mean(axis=1).std(ddof=1) / 2 for chains in (ours, theirs)))
        assert abs(ours.mean() - theirs.mean()) < max(5 * error, 0.1 * width), name
        assert ours.std() == pytest.approx(width, rel=0.15), name
