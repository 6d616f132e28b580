"""Posteriors that are known: exact draws in place of a sampler's."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from pdflang.results import VariableSchema, posterior_tree

CHAINS, LENGTH = 4, 1000


@pytest.fixture
def known():
    """A posterior of independent draws (4, 1000) of one parameter, made of a SciPy distribution."""

    def draws(name: str, distribution, seed: int = 1) -> xarray.DataTree:
        values = distribution.rvs(size=(CHAINS, LENGTH), random_state=np.random.default_rng(seed))
        return posterior_tree({name: values}, {name: VariableSchema()}).to_xarray()

    return draws
